"""Whole runs: specification and catalog in, table, quarantine and report out."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import boto3
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

from lake_etl.errors import JobError
from lake_etl.job import main, parse_arguments, run
from lake_etl.report import GAINS, LOSSES, check_balance
from lake_etl.transforms import TRANSFORMS
from tests.glue_scripts.small_lake import Lake

FLIGHTS = {"carrier": "string", "distance": "bigint", "time_hour": "string", "note": "string"}
STEPS: list[dict[str, Any]] = [
    {"map": {"cast": {"time_hour": "timestamp"}}},
    {"drop_null_fields": {}},
    {"filter": "distance > 0"},
    {"join": {"with": "airlines", "on": ["carrier"], "how": "left", "take": {"name": "airline"}}},
    {"map": {"add": {"far": "distance > 1000"}}},
]


def flight(carrier: str, distance: int) -> str:
    return json.dumps({"carrier": carrier, "distance": distance, "time_hour": "2013-01-01T10:00:00Z"})


def fill(lake: Lake) -> Lake:
    folder = f"{lake.database}/flights/year=2013"
    lake.put("raw", f"{folder}/month=1/a.json", "\n".join([flight("UA", 1400), flight("AA", 0), '{"carrier": ']))
    lake.put("raw", f"{folder}/month=2/b.json", "\n".join([flight("UA", 200), flight("ZZ", 300)]))
    lake.put("raw", f"{folder}/month=2/c.json", "")
    lake.table("flights", "json", FLIGHTS, {"year": "string", "month": "string"})
    lake.put("raw", f"{lake.database}/airlines/a.csv", "carrier,name\nUA,United\nDL,Delta,Air\nUA,Untied\n")
    lake.table("airlines", "csv", {"carrier": "string", "name": "string"}, parameters={"skip.header.line.count": "1"})
    return lake


@pytest.fixture
def flights(lake: Lake, spark: SparkSession) -> Lake:
    return fill(lake)


@pytest.fixture(scope="module")
def finished(new_lake: Callable[[str], Lake], spark: SparkSession) -> tuple[Lake, dict[str, Any]]:
    """A lake in which the job has run, and the run's report."""
    lake = fill(new_lake("finished"))
    return lake, run(arguments(lake, partition_by=["year", "month"]))


def arguments(lake: Lake, steps: list[dict[str, Any]] | None = None, **sink: Any) -> list[str]:
    tables = {"flights": "flights", "airlines": "airlines"}
    sink = {"table": lake.database, "format": "parquet", "compression": "zstd"} | sink
    return lake.arguments(
        lake.spec(
            job=lake.database,
            source="flights",
            tables=tables,
            steps=STEPS if steps is None else steps,
            sink=sink,
        )
    )


def written(lake: Lake, spark: SparkSession) -> list[tuple[Any, ...]]:
    rows = lake.written(spark).collect()
    return sorted((row.carrier, row.distance, row.airline, row.far, row.year, row.month) for row in rows)


EXPECTED = [
    ("UA", 1400, "United", True, 2013, 1),
    ("UA", 1400, "Untied", True, 2013, 1),
    ("UA", 200, "United", False, 2013, 2),
    ("UA", 200, "Untied", False, 2013, 2),
    ("ZZ", 300, None, False, 2013, 2),
]


def check_expected(lake: Lake, report: dict[str, Any], spark: SparkSession) -> None:
    assert written(lake, spark) == sorted(EXPECTED, key=lambda row: (row[0], row[1], row[2]))
    terms = ("rows_in", "added_by_joins", "rows_out", "filtered", "removed_by_joins", "quarantined_rows")
    assert [report[term] for term in terms] == [5, 2, 5, 1, 0, 1]
    assert [(step["rows_in"], step["rows_out"]) for step in report["steps"]] == [(4, 4), (4, 4), (4, 3), (3, 5), (5, 5)]
    assert report["quarantined"] == {"flights": {"rows": 1, "files": 1}, "airlines": {"rows": 1, "files": 0}}


def test_a_run_writes_its_table_and_accounts_for_every_row(
    finished: tuple[Lake, dict[str, Any]], spark: SparkSession
) -> None:
    check_expected(*finished, spark)


def test_a_run_has_the_same_result_under_ansi_rules(flights: Lake, spark: SparkSession) -> None:
    spark.conf.set("spark.sql.ansi.enabled", "true")
    try:
        check_expected(flights, run(arguments(flights, partition_by=["year", "month"])), spark)
    finally:
        spark.conf.unset("spark.sql.ansi.enabled")


def test_the_report_is_kept_in_the_curated_zone(finished: tuple[Lake, dict[str, Any]]) -> None:
    _, report = finished
    kept = boto3.client("s3").get_object(Bucket="curated", Key="job_reports/job=finished/jr_finished.json")
    (line,) = kept["Body"].read().splitlines()
    assert {"job": "finished", **json.loads(line)} == report


def test_unreadable_rows_and_files_are_in_the_quarantine_zone(
    finished: tuple[Lake, dict[str, Any]], spark: SparkSession
) -> None:
    kept = spark.read.json("s3://quarantine/finished/run_date=*/jr_finished/").collect()
    assert {(row.dataset, row.source_file.removeprefix("s3://raw/finished/"), row.raw, row.reason) for row in kept} == {
        ("flights", "flights/year=2013/month=1/a.json", '{"carrier": ', "the line is not valid JSON"),
        ("flights", "flights/year=2013/month=2/c.json", None, "the file is empty (0 bytes)"),
        ("airlines", "airlines/a.csv", "DL,Delta,Air", "the row does not have 2 fields"),
    }
    assert {(row.job, row.run_id) for row in kept} == {("finished", "jr_finished")}
    assert all(date.fromisoformat(row.quarantined_at[:10]) for row in kept)


def test_the_catalog_gets_the_table_and_its_partitions(finished: tuple[Lake, dict[str, Any]]) -> None:
    glue = boto3.client("glue")
    table = glue.get_table(DatabaseName="finished_curated", Name="finished")["Table"]
    columns = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert columns == {
        "carrier": "string",
        "distance": "bigint",
        "time_hour": "timestamp",
        "airline": "string",
        "far": "boolean",
    }
    assert [key["Name"] for key in table["PartitionKeys"]] == ["year", "month"]
    assert table["StorageDescriptor"]["Location"] == "s3://curated/finished/"
    assert finished[0].locations() == {
        ("2013", "1"): "s3://curated/finished/run-jr_finished/year=2013/month=1/",
        ("2013", "2"): "s3://curated/finished/run-jr_finished/year=2013/month=2/",
    }


def test_a_second_run_writes_the_same_table_and_keeps_other_partitions(flights: Lake, spark: SparkSession) -> None:
    first = run(arguments(flights, partition_by=["year", "month"]))
    flights.remove("raw", f"{flights.database}/flights/year=2013/month=1/a.json")
    again = run(arguments(flights, partition_by=["year", "month"]))
    assert (first["partitions"], again["partitions"], again["rows_out"]) == (2, 1, 3)
    assert len(written(flights, spark)) == 5
    glue = boto3.client("glue")
    partitions = glue.get_partitions(DatabaseName=f"{flights.database}_curated", TableName=flights.database)
    assert len(partitions["Partitions"]) == 2


def test_another_partitioning_of_an_existing_table_is_refused(flights: Lake, spark: SparkSession) -> None:
    run(arguments(flights, partition_by=["year"]))
    with pytest.raises(JobError, match=r"is partitioned by \['year'\], not by \['month'\]"):
        run(arguments(flights, partition_by=["month"]))


def test_partition_values_with_odd_characters_are_found_again(flights: Lake, spark: SparkSession) -> None:
    steps: list[dict[str, Any]] = [
        {"map": {"add": {"place": "CASE carrier WHEN 'UA' THEN 'a/b: 50%' WHEN 'ZZ' THEN 'é f' END"}}}
    ]
    report = run(arguments(flights, steps, partition_by=["place"]))
    assert (report["rows_out"], report["partitions"]) == (4, 3)
    read = flights.written(spark)
    assert {row.place for row in read.select("place").distinct().collect()} == {"a/b: 50%", "é f", None}


def test_a_run_without_a_row_left_still_reports(flights: Lake, spark: SparkSession) -> None:
    steps: list[dict[str, Any]] = [{"filter": "distance > 1000000"}, *STEPS[3:]]
    report = run(arguments(flights, steps, partition_by=["year"]))
    assert (report["rows_in"], report["filtered"], report["rows_out"], report["partitions"]) == (5, 4, 0, 0)


def test_a_dataset_may_be_joined_twice_and_the_source_with_itself(flights: Lake, spark: SparkSession) -> None:
    twice: list[dict[str, Any]] = [
        {"join": {"with": "airlines", "on": "carrier", "how": "semi"}},
        {"join": {"with": "airlines", "on": "carrier", "take": {"name": "airline"}}},
        {"join": {"with": "flights", "on": ["carrier", "distance"], "take": {"time_hour": "again"}}},
    ]
    report = run(arguments(flights, twice))
    assert (report["removed_by_joins"], report["added_by_joins"], report["rows_out"]) == (2, 2, 4)


def test_a_step_that_names_a_missing_column_suggests_the_nearest(flights: Lake, spark: SparkSession) -> None:
    with pytest.raises(JobError) as error:
        run(arguments(flights, [*STEPS[:2], {"filter": "distnce > 0"}]))
    assert str(error.value) == (
        "step 3 (filter): column 'distnce' is not in the data. "
        "Columns there: carrier, distance, time_hour, year, month. Did you mean 'distance'?"
    )


@pytest.mark.parametrize(
    ("steps", "sink", "message"),
    [
        ([{"fliter": "a > 1"}], {}, r"step 1: 'fliter' is not known\. Allowed: .*Did you mean 'filter'\?"),
        ([{"filter": "a >"}], {}, r"step 1 \(filter\): .*PARSE_SYNTAX_ERROR"),
        (
            [{"join": {"with": "airports", "on": "x"}}],
            {},
            r"step 1 \(join\): dataset 'airports' is not known",
        ),
        ([{"join": {"with": "airlines"}}], {}, r"step 1 \(join\): option 'on' is missing"),
        ([{"map": {"rename": {"note": "carrier"}}}], {}, r"step 1 \(map\): rename: note cannot be named 'carrier'"),
        ([], {"format": "orcs"}, r"sink format 'orcs' is not known\. Allowed: parquet, orc.*Did you mean 'orc'\?"),
        ([], {"format": "json"}, r"sink compression of json 'zstd' is not known\. Allowed: gzip"),
        ([{"sql": "SELECT * FROM airport"}], {}, r"step 1 \(sql\): dataset 'airport' is not known\. Allowed: flights"),
        (
            [],
            {"partition_by": ["yaer"]},
            r"column 'yaer' is not in the data that goes to the sink.*Did you mean 'year'\?",
        ),
    ],
)
def test_errors_in_the_specification_are_named(
    flights: Lake, spark: SparkSession, steps: list[dict[str, Any]], sink: dict[str, Any], message: str
) -> None:
    with pytest.raises(JobError, match=message):
        run(arguments(flights, steps, **sink))


def test_rows_that_do_not_add_up_fail_the_run() -> None:
    report: dict[str, Any] = dict.fromkeys((*GAINS, *LOSSES), 0)
    with pytest.raises(JobError, match=r"rows_in 5 \+ added_by_joins 0 .* is not rows_out 3 \+ filtered 1 \+"):
        check_balance(report | {"rows_in": 5, "rows_out": 3, "filtered": 1, "steps": []})


def test_every_kind_of_loss_and_gain_is_accounted_for(flights: Lake, spark: SparkSession) -> None:
    steps: list[dict[str, Any]] = [
        {"sql": "SELECT * FROM input UNION ALL SELECT * FROM input"},
        {"sql": "SELECT * FROM input WHERE carrier <> 'AA'"},
        {"dedupe": {}},
        {"map": {"add": {"code": "if(carrier = 'ZZ', 'many', '7')"}}},
        {"map": {"cast": {"code": "int"}, "on_error": "quarantine"}},
    ]
    report = run(arguments(flights, steps))
    terms = {"rows_in": 5, "added_by_sql": 4, "removed_by_sql": 2, "deduplicated": 3, "quarantined_rows": 2}
    assert {name: report[name] for name in (*terms, "rows_out")} == terms | {"rows_out": 2}
    kept = spark.read.json(f"s3://quarantine/{flights.database}/").where("raw LIKE '%many%'").collect()
    assert [(row.dataset, row.reason) for row in kept] == [("flights", "column code: 'many' is not int")]
    assert '"carrier":"ZZ","distance":300' in kept[0].raw


def test_a_row_quarantined_by_a_cast_keeps_its_file(flights: Lake, spark: SparkSession) -> None:
    steps: list[dict[str, Any]] = [{"map": {"cast": {"carrier": "int"}, "on_error": "quarantine"}}]
    report = run(arguments(flights, steps))
    assert (report["rows_out"], report["quarantined_rows"]) == (0, 5)
    kept = spark.read.json(f"s3://quarantine/{flights.database}/").where("reason LIKE 'column carrier%'").collect()
    files = [row.source_file.rpartition("/flights/")[2] for row in kept]
    assert sorted(files) == ["year=2013/month=1/a.json"] * 2 + ["year=2013/month=2/b.json"] * 2


def test_a_run_without_remaining_rows_is_not_an_error(flights: Lake, spark: SparkSession) -> None:
    report = run(arguments(flights, [{"filter": "1 = 0"}, {"dedupe": {}}, {"sql": "SELECT * FROM input"}]))
    assert (report["filtered"], report["rows_out"], report["quarantined_rows"]) == (4, 0, 1)


def test_sql_that_does_not_read_its_input_is_refused_and_does_not_hang(
    flights: Lake, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake_etl.report.PATIENCE", 2)
    with pytest.raises(JobError, match=r"the rows cannot be accounted for: .* a sql step has to use `input`"):
        run(arguments(flights, [{"sql": "SELECT * FROM airlines"}]))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"map": {"cast": {"carrier": "int"}, "on_error": "fail"}}, "column carrier: '[A-Z]+' is not int"),
        (
            {"map": {"lookup": {"airline": {"from": "airlines", "on": "carrier", "take": "name"}}}},
            "lookup airline: dataset airlines has more than one name for carrier 'UA': 'United' and 'Untied'.*",
        ),
    ],
)
def test_a_row_that_fails_the_run_is_named_and_the_old_table_stays(
    flights: Lake, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, step: dict[str, Any], message: str
) -> None:
    run(arguments(flights, partition_by=["year"]))
    before = written(flights, spark)
    monkeypatch.setattr("sys.argv", ["run_job.py", *arguments(flights, [step, *STEPS], partition_by=["year"])])
    with pytest.raises(SystemExit) as stop:
        main()
    assert re.fullmatch(message, str(stop.value.code))
    assert [tuple(row) for row in written(flights, spark)] == before


def test_a_convert_step_sets_how_the_sink_writes(flights: Lake, spark: SparkSession) -> None:
    run(arguments(flights, [{"convert": {"format": "json", "compression": "gzip"}}]))
    assert spark.read.json(f"{flights.locations()[()]}*.json.gz").count() == 4
    table = boto3.client("glue").get_table(DatabaseName=f"{flights.database}_curated", Name=flights.database)["Table"]
    assert table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"


def test_partitions_of_another_format_are_not_mixed_with_the_new(flights: Lake, spark: SparkSession) -> None:
    run(arguments(flights, [], partition_by=["year"]))
    with pytest.raises(JobError, match=r"sink format: the partitions of table .* are parquet, not csv\. Give the sink"):
        run(arguments(flights, [{"convert": {"format": "csv", "compression": "none"}}], partition_by=["year"]))


def test_a_step_that_wrongly_changes_the_number_of_rows_fails_the_run(
    flights: Lake, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubling = replace(TRANSFORMS["drop_fields"], apply=lambda frame, options: frame.union(frame))
    monkeypatch.setitem(TRANSFORMS, "drop_fields", doubling)
    with pytest.raises(JobError, match="the rows do not add up"):
        run(arguments(flights, [{"drop_fields": []}]))


def test_rows_that_spark_counted_twice_are_read_once_more(
    flights: Lake, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after the loss of an executor, whose finished tasks Spark repeats and counts again."""
    lost = iter([True])
    once = replace(TRANSFORMS["drop_fields"], apply=lambda frame, options: frame.where(fn.lit(not next(lost, False))))
    monkeypatch.setitem(TRANSFORMS, "drop_fields", once)
    report = run(arguments(flights, [{"drop_fields": []}]))
    assert (report["rows_in"], report["rows_out"], report["quarantined_rows"]) == (5, 4, 1)
    assert flights.written(spark).count() == 4


def test_an_expression_that_generates_rows_is_refused(flights: Lake, spark: SparkSession) -> None:
    with pytest.raises(JobError, match=r"step 1 \(map\): .*generator is not supported: nested in expressions"):
        run(arguments(flights, [{"map": {"add": {"each": "explode(array(1, 2))"}}}]))


def test_arguments_that_glue_adds_are_ignored(lake: Lake) -> None:
    given = [
        *lake.arguments("s3://scripts/x.json"),
        "--enable-metrics",
        "true",
        "--JOB_ID",
        "j_1",
        "--spec-x",
        "1",
    ]
    assert parse_arguments(given).spec == "s3://scripts/x.json"


def test_a_missing_specification_is_named(lake: Lake) -> None:
    with pytest.raises(JobError, match=r"--spec s3://scripts/none\.json: .*NoSuchKey"):
        run(lake.arguments("s3://scripts/none.json"))


def test_the_last_line_of_an_error_is_the_message(
    lake: Lake, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = lake.spec(job="j", source="flights", tables={"flights": "flights"}, steps=[], sink={"table": "t"})
    monkeypatch.setattr("sys.argv", ["run_job.py", *lake.arguments(spec)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert "has no table 'flights'. Run the dataset's crawler first" in str(stop.value.code)


def test_a_report_counts_the_nulls_that_casts_make_and_warns_over_the_share(flights: Lake, spark: SparkSession) -> None:
    steps: list[dict[str, Any]] = [{"map": {"cast": {"carrier": "int"}}}, {"filter": "distance > 0"}]
    report = run(arguments(flights, steps))

    assert report["cast_nulls"] == [{"column": "carrier", "type": "int", "values": 4, "nulls": 4}]
    (warning,) = report["warnings"]
    assert (
        "step 1 (map): 4 of 4 values of carrier (100.0 %) are not int and became null, such as 'AA' and 'ZZ'" in warning
    )


def test_a_run_prints_its_progress(
    flights: Lake, spark: SparkSession, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake_etl.progress.SECONDS", 0.005)
    slowly: list[dict[str, Any]] = [{"filter": "java_method('java.lang.Thread', 'sleep', 200L) = 'null'"}]
    assert run(arguments(flights, slowly))["rows_out"] > 0

    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("LAKE_PROGRESS ")]
    assert lines
    assert all(re.fullmatch(r"LAKE_PROGRESS stage \d+: \d+ of \d+ tasks, [\d,]+ rows read", line) for line in lines)
