"""Parquet: fields match by name at every level, and a file's types must be convertible to the table's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_aws.athena.errors import DATA_ERROR, QueryFailed
from local_aws.athena.hive_types import HiveType, duckdb_of, parsed
from local_aws.athena.readers.source import Scope, Source, bad_value
from local_aws.athena.types import sql_string
from local_aws.mirror import S3File

_INTEGERS = ("INT32", "INT64")
_UNSIGNED = parsed("decimal(20,0)")  # holds the integers without sign of any width
_BYTES = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")


@dataclass(frozen=True)
class Node:
    """A field of a file: its physical type, its logical meaning, and its child fields. A group's `type` is empty."""

    name: str
    type: str
    meaning: str = ""
    is_repeated: bool = False
    children: tuple[Node, ...] = ()

    def child(self, name: str) -> Node | None:
        return next((child for child in self.children if child.name.lower() == name), None)

    def __str__(self) -> str:
        if self.children:
            return f"group ({', '.join(f'{child.name} {child}' for child in self.children)})"
        return f"{self.type} ({self.meaning})" if self.meaning else self.type


@dataclass(frozen=True)
class Column:
    """How a column is read in some files; `problem` says why it cannot be read."""

    type: HiveType
    problem: str = ""


def sources(scope: Scope) -> list[Source]:
    """Return the rows of a table's files; files whose columns are read the same way are read together."""
    kinds = [(column.name, parsed(column.type)) for column in scope.table.columns]
    schemas = scope.memory.of("parquet", scope.files, lambda files: _schemas(scope, files))
    plans = {schema: tuple(_column(kind, schema.child(name)) for name, kind in kinds) for schema in set(schemas)}
    groups: dict[tuple[tuple[Column, ...], bool], list[S3File]] = {}
    for file, schema in zip(scope.files, schemas, strict=True):
        _check_names(kinds, schema, file)
        groups.setdefault((plans[schema], _bytes_are_text(kinds, schema, file)), []).append(file)
    return [_source(scope, n, plan, bare, files) for n, ((plan, bare), files) in enumerate(groups.items())]


def _source(scope: Scope, number: int, plan: tuple[Column, ...], bare: bool, files: Sequence[S3File]) -> Source:
    fields = ", ".join(
        f"{sql_string(column.name)}: {{'name': {sql_string(column.name)}, 'type': {sql_string(duckdb_of(read.type))}, "
        "'default_value': NULL}"
        for column, read in zip(scope.table.columns, plan, strict=True)
        if not read.problem
    )
    schema = f"schema = MAP {{{fields}}}, " if fields else ""
    sql = (
        f"SELECT * FROM read_parquet({scope.paths(f'parquet_{number}', files)}, {schema}"
        # Writers leave NaN out of a row group's range, and DuckDB would pass over what is out of range.
        "can_have_nan = true, "
        f"filename = true, hive_partitioning = false, binary_as_string = {str(bare).lower()})"
    )
    return Source(sql, [_value(scope, number, i, read) for i, read in enumerate(plan)])


def _value(scope: Scope, group: int, number: int, read: Column) -> str:
    column, kind = scope.table.columns[number], parsed(scope.table.columns[number].type)
    value = f'f."{column.name}"'
    if read.problem:
        fail = scope.function(f"bad_{group}_{number}", _failing(column.name, kind, read.problem), 1, kind)
        return f'{fail}(p."$path")'
    if read.type != kind and (ends := kind.range) is not None:
        name = scope.function(f"wide_{group}_{number}", _out_of_range(column.name, column.type), 2, kind)
        fits = f"{value} IS NULL OR {value} BETWEEN {ends[0]} AND {ends[-1]}"
        other = f'{name}(CAST({value} AS VARCHAR), p."$path")'
        return f"CASE WHEN {fits} THEN TRY_CAST({value} AS {duckdb_of(kind)}) ELSE {other} END"
    return value


def _failing(name: str, kind: HiveType, problem: str) -> Callable[[str], Any]:
    def fail(path: str) -> Any:
        raise QueryFailed(
            f"HIVE_BAD_DATA: Field {name}'s type {problem} in parquet file {path} is incompatible with type "
            f"{_trino(kind)} defined in table schema",
            DATA_ERROR,
        )

    return fail


def _out_of_range(name: str, kind: str) -> Callable[[str, str], Any]:
    def fail(value: str, path: str) -> Any:
        raise bad_value(int(value), name, kind, path)

    return fail


def _column(kind: HiveType, node: Node | None) -> Column:
    if node is None:
        return Column(kind)
    if not _fits(kind, node):
        return Column(kind, str(node))
    if kind.range is None:
        return Column(kind)
    if node.meaning == "uint":
        return Column(_UNSIGNED)
    return Column(HiveType("bigint") if node.type == "INT64" else kind)


def _check_names(kinds: Sequence[tuple[str, HiveType]], schema: Node, file: S3File) -> None:
    for name, _ in kinds:
        if len(same := [child.name for child in schema.children if child.name.lower() == name]) > 1:
            raise QueryFailed(
                f"HIVE_BAD_DATA: {file.uri} has the columns {' and '.join(same)}, which are one column, {name}, of the "
                "table; rename one of them in the file",
                DATA_ERROR,
            )


def _fits(kind: HiveType, node: Node) -> bool:
    """Whether values of a file can be read as a type; fields that only one of them has do not matter."""
    if kind.name == "array":
        return _item_fits(kind.children[0], node)
    if kind.name == "map":
        pair = node.children[0] if node.children else node
        return len(pair.children) == 2 and all(map(_fits, kind.children, pair.children))
    if kind.name == "struct":
        pairs = [(child, node.child(name)) for name, child in kind.fields]
        return not node.type and all(inner is None or _fits(child, inner) for child, inner in pairs)
    return bool(node.type) and not node.is_repeated and _scalar_fits(kind, node)


def _item_fits(item: HiveType, node: Node) -> bool:
    """Whether the items fit. An array is a group of a repeated group of its item; older writers omit groups."""
    if node.is_repeated and node.type:
        return _scalar_fits(item, node)
    if len(node.children) != 1 or not node.children[0].is_repeated:
        return False
    inner = node.children[0]
    if inner.type:
        return _scalar_fits(item, inner)
    return _fits(item, inner.children[0]) if len(inner.children) == 1 else _fits(item, inner)


def _scalar_fits(kind: HiveType, node: Node) -> bool:
    is_decimal = "decimal" in node.meaning
    if kind.range is not None:
        return node.type in _INTEGERS and node.meaning in ("", "int", "uint")
    if kind.name == "decimal":
        return is_decimal or (node.type in _INTEGERS and node.meaning in ("", "int", "uint"))
    if kind.is_text:
        return node.type == "BYTE_ARRAY" and node.meaning in ("", "text")
    if kind.name == "timestamp":
        return node.type == "INT96" or (node.type == "INT64" and node.meaning == "timestamp")
    if kind.name == "date":
        return node.type == "INT32" and node.meaning == "date"
    return node.type in _PHYSICAL.get(kind.name, ()) and not is_decimal


_PHYSICAL = {
    "boolean": ("BOOLEAN",),
    "float": ("FLOAT",),
    "double": ("FLOAT", "DOUBLE"),
    "binary": _BYTES,
}


def _bytes_are_text(kinds: Sequence[tuple[str, HiveType]], schema: Node, file: S3File) -> bool:
    """Whether unannotated bytes are text, by the table's types; it applies to all of a file, or none."""
    bare = [kind for name, kind in kinds if (node := schema.child(name)) and _has_bare_text(node)]
    if any(map(_has_text, bare)) and any(kind.name == "binary" for kind in bare):
        raise QueryFailed(
            f"NOT_SUPPORTED: {file.uri} has bytes that do not say whether they are text, under columns of type "
            "string and binary; declare all of them binary"
        )
    return any(map(_has_text, bare))


def _has_text(kind: HiveType) -> bool:
    return kind.is_text or any(map(_has_text, kind.children))


def _has_bare_text(node: Node) -> bool:
    """Whether a file has bytes without a text annotation."""
    return (node.type == "BYTE_ARRAY" and not node.meaning) or any(map(_has_bare_text, node.children))


def _trino(kind: HiveType) -> str:
    return {"string": "varchar", "int": "integer", "float": "real"}.get(kind.name, kind.name)


def _schemas(scope: Scope, files: Sequence[S3File]) -> Mapping[str, Node]:
    rows = scope.con.execute(
        "SELECT file_name, name, coalesce(type, ''), coalesce(num_children, 0), repetition_type = 'REPEATED', "
        "lower(coalesce(converted_type, '') || coalesce(logical_type::VARCHAR, '')) FROM parquet_schema(?)",
        [[str(file.path) for file in files]],
    ).fetchall()
    found: dict[str, list[tuple[Any, ...]]] = {}
    for path, *row in rows:
        found.setdefault(path, []).append(tuple(row))
    return {path: _tree(iter(nodes)) for path, nodes in found.items()}


def _tree(rows: Iterator[tuple[Any, ...]]) -> Node:
    """Build a field and its children; the rows are in depth-first order."""
    name, type_, children, is_repeated, meaning = next(rows)
    inner = tuple(_tree(rows) for _ in range(children))
    return Node(name, "" if children else type_, _meaning(meaning) if not children else "", bool(is_repeated), inner)


def _meaning(text: str) -> str:
    """Return one word for the meaning of a physical type."""
    return next((word for part, word in _MEANINGS.items() if part in text), "other" if text else "")


_MEANINGS = {
    "decimal": "decimal",
    "timestamp": "timestamp",
    "date": "date",
    "time": "time",
    "utf8": "text",
    "string": "text",
    "enum": "text",
    "json": "text",
    "bson": "other",
    "uint": "uint",
    "unsigned": "uint",
    "int": "int",
}
