"""The types of the catalog as trees: `array<struct<a:int>>`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local_aws.athena.errors import QueryFailed
from local_aws.athena.types import sql_name

_ALIASES = {"integer": "int", "real": "float", "double precision": "double", "dec": "decimal", "numeric": "decimal"}
_SCALAR = re.compile(r"([a-z ]+?)\s*(?:\(([\d\s,]+)\))?")
_PARTS = {"array": 1, "map": 2}
_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}


@dataclass(frozen=True)
class HiveType:
    """`sizes` are the parameters of decimal, char and varchar; `names` the field names of a struct, in lower case.

    `children` are the fields' types, an array's item, or a map's key and value.
    """

    name: str
    sizes: tuple[int, ...] = ()
    children: tuple[HiveType, ...] = ()
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.name == "struct":
            return f"struct<{','.join(f'{name}:{kind}' for name, kind in self.fields)}>"
        if self.children:
            return f"{self.name}<{','.join(map(str, self.children))}>"
        return self.name + (f"({','.join(map(str, self.sizes))})" if self.sizes else "")

    @property
    def fields(self) -> list[tuple[str, HiveType]]:
        return list(zip(self.names, self.children, strict=True))

    @property
    def range(self) -> range | None:
        """Return the range of an integer type; None for other types."""
        bits = _BITS.get(self.name)
        return range(-(2 ** (bits - 1)), 2 ** (bits - 1)) if bits else None

    @property
    def is_text(self) -> bool:
        return self.name in ("string", "varchar", "char")

    @property
    def decimal(self) -> tuple[int, int]:
        """Return precision and scale."""
        return (*self.sizes, 0)[:2] if self.sizes else (10, 0)  # type: ignore[return-value]


def parsed(text: str) -> HiveType:
    """Parse a catalog type.

    Raises:
        QueryFailed: the text is not a type.
    """
    head, opened, inner = text.strip().lower().partition("<")
    if not opened:
        return _scalar(head)
    if head.strip() not in ("array", "map", "struct") or not inner.endswith(">"):
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: {text!r} is no type of the catalog")
    parts = list(_split(inner[:-1]))
    if head.strip() != "struct":
        if len(parts) != _PARTS[head.strip()]:
            raise QueryFailed(f"INVALID_TABLE_PROPERTY: {text!r} is no type of the catalog")
        return HiveType(head.strip(), children=tuple(parsed(part) for part in parts))
    names = [part.partition("<")[0].rpartition(":")[0] for part in parts]
    if not all(name.strip() for name in names):
        what = "a field lacks its name or type; a name has no comma"
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: {text!r} is no type of the catalog: {what}")
    return HiveType(
        "struct",
        children=tuple(parsed(part[len(name) + 1 :]) for part, name in zip(parts, names, strict=True)),
        names=tuple(name.strip().strip("`") for name in names),
    )


def _scalar(text: str) -> HiveType:
    found = _SCALAR.fullmatch(text.strip())
    if found is None:
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: {text!r} is no type of the catalog")
    sizes = tuple(int(size) for size in (found[2] or "").split(",") if size.strip())
    return HiveType(_ALIASES.get(found[1], found[1]), sizes)


def _split(text: str) -> Iterator[str]:
    """Yield the parts between commas outside of brackets."""
    depth = begin = 0
    for at, character in enumerate(text):
        depth += (character in "<(") - (character in ">)")
        if character == "," and not depth:
            yield text[begin:at]
            begin = at + 1
    yield text[begin:]


def duckdb_type(hive: str) -> str:
    """Return the DuckDB type of a catalog column: `array<struct<user.id:int>>` -> `STRUCT("user.id" INTEGER)[]`.

    Raises:
        QueryFailed: the text is not a type.
    """
    return duckdb_of(parsed(hive))


def duckdb_of(kind: HiveType) -> str:
    """Return the DuckDB type for values of a catalog type."""
    if kind.name == "array":
        return f"{duckdb_of(kind.children[0])}[]"
    if kind.name == "map":
        return f"MAP({duckdb_of(kind.children[0])}, {duckdb_of(kind.children[1])})"
    if kind.name == "struct":
        return f"STRUCT({', '.join(f'{sql_name(name)} {duckdb_of(child)}' for name, child in kind.fields)})"
    return "DECIMAL({}, {})".format(*kind.decimal) if kind.name == "decimal" else _known(kind)[1]


def arrow_type(kind: HiveType) -> Any:
    """Return the Arrow type for values of a catalog type."""
    import pyarrow as pa  # 40 MB of memory that only queries need

    if kind.name == "array":
        return pa.list_(arrow_type(kind.children[0]))
    if kind.name == "map":
        return pa.map_(arrow_type(kind.children[0]), arrow_type(kind.children[1]))
    if kind.name == "struct":
        return pa.struct([(name, arrow_type(child)) for name, child in kind.fields])
    return pa.decimal128(*kind.decimal) if kind.name == "decimal" else pa.type_for_alias(_known(kind)[0])


def _known(kind: HiveType) -> tuple[str, str]:
    if kind.name not in _ENGINES:
        raise QueryFailed(f"NOT_SUPPORTED: the type {kind.name}; allowed here are {', '.join(_ENGINES)}, decimal")
    return _ENGINES[kind.name]


_ENGINES = {
    "boolean": ("bool", "BOOLEAN"),
    "tinyint": ("int8", "TINYINT"),
    "smallint": ("int16", "SMALLINT"),
    "int": ("int32", "INTEGER"),
    "bigint": ("int64", "BIGINT"),
    "float": ("float32", "FLOAT"),
    "double": ("float64", "DOUBLE"),
    "string": ("string", "VARCHAR"),
    "varchar": ("string", "VARCHAR"),
    "char": ("string", "VARCHAR"),
    "binary": ("binary", "BLOB"),
    "date": ("date32", "DATE"),
    "timestamp": ("timestamp[us]", "TIMESTAMP"),
}
"""The names of types in Arrow and in DuckDB."""
