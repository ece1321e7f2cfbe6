"""Type conversions between the catalog, the engine and the answer."""

from __future__ import annotations

from typing import Any

from local_aws.protocol import Document

_NAMES = {"real": "float"}
_PRECISION = {
    "boolean": 1,
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "float": 17,
    "double": 17,
    "date": 0,
    "timestamp": 3,
    "timestamp with time zone": 3,
    "time": 3,
    "time with time zone": 3,
    "varchar": 2147483647,
}


def column_info(name: str, kind: Any) -> Document:
    """Return one ColumnInfo of ResultSetMetadata, for a column of a Trino type."""
    type_name = _NAMES.get(kind.base, kind.base)
    is_decimal = type_name == "decimal"
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": type_name,
        "Precision": kind.precision if is_decimal else _PRECISION.get(type_name, 0),
        "Scale": kind.scale if is_decimal else 0,
        "Nullable": "UNKNOWN",
        "CaseSensitive": type_name == "varchar",
    }


def string_column(name: str) -> Document:
    """Return the ColumnInfo of a column in SHOW or DESCRIBE."""
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": "string",
        "Precision": 0,
        "Scale": 0,
        "Nullable": "UNKNOWN",
        "CaseSensitive": False,
    }


def sql_string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def sql_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def bound(name: str, value: str, body: str) -> str:
    """Return SQL for a body in which a name stands for a value, which is computed once however often it is named."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"
