"""Hive's column types as in the Data Catalog: `bigint`, `struct<a:int,b:array<string>>`, ..."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.errors import ParseError

VOID = "null"
"""The type of a column with only nulls: any other type replaces it."""

_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_INTEGER_DIGITS = dict(zip(_INTEGERS, (3, 5, 10, 19), strict=True))
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_NULL = re.compile(r'"NULL"(?=\s*(?:[\[,)]|$))')
"""The type that DuckDB gives a Parquet column without values."""
_FOREIGN = {
    exp.DType.UTINYINT: "SMALLINT",
    exp.DType.USMALLINT: "INT",
    exp.DType.UINT: "BIGINT",
    exp.DType.UBIGINT: "DECIMAL(20, 0)",
    exp.DType.INT128: "DECIMAL(38, 0)",
    exp.DType.UINT128: "DECIMAL(38, 0)",
    exp.DType.TIMESTAMP_S: "TIMESTAMP",
    exp.DType.TIMESTAMP_MS: "TIMESTAMP",
    exp.DType.TIMESTAMP_NS: "TIMESTAMP",
    exp.DType.TIME: "STRING",
    exp.DType.UUID: "STRING",
    exp.DType.JSON: "STRING",
    exp.DType.ENUM: "STRING",
    exp.DType.INTERVAL: "STRING",
}
"""DuckDB types without a Hive counterpart."""


@lru_cache(4096)
def hive_type(duckdb_type: str) -> str:
    """Convert a DuckDB type to the catalog's.

    Example:
        >>> hive_type('STRUCT("A" INTEGER, b VARCHAR[])')
        'struct<a:int,b:array<string>>'
    """
    tree = exp.DataType.build(_NULL.sub("NULL", duckdb_type), dialect="duckdb")
    return _text(tree.transform(_at_home_in_hive))


def arrow_to_hive(kind: Any) -> str:
    """Convert an Arrow type of an ORC file to the catalog's."""
    import pyarrow.types as is_  # 40 MB of memory that only ORC needs

    if is_.is_struct(kind):
        return f"struct<{','.join(f'{_name(field.name)}:{arrow_to_hive(field.type)}' for field in kind)}>"
    if is_.is_map(kind):
        return f"map<{arrow_to_hive(kind.key_type)},{arrow_to_hive(kind.item_type)}>"
    if is_.is_list(kind):
        return f"array<{arrow_to_hive(kind.value_type)}>"
    if is_.is_timestamp(kind):
        return "timestamp"
    return {**_ARROW, "null": VOID}.get(
        str(kind), re.sub(r"\w*decimal\d*\((\d+), (\d+)\)", r"decimal(\1,\2)", str(kind))
    )


def _name(field: str) -> str:
    return field.lower() if re.fullmatch(r"\w+", field) else f"`{field.lower()}`"


_ARROW = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "date32[day]": "date",
}


@lru_cache(4096)
def widened(one: str, other: str) -> str:
    """Return the narrowest Hive type that holds the values of both; `string` if they have nothing in common."""
    if one == other or other == VOID:
        return one
    if one == VOID:
        return other
    if (number := _wider_number(one, other)) is not None:
        return number
    try:
        return _wider_nested(_parsed(one), _parsed(other))
    except ParseError:
        return "string"


def settled(hive: str) -> str:
    """Return the type for the catalog: every `null` in it is a `string`, and field names are unquoted."""
    return re.sub(r"\bnull\b(?!:)", "string", hive).replace("`", "")


def _at_home_in_hive(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.DataType) and node.this in _FOREIGN:
        return exp.DataType.build(_FOREIGN[node.this], dialect="hive")
    return node


def _text(tree: exp.Expression) -> str:
    text = re.sub(r"([,:]) ", r"\1", tree.sql("hive").lower())
    return re.sub(r"\[\d+\]", "", re.sub(r"`(\w+)`", r"\1", text))


def _parsed(hive: str) -> exp.DataType:
    return exp.DataType.build(hive, dialect="hive")


def _wider_number(one: str, other: str) -> str | None:
    if one in _INTEGERS and other in _INTEGERS:
        return max(one, other, key=_INTEGERS.index)
    digits = _decimal_digits(one), _decimal_digits(other)
    if all(digits):
        scale = max(s for _, s in digits)  # type: ignore[misc]
        integer_digits = max(p - s for p, s in digits)  # type: ignore[misc]
        return f"decimal({integer_digits + scale},{scale})" if integer_digits + scale <= 38 else "double"
    numbers = {*_INTEGERS, "float", "double"}
    known = all(kind in numbers or _DECIMAL.fullmatch(kind) for kind in (one, other))
    return "double" if known else None


def _decimal_digits(hive: str) -> tuple[int, int] | None:
    """Return (precision, scale) of a decimal, or of an integer as a decimal."""
    if hive in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[hive], 0
    match = _DECIMAL.fullmatch(hive)
    return (int(match[1]), int(match[2])) if match else None


def _wider_nested(one: exp.DataType, other: exp.DataType) -> str:
    if one.this != other.this:
        return "string"
    if one.this == exp.DType.STRUCT:
        fields = merged(_fields(one), _fields(other))
        return f"struct<{','.join(f'{name}:{kind}' for name, kind in fields.items())}>"
    if one.this in (exp.DType.ARRAY, exp.DType.MAP):
        pairs = zip(one.expressions, other.expressions, strict=True)
        kind = "array" if one.this == exp.DType.ARRAY else "map"
        return f"{kind}<{','.join(widened(_text(a), _text(b)) for a, b in pairs)}>"
    return "string"


def _fields(struct: exp.DataType) -> dict[str, str]:
    return {_text(field.this): _text(field.args["kind"]) for field in struct.expressions}


def merged(one: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    """Merge columns (type by name): in the order of the first, new ones at the end, with types widened."""
    both = dict(one)
    for name, kind in other.items():
        both[name] = widened(both[name], kind) if name in both else kind
    return both
