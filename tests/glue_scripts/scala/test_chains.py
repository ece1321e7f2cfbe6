"""Random chains of steps on random files give the same rows in Scala as in plain Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.chains.made import chain
from tests.glue_scripts.scala.conftest import Submit
from tests.glue_scripts.small_lake import Lake
from tests.glue_scripts.test_chains import CHAINS, expected_rows, put
from tests.glue_scripts.test_reading import in_order, loaded

pytestmark = pytest.mark.spark
AT_ONCE = 100  # chains in one process


@pytest.fixture(scope="module")
def found(new_lake: Callable[[str], Lake], submitted: Submit) -> list[dict[str, Any]]:
    lake = new_lake("chains_in_scala")
    lines: list[dict[str, Any]] = []
    for start in CHAINS[::AT_ONCE]:
        asked = []
        for number in CHAINS[start : start + AT_ONCE]:
            made = chain(number)
            given = {"database": lake.database, "tables": put(lake, made, number), "steps": made.steps}
            lake.put("scripts", f"chains/{number}.json", json.dumps(given))
            asked.append(f"s3://scripts/chains/{number}.json")
        done = submitted("RunChains", *asked)
        lines += [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"rows"')]
        assert len(lines) == start + len(asked), done.stderr[-3000:]
    return lines


@pytest.mark.parametrize("number", CHAINS)
def test_a_chain_of_steps_in_scala(found: list[dict[str, Any]], number: int) -> None:
    made = chain(number)
    assert found[number].get("error") is None, json.dumps(made.steps)
    assert in_order([loaded(row) for row in found[number]["rows"]]) == expected_rows(made), json.dumps(made.steps)
