"""Examples of Trino's documentation, and what follows from its words: `documented.tsv` has expressions and values.

Values of several rows are separated by ` | `. Their order counts only where the query gives one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Ask

LINES = Path(__file__).with_name("documented.tsv").read_text(encoding="utf-8").splitlines()
CASES = [tuple(line.split("\t")) for line in LINES if not line.startswith("#")]


@pytest.mark.parametrize(("expression", "values"), CASES, ids=[expression for expression, _ in CASES])
def test_an_example_of_the_documentation_has_its_values(ask: Ask, expression: str, values: str) -> None:
    sql = expression if expression.startswith("WITH ") else f"SELECT {expression}"
    got = ["NULL" if row[0] is None else row[0] for row in ask(sql)]
    is_ordered = " ORDER BY " in expression.rpartition(")")[2]
    order = list if is_ordered else sorted
    assert order(got) == order(values.split(" | "))
