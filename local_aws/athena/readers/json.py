"""JSON, one object per line. DuckDB reads simple files, which is fast; the SerDe's own rules read the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local_aws.athena.hive_types import HiveType, duckdb_of, parsed
from local_aws.athena.readers.json_values import Rows, converter, rules_of
from local_aws.athena.readers.shapes import Shape, shapes_of
from local_aws.athena.readers.source import Scope, Source, bad_value, typed_null, value_of
from local_aws.athena.types import sql_name, sql_string
from local_aws.mirror import S3File

_STRING = HiveType("string")
_INTEGER = {"UBIGINT", "BIGINT"}
_KINDS = {
    "boolean": {"BOOLEAN"},
    "float": _INTEGER | {"DOUBLE"},
    "double": _INTEGER | {"DOUBLE"},
    "string": _INTEGER | {"VARCHAR", "BOOLEAN"},
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), _INTEGER),
}
"""JSON values that DuckDB converts to a type as the SerDes do."""
_AS_TEXT = {
    "boolean": {"BOOLEAN", "VARCHAR"},
    "date": {"VARCHAR"},
    "decimal": _INTEGER | {"DOUBLE", "VARCHAR"},
    "double": _INTEGER | {"DOUBLE", "VARCHAR"},
    "float": _INTEGER | {"DOUBLE", "VARCHAR"},
    "timestamp": {"VARCHAR"},
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), _INTEGER | {"VARCHAR"}),
}
"""JSON values that are first read as text for a column of a type, and then converted by `value_of`."""
_DIRECT = ("boolean", "double", "float")


@dataclass(frozen=True)
class Read:
    """How DuckDB reads a column of a file: the key's spelling there, and the type with its fields' spellings there."""

    key: str
    type: HiveType


Plan = tuple[Read | None, ...]
"""For each column, how it is read; None if a file does not have its key."""


def sources(scope: Scope) -> list[Source]:
    """Return the rows of a table's files.

    Raises:
        QueryFailed: for a type that JSON cannot hold, or an unsupported pattern in timestamp.formats.
    """
    return JsonReader(scope).sources()


class JsonReader:
    def __init__(self, scope: Scope) -> None:
        self._scope, self._columns = scope, scope.table.columns
        self._kinds = [parsed(column.type) for column in self._columns]
        self._rules = rules_of(str(scope.table.serde.get("SerializationLibrary")), scope.options)
        self._converters = [converter(kind, self._rules) for kind in self._kinds]

    def sources(self) -> list[Source]:
        if self._scope.skipped:
            return [self._exact(self._scope.files)]
        shapes = self._scope.memory.of("shape", self._scope.files, lambda files: shapes_of(self._scope.con, files))
        plans: dict[Shape, Plan | None] = {shape: self._plan(shape) for shape in set(shapes) - {None}}
        odd = [file for file, shape in zip(self._scope.files, shapes, strict=True) if not plans.get(shape)]
        groups: dict[Plan, list[S3File]] = {}
        for file, shape in zip(self._scope.files, shapes, strict=True):
            if plan := plans.get(shape):
                _join(groups, plan, file)
        found = [self._plain(number, plan, files) for number, (plan, files) in enumerate(groups.items())]
        return [*found, self._exact(odd)] if odd else found

    def _plan(self, shape: Shape) -> Plan | None:
        """Return how DuckDB reads a file of this shape as the SerDe would; None if it cannot."""
        reads: list[Read | None] = []
        for column, kind in zip(self._columns, self._kinds, strict=True):
            keys = self._keys(column.name, shape)
            type_ = self._column_type(kind, keys[0][1]) if keys else kind
            if len(keys) > 1 or type_ is None:
                return None
            reads.append(Read(keys[0][0], type_) if keys else None)
        return tuple(reads) if _are_distinct([read.key for read in reads if read]) else None

    def _keys(self, name: str, shape: Shape) -> list[tuple[str, Shape]]:
        """Return the keys of a file that may hold a field."""
        return [(key, inner) for key, inner in shape.fields if self._rules.key(key) == self._rules.wanted(name)]

    def _column_type(self, kind: HiveType, shape: Shape) -> HiveType | None:
        if kind.name not in _AS_TEXT or (kind.name in _DIRECT and shape.kinds <= _KINDS[kind.name]):
            return self._type(kind, shape)
        return _STRING if shape.kinds <= _AS_TEXT[kind.name] and not shape.fields and not shape.item else None

    def _type(self, kind: HiveType, shape: Shape) -> HiveType | None:
        """Return the type for values of a shape, with the names spelled as in these; None if it does not fit."""
        if kind.name == "struct":
            return self._struct_type(kind, shape)
        if kind.name == "array":
            inner = self._type(kind.children[0], shape.item or Shape()) if shape.is_array or shape.is_null else None
            return replace(kind, children=(inner,)) if inner else None
        if kind.name == "map":
            return self._map_type(kind, shape)
        fits = shape.kinds <= _KINDS.get(kind.name, set()) and not shape.fields and not shape.item
        return kind if fits and kind.name in _KINDS else None

    def _struct_type(self, kind: HiveType, shape: Shape) -> HiveType | None:
        names, children = [], []
        for name, child in kind.fields:
            keys = self._keys(name, shape)
            key, inner = keys[0] if keys else (name, Shape())
            type_ = self._type(child, inner)
            if len(keys) > 1 or type_ is None or not shape.is_object:
                return None
            names.append(key)
            children.append(type_)
        return HiveType("struct", (), tuple(children), tuple(names)) if _are_distinct(names) else None

    def _map_type(self, kind: HiveType, shape: Shape) -> HiveType | None:
        key, value = kind.children
        fits = all(self._type(value, inner) for _, inner in shape.fields) and self._type(value, Shape())
        return kind if fits and shape.is_object and key == _STRING and not value.children else None

    def _plain(self, number: int, plan: Plan, files: Sequence[S3File]) -> Source:
        reads = {read.key: duckdb_of(read.type) for read in plan if read} or {"none": "VARCHAR"}
        fields = ", ".join(f"{sql_string(key)}: {sql_string(kind)}" for key, kind in reads.items())
        sql = (
            f"SELECT * FROM read_json({self._scope.paths(f'json_{number}', files)}, columns = {{{fields}}}, "
            "format = 'newline_delimited', records = true, filename = true, hive_partitioning = false)"
        )
        return Source(sql, [self._value(i, read) for i, read in enumerate(plan)])

    def _value(self, number: int, read: Read | None) -> str:
        column, kind = self._columns[number], self._kinds[number]
        if read is None:
            return typed_null(column)
        value = f"f.{sql_name(read.key)}"
        if read.type == _STRING and kind.name in _AS_TEXT:
            only = "false" if kind.name == "timestamp" and self._rules.formats else "true"
            return value_of(self._scope, number, kind, value, self._from_text(number), only)
        return _renamed(kind, read.type, value)

    def _from_text(self, number: int) -> Callable[[str | None, str], Any]:
        column, convert = self._columns[number], self._converters[number]

        def read(text: str | None, path: str) -> Any:
            try:
                return None if text is None else convert(text)
            except (ValueError, ArithmeticError) as error:
                raise bad_value(text, column.name, column.type, path) from error

        return read

    def _exact(self, files: Sequence[S3File]) -> Source:
        rows = Rows(self._columns, self._kinds, self._rules)
        kind = HiveType("struct", (), tuple(self._kinds), tuple(column.name for column in self._columns))
        row = self._scope.function("row", rows.row, 2, kind, once=True)
        lines = self._scope.lines("odd", files)
        joined = f"({lines}) AS l JOIN {self._scope.addresses} USING (filename)"
        sql = f'SELECT l.filename, {row}(line, "$path") AS row FROM {joined}'
        return Source(sql, [f"struct_extract(f.row, {sql_string(column.name)})" for column in self._columns])


def _renamed(kind: HiveType, spelt: HiveType, value: str, depth: int = 0) -> str:
    """Rename fields to the table's spelling: a cast between types that differ only in case keeps the old names."""
    if kind == spelt:
        return value
    if kind.name == "array":
        item = _renamed(kind.children[0], spelt.children[0], f"e{depth}", depth + 1)
        return f"list_transform({value}, lambda e{depth}: {item})"
    parts = [
        f"{sql_name(name)} := {_renamed(child, inner, f'struct_extract({value}, {sql_string(key)})', depth)}"
        for (name, child), (key, inner) in zip(kind.fields, spelt.fields, strict=True)
    ]
    return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({', '.join(parts)}) END"


def _are_distinct(names: list[str]) -> bool:
    """Whether DuckDB, which ignores the case of names, can tell them apart."""
    return len({name.lower() for name in names}) == len(names)


def _join(groups: dict[Plan, list[S3File]], plan: Plan, file: S3File) -> None:
    """Add a file to the first group that reads no column differently."""
    for known in groups:
        if all(a is None or b is None or a == b for a, b in zip(known, plan, strict=True)):
            merged = tuple(a or b for a, b in zip(known, plan, strict=True))
            groups[merged] = [*groups.pop(known), file]
            return
    groups[plan] = [file]
