"""The entry script as Glue runs it: alone, with the package in a zip of --extra-py-files."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stacks.package import zipped
from tests.glue_scripts.shop import Shop
from tests.glue_scripts.small_lake import Lake, spark_settings
from tests.postgres import Database

SCRIPTS = Path(__file__).parents[2] / "glue_scripts"


@pytest.fixture
def planes(lake: Lake) -> Lake:
    lake.put("raw", f"{lake.database}/planes/p.csv", "N1,5\nN2,6\n")
    lake.table("planes", "csv", {"tailnum": "string", "seats": "int"})
    return lake


def run_job(lake: Lake, folder: Path, steps: list[dict[str, Any]], **fields: Any) -> "subprocess.CompletedProcess[str]":
    (folder / "lake_etl.zip").write_bytes(zipped(SCRIPTS / "lake_etl", inside="lake_etl").read_bytes())
    settings = spark_settings(lake.storage) | {"spark.ui.showConsoleProgress": "false"}
    del settings["spark.driver.extraClassPath"]  # plain Spark, without a database driver
    (folder / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    (folder / "run_job.py").write_text((SCRIPTS / "run_job.py").read_text())
    tables, sink = {"planes": "planes"}, {"table": lake.database}
    spec = lake.spec(**({"job": "j", "source": "planes", "tables": tables, "steps": steps, "sink": sink} | fields))
    environment = {**os.environ, "PYTHONPATH": str(folder / "lake_etl.zip"), "SPARK_CONF_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "run_job.py", *lake.arguments(spec)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_run_prints_its_report_on_one_line(planes: Lake, tmp_path: Path) -> None:
    done = run_job(planes, tmp_path, [{"filter": "seats > 5"}])
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("LAKE_REPORT ")]
    report = json.loads(line.removeprefix("LAKE_REPORT "))
    assert (report["rows_in"], report["filtered"], report["rows_out"]) == (2, 1, 1)


def test_a_failed_run_ends_with_its_reason_and_exit_code_1(planes: Lake, tmp_path: Path) -> None:
    done = run_job(planes, tmp_path, [{"filter": "seat > 5"}])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "step 1 (filter): column 'seat' is not in the data. Columns there: tailnum, seats. Did you mean 'seats'?"
    )


def test_a_job_for_a_database_says_how_to_get_a_missing_driver(
    planes: Lake, database: Database, tmp_path: Path
) -> None:
    sink = {"connection": Shop.new(database).connection, "table": "public.planes"}
    done = run_job(planes, tmp_path, [], sink=sink)
    assert done.returncode == 1
    assert "this Spark has no PostgreSQL driver" in done.stderr.splitlines()[-1]
    assert "LAKE_JDBC_JARS" in done.stderr.splitlines()[-1]
