"""A Scala and a Python run of one specification leave the same behind, on a lake with damage of every kind."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from pyspark.sql import SparkSession

from lake_etl.errors import JobError
from lake_etl.job import run
from tests.glue_scripts.scala.conftest import Submit
from tests.glue_scripts.small_lake import Lake

pytestmark = pytest.mark.spark
STEPS: list[dict[str, Any]] = [
    {"map": {"cast": {"time_hour": "timestamp"}}},
    {"drop_null_fields": {}},
    {"filter": "distance > 0"},
    {"join": {"with": "airlines", "on": ["carrier"], "how": "left", "take": {"name": "airline"}}},
    {"join": {"with": "weather", "on": "hour", "how": "left"}},
    {"map": {"add": {"far": "distance > 1000", "Place": "concat(carrier, '/ ', month)"}, "delete": ["hour"]}},
]
OWN = ("job", "run_id", "table", "started_at", "seconds", "bytes")


def flight(carrier: str, distance: Any, **more: Any) -> str:
    return json.dumps({"carrier": carrier, "distance": distance, "time_hour": "2013-01-01T10:00:00Z", "hour": 1} | more)


@pytest.fixture(scope="module")
def damaged(new_lake: Callable[[str], Lake]) -> Lake:
    lake = new_lake("damaged")
    good = [flight("UA", 1400), flight("AA", 0), flight("ZZ", 300, hour=2), flight("é", 5, tags=["a", "b"])]
    bad = ['{"carrier": ', flight("UA", "far"), flight("UA", 1, tags="a"), flight("UA", None, time_hour=1.5)]
    lake.put("raw", "damaged/flights/year=2013/month=1/a.json", "\n".join(good + bad))
    lake.put("raw", "damaged/flights/year=2013/month=2/b c%3A.json", "\n".join(good[:1]))
    lake.put("raw", "damaged/flights/year=2013/month=2/empty.json", "")
    columns = {"carrier": "string", "distance": "bigint", "time_hour": "string", "note": "varchar(5)", "hour": "int"}
    lake.table("flights", "json", columns | {"tags": "array<string>"}, {"year": "string", "month": "string"})

    lake.put("raw", "damaged/airlines/a.csv", "carrier;name\nUA;'United; \nAir'\nUA;Untied\nDL;Delta;Air\n")
    parameters = {"skip.header.line.count": "1", "separatorChar": ";", "quoteChar": "'"}
    lake.table("airlines", "csv", {"carrier": "string", "name": "string"}, parameters=parameters)

    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"hour": pa.array([1, 2, 2], pa.int64()), "temp": [1.5, None, 3.0]}), sink)
    whole = bytes(sink.getvalue())
    for name, body in {"a b%20": whole, "cut c%3A": whole[:-20], "none": b""}.items():
        lake.put("raw", f"damaged/weather/2013/{name}.parquet", body)
    lake.table("weather", "parquet", {"hour": "bigint", "temp": "double"}, {"partition_0": "string"})
    return lake


def arguments(lake: Lake, job: str, table: str, steps: list[dict[str, Any]] = STEPS, **sink: Any) -> list[str]:
    tables = {name: name for name in ("flights", "airlines", "weather")}
    sink = {"table": table, "partition_by": ["year", "Place"]} | sink
    given = lake.arguments(lake.spec(job=job, source="flights", tables=tables, steps=steps, sink=sink))
    return [f"jr_{job}" if value == f"jr_{lake.database}" else value for value in given]


def in_python(arguments: list[str]) -> dict[str, Any]:
    return run(arguments)


@pytest.fixture
def in_scala(submitted: Submit) -> Callable[[list[str]], dict[str, Any]]:
    def report(arguments: list[str]) -> dict[str, Any]:
        done = submitted("GlueApp", *arguments)
        assert done.returncode == 0, done.stderr
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("LAKE_REPORT ")]
        found: dict[str, Any] = json.loads(line.removeprefix("LAKE_REPORT "))
        return found

    return report


def in_catalog(lake: Lake, table: str) -> Any:
    """What the catalog says of a table, but for its own name and times."""
    glue, place = boto3.client("glue"), {"DatabaseName": f"{lake.database}_curated"}
    found = glue.get_table(**place, Name=table)["Table"]
    partitions = glue.get_partitions(**place, TableName=table)["Partitions"]
    told = {key: found[key] for key in ("TableType", "Parameters", "PartitionKeys", "StorageDescriptor")}
    values = sorted((part["Values"], part["StorageDescriptor"]) for part in partitions)
    return json.loads(json.dumps([told, values]).replace(f"/{table}/", "/"))


def in_files(spark: SparkSession, table: str) -> Any:
    frame = spark.read.parquet(f"s3://curated/{table}/")
    return frame.dtypes, sorted(frame.toJSON().collect())


def set_aside(spark: SparkSession, job: str) -> list[str]:
    frame = spark.read.json(f"s3://quarantine/{job}/run_date=*/jr_{job}/")
    return sorted(frame.drop("job", "run_id", "quarantined_at").toJSON().collect())


def test_the_table_the_quarantine_and_the_report_are_the_same(
    damaged: Lake, spark: SparkSession, in_scala: Callable[[list[str]], dict[str, Any]]
) -> None:
    python = in_python(arguments(damaged, "python", "by_python"))
    scala = in_scala(arguments(damaged, "scala", "by_scala"))

    assert list(scala) == list(python)
    assert {k: v for k, v in scala.items() if k not in OWN} == {k: v for k, v in python.items() if k not in OWN}
    assert (scala["rows_in"], scala["quarantined_rows"], scala["quarantined_files"]) == (9, 3, 3)
    assert set_aside(spark, "scala") == set_aside(spark, "python")
    assert in_files(spark, "by_scala") == in_files(spark, "by_python")
    assert in_catalog(damaged, "by_scala") == in_catalog(damaged, "by_python")
    kept = damaged.storage / "curated" / "_reports" / "scala" / "jr_scala.json"
    assert json.loads(kept.read_text()) == scala


def test_a_scala_run_takes_the_place_of_an_earlier_one(
    damaged: Lake, spark: SparkSession, in_scala: Callable[[list[str]], dict[str, Any]]
) -> None:
    in_python(arguments(damaged, "first", "twice"))
    before, files = in_catalog(damaged, "twice"), set((damaged.storage / "curated" / "twice").rglob("*.parquet"))
    steps = [*STEPS, {"map": {"add": {"again": "1"}}}]
    report = in_scala(arguments(damaged, "second", "twice", steps))
    after = in_catalog(damaged, "twice")

    assert not files & set((damaged.storage / "curated" / "twice").rglob("*.parquet"))
    assert in_files(spark, "twice")[0][-3] == ("again", "int")
    for (values, storage), (others, wider) in zip(before[1], after[1], strict=True):
        assert (values, [*storage["Columns"], {"Name": "again", "Type": "int"}]) == (others, wider["Columns"])
    assert report["partitions"] == len(after[1])


@pytest.mark.parametrize(
    ("steps", "sink"),
    [
        ([{"filter": "distnce > 0"}], {}),
        ([{"fliter": "distance > 0"}], {}),
        ([{"filter": "distance >"}], {}),
        ([{"join": {"with": "airports", "on": "x"}}], {}),
        ([{"map": {"add": {"each": "explode(array(1, 2))"}}}], {"table": "odd", "partition_by": []}),
        ([], {"format": "xml"}),
        ([], {"table": "by_python", "partition_by": ["month"]}),
    ],
)
def test_an_error_has_the_same_words(
    damaged: Lake, spark: SparkSession, submitted: Submit, steps: list[dict[str, Any]], sink: dict[str, Any]
) -> None:
    given = arguments(damaged, "wrong", "wrong", steps, **sink)
    with pytest.raises(JobError) as error:
        in_python(given)
    done = submitted("GlueApp", *given)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f'Exception in thread "main" JobError: {str(error.value)[:60]}')
