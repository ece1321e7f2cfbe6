"""Whether partitions with their own columns can be read with their table's columns."""

from __future__ import annotations

from collections.abc import Iterable

from local_aws.athena.errors import QueryFailed
from local_aws.athena.hive_types import HiveType, parsed
from local_aws.athena.tables import Column, Partition, Table

_WIDER = {
    "tinyint": ("smallint", "int", "bigint"),
    "smallint": ("int", "bigint"),
    "int": ("bigint",),
    "float": ("double",),
}
_COLUMNS_BY_NAME = ("json", "orc", "parquet")
_FIELDS_BY_NAME = ("orc", "parquet")
"""Formats that match columns, and the fields in them, by name; the other formats match by position."""


def refuse_mismatch(table: Table, partitions: Iterable[Partition]) -> None:
    """Compare the types of the table with those that partitions declare.

    Raises:
        QueryFailed: HIVE_PARTITION_SCHEMA_MISMATCH, for the first partition that cannot be read as the table.
    """
    by_name = table.format in _FIELDS_BY_NAME
    declared = [(column.name, column.type) for column in table.columns]
    checked: set[tuple[Column, ...]] = set()
    for partition in partitions:
        columns = tuple(partition.columns)
        if columns not in checked and [(column.name, column.type) for column in columns] != declared:
            for column, own in _pairs(table, list(columns)):
                if not coerces(parsed(own.type), parsed(column.type), by_name):
                    raise _mismatch(table, partition, column, own)
        checked.add(columns)


def _pairs(table: Table, own: list[Column]) -> list[tuple[Column, Column]]:
    """Return each column of the table with the partition's column; a column missing there is null."""
    if table.format not in _COLUMNS_BY_NAME:
        return list(zip(table.columns, own, strict=False))
    own_columns = {column.name: column for column in own}
    return [(column, own_columns[column.name]) for column in table.columns if column.name in own_columns]


def coerces(own: HiveType, wanted: HiveType, by_name: bool) -> bool:
    """Whether values of a partition's type can be read as the table's: wider numbers, structs with more fields."""
    if own.name == wanted.name == "struct":
        there = dict(own.fields)
        named = [((name, there[name]), (name, kind)) for name, kind in wanted.fields if name in there]
        pairs = named if by_name else zip(own.fields, wanted.fields, strict=False)
        return all(a == b and coerces(x, y, by_name) for (a, x), (b, y) in pairs)
    if own.name == wanted.name:
        return all(coerces(x, y, by_name) for x, y in zip(own.children, wanted.children, strict=True))
    return (own.is_text and wanted.is_text) or wanted.name in _WIDER.get(own.name, ())


def _mismatch(table: Table, partition: Partition, column: Column, own: Column) -> QueryFailed:
    values = "/".join(f"{key.name}={value}" for key, value in zip(table.keys, partition.values, strict=True))
    return QueryFailed(
        "HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition schemas. The types are "
        f"incompatible and cannot be coerced. The column '{column.name}' in table '{table.database}.{table.name}' is "
        f"declared as type '{column.type}', but partition '{values}' declared column '{own.name}' as type '{own.type}'."
    )
