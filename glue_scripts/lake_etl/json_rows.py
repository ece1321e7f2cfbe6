"""Parses lines of JSON into rows, as the OpenX SerDe does: names match in any case, at every level.

Spark's own reader is fast, but matches names only as spelled in the schema. So it reads the files whose lines are
all plain (`odd` finds the others); what it cannot read is read again, value by value (`row`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    DecimalType,
    MapType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from lake_etl.values import NOT_UTF8, misfit, text, unfit, value

FORMATS = {
    "allowSingleQuotes": "false",
    "dateFormat": "yyyy-MM-dd",
    "timestampFormat": "yyyy-MM-dd[ ]['T']HH:mm:ss[.SSSSSSSSS][.SSSSSS][.SSS][XXX]",
}
TWO = r"\}\s*[,;]?\s*\{"  # matches between two objects
REST_OF_KEY = r'[^"\\]*"\s*:'
MOMENTS = (DateType, TimestampType, TimestampNTZType)
SECONDS = 10  # maximum digits of a number of seconds
MORE = "there is more on the line than one JSON object: write one object a line"
NO_OBJECT = "the line is not a JSON object"
INVALID = "the line is not valid JSON"


@dataclass(frozen=True)
class Keys:
    """How the keys of the files map to the columns: the SerDe's settings."""

    mapping: Mapping[str, str]
    dots: bool = False
    exact: bool = False

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Keys:
        mapped = {name[8:].lower(): key for name, key in parameters.items() if name.lower().startswith("mapping.")}
        dots, any_case = parameters.get("dots.in.keys", "false"), parameters.get("case.insensitive", "true")
        return cls(mapped, dots.lower() == "true", any_case.lower() != "true")

    def key(self, name: str) -> str:
        return self.mapping.get(name.lower(), name)


@dataclass(frozen=True)
class JsonNesting:
    """JSON within JSON is JSON text; a single value for an array column is an array of one. line: SQL of the line."""

    keys: Keys
    line: str

    def elements(self, x: str, level: int) -> str:
        return f"IF(ltrim({x}) LIKE '[%', from_json({x}, 'array<string>'), IF({x} IS NULL, NULL, array({x})))"

    def entries(self, x: str, level: int) -> str:
        return f"map_entries(IF(ltrim({x}) LIKE '{{%', from_json({x}, 'map<string,string>'), NULL))"

    def number(self, type_: str, x: str) -> str:
        """Return SQL for a timestamp given as a number: of seconds or, with more digits, of milliseconds."""
        if type_ == "date":
            return "NULL"
        number = f"try_cast({x} AS bigint)"
        long = f"length(replace({x}, '-', '')) > {SECONDS}"
        return f"CAST(IF({long}, timestamp_millis({number}), timestamp_seconds({number})) AS {type_})"

    def cut(self, type_: DataType, x: str) -> str:
        """Whether a decimal lost digits: within an object it passed through a double, which keeps 17."""
        return f"instr({self.line}, {x}) = 0" if isinstance(type_, DecimalType) else "false"

    def field(self, entries: str, name: str, place: int) -> str:
        """Return SQL for the field's value: the last one, if a key occurs twice."""
        key, found = self.keys.key(name), "p.key"
        if self.keys.dots:
            found = f"replace({found}, '.', '_')"
        if not self.keys.exact:
            key, found = key.lower(), f"lower({found})"
        return f"element_at(filter({entries}, p -> {found} = {text(key)}), -1).value"


@dataclass(frozen=True)
class JsonRows:
    """The rows of files with one JSON object per line.

    schema: the table's columns, without partition keys. spelled: name in lower case -> spelling in the files.
    """

    schema: StructType
    keys: Keys
    spelled: Mapping[str, str]

    def as_written(self) -> StructType:
        """Return the schema with the names as spelled in the files."""
        return StructType(_renamed(self.schema, self._written).fields)

    def odd(self, line: str) -> str:
        """Return SQL for whether Spark's own reader might misread a line. It may be true unnecessarily."""
        return f"({line} RLIKE {text('|'.join(self._odd()))} OR {_two(line)} OR {_not_utf8(line)})"

    def row(self, line: str) -> str:
        """Return SQL for the row of a line: a struct of the columns; null if the line does not fit them."""
        nesting = JsonNesting(self.keys, line)
        values = ", ".join(
            f"{text(field.name)}, {value(field.dataType, x, nesting, 1)}" for field, x in self._texts(line, nesting)
        )
        made = f"transform(array({nesting.entries(line, 0)}), fields -> named_struct({values}))[0]"
        return f"IF({self.reason(line)} IS NULL, {made}, NULL)"

    def reason(self, line: str) -> str:
        """Return SQL for what is wrong with a line; null if nothing is."""
        nesting = JsonNesting(self.keys, line)
        entries, misfits = nesting.entries(line, 0), " ".join(self._misfits(line, nesting))
        checked = f"transform(array({entries}), fields -> CASE {misfits} END)[0]" if misfits else "NULL"
        return (
            f"CASE WHEN {_not_utf8(line)} THEN {text(NOT_UTF8)} "
            f"WHEN ltrim({line}) NOT LIKE '{{%' THEN {text(NO_OBJECT)} WHEN {entries} IS NULL THEN {text(INVALID)} "
            f"WHEN {_two(line)} THEN {text(MORE)} ELSE {checked} END"
        )

    def _written(self, name: str) -> str:
        key = self.keys.key(name)
        return self.spelled.get(key.lower(), key) if not self.keys.exact else key

    def _misfits(self, line: str, nesting: JsonNesting) -> Iterator[str]:
        for field, x in self._texts(line, nesting):
            if (wrong := misfit(field.dataType, x, nesting, 1)) != "false":
                yield f"WHEN {wrong} THEN {unfit(field.name, field.dataType, x)}"

    def _texts(self, line: str, nesting: JsonNesting) -> Iterator[tuple[StructField, str]]:
        """Yield each column with the SQL of its text, taken from the line's `fields`."""
        for place, field in enumerate(self.schema.fields):
            x = nesting.field("fields", field.name, place)
            yield field, self._all_digits(line, field.name, x) if isinstance(field.dataType, DecimalType) else x

    def _all_digits(self, line: str, name: str, x: str) -> str:
        """Return SQL for a decimal as written in the line, if it is found there: x passed through a double."""
        pattern = rf'"(?iu:{re.escape(self.keys.key(name))})"\s*:\s*([-+.0-9eE]+)'
        found = f"regexp_extract({line}, {text(pattern)}, 1)"
        return f"IF(try_cast({found} AS double) = try_cast({x} AS double), {found}, {x})"

    def _odd(self) -> Iterator[str]:
        """Yield regular expressions for what Spark's own reader ignores or misreads."""
        yield from (r"^\s*\[", rf"\\.{REST_OF_KEY}")
        names = [self.keys.key(name) for name, _ in _leaves(self.schema)]
        if moments := [self.keys.key(name) for name, type_ in _leaves(self.schema) if isinstance(type_, MOMENTS)]:
            yield rf'"(?iu:{_either(moments)})"\s*:\s*\[?\s*[-0-9]'
        if self.keys.dots:
            yield rf"[.]{REST_OF_KEY}"
        if self.keys.exact:
            return
        written = [self._written(name) for name in names]
        if any(key != key.lower() for key in (*written, *self.spelled.values())) or not "".join(names).isascii():
            yield rf'"(?!(?:{_either(written)})")(?iu:{_either(names)})"\s*:'
        else:
            yield rf"[A-Z]{REST_OF_KEY}"


def spelled(lines: Iterable[str], paths: str = "") -> dict[str, str]:
    """Return key in lower case -> its most frequent spelling in the lines, at any level; else the one in `paths`."""
    found: Counter[str] = Counter()
    for line in lines:
        with suppress(ValueError, RecursionError):
            found.update(_keys(json.loads(line)))
    known = {key.lower(): key for key in paths.split(",") if key}
    return known | {key.lower(): key for key, _ in reversed(found.most_common())}


def _keys(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        yield from document
    for inner in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from _keys(inner)


def _leaves(type_: DataType, name: str = "") -> Iterator[tuple[str, DataType]]:
    """Yield every name in the type, at every level, with its type."""
    if name:
        yield name, type_
    if isinstance(type_, StructType):
        for field in type_.fields:
            yield from _leaves(field.dataType, field.name)
    elif isinstance(type_, ArrayType | MapType):
        inner = type_.elementType if isinstance(type_, ArrayType) else type_.valueType
        yield from _leaves(inner, name)


def _renamed(type_: Any, name: Callable[[str], str]) -> Any:
    if isinstance(type_, StructType):
        return StructType([StructField(name(field.name), _renamed(field.dataType, name)) for field in type_.fields])
    if isinstance(type_, ArrayType):
        return ArrayType(_renamed(type_.elementType, name))
    return MapType(type_.keyType, _renamed(type_.valueType, name)) if isinstance(type_, MapType) else type_


def _either(names: Iterable[str]) -> str:
    return "|".join(dict.fromkeys(map(re.escape, names)))


def _two(line: str) -> str:
    """Return SQL for whether a line has more than one object: in brackets, one object would be an array of one."""
    alone = f"size(from_json(concat('[', {line}, ']'), 'array<string>')) = 1"
    return f"({line} RLIKE {text(TWO)} AND NOT coalesce({alone}, false))"


def _not_utf8(line: str) -> str:
    return f"(octet_length({line}) <> char_length({line}) AND decode(CAST({line} AS binary), 'UTF-8') <> {line})"
