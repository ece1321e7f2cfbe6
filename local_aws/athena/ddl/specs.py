"""`PARTITION (year = 2013, month = '1')`: conditions on the partition keys of a table."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.errors import QueryFailed
from local_aws.athena.tables import DEFAULT_PARTITION, Column, Partition, Table

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "decimal", "float", "double")


@dataclass(frozen=True)
class Condition:
    key: str
    operator: str
    value: str


Spec = list[Condition]


def spec(cursor: Cursor) -> Spec:
    """Parse a value for each key after `PARTITION`."""
    found = conditions(cursor)
    if other := [c for c in found if c.operator != "="]:
        raise QueryFailed(f"SYNTAX_ERROR: {other[0].key} {other[0].operator} ...: a partition is named by key = value")
    return found


def conditions(cursor: Cursor) -> Spec:
    """Parse the conditions on partitions after `PARTITION`."""
    return cursor.listed(lambda: _condition(cursor))


def _condition(cursor: Cursor) -> Condition:
    key = cursor.name("a partition key")
    return Condition(key, cursor.one_of(*_OPERATORS), _value(cursor))


def _value(cursor: Cursor) -> str:
    if cursor.next.kind == "number":
        return cursor.number()
    cursor.take("DATE") or cursor.take("TIMESTAMP")
    return cursor.text("a value: a text in single quotes, or a number")


def values_of(table: Table, given: Spec) -> list[str]:
    """Return the values of one partition in the order of the table's keys.

    Raises:
        QueryFailed: a key is missing, unknown or duplicated.
    """
    _refuse_unknown(table, given)
    by_key = {condition.key: condition.value for condition in given}
    if missing := [key.name for key in table.keys if key.name not in by_key]:
        raise QueryFailed(
            f"SYNTAX_ERROR: PARTITION ({_shown(given)}) lacks the keys {', '.join(missing)} of {table.name}"
        )
    return [by_key[key.name] for key in table.keys]


def matching(table: Table, given: Spec, partitions: Iterable[Partition]) -> list[list[str]]:
    """Return the values of the partitions that meet all conditions; keys without one may have any value.

    Raises:
        QueryFailed: a condition is on an unknown key, or its value does not have the key's type.
    """
    _refuse_unknown(table, given)
    places = {key.name: place for place, key in enumerate(table.keys)}
    tests = [(places[c.key], _test(table.keys[places[c.key]], c)) for c in given]
    found = [partition.values for partition in partitions if all(met(partition.values[at]) for at, met in tests)]
    return [[DEFAULT_PARTITION if value is None else value for value in values] for values in found]


def _test(key: Column, condition: Condition) -> Callable[[str | None], bool]:
    compared, due = _OPERATORS[condition.operator], _typed(key, condition.value)
    if due is None:
        raise QueryFailed(f"TYPE_MISMATCH: the value '{condition.value}' of {key.name} is no {key.type}")

    def met(value: str | None) -> bool:
        if value is None:
            return condition.operator == "=" and condition.value == DEFAULT_PARTITION
        own = _typed(key, value)
        return own is not None and compared(own, due)

    return met


def _typed(key: Column, value: str) -> Any:
    if not key.type.lower().startswith(_NUMBERS) or value == DEFAULT_PARTITION:
        return value
    try:
        return Decimal(value)
    except InvalidOperation:
        return None


def _refuse_unknown(table: Table, given: Spec) -> None:
    known = [key.name for key in table.keys]
    if absent := [condition.key for condition in given if condition.key not in known]:
        has = f"its keys are {', '.join(known)}" if known else "it has no partitions"
        raise QueryFailed(
            f"COLUMN_NOT_FOUND: {', '.join(absent)} is no partition key of {table.database}.{table.name}; {has}"
        )


def _shown(given: Spec) -> str:
    return ", ".join(f"{c.key} {c.operator} '{c.value}'" for c in given)
