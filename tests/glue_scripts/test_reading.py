"""A Python job on every format and dialect."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import boto3
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from lake_etl.catalog import find_table
from lake_etl.job import SETTINGS
from lake_etl.names import column
from lake_etl.source import Source, read_source
from tests.glue_scripts.small_lake import Lake
from tests.reading.cases import CASES, Case

pytestmark = pytest.mark.spark


@pytest.fixture(autouse=True)
def settings(spark: SparkSession) -> None:
    """The settings of a job's session."""
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)


def put(lake: Lake, case: Case, name: str) -> None:
    for file, body in case.files.items():
        lake.put("raw", f"{lake.database}/{name}/{file}", body)
    lake.table(name, case.format, dict(case.columns), dict(case.keys), dict(case.parameters))


def in_order(rows: list[Any]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def loaded(row: str) -> Any:
    """Of JSON. A number that no double has, a nested decimal, is a text."""

    def number(digits: str) -> float | str:
        return float(digits) if Decimal(repr(float(digits))) == Decimal(digits) else digits

    return json.loads(row, parse_float=number)


def as_json(frame: DataFrame) -> list[Any]:
    """Return rows as JSON, with dates, timestamps and decimals as text."""
    as_text = [name for name, type_ in frame.dtypes if re.match("date|timestamp|decimal", type_)]
    frame = frame.withColumns({name: column(name).cast("string") for name in as_text})
    row = fn.to_json(fn.struct(*map(column, frame.columns)), {"ignoreNullFields": "false"})
    return [loaded(found[0]) for found in frame.select(row).collect()]


def read(spark: SparkSession, lake: Lake, name: str) -> tuple[Source, list[Any]]:
    """Read as a run does: if a query fails, again without the damage that it met."""
    s3, table = boto3.client("s3"), find_table(boto3.client("glue"), lake.database, name, name)
    source = read_source(spark, s3, table)
    try:
        return source, as_json(source.rows)
    except Exception as error:
        if not (damage := source.damage()):
            raise AssertionError("no damage was found") from error
        again = read_source(spark, s3, table, known=damage)
        return again, as_json(again.rows)


@pytest.mark.parametrize("name", CASES)
def test_a_job_reads(spark: SparkSession, lake: Lake, name: str) -> None:
    case = CASES[name]
    put(lake, case, "t")
    source, rows = read(spark, lake, "t")
    assert in_order(rows) == in_order(case.rows)
    bad = {} if source.rejected is None else {row.raw: row.reason for row in source.rejected().collect()}
    assert bad == case.bad
    files = {path.partition("/t/")[2]: why for path, why in source.files.items()}
    assert {file: why[: len(case.set_aside.get(file, ""))] for file, why in files.items()} == case.set_aside
    counts = source.counts.get
    assert (counts["rows"], counts["bad"]) == (len(case.rows) + len(case.bad), len(case.bad))
