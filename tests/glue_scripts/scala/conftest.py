"""Compiles the Scala script once, with the programs that run golden cases and jobs, and runs these."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lake.shipped import scala_script
from local_aws.jobs.joined import Joined
from local_aws.jobs.scala import SPARK, compiled, submit
from tests.glue_scripts.small_lake import spark_settings

Submit = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the script as deployed."""
    file = tmp_path_factory.mktemp("script") / "RunJob.scala"
    file.write_text(scala_script())
    return file


@pytest.fixture(scope="session")
def jar(script: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    programs = sorted(Path(__file__).parent.glob("*.scala"))
    try:
        return compiled(tmp_path_factory.getbasetemp().parent / "jar", script, *programs)
    except SystemExit as error:
        pytest.fail(Joined(script).located(str(error)))


@pytest.fixture(scope="session")
def submitted(jar: Path, script: Path, spark: SparkSession) -> Submit:
    """Run an object of the jar in the JVM of the tests' Spark, as if in its own process."""
    java: Any = spark.sparkContext._jvm
    java.Thread.currentThread().getContextClassLoader().addURL(java.java.io.File(str(jar)).toURI().toURL())

    def run(class_: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        given = spark.sparkContext._gateway.new_array(java.String, len(arguments))
        for place, argument in enumerate(arguments):
            given[place] = argument
        code, stdout, stderr = java.Programs.run(class_, given)
        return subprocess.CompletedProcess(class_, int(code), stdout, Joined(script).located(stderr))

    return run


@pytest.fixture(scope="session")
def submitted_alone(jar: Path, script: Path, storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Submit:
    """Run an object of the jar in its own process, whose Spark finds s3:// where the tests' Spark does."""
    folder = tmp_path_factory.mktemp("conf")
    settings = spark_settings(storage)
    (folder / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    shutil.copy(Path(__file__).parents[1] / "log4j2.properties", folder)

    def run(class_: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, "SPARK_HOME": str(SPARK), "SPARK_CONF_DIR": str(folder)}
        done = subprocess.run(
            submit(jar, class_, list(arguments)), cwd=folder, env=env, capture_output=True, text=True, timeout=600
        )
        done.stderr = Joined(script).located(done.stderr)
        return done

    return run
