"""Converts texts of files to values of a table's types: Spark SQL generated from the type, the same in both languages.

Spark's own casts are too lenient: they take `yes` for true, `2024` for a date, and 1.9 for an integer.
"""

from __future__ import annotations

from typing import Protocol

from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructType

NUMBER = "^[ ]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[ ]*$|^[ ]*([+-]?Infinity|NaN)[ ]*$"
_DATE = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_TIME = "[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_ZONE = "[ ]?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})"
_MOMENT = f"^{_DATE}([ T]{_TIME}({_ZONE})?)?$"
MOMENTS = {"date": f"^{_DATE}$", "timestamp": _MOMENT, "timestamp_ntz": _MOMENT}
EPOCH = "^-?[0-9]{1,15}$"  # of milliseconds: more is no moment that a timestamp can be
NOT_UTF8 = "the line is not UTF-8 text"
SHOWN = 200  # characters of a text in a message


class Nesting(Protocol):
    """How a format nests values in text. x: SQL of the text; level: 0 for a column's own; each method returns SQL."""

    def elements(self, x: str, level: int) -> str: ...

    def entries(self, x: str, level: int) -> str: ...

    def field(self, entries: str, name: str, place: int) -> str: ...

    def number(self, type_: str, x: str) -> str: ...

    def plain(self, x: str) -> str:
        """The text of a value that is not nested, without marks."""
        ...

    def floating(self, x: str) -> str:
        """The text of a number that may be NaN or infinite."""
        ...


def value(type_: DataType, x: str, nesting: Nesting, level: int = 0) -> str:
    """Return SQL for the value of the text x; null if x is null or does not fit."""

    def inner(of: DataType, item: str) -> str:
        return value(of, item, nesting, _deeper(type_, level))

    if isinstance(type_, ArrayType):
        return f"transform({nesting.elements(x, level)}, e{level} -> {inner(type_.elementType, f'e{level}')})"
    if isinstance(type_, MapType):
        pair = f"struct({inner(type_.keyType, f'm{level}.key')}, {inner(type_.valueType, f'm{level}.value')})"
        return f"map_from_entries(transform({nesting.entries(x, level)}, m{level} -> {pair}))"
    if isinstance(type_, StructType):
        entries = nesting.entries(x, level)
        fields = [
            f"{text(field.name)}, {inner(field.dataType, nesting.field(f's{level}', field.name, place))}"
            for place, field in enumerate(type_.fields)
        ]
        made = f"transform(array({entries}), s{level} -> named_struct({', '.join(fields)}))[0]"
        return f"IF({entries} IS NULL, NULL, {made})"
    return scalar(type_, nesting.plain(x), nesting)


def misfit(type_: DataType, x: str, nesting: Nesting, level: int = 0) -> str:
    """Return SQL for whether the text x does not fit, at any level: true or false."""

    def inner(of: DataType, item: str) -> str:
        return misfit(of, item, nesting, _deeper(type_, level))

    def any_(items: str, name: str, wrong: str) -> str:
        return f"({x} IS NOT NULL AND coalesce(exists({items}, {name} -> {wrong}), true))"

    if isinstance(type_, StringType):
        return "false"
    if isinstance(type_, ArrayType):
        return any_(nesting.elements(x, level), f"e{level}", inner(type_.elementType, f"e{level}"))
    if isinstance(type_, MapType):
        wrong = f"{inner(type_.keyType, f'm{level}.key')} OR {inner(type_.valueType, f'm{level}.value')}"
        return any_(nesting.entries(x, level), f"m{level}", wrong)
    if isinstance(type_, StructType):
        entries, item = nesting.entries(x, level), f"s{level}"
        wrong = " OR ".join(
            inner(field.dataType, nesting.field(item, field.name, place)) for place, field in enumerate(type_.fields)
        )
        return any_(f"IF({entries} IS NULL, NULL, array({entries}))", item, wrong)
    return f"({x} IS NOT NULL AND {scalar(type_, nesting.plain(x), nesting)} IS NULL)"


def _deeper(type_: DataType, level: int) -> int:
    return level + (2 if isinstance(type_, MapType) else 1)


def scalar(type_: DataType, x: str, nesting: Nesting) -> str:
    """Return SQL for the value of a type that is not nested."""
    name = type_.simpleString()
    if name == "string":
        return x
    if name == "boolean":
        return f"CASE lower({x}) WHEN 'true' THEN true WHEN 'false' THEN false END"
    if name == "binary":
        return f"try_to_binary({x}, 'base64')"
    if name in MOMENTS:
        written = f"IF({x} RLIKE '{MOMENTS[name]}', try_cast({x} AS {name}), NULL)"
        return f"IF({x} RLIKE '{EPOCH}', {nesting.number(name, x)}, {written})"
    if name in ("float", "double"):
        x = nesting.floating(x)
    if name.startswith(("float", "double", "decimal")):
        return f"IF({x} RLIKE '{NUMBER}', try_cast({x} AS {name}), NULL)"
    return f"try_cast(regexp_replace({x}, '[.]0+$', '') AS {name})"


def text(of: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + of.replace("\\", "\\\\").replace("'", "\\'") + "'"


def unfit(name: str, type_: DataType, x: str) -> str:
    """Return SQL for the message about a text that does not fit its column."""
    before, after = text(f"column {name}: '"), text(f"' is not {type_.simpleString()}")
    return f"concat({before}, substring({x}, 1, {SHOWN}), {after})"
