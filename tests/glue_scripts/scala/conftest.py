"""The Scala script compiled once, with the programs that run golden cases and jobs."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lake.shipped import GLUE_SCRIPTS, scala_script
from local_aws.jobs.drivers import jars
from local_aws.jobs.joined import Joined
from local_aws.jobs.scala import SPARK, compiled, submit
from tests.glue_scripts.small_lake import spark_settings

LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
"""
Submit = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script as it is deployed."""
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
def submitted(jar: Path, script: Path, storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Submit:
    """Run an object of the jar, in a process whose Spark finds s3:// where that of the tests does."""
    folder = tmp_path_factory.mktemp("conf")
    settings = spark_settings(storage) | {"spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "2"}
    settings["spark.lake.library"] = str(GLUE_SCRIPTS)
    settings["spark.driver.extraClassPath"] = os.pathsep.join(map(str, jars()))
    (folder / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    (folder / "log4j2.properties").write_text(LOGGING)

    def run(class_: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, "SPARK_HOME": str(SPARK), "SPARK_CONF_DIR": str(folder)}
        done = subprocess.run(
            submit(jar, class_, list(arguments)), cwd=folder, env=env, capture_output=True, text=True, timeout=600
        )
        done.stderr = Joined(script).located(done.stderr)
        return done

    return run
