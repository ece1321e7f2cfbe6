"""Types and values in three tongues: Hive (the catalog), DuckDB (the engine) and Athena (the answer)."""

from __future__ import annotations

from duckdb.sqltypes import DuckDBPyType
from sqlglot import exp

from local_aws.protocol import Document

_ATHENA = {
    "list": "array",
    "array": "array",
    "struct": "row",
    "tuple": "row",
    "blob": "varbinary",
    "hugeint": "bigint",
    "uhugeint": "bigint",
    "ubigint": "bigint",
    "uinteger": "bigint",
    "usmallint": "integer",
    "utinyint": "smallint",
    "interval": "interval day to second",
    "null": "unknown",
    "timestamp_s": "timestamp",
    "timestamp_ms": "timestamp",
    "timestamp_ns": "timestamp",
}
_HIVE = {"varchar": "string", "integer": "int", "varbinary": "binary", "unknown": "string", "json": "string"}
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
    "varchar": 2147483647,
}
_UNSIZED = (exp.DType.TEXT, exp.DType.VARCHAR, exp.DType.CHAR)


def duckdb_type(hive: str) -> str:
    """The DuckDB type of a catalog column: `array<struct<a:int>>` -> `STRUCT(a INT)[]`."""
    tree = exp.DataType.build(hive, dialect="hive")
    for part in tree.find_all(exp.DataType):
        if part.this in _UNSIZED:
            part.set("this", exp.DType.TEXT)
            part.set("expressions", [])
    return tree.sql(dialect="duckdb")


def athena_type(kind: DuckDBPyType) -> str:
    """The bare name of ResultSetMetadata: `varchar`, `row`, `array`..."""
    if str(kind) == "JSON":
        return "json"
    return _ATHENA.get(kind.id, kind.id)


def hive_type(kind: DuckDBPyType) -> str:
    """The catalog type of a result column, as CREATE TABLE AS writes it."""
    if kind.id in ("list", "array"):
        return f"array<{hive_type(_child(kind, 'child'))}>"
    if kind.id == "map":
        return f"map<{hive_type(_child(kind, 'key'))},{hive_type(_child(kind, 'value'))}>"
    if kind.id in ("struct", "tuple"):
        fields = (f"{name or f'field{i}'}:{hive_type(child)}" for i, (name, child) in enumerate(_children(kind)))
        return f"struct<{','.join(fields)}>"
    name = athena_type(kind)
    return str(kind).lower() if name == "decimal" else _HIVE.get(name, name.removesuffix(" with time zone"))


def presto_type(kind: DuckDBPyType) -> str:
    """The full type in SQL: `array(bigint)`, `decimal(10,2)`, `row(a integer)`."""
    if kind.id in ("list", "array"):
        return f"array({presto_type(_child(kind, 'child'))})"
    if kind.id == "map":
        return f"map({presto_type(_child(kind, 'key'))}, {presto_type(_child(kind, 'value'))})"
    if kind.id in ("struct", "tuple"):
        return f"row({', '.join(f'{name} {presto_type(child)}'.strip() for name, child in _children(kind))})"
    name = athena_type(kind)
    return str(kind).lower() if name == "decimal" else "real" if name == "float" else name


def column_info(name: str, kind: DuckDBPyType) -> Document:
    """One ColumnInfo of ResultSetMetadata."""
    type_name = athena_type(kind)
    sizes = dict(kind.children) if kind.id == "decimal" else {}
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": type_name,
        "Precision": sizes.get("precision", _PRECISION.get(type_name, 0)),
        "Scale": sizes.get("scale", 0),
        "Nullable": "UNKNOWN",
        "CaseSensitive": type_name == "varchar",
    }


def string_column(name: str) -> Document:
    """The ColumnInfo of a column of SHOW or DESCRIBE."""
    return {
        **column_info(name, DuckDBPyType("VARCHAR")),
        "Type": "string",
        "Precision": 0,
        "CaseSensitive": False,
    }


def text_of(value: str, kind: DuckDBPyType) -> str:
    """The SQL that writes a value as Athena does in its CSV: `[1, null]`, `{a=1}`, `1.0E10`, `05:00:00.000`."""
    if kind.id in ("list", "array"):
        item = _or_null("e", _child(kind, "child"))
        return f"('[' || array_to_string(list_transform({value}, lambda e: {item}), ', ') || ']')"
    if kind.id == "map":
        pair = f"{_or_null('e.key', _child(kind, 'key'))} || '=' || {_or_null('e.value', _child(kind, 'value'))}"
        entries = f"list_transform(map_entries({value}), lambda e: {pair})"
        return f"('{{' || array_to_string({entries}, ', ') || '}}')"
    if kind.id in ("struct", "tuple"):
        return _row_text(value, kind)
    if kind.id == "blob":
        return f"rtrim(regexp_replace(lower(hex({value})), '(..)', '\\1 ', 'g'))"
    return f"athena_text({value})"


def _row_text(value: str, kind: DuckDBPyType) -> str:
    parts = []
    for i, (name, child) in enumerate(_children(kind)):
        field = f"struct_extract({value}, {sql_string(name)})" if name else f"struct_extract_at({value}, {i + 1})"
        label = sql_string((f"field{i}" if name in ("", f"_{i}") else name) + "=")
        parts.append(f"{label} || {_or_null(field, child)}")
    fields = " || ', ' || ".join(parts)
    return f"CASE WHEN {value} IS NOT NULL THEN '{{' || {fields} || '}}' END"


def _or_null(value: str, kind: DuckDBPyType) -> str:
    return f"coalesce({text_of(value, kind)}, 'null')"


def _child(kind: DuckDBPyType, name: str) -> DuckDBPyType:
    return next(child for own, child in _children(kind) if own == name)


def _children(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    return [(name, child) for name, child in kind.children if isinstance(child, DuckDBPyType)]


def sql_string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def sql_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
