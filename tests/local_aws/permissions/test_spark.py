"""Spark reads copies of objects, and meets the same refusals as on AWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local_aws.conftest import until
from tests.local_aws.permissions.conftest import ACCOUNT, allow, document
from tests.local_aws.permissions.test_enforcement import ended

pytestmark = pytest.mark.spark
LOGS = allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
SCRIPT = b"""
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
bucket = sys.argv[sys.argv.index("--bucket") + 1]
print(spark.read.text(f"s3://{bucket}/in/").count())
spark.range(1).write.csv(f"s3://{bucket}/out/")
"""


@pytest.fixture
def job(aws: Callable[[str], Any], name: str) -> Callable[..., dict[str, Any]]:
    """Run a Spark job that reads `in/` and writes `out/`, in a role with these statements; gives the run."""
    aws("s3").create_bucket(Bucket=name)
    aws("s3").put_object(Bucket=name, Key="script.py", Body=SCRIPT)
    aws("s3").put_object(Bucket=name, Key="in/a.txt", Body=b"one\ntwo\n" * 1000)
    trust = allow("sts:AssumeRole") | {"Principal": {"Service": "glue.amazonaws.com"}}
    del trust["Resource"]

    def run(*statements: dict[str, Any], stop_after: str = "") -> dict[str, Any]:
        iam, glue = aws("iam"), aws("glue")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        script = allow("s3:GetObject", f"arn:aws:s3:::{name}/script.py")
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(LOGS, script, *statements))
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{name}/script.py"}
        glue.create_job(Name=name, Role=role, Command=command, DefaultArguments={"--bucket": name})
        run_id = glue.start_job_run(JobName=name)["JobRunId"]
        if stop_after:
            until(lambda: stop_after in _printed(aws, run_id))
            glue.batch_stop_job_run(JobName=name, JobRunIds=[run_id])
        return ended(glue, name, run_id)

    return run


def test_an_object_that_a_role_may_not_read_fails_the_run_that_reads_it(
    job: Callable[..., dict[str, Any]], name: str
) -> None:
    run = job(allow(["s3:ListBucket", "s3:PutObject"]))
    assert (run["JobRunState"], run["ErrorMessage"]) == (
        "FAILED",
        f"AccessDenied: User: arn:aws:sts::{ACCOUNT}:assumed-role/{name}/GlueJobRunnerSession is not authorized to "
        f'perform: s3:GetObject on resource: "arn:aws:s3:::{name}/in/a.txt" because no identity-based policy allows '
        "the s3:GetObject action",
    )


def test_a_bucket_that_a_role_may_not_list_fails_the_run_that_reads_it(job: Callable[..., dict[str, Any]]) -> None:
    run = job(allow(["s3:GetObject", "s3:PutObject"]))
    assert run["JobRunState"] == "FAILED"
    assert "is not authorized to perform: s3:ListBucket" in run["ErrorMessage"]


def test_an_archived_object_fails_the_run_that_reads_it_and_no_other(
    job: Callable[..., dict[str, Any]], aws: Callable[[str], Any], name: str
) -> None:
    aws("s3").create_bucket(Bucket=f"{name}-archive")
    aws("s3").put_object(Bucket=f"{name}-archive", Key="old", Body=b"x", StorageClass="DEEP_ARCHIVE")
    run = job(allow(["s3:ListBucket", "s3:GetObject", "s3:PutObject"]))
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")

    aws("s3").put_object(Bucket=name, Key="in/a.txt", Body=b"one\n", StorageClass="GLACIER")
    glue = aws("glue")
    run = ended(glue, name, glue.start_job_run(JobName=name)["JobRunId"])
    assert (run["JobRunState"], run["ErrorMessage"]) == (
        "FAILED",
        "InvalidObjectState: The operation is not valid for the object's storage class: "
        f"s3://{name}/in/a.txt has to be restored first",
    )


def test_what_a_role_may_not_write_fails_the_run_that_wrote_it(job: Callable[..., dict[str, Any]]) -> None:
    run = job(allow(["s3:ListBucket", "s3:GetObject"]))
    assert run["JobRunState"] == "FAILED"
    assert "is not authorized to perform: s3:PutObject" in run["ErrorMessage"]


def test_a_stopped_run_is_stopped_though_its_role_may_not_write(
    job: Callable[..., dict[str, Any]], aws: Callable[[str], Any], name: str
) -> None:
    endless = SCRIPT + b"import time\nprint('written', flush=True)\ntime.sleep(600)\n"
    aws("s3").put_object(Bucket=name, Key="script.py", Body=endless)
    run = job(allow(["s3:ListBucket", "s3:GetObject"]), stop_after="written")
    assert run["JobRunState"] == "STOPPED"


def _printed(aws: Callable[[str], Any], run_id: str) -> list[str]:
    logs = aws("logs")
    try:
        events = logs.get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run_id)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in events]
