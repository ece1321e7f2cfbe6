"""Random chains of steps on random files give the same rows in Scala as in plain Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.chains.made import chain
from tests.glue_scripts.scala.conftest import Submit
from tests.glue_scripts.small_lake import Lake
from tests.glue_scripts.test_chains import CHAINS, expected_rows, put
from tests.glue_scripts.test_reading import in_order, loaded

pytestmark = pytest.mark.spark
AT_ONCE = 50  # chains in one process: few enough for the time limit of one test


@pytest.fixture(scope="module")
def found(new_lake: Callable[[str], Lake], submitted: Submit) -> Callable[[int], dict[str, Any]]:
    """What a chain gave, by its number. Its whole batch runs in one process, with the first of them."""
    lake = new_lake("chains_in_scala")

    @cache
    def batch(number: int) -> list[dict[str, Any]]:
        numbers = CHAINS[number * AT_ONCE : (number + 1) * AT_ONCE]
        done = submitted("RunChains", *(asked(lake, number) for number in numbers))
        lines = [json.loads(line) for line in done.stdout.split("\n") if line.startswith('{"rows"')]
        assert len(lines) == len(numbers), done.stderr[-3000:]
        return lines

    return lambda number: batch(number // AT_ONCE)[number % AT_ONCE]


def asked(lake: Lake, number: int) -> str:
    """Put a chain and its tables into the lake. Returns the address of the chain."""
    made = chain(number)
    given = {"database": lake.database, "tables": put(lake, made, number), "steps": made.steps}
    lake.put("scripts", f"chains/{number}.json", json.dumps(given))
    return f"s3://scripts/chains/{number}.json"


@pytest.mark.parametrize("number", CHAINS)
def test_a_chain_of_steps_in_scala(found: Callable[[int], dict[str, Any]], number: int) -> None:
    made, ran = chain(number), found(number)
    assert ran.get("error") is None, json.dumps(made.steps)
    assert in_order([loaded(row) for row in ran["rows"]]) == expected_rows(made), json.dumps(made.steps)
