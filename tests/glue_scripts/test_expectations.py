"""The effect of expectations on rows and runs: golden cases and whole runs."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from pyspark.sql import DataFrame, SparkSession

from lake_etl.errors import JobError
from lake_etl.expectations import Judged, judge, read_rules
from lake_etl.job import run
from tests.glue_scripts.small_lake import Lake
from tests.glue_scripts.test_golden import GOLDEN, check_fragments, contents, data, expected_rejects, read

CASES = sorted(expect.parent for expect in GOLDEN.glob("*/*/expect.json"))
NOW = datetime(2013, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_expectation_matches_its_golden_case(case: Path, spark: SparkSession) -> None:
    if (case / "error.txt").exists():
        with pytest.raises(Exception) as error:
            contents(judged(spark, case).rows)
        check_fragments(str(error.value), case / "error.txt")
    else:
        found = judged(spark, case)
        found.rows.write.format("noop").mode("overwrite").save()
        assert contents(found.rows) == contents(data(spark, case / "expected.json"))
        assert [[verdict.outcome, str(verdict)] for verdict in found.verdicts()] == read(case / "verdicts.json")
        rejected = contents(found.rejected.select("raw", "reason")) if found.rejected else None
        assert rejected == expected_rejects(spark, case)
        assert found.rejects == (len(rejected[1]) if rejected else 0)


def judged(spark: SparkSession, case: Path) -> Judged:
    def dataset(name: str) -> DataFrame:
        return data(spark, case / f"{name}.json")

    return judge(dataset("input"), read_rules(read(case / "expect.json")), dataset, NOW)


FLIGHTS = {"carrier": "string", "distance": "bigint"}


@pytest.fixture
def flights(lake: Lake, spark: SparkSession) -> Lake:
    lake.put("raw", f"{lake.database}/flights/a.csv", "UA,1400\nAA,0\n,300\nZZ,-5\n")
    empty_is_null = {"field.delim": ",", "serialization.null.format": ""}
    lake.table("flights", "text", FLIGHTS, parameters=empty_is_null)
    lake.put("raw", f"{lake.database}/airlines/a.csv", "UA\nAA\n")
    lake.table("airlines", "csv", {"code": "string"})
    return lake


def start(lake: Lake, *expect: dict[str, Any]) -> dict[str, Any]:
    tables, sink = {"flights": "flights", "airlines": "airlines"}, {"table": lake.database}
    given = {"job": lake.database, "source": "flights", "tables": tables, "steps": [], "sink": sink}
    return run(lake.arguments(lake.spec(**given, expect=list(expect))))


def published(lake: Lake, spark: SparkSession) -> list[str]:
    table = boto3.client("glue").get_table(DatabaseName=f"{lake.database}_curated", Name=lake.database)["Table"]
    return sorted(str(row.carrier) for row in spark.read.parquet(table["StorageDescriptor"]["Location"]).collect())


def results(lake: Lake) -> list[dict[str, Any]]:
    """Return the lines of the last run in the table of results, at its locations in the catalog."""
    database = {"DatabaseName": f"{lake.database}_curated"}
    found = boto3.client("glue").get_partitions(**database, TableName="data_quality_results")["Partitions"]
    [(place, values)] = [(part["StorageDescriptor"]["Location"], part["Values"]) for part in found]
    assert (place, values) == (f"s3://curated/data_quality_results/job={lake.database}/", [lake.database])
    s3, prefix = boto3.client("s3"), f"data_quality_results/job={lake.database}/"
    last = max(s3.list_objects_v2(Bucket="curated", Prefix=prefix)["Contents"], key=lambda entry: entry["LastModified"])
    body = s3.get_object(Bucket="curated", Key=last["Key"])["Body"].read().decode()
    return [json.loads(line) for line in body.splitlines()]


COMPLETE = {"rule": 'IsComplete "carrier"', "kind": "complete", "columns": ["carrier"], "fails": "carrier IS NULL"}
KNOWN = {
    "rule": "refers",
    "kind": "refers",
    "columns": ["carrier"],
    "dataset": "airlines",
    "keys": ["code"],
    "fails": "_lake_there IS NULL",
}
FAR = {"rule": "far", "kind": "between", "columns": ["distance"], "fails": "NOT coalesce(distance >= 1, false)"}


def test_removed_rows_are_in_the_quarantine_zone_and_in_the_balance(flights: Lake, spark: SparkSession) -> None:
    report = start(flights, KNOWN | {"otherwise": "quarantine"}, FAR | {"otherwise": "quarantine"})

    assert published(flights, spark) == ["UA"]
    assert (report["rows_in"], report["rows_out"], report["quarantined_rows"]) == (4, 1, 3)
    kept = spark.read.json(f"s3://quarantine/{flights.database}/run_date=*/*/").collect()
    source = f"s3://raw/{flights.database}/flights/a.csv"
    assert {(row.source_file, row.raw, row.reason) for row in kept} == {
        (source, '{"carrier":"AA","distance":0}', "far"),
        (source, '{"distance":300}', "refers"),
        (source, '{"carrier":"ZZ","distance":-5}', "refers; far"),
    }
    assert [(line["rule"], line["failed"]) for line in report["expectations"]] == [("refers", 2), ("far", 2)]


def test_a_rule_that_warns_lets_the_run_succeed_and_is_in_the_report(flights: Lake, spark: SparkSession) -> None:
    report = start(flights, COMPLETE | {"otherwise": "warn"})

    assert report["rows_out"] == 4
    assert report["expectations"] == [
        {
            "rule": 'IsComplete "carrier"',
            "column_name": "carrier",
            "otherwise": "warn",
            "outcome": "Failed",
            "judged": 4,
            "failed": 1,
            "share": 0.75,
        }
    ]


def test_a_failed_rule_leaves_the_table_unchanged_and_keeps_its_results(flights: Lake, spark: SparkSession) -> None:
    start(flights)
    flights.put("raw", f"{flights.database}/flights/a.csv", "UA,1\nXX,-1\n")
    with pytest.raises(JobError) as error:
        start(flights, FAR, KNOWN, COMPLETE)

    assert str(error.value) == (
        "expectations not met, and nothing published: far: 1 of 2 rows fail, such as '-1'; "
        "refers: 1 of 2 rows fail, such as 'XX'"
    )
    assert published(flights, spark) == ["AA", "None", "UA", "ZZ"]
    found = [(line["rule"], line["outcome"], line["share"]) for line in results(flights)]
    assert found == [("far", "Failed", 0.5), ("refers", "Failed", 0.5), ('IsComplete "carrier"', "Passed", 1.0)]


def test_an_unknown_rule_stops_the_run_before_it_reads(flights: Lake, spark: SparkSession) -> None:
    with pytest.raises(JobError, match=r"kind of rule 'complet' is not known. Allowed: complete, unique, in"):
        start(flights, COMPLETE | {"kind": "complet"})
