"""What a query needs of its tables: the conditions on their partitions, however many there are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local_aws.athena.query.parse import parse
from local_aws.athena.scan import MOST_CONNECTORS, needs_of
from local_aws.athena.tables import Table

N, P = {"Name": "n", "Type": "int"}, {"Name": "p", "Type": "int"}
TABLE = Table({"DatabaseName": "d", "Name": "t", "StorageDescriptor": {"Columns": [N]}, "PartitionKeys": [P]})


def conditions(where: str, source: str = "scan_0 AS t") -> int:
    needs = needs_of(parse(f"SELECT n FROM {source} WHERE {where}"), {"scan_0": TABLE})
    assert {"n", "p"} >= needs["scan_0"].columns
    return len(needs["scan_0"].conditions)


def ors(count: int) -> str:
    return " OR ".join(f"p = {i}" for i in range(count))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("p > 1 AND n = 3", 1),
        (f"({ors(5)}) AND n = 1 AND p < n", 1),
        (ors(3 * MOST_CONNECTORS), 1),
        (f"({ors(3 * MOST_CONNECTORS)}) AND p > 0 AND n > 0", 2),
    ],
    ids=["ands", "mixed", "many", "many and more"],
)
def test_a_tables_partitions_are_chosen_by_all_its_conditions(where: str, expected: int) -> None:
    assert conditions(where) == expected


@pytest.mark.parametrize(("many", "expected"), [(lambda: ors(3), 1), (lambda: ors(2 * MOST_CONNECTORS), 0)])
def test_conditions_are_moved_into_a_view_unless_they_are_too_many(many: Callable[[], str], expected: int) -> None:
    assert conditions(many(), "(SELECT n, p FROM scan_0 AS t) AS v") == expected
