"""Jobs as another user of the machine: they work, and cannot read the owner's files."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.job_user import can_run_python
from tests.embedded import client
from tests.local_aws.conftest import free_port, started, stopped
from tests.local_aws.jobs.conftest import Lab, ended

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may start jobs as another user")
SCRIPT = """
import getpass, os, boto3, pathlib
from pyspark.sql import SparkSession
print(getpass.getuser() if os.environ.get("USER") else os.getuid())
try:
    print(pathlib.Path("{secret}").read_text())
except PermissionError:
    print("refused")
pathlib.Path("beside").write_text("a job may write where it is")
spark = SparkSession.builder.getOrCreate()
spark.read.json("s3a://lab/in/").write.mode("overwrite").json("s3a://lab/out/")
os.symlink("{secret}", pathlib.Path("buckets/lab/stolen"))
"""


def _nobody_runs_python() -> bool:
    nobody = pwd.getpwnam("nobody")
    return can_run_python(nobody.pw_uid, nobody.pw_gid)


@AS_ROOT
@pytest.mark.skipif(os.geteuid() == 0 and not _nobody_runs_python(), reason="this Python is closed to the user nobody")
def test_a_job_as_nobody_uses_s3_but_cannot_read_the_owners_files(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "aws"
    process = started(port, folder, "--jobs-as", "nobody")
    lab = Lab(lambda service: client(service, f"http://127.0.0.1:{port}"), "lab")
    lab.aws("s3").create_bucket(Bucket="lab")
    lab.put("in/a.json", '{"a": 1}\n')
    job = lab.job(SCRIPT.format(secret=folder / "credentials"), "glueetl")
    run = ended(lab.glue, job, lab.start(job))
    printed = lab.lines(run, "output")
    again = ended(lab.glue, job, lab.start(job))
    keys, stolen = lab.keys("out/part"), lab.keys("stolen")
    stopped(process)
    assert (run["JobRunState"], again["JobRunState"]) == ("SUCCEEDED", "SUCCEEDED"), run.get("ErrorMessage")
    assert printed[0] != "0"
    assert printed[1] == "refused"
    assert keys
    assert stolen == []


@AS_ROOT
def test_a_missing_user_stops_the_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local_aws", "--port", str(free_port()), "--folder", str(tmp_path / "aws")]
    done = subprocess.run([*command, "--jobs-as", "no-one-at-all"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "--jobs-as no-one-at-all: this machine has no such user"
