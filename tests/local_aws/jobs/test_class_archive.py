"""Java takes Spark's classes from the archive that `make setup` makes: it says nothing where it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.credentials import Keys
from local_aws.jobs.process import environment
from local_aws.jobs.spark import write_configuration

SCRIPT = "from pyspark.sql import SparkSession; SparkSession.builder.getOrCreate().range(3).count()"
pytestmark = pytest.mark.spark


@pytest.mark.skipif("SharedArchiveFile" not in os.environ.get("SPARK_SUBMIT_OPTS", ""), reason="not in `make shell`")
def test_a_run_takes_sparks_classes_from_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = tmp_path / "loaded"
    logged = f"{os.environ['SPARK_SUBMIT_OPTS']} -Xlog:class+load:file={loaded}"
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", logged)
    for folder in ("tmp", "home"):
        (tmp_path / folder).mkdir()
    write_configuration(tmp_path / "conf", tmp_path, {}, "")
    env = environment("http://127.0.0.1:9", Keys("none", "none"), "us-east-1", tmp_path, [])

    subprocess.run([sys.executable, "-c", SCRIPT], env=env, cwd=tmp_path, check=True, capture_output=True)

    of_spark = [line for line in loaded.read_text().splitlines() if " org.apache.spark." in line]
    shared = sum("source: shared objects file" in line for line in of_spark)
    from_jars = sum("source: file:" in line for line in of_spark)
    assert shared > 10 * from_jars
