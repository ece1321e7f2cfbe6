"""A Scala and a Python run of one specification leave the same results, in a lake with every kind of damage."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from pyspark.sql import SparkSession

from lake.shipped import GLUE_SCRIPTS
from lake_etl.errors import JobError, reason
from lake_etl.job import run
from tests.glue_scripts.scala.conftest import Submit
from tests.glue_scripts.small_lake import Lake
from tests.glue_scripts.test_files import ODD
from tests.reading.binary_cases import parquet

pytestmark = pytest.mark.spark
STEPS: list[dict[str, Any]] = [
    {"map": {"cast": {"time_hour": "timestamp"}, "on_error": "quarantine"}},
    {"map": {"cast": {"note": "int"}}},
    {"drop_null_fields": {"also": [""]}},
    {"filter": "distance > 0"},
    {"join": {"with": "airlines", "on": ["carrier"], "how": "left", "take": {"name": "airline"}}},
    {"join": {"with": "weather", "on": "hour", "how": "left"}},
    {"dedupe": {"by": ["carrier", "distance", "month"], "newest": "temp"}},
    {"map": {"add": {"far": "distance > 1000", "Place": "concat(carrier, '/ ', month)"}, "delete": ["hour"]}},
    {"sql": "SELECT * FROM input WHERE distance <> 300"},
]
GOLDEN = Path(__file__).parents[2] / "golden"
OWN = ("job", "run_id", "table", "started_at", "seconds", "bytes")


def flight(carrier: str, distance: Any, **more: Any) -> str:
    return json.dumps({"carrier": carrier, "distance": distance, "time_hour": "2013-01-01T10:00:00Z", "hour": 1} | more)


@pytest.fixture(scope="module")
def damaged(new_lake: Callable[[str], Lake]) -> Lake:
    lake = new_lake("damaged")
    good = [flight("UA", 1400), flight("AA", 0), flight("ZZ", 300, hour=2), flight("é", 5, tags=["a", "b"], note="n/a")]
    bad = ['{"carrier": ', flight("UA", "far"), flight("UA", 1, tags="a"), flight("UA", None, time_hour=1.5)]
    lake.put("raw", "damaged/flights/year=2013/month=1/a.json", "\n".join(good + bad))
    lake.put("raw", "damaged/flights/year=2013/month=2/b c%3A.json", "\n".join(good[:1]))
    lake.put("raw", "damaged/flights/year=2013/month=2/empty.json", "")
    lake.put("raw", "damaged/flights/year=2013/month=3/run on.json", good[0] + "\n" + "".join(good[:2]))
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


def arguments(
    lake: Lake, job: str, sink: dict[str, Any], steps: list[dict[str, Any]] = STEPS, **more: Any
) -> list[str]:
    tables = {name: name for name in ("flights", "airlines", "weather")}
    fields = {"job": job, "source": "flights", "tables": tables, "steps": steps, "sink": sink, **more}
    spec = json.dumps(fields)
    lake.put("scripts", f"{job}.json", spec)
    given = lake.arguments(f"s3://scripts/{job}.json")
    return [f"jr_{job}" if value.startswith("jr_") else value for value in given]


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
    """Return a table's catalog entry without its name, its run and times."""
    glue, database = boto3.client("glue"), f"{lake.database}_curated"
    found: Any = glue.get_table(DatabaseName=database, Name=table)["Table"]
    partitions = glue.get_partitions(DatabaseName=database, TableName=table)["Partitions"]
    told = {key: found[key] for key in ("TableType", "Parameters", "PartitionKeys", "StorageDescriptor")}
    values = sorted((part["Values"], part["StorageDescriptor"]) for part in partitions)
    told["Parameters"].pop("checkpoint", None)
    return json.loads(re.sub(rf"/{table}/(run-\w*/)?", "/", json.dumps([told, values])))


def in_files(spark: SparkSession, table: str, format: str = "parquet") -> Any:
    frame = spark.read.load(f"s3://curated/{table}/run-*/", format=format)
    return frame.dtypes, sorted(frame.toJSON().collect())


def set_aside(spark: SparkSession, job: str) -> list[str]:
    frame = spark.read.json(f"s3://quarantine/{job}/run_date=*/jr_{job}/")
    return sorted(frame.drop("job", "run_id", "quarantined_at").toJSON().collect())


@pytest.mark.parametrize(
    "sink",
    [
        {"partition_by": ["year", "Place"]},
        {"format": "json", "compression": "none", "partition_by": ["month"], "target_file_mb": 1},
    ],
    ids=["parquet", "json"],
)
def test_the_table_the_quarantine_and_the_report_are_the_same(
    damaged: Lake, spark: SparkSession, in_scala: Callable[[list[str]], dict[str, Any]], sink: dict[str, Any]
) -> None:
    format = sink.get("format", "parquet")
    python = run(arguments(damaged, f"{format}_python", {"table": f"{format}_by_python"} | sink))
    scala = in_scala(arguments(damaged, f"{format}_scala", {"table": f"{format}_by_scala"} | sink))

    assert list(scala) == list(python)
    assert {k: v for k, v in scala.items() if k not in OWN} == {k: v for k, v in python.items() if k not in OWN}
    assert (scala["rows_in"], scala["quarantined_rows"], scala["quarantined_files"]) == (11, 4, 3)
    assert set_aside(spark, f"{format}_scala") == set_aside(spark, f"{format}_python")
    assert in_files(spark, f"{format}_by_scala", format) == in_files(spark, f"{format}_by_python", format)
    assert in_catalog(damaged, f"{format}_by_scala") == in_catalog(damaged, f"{format}_by_python")
    kept = damaged.storage / "curated" / "job_reports" / f"job={format}_scala" / f"jr_{format}_scala.json"
    (line,) = kept.read_text().splitlines()
    assert {"job": f"{format}_scala", **json.loads(line)} == scala


def test_a_scala_run_replaces_an_earlier_one(
    damaged: Lake, spark: SparkSession, in_scala: Callable[[list[str]], dict[str, Any]]
) -> None:
    sink = {"table": "twice", "partition_by": ["year", "Place"]}
    run(arguments(damaged, "first", sink))
    damaged.put("curated", "twice/run-jr_dead/_temporary/0/part-0", "half")
    before, first = in_catalog(damaged, "twice"), damaged.locations("twice")
    steps = [*STEPS, {"map": {"add": {"again": "1"}}}]
    report = in_scala(arguments(damaged, "second", sink | {"target_file_mb": 1}, steps))
    after, folders = in_catalog(damaged, "twice"), (damaged.storage / "curated" / "twice").iterdir()

    assert sorted(folder.name for folder in folders) == ["run-jr_first", "run-jr_second"]
    assert damaged.locations("twice") == {
        values: location.replace("jr_first", "jr_second") for values, location in first.items()
    }
    assert damaged.written(spark, "twice").dtypes[-3] == ("again", "int")
    for (values, storage), (others, wider) in zip(before[1], after[1], strict=True):
        assert (values, [*storage["Columns"], {"Name": "again", "Type": "int"}]) == (others, wider["Columns"])
    assert report["partitions"] == len(after[1])


def test_an_incremental_run_continues_after_one_in_the_other_language(
    damaged: Lake, spark: SparkSession, in_scala: Callable[[list[str]], dict[str, Any]]
) -> None:
    steps: list[dict[str, Any]] = [*STEPS[:2], *STEPS[3:6], STEPS[7]]

    def batch(job: str, number: int) -> list[str]:
        sink = {"table": f"batches_of_{job}", "partition_by": ["Place"]}
        given = arguments(damaged, job, sink, steps, incremental=True)
        return [f"{value}_{number}" if value == f"jr_{job}" else value for value in given]

    reports = [(run(batch("one", 1)), in_scala(batch("other", 1)))]
    damaged.put("raw", "damaged/flights/year=2013/month=3/late [1].json", flight("DL", 7) + '\n{"carrier": ')
    reports.append((run(batch("other", 2)), in_scala(batch("one", 2))))
    reports.append((run(batch("one", 3)), in_scala(batch("other", 3))))

    for python, scala in reports:
        own = (*OWN, "job")
        assert list(scala) == list(python)
        assert {k: v for k, v in scala.items() if k not in own} == {k: v for k, v in python.items() if k not in own}
    assert [python["rows_in"] for python, _ in reports] == [11, 2, 0]
    assert in_catalog(damaged, "batches_of_one") == in_catalog(damaged, "batches_of_other")
    rows = [sorted(damaged.written(spark, f"batches_of_{job}").toJSON().collect()) for job in ("one", "other")]
    assert rows[0] == rows[1]


EXPECT = [
    {
        "rule": "known",
        "kind": "refers",
        "columns": ["carrier"],
        "dataset": "airlines",
        "keys": ["carrier"],
        "fails": "_lake_there IS NULL",
    },
    {
        "rule": "far",
        "kind": "between",
        "columns": ["distance"],
        "fails": "NOT coalesce(distance >= 0 AND distance <= 1000, false)",
    },
    {"rule": "some", "kind": "rows", "columns": [], "least": 1, "most": None, "fails": "false"},
]
OTHERWISE = ("quarantine", "warn", "warn")


def kept_results(lake: Lake, job: str) -> list[dict[str, Any]]:
    """Return the lines that a run wrote to the table of results, without its name and time."""
    file = lake.storage / "curated" / "data_quality_results" / f"job={job}" / f"jr_{job}.json"
    lines = (
        file.read_text().splitlines() if file.exists() else in_bucket(f"data_quality_results/job={job}/jr_{job}.json")
    )
    return [{k: v for k, v in json.loads(line).items() if k not in ("run_id", "evaluated_at")} for line in lines]


def in_bucket(key: str) -> list[str]:
    return boto3.client("s3").get_object(Bucket="curated", Key=key)["Body"].read().decode().splitlines()


def test_expectations_have_the_same_outcome(
    damaged: Lake, spark: SparkSession, in_scala: Callable[[list[str]], dict[str, Any]], submitted: Submit
) -> None:
    expect = [rule | {"otherwise": word} for rule, word in zip(EXPECT, OTHERWISE, strict=True)]
    python = run(arguments(damaged, "expect_python", {"table": "expect_python"}, [], expect=expect))
    scala = in_scala(arguments(damaged, "expect_scala", {"table": "expect_scala"}, [], expect=expect))

    assert {k: v for k, v in scala.items() if k not in OWN} == {k: v for k, v in python.items() if k not in OWN}
    assert [line["outcome"] for line in scala["expectations"]] == ["Failed", "Failed", "Passed"]
    assert set_aside(spark, "expect_scala") == set_aside(spark, "expect_python")
    assert kept_results(damaged, "expect_scala") == kept_results(damaged, "expect_python")
    assert {("expect_python",), ("expect_scala",)} <= set(map(tuple, partitions(damaged, "data_quality_results")))

    failing = [rule | {"otherwise": "fail"} for rule in EXPECT]
    given = arguments(damaged, "fail_scala", {"table": "fail_scala"}, [], expect=failing)
    with pytest.raises(JobError) as error:
        run(arguments(damaged, "fail_python", {"table": "fail_python"}, [], expect=failing))
    assert submitted("GlueApp", *given).stderr.splitlines()[-1].endswith(f"JobError: {error.value}")
    assert kept_results(damaged, "fail_scala") == kept_results(damaged, "fail_python")


def partitions(lake: Lake, table: str) -> list[list[str]]:
    found = boto3.client("glue").get_partitions(DatabaseName=f"{lake.database}_curated", TableName=table)
    return [part["Values"] for part in found["Partitions"]]


EVERY = ["carrier", "distance", "time_hour", "note", "hour", "tags", "year", "month"]
WRONG: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
    ([{"filter": "distnce > 0"}], {}),
    ([{"fliter": "distance > 0"}], {}),
    ([{"filter": "distance >"}], {}),
    ([{"join": {"with": "airports", "on": "x"}}], {}),
    ([{"map": {"add": {"each": "explode(array(1, 2))"}}}], {}),
    ([{"sql": "SELECT * FROM airlines"}], {}),
    ([{"map": {"cast": {"carrier": "int"}, "on_error": "fail"}}], {}),
    ([], {"format": "xml"}),
    ([], {"compression": "zlib"}),
    ([], {"table": "once", "partition_by": ["month"]}),
    ([], {"table": "once", "partition_by": ["year"], "format": "json"}),
    ([], {"format": "csv"}),
    ([{"drop_fields": EVERY}], {}),
    ([{"map": {"add": {"_lake_x": "1"}}}], {}),
    ([{"map": {"add": {"z": "NULL"}}}], {}),
    ([{"map": {"add": {"z": "''"}}}], {"partition_by": ["z"]}),
    ([{"map": {"add": {"z": "array(1)"}}}], {"partition_by": ["z"]}),
    ([{"map": {"add": {"z": "DATE'1582-10-10'"}}}, {"drop_fields": ["tags"]}], {"format": "orc"}),
    ([{"map": {"add": {"z": "map(1, 2)"}}}, {"dedupe": {}}], {}),
    ([{"map": {"rename": {"carrier": "hour"}}}], {}),
    ([{"join": {"with": "airlines", "on": "carrier"}}] * 3, {}),
    ([{"map": {"lookup": {"x": {"from": "weather", "on": {"carrier": "hour"}, "take": "temp"}}}}], {}),
    ([{"map": {"lookup": {"x": {"from": "weather", "on": "hour", "take": "hour", "default": 1.5}}}}], {}),
    ([{"map": {"cast": {"distance": "string"}}}], {"table": "once", "partition_by": ["year"]}),
]


def test_errors_have_the_same_messages(
    damaged: Lake, spark: SparkSession, submitted: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake_etl.report.PATIENCE", 2)
    run(arguments(damaged, "once", {"table": "once", "partition_by": ["year"]}, []))
    stays: Any = {"Values": ["2012"], "StorageDescriptor": {"Location": "s3://curated/once/run-old/year=2012/"}}
    database = f"{damaged.database}_curated"
    boto3.client("glue").create_partition(DatabaseName=database, TableName="once", PartitionInput=stays)
    given = [arguments(damaged, f"bad{n}", {"table": "bad"} | sink, steps) for n, (steps, sink) in enumerate(WRONG)]
    weather: Any = {"Values": ["9"], "StorageDescriptor": {"Location": "s3://raw/elsewhere/"}}
    boto3.client("glue").create_partition(DatabaseName=damaged.database, TableName="weather", PartitionInput=weather)
    given.append(arguments(damaged, "elsewhere", {"table": "bad"}, [], source="weather", incremental=True))
    for name in closed_and_cut(damaged):
        given.append(arguments(damaged, name, {"table": "bad"}, [], source=name, tables={name: name}))
    done = submitted("RunJobs", *(json.dumps({"arguments": one}) for one in given))
    assert done.returncode == 0, done.stderr
    scala = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(('"', "null"))]
    shutil.rmtree(damaged.storage / "curated" / "bad", ignore_errors=True)
    for one, said in zip(given, scala, strict=True):
        with pytest.raises(Exception) as error:
            run(one)
        words = str(error.value) if isinstance(error.value, JobError) else reason(error.value)
        assert comparable(said) == comparable(f"JobError: {words}")


def closed_and_cut(lake: Lake) -> list[str]:
    """Add a dataset with a file that cannot be opened, and one of which no file can be read."""
    whole = parquet({"id": [1]})
    for name, body in (("closed/a", whole), ("closed/b", whole), ("cut/a", whole[:-9])):
        lake.put("raw", f"damaged/{name}.parquet", body)
    for name in ("closed", "cut"):
        lake.table(name, "parquet", {"id": "bigint"})
    lake.close("raw", "damaged/closed/b.parquet")
    return ["closed", "cut"]


def comparable(words: str) -> str:
    """Return an error without the part that depends on the language: how it shows the steps."""
    return words.partition(" Steps: ")[0]


def test_a_failed_run_ends_with_its_reason_and_exit_code_1(damaged: Lake, submitted_alone: Submit) -> None:
    done = submitted_alone("GlueApp", *arguments(damaged, "failed", {"table": "failed"}, [{"filter": "distnce > 0"}]))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "Exception in thread \"main\" JobError: step 1 (filter): column 'distnce' is not in the data."
    )


def test_records_inside_documents_are_read_alike(
    damaged: Lake, spark: SparkSession, in_scala: Callable[[list[str]], dict[str, Any]]
) -> None:
    documents = '{"rows": [{"carrier": "UA", "distance": 1}, {"distance": "far"}]}\n{"rows": []}\n{"row": 1}\n'
    damaged.put("raw", "damaged/batches/day=1/a.json", documents)
    whole = '{\n"rows": [\n{"carrier": "AA"}]}'
    damaged.put("raw", "damaged/batches/day=2/b.json", whole)
    columns = {"carrier": "string", "distance": "int"}
    damaged.table("batches", "json", columns, {"day": "int"}, parameters={"jsonPath": "$.rows[*]"})

    def given(name: str) -> list[str]:
        steps = [{"sql": "SELECT * FROM input"}]
        spec = {"job": name, "source": "batches", "tables": {"batches": "batches"}, "steps": steps}
        damaged.put("scripts", f"{name}.json", json.dumps(spec | {"sink": {"table": name}}))
        arguments = damaged.arguments(f"s3://scripts/{name}.json")
        return [f"jr_{name}" if value.startswith("jr_") else value for value in arguments]

    python, scala = run(given("batches_python")), in_scala(given("batches_scala"))

    assert (scala["rows_in"], scala["rows_out"], scala["quarantined_rows"]) == (4, 2, 2)
    assert {k: v for k, v in scala.items() if k not in OWN} | {"job": ""} == {
        k: v for k, v in python.items() if k not in OWN
    } | {"job": ""}
    assert in_files(spark, "batches_scala") == in_files(spark, "batches_python")
    assert set_aside(spark, "batches_scala") == set_aside(spark, "batches_python")


def test_columns_named_like_a_jobs_own_words_are_kept_alike(
    damaged: Lake, spark: SparkSession, in_scala: Callable[[list[str]], dict[str, Any]]
) -> None:
    row = {name: f"the {name}" for name in ODD} | {"user.id": "5", "at": "2013-01-01T10:00:00.000001Z"}
    damaged.put("raw", "damaged/odd/a.json", "\n".join(json.dumps(row | {"n": n}) for n in ("1", "x", "-1")))
    damaged.table("odd", "json", {**dict.fromkeys([*ODD, "user.id", "n"], "string"), "at": "timestamp"})
    steps = [{"map": {"cast": {"n": "int", "user.id": "bigint"}, "on_error": "quarantine"}}]
    rule = {"rule": "n", "kind": "between", "columns": ["n"], "fails": "n < 0", "otherwise": "quarantine"}

    def given(name: str) -> list[str]:
        sink = {"table": name, "format": "json", "partition_by": ["line"]}
        spec = {"job": name, "source": "odd", "tables": {"odd": "odd"}, "steps": steps, "expect": [rule], "sink": sink}
        damaged.put("scripts", f"{name}.json", json.dumps(spec))
        arguments = damaged.arguments(f"s3://scripts/{name}.json")
        return [f"jr_{name}" if value.startswith("jr_") else value for value in arguments]

    python, scala = run(given("odd_python")), in_scala(given("odd_scala"))

    assert (scala["rows_out"], scala["quarantined_rows"]) == (python["rows_out"], python["quarantined_rows"]) == (1, 2)
    assert in_files(spark, "odd_scala", "json") == in_files(spark, "odd_python", "json")
    assert set_aside(spark, "odd_scala") == set_aside(spark, "odd_python")
    assert in_catalog(damaged, "odd_scala") == in_catalog(damaged, "odd_python")


def test_matches_are_found_alike_with_the_given_python_package(
    damaged: Lake, spark: SparkSession, in_scala: Callable[[list[str]], dict[str, Any]], tmp_path: Path
) -> None:
    case = GOLDEN / "find_matches" / "people"
    people = json.loads((case / "input.json").read_text())["rows"]
    damaged.put("raw", "damaged/people/a.json", "".join(f"{json.dumps(row)}\n" for row in people))
    names = json.loads((case / "step.json").read_text())["find_matches"]["columns"]
    damaged.table("people", "json", {"id": "int", **dict.fromkeys(names, "string")})
    package = shutil.make_archive(str(tmp_path / "package"), "zip", GLUE_SCRIPTS, "lake_etl")
    damaged.put("scripts", "package.zip", Path(package).read_bytes())

    def given(name: str) -> list[str]:
        steps = [json.loads((case / "step.json").read_text())]
        spec = {"job": name, "source": "people", "tables": {"people": "people"}, "steps": steps}
        damaged.put("scripts", f"{name}.json", json.dumps(spec | {"sink": {"table": name}}))
        return [*damaged.arguments(f"s3://scripts/{name}.json"), "--lake_etl", "s3://scripts/package.zip"]

    python, scala = run(given("people_python")), in_scala(given("people_scala"))
    assert (scala["rows_in"], scala["rows_out"]) == (python["rows_in"], python["rows_out"]) == (32, 32)
    assert in_files(spark, "people_scala") == in_files(spark, "people_python")
