"""A Scala job reads every format and dialect like a Python job."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.glue_scripts.scala.conftest import Submit
from tests.glue_scripts.small_lake import Lake
from tests.glue_scripts.test_reading import in_order, loaded, put
from tests.reading.cases import CASES

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def found(new_lake: Callable[[str], Lake], submitted: Submit) -> dict[str, dict[str, Any]]:
    """The rows read for each case, in one process."""
    lake = new_lake("read_in_scala")
    tables = {name: f"t{number}" for number, name in enumerate(CASES)}
    for name, table in tables.items():
        put(lake, CASES[name], table)
    asked = [json.dumps({"database": lake.database, "name": table}) for table in tables.values()]
    done = submitted("ReadTables", *asked)
    lines = [json.loads(line) for line in done.stdout.split("\n") if line.startswith('{"rows"')]
    assert len(lines) == len(CASES), done.stderr[-3000:]
    return dict(zip(tables, lines, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_job_in_scala_reads(found: dict[str, dict[str, Any]], name: str) -> None:
    case, read = CASES[name], found[name]
    assert in_order([loaded(row) for row in read["rows"]]) == in_order(case.rows)
    assert read["bad"] == case.bad
    files = {path.split("/", 5)[5]: why for path, why in read["set_aside"].items()}
    assert {file: why[: len(case.set_aside.get(file, ""))] for file, why in files.items()} == case.set_aside
    assert read["counts"] == [len(case.rows) + len(case.bad), len(case.bad)]
