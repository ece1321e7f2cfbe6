"""Athena on every format and dialect: the rows that a job reads, or Athena's error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.local_aws.athena.conftest import DATABASE, LAKE, SERDES, Lake
from tests.reading.cases import CASES, Case

KINDS = {"csv": "opencsv"}


def put(lake: Lake, case: Case, name: str) -> None:
    for file, body in case.files.items():
        lake.put(f"{name}/{file}", body)
    fields = [[{"Name": each, "Type": type_} for each, type_ in named.items()] for named in (case.columns, case.keys)]
    serde = {"SerializationLibrary": SERDES[KINDS.get(case.format, case.format)], "Parameters": dict(case.parameters)}
    storage = {"Columns": fields[0], "Location": f"s3://{LAKE}/{name}/", "SerdeInfo": serde}
    table = {"Name": name, "PartitionKeys": fields[1], "StorageDescriptor": storage}
    table |= {"TableType": "EXTERNAL_TABLE", "Parameters": dict(case.parameters)}
    lake.glue.create_table(DatabaseName=DATABASE, TableInput=table)
    if case.keys:
        lake.rows(f"MSCK REPAIR TABLE {name}")


def as_text(value: Any, type_: str) -> str | None:
    """Return a value as in the results."""
    if value is None:
        return None
    if type_ == "timestamp":
        rounded = datetime.fromisoformat(value) + timedelta(microseconds=500)
        return rounded.isoformat(" ", "milliseconds")
    if isinstance(value, bool):
        return str(value).lower()
    return plain(value)


def plain(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(plain, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}={plain(each)}' for name, each in value.items())}}}"
    return "null" if value is None else str(value)


@pytest.mark.parametrize("name", CASES)
def test_athena_reads(lake: Lake, name: str, numbers: Iterator[int]) -> None:
    case, table = CASES[name], f"reading_{next(numbers)}"
    put(lake, case, table)
    ran = lake.run(f'SELECT * FROM "{table}"')
    due = case.rows if case.athena is None else case.athena
    if isinstance(due, str):
        assert ran.state == "FAILED" and ran.reason.startswith(due), ran.reason
        return
    assert ran.state == "SUCCEEDED", ran.reason
    types = {**case.columns, **case.keys}
    rows = [[as_text(row[column], type_) for column, type_ in types.items()] for row in due]
    assert sorted(map(json.dumps, ran.rows)) == sorted(map(json.dumps, rows))


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return iter(range(len(CASES)))
