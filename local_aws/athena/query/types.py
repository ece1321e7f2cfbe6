"""Trino's types: their parameters, spelling and properties."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from local_aws.athena import hive_types
from local_aws.athena.errors import QueryFailed
from local_aws.athena.hive_types import HiveType

MAX_PRECISION = 38


@dataclass(frozen=True)
class Type:
    """A type with its parameters: numbers (precision, scale, length) or types; `names` are the field names of a row.

    >>> str(parsed("ROW(a bigint, decimal(5,2))"))
    'row(a bigint, decimal(5,2))'
    """

    base: str
    args: tuple[Type | int, ...] = ()
    names: tuple[str | None, ...] = ()

    def __str__(self) -> str:
        if self.base == "row":
            parts = [f"{_quoted(n)} {t}" if n else str(t) for n, t in zip(self.names, self.args, strict=True)]
            return f"row({', '.join(parts)})"
        if " with time zone" in self.base and self.args:
            return self.base.replace(" with", f"({self.args[0]}) with", 1)
        separator = ", " if self.base in ("map", "function") else ","
        return f"{self.base}({separator.join(map(str, self.args))})" if self.args else self.base

    @property
    def children(self) -> tuple[Type, ...]:
        return tuple(arg for arg in self.args if isinstance(arg, Type))

    @property
    def item(self) -> Type:
        """Return the item type of an array."""
        return self.children[0]

    @property
    def precision(self) -> int:
        return int(self.args[0])  # type: ignore[arg-type]

    @property
    def scale(self) -> int:
        return int(self.args[1])  # type: ignore[arg-type]

    @property
    def length(self) -> int | None:
        """Return the length of a varchar or char; None if unbounded."""
        return int(self.args[0]) if self.args else None  # type: ignore[arg-type]

    @property
    def is_text(self) -> bool:
        return self.base in ("varchar", "char")

    @property
    def is_whole(self) -> bool:
        return self.base in DIGITS

    @property
    def is_floating(self) -> bool:
        return self.base in ("real", "double")

    @property
    def is_number(self) -> bool:
        return self.is_whole or self.is_floating or self.base == "decimal"

    @property
    def is_zoned(self) -> bool:
        return self.base in (ZONED, ZONED_TIME)

    @property
    def has_precision(self) -> bool:
        return self.base in ("timestamp", "time", ZONED, ZONED_TIME)

    @property
    def is_orderable(self) -> bool:
        if self.base in ("map", "json", "hyperloglog", "setdigest", "tdigest", "qdigest", "color", "function"):
            return False
        return all(child.is_orderable for child in self.children)

    @property
    def is_comparable(self) -> bool:
        if self.base in ("hyperloglog", "setdigest", "tdigest", "qdigest", "function"):
            return False
        return all(child.is_comparable for child in self.children)


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else '"' + name.replace('"', '""') + '"'


ZONED, ZONED_TIME = "timestamp with time zone", "time with time zone"
DAYS, MONTHS = "interval day to second", "interval year to month"
DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
"""The number of decimal digits of each integer type."""
BOOLEAN, DATE, JSON, UNKNOWN = Type("boolean"), Type("date"), Type("json"), Type("unknown")
TINYINT, SMALLINT, INTEGER, BIGINT = map(Type, DIGITS)
REAL, DOUBLE, VARCHAR, VARBINARY = Type("real"), Type("double"), Type("varchar"), Type("varbinary")
INTERVAL_DAYS, INTERVAL_MONTHS = Type(DAYS), Type(MONTHS)


def decimal(precision: int, scale: int = 0) -> Type:
    return Type("decimal", (precision, scale))


def varchar(length: int | None = None) -> Type:
    return Type("varchar", (length,)) if length is not None and length < 2147483647 else VARCHAR


def timestamp(precision: int = 3) -> Type:
    return Type("timestamp", (precision,))


def zoned(precision: int = 3) -> Type:
    return Type(ZONED, (precision,))


def array(item: Type) -> Type:
    return Type("array", (item,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", (key, value))


def row(*fields: tuple[str | None, Type]) -> Type:
    return Type("row", tuple(kind for _, kind in fields), tuple(name for name, _ in fields))


_TOKEN = re.compile(r'\s*("(?:[^"]|"")*"|[\w$@]+|[(),<>])')
_PLAIN = {
    *DIGITS, "boolean", "date", "json", "unknown", "real", "double", "varbinary", "uuid", "ipaddress",
    "hyperloglog", "p4hyperloglog", "setdigest", "tdigest", "qdigest", "color", "function", "array", "map", "row",
    DAYS, MONTHS,
}  # fmt: skip
_ALIASES = {"int": "integer", "dec": "decimal", "numeric": "decimal", "double precision": "double"}
_OF_CATALOG = {"string": "varchar", "float": "real", "binary": "varbinary"}


@lru_cache(maxsize=4096)
def parsed(text: str) -> Type:
    """The type that a text of SQL says.

    Raises:
        QueryFailed: TYPE_MISMATCH... if there is no such type.
    """
    tokens = [match[1] for match in _TOKEN.finditer(text)]
    kind, rest = _type(tokens, text)
    if rest or "".join(tokens) != re.sub(r"\s+(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", "", text.strip()):
        raise _unknown(text)
    return kind


def _unknown(text: str) -> QueryFailed:
    return QueryFailed(f"TYPE_NOT_FOUND: Unknown type: {text.strip()}")


def _type(tokens: list[str], text: str) -> tuple[Type, list[str]]:
    if not tokens or not re.match(r"\w", tokens[0]):
        raise _unknown(text)
    name, rest = tokens[0].lower(), tokens[1:]
    while rest and f"{name} {rest[0].lower()}" in _LONG:
        name, rest = f"{name} {rest[0].lower()}", rest[1:]
    name = _ALIASES.get(name, name)
    given: list[tuple[str | None, Type | int]] = []
    if rest and (rest[0] == "(" or (rest[0] == "<" and name in ("array", "map"))):
        given, rest = _given(rest[1:], text, name)
    if [word.lower() for word in rest[:3]] == ["with", "time", "zone"] and name in ("time", "timestamp"):
        name, rest = f"{name} with time zone", rest[3:]
    elif [word.lower() for word in rest[:3]] == ["without", "time", "zone"]:
        rest = rest[3:]
    return _made(name, given, text), rest


_LONG = {
    "double precision", "interval day", "interval day to", DAYS, "interval year", "interval year to", MONTHS,
}  # fmt: skip


def _given(tokens: list[str], text: str, name: str) -> tuple[list[tuple[str | None, Type | int]], list[str]]:
    """Parse the parameters up to the closing bracket; a row's fields may have names."""
    given: list[tuple[str | None, Type | int]] = []
    while tokens:
        if tokens[0].isdigit():
            given.append((None, int(tokens[0])))
            tokens = tokens[1:]
        else:
            field, tokens = _field(tokens, name)
            kind, tokens = _type(tokens, text)
            given.append((field, kind))
        if not tokens or tokens[0] not in ",)>":
            break
        end, tokens = tokens[0], tokens[1:]
        if end in ")>":
            return given, tokens
    raise _unknown(text)


def _field(tokens: list[str], name: str) -> tuple[str | None, list[str]]:
    if name != "row" or len(tokens) < 2:
        return None, tokens
    named = tokens[0].startswith('"')
    follows = re.match(r'["\w]', tokens[1]) is not None and f"{tokens[0]} {tokens[1]}".lower() not in _LONG
    if not named and (not follows or tokens[1].lower() in ("with", "without")):
        return None, tokens
    field = tokens[0][1:-1].replace('""', '"') if tokens[0].startswith('"') else tokens[0].lower()
    return field, tokens[1:]


def _made(name: str, given: list[tuple[str | None, Type | int]], text: str) -> Type:
    args = tuple(value for _, value in given)
    if name in ("timestamp", "time", ZONED, ZONED_TIME):
        return Type(name, (_digits(args, 3),))
    if name == "decimal":
        return _decimal(args, text)
    if name == "varchar":
        return varchar(int(args[0]) if args else None)  # type: ignore[arg-type]
    if name == "char":
        return Type("char", args or (1,))
    if name == "row":
        return Type("row", args, tuple(field for field, _ in given))
    if name not in _PLAIN and not re.fullmatch(r"[a-z]\d?", name):
        raise _unknown(text)
    if name in ("array", "map") and len(args) != (1 if name == "array" else 2):
        raise _unknown(text)
    return Type(name.upper() if name not in _PLAIN else name, args)


def _digits(args: tuple[Type | int, ...], default: int) -> int:
    digits = int(args[0]) if args else default  # type: ignore[arg-type]
    if digits > 6:
        raise QueryFailed(f"NOT_SUPPORTED: a time of precision {digits}; here a second has at most 6 digits")
    return digits


def _decimal(args: tuple[Type | int, ...], text: str) -> Type:
    precision, scale = (*args, 0)[:2] if args else (MAX_PRECISION, 0)
    if not 1 <= int(precision) <= MAX_PRECISION:  # type: ignore[arg-type]
        raise QueryFailed(f"NOT_SUPPORTED: DECIMAL precision must be in range [1, 38]: {text}")
    if int(scale) > int(precision):  # type: ignore[arg-type]
        raise QueryFailed(f"NOT_SUPPORTED: DECIMAL scale must be in range [0, precision]: {text}")
    return Type("decimal", (precision, scale))


@lru_cache(maxsize=4096)
def of_catalog(text: str) -> Type:
    """The type of a catalog's column: `decimal` is decimal(10,0), and a timestamp has milliseconds.

    Raises:
        QueryFailed: the text is no type of the catalog.
    """
    return _of_tree(hive_types.parsed(text))


def _of_tree(tree: HiveType) -> Type:
    if tree.name == "struct":
        return row(*((name, _of_tree(kind)) for name, kind in tree.fields))
    if tree.children:
        return Type(tree.name, tuple(map(_of_tree, tree.children)))
    if tree.name == "decimal":
        return _decimal(tree.decimal, str(tree.decimal))
    name = _OF_CATALOG.get(tree.name, tree.name)
    return parsed(name + (f"({','.join(map(str, tree.sizes))})" if tree.sizes else ""))


def in_tree(kind: Type) -> Iterator[Type]:
    yield kind
    for child in kind.children:
        yield from in_tree(child)
