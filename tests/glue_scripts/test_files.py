"""Runs into existing tables, and columns named like a job's own words."""

import json

import pytest
from pyspark.sql import SparkSession

from lake_etl.errors import JobError
from lake_etl.job import run
from tests.glue_scripts.small_lake import Lake
from tests.glue_scripts.test_job import STEPS, arguments, fill


@pytest.fixture
def flights(lake: Lake, spark: SparkSession) -> Lake:
    return fill(lake)


@pytest.mark.parametrize("format_", ["parquet", "csv"])
def test_partitions_that_stay_may_not_have_columns_of_other_types(
    flights: Lake, spark: SparkSession, format_: str
) -> None:
    given = {"partition_by": ["year", "month"], "format": format_, "compression": None}
    kept = [{"sql": "SELECT carrier, distance, year, month FROM input"}]
    run(arguments(flights, kept, **given))
    before = flights.locations()
    retyped = [*kept, {"map": {"cast": {"distance": "int"}}}]
    moved = [{"sql": "SELECT distance, carrier, year, month FROM input"}]
    flights.remove("raw", f"{flights.database}/flights/year=2013/month=1/a.json")
    for steps, names in [(retyped, "distance"), *([(moved, "carrier, distance")] if format_ == "csv" else [])]:
        with pytest.raises(JobError, match=f"has other columns than this run's rows: {names} differ. Partitions that"):
            run(arguments(flights, steps, **given))
    assert flights.locations() == before
    run(arguments(flights, [*kept, {"map": {"add": {"more": "1"}}}], **given))
    assert set(flights.locations()) == set(before)


def test_columns_may_change_if_every_partition_is_rewritten(flights: Lake, spark: SparkSession) -> None:
    run(arguments(flights, partition_by=["year"]))
    run(arguments(flights, [*STEPS, {"map": {"cast": {"distance": "string"}}}], partition_by=["year"]))
    assert dict(flights.written(spark).dtypes)["distance"] == "string"


ODD = ("read", "document", "record", "line", "source_file", "batch", "raw", "reason", "job", "run_id", "dataset")


@pytest.mark.parametrize("format_", ["json", "csv"])
def test_columns_named_like_a_jobs_own_words_are_kept(lake: Lake, spark: SparkSession, format_: str) -> None:
    row = {name: f"the {name}" for name in ODD}
    rows = [row | {"n": "1"}, row | {"n": "x"}, row | {"n": "-1"}]
    lake.put("raw", f"{lake.database}/odd/a.json", "\n".join(map(json.dumps, rows)))
    lake.table("odd", "json", {**dict.fromkeys(ODD, "string"), "n": "string"})
    quarantine = {"map": {"cast": {"n": "int"}, "on_error": "quarantine"}}
    positive = {"rule": "n", "kind": "between", "columns": ["n"], "fails": "n < 0", "otherwise": "quarantine"}
    spec = {"job": lake.database, "source": "odd", "tables": {"odd": "odd"}, "steps": [quarantine]}
    sink = {"table": lake.database, "format": format_, "compression": "none", "partition_by": ["line"]}
    report = run(lake.arguments(lake.spec(**spec, expect=[positive], sink=sink)))
    assert (report["rows_out"], report["quarantined_rows"]) == (1, 2)
    [file] = (lake.storage / "curated" / lake.database).rglob("part-*")
    values = [f"the {name}" for name in ODD if name != "line"]
    assert file.parent.name == "line=the line"
    written = file.read_text().strip()
    assert (written.split(",") if format_ == "csv" else list(json.loads(written).values())) in (
        [*values, "1"],
        [*values, 1],
    )
    kept = spark.read.json(f"s3://quarantine/{lake.database}/run_date=*/*/").collect()
    assert sorted((json.loads(each.raw) for each in kept), key=str) == sorted(
        [row | {"n": "x"}, row | {"n": -1}], key=str
    )
