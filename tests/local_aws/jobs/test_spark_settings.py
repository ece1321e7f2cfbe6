"""How Java runs for a job whose `--conf` has options of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

import pytest

from local_aws.credentials import Keys
from local_aws.jobs.process import environment
from local_aws.jobs.spark import write_configuration

SCRIPT = "from pyspark.sql import SparkSession; SparkSession.builder.getOrCreate().range(3).count()"
pytestmark = pytest.mark.spark


class Run(NamedTuple):
    errors: str
    loaded: list[str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    work = tmp_path_factory.mktemp("run")
    for folder in ("tmp", "home"):
        (work / folder).mkdir()
    write_configuration(work / "conf", work, {}, "spark.driver.extraJavaOptions=-Dx=y")
    env = environment("http://127.0.0.1:9", Keys("none", "none"), "us-east-1", work, [])
    env["SPARK_SUBMIT_OPTS"] = f"{env.get('SPARK_SUBMIT_OPTS', '')} -Xlog:class+load:file={work / 'loaded'}"
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, cwd=work, check=True, capture_output=True, text=True)
    return Run(done.stderr, (work / "loaded").read_text().splitlines())


def test_its_log_has_warnings_alone(run: Run) -> None:
    assert "INFO" not in run.errors
    assert "log4j" not in run.errors


@pytest.mark.skipif("SharedArchiveFile" not in os.environ.get("SPARK_SUBMIT_OPTS", ""), reason="not in `make shell`")
def test_sparks_classes_come_from_the_archive_of_the_set_up(run: Run) -> None:
    """Java says nothing where it does without."""
    of_spark = [line for line in run.loaded if " org.apache.spark." in line]
    shared = sum("source: shared objects file" in line for line in of_spark)
    assert shared > 10 * sum("source: file:" in line for line in of_spark)
