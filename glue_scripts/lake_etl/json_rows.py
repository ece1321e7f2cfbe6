"""Parses lines of JSON into rows, as the OpenX SerDe does: names match in any case, at every level.

Spark's own parser is fast, and takes names only as they are written in the schema. So it reads each line, and what it
may have misread (`plain` is false) is read again, value by value (`fields`, `row`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyspark.sql.types import (
    ArrayType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from lake_etl.names import quoted
from lake_etl.values import NOT_UTF8, misfit, text, unfit, value

FORMATS = {
    "allowSingleQuotes": "false",
    "dateFormat": "yyyy-MM-dd",
    "timestampFormat": "yyyy-MM-dd[ ]['T']HH:mm:ss[.SSSSSSSSS][.SSSSSS][.SSS][XXX]",
}
TWO = r"\}\s*+[,;]?+\s*+\{"  # what stands between two objects
REST_OF_KEY = r'[^"\\]*+"\s*+:'
BLANK_AFTER_QUOTE = ("2220", "2209")  # in bytes: contains costs less of them than of letters
END_OF_KEY, BACKSLASH = '":', "\\"
NUMBERS, TEXTS = r"[-0-9\[{]", r'["\[{]'  # how values may begin that have such in them
NOT_TINY = r"\s*+:(?!\s*+(?:-?[0-9]{1,2}|null)\s*+[,}])"  # what follows a key
UTF_16 = {"FFFE": "UTF-16", "FEFF": "UTF-16", "7B00": "UTF-16LE", "007B": "UTF-16BE"}  # how an object begins
BYTE_ORDER_MARK = "\ufeff"
MOMENTS = (DateType, TimestampType, TimestampNTZType)
SECONDS = 10  # maximum digits of a number of seconds
MORE = "there is more on the line than one JSON object: write one object a line"
NO_OBJECT = "the line is not a JSON object"
INVALID = "the line is not valid JSON"
EXACT = "\ufdd5"  # before a number that is kept as a text; a code point that no text may have
_STRINGS = r""""(?:[^"\\]++|\\.)*+"|'(?:[^'\\]++|\\.)*+'"""
_SHORT = r"-?[0-9][-+.0-9eE]{0,14}+(?![-+.0-9eE])|-?[0-9]++(?![-+.eE])|-(?![0-9])"  # a double or a long holds it
LONG = rf"""\G((?:[^"'0-9-]++|{_STRINGS}|{_SHORT})*+)(-?[0-9][-+.0-9eE]*+)"""  # a number that a double would cut
MARKED = f'$1"{EXACT}$2"'


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
    """JSON within JSON is JSON text; one value where an array is due is an array of one. exact: numbers are marked."""

    keys: Keys
    exact: bool = False

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

    def plain(self, x: str) -> str:
        return f"""regexp_replace({x}, '"?{EXACT}([^"]*)"?', '$1')""" if self.exact else x

    def floating(self, x: str) -> str:
        return f"""regexp_replace({x}, '^"(NaN|[+-]?Infinity)"$', '$1')"""  # as Spark's parser gives these words

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

    def plain(self, line: str, parsed: str) -> str:
        """SQL of whether Spark's own parser read a line, into the struct `parsed`, as the SerDe does.

        It may be false where there is no need.
        """
        odd = " OR ".join([*self._odd(line, parsed), _two(line), _not_utf8(line)])
        return f"(ltrim({line}) LIKE '{{%' AND NOT ({odd}))"

    def filled(self, line: str) -> str:
        """SQL of whether there is anything in a line."""
        return f"(ltrim({line}) LIKE '{{%' OR {_trimmed('BOTH', line)} <> '')"  # the second costs much more

    def all_are_odd(self) -> bool:
        """Whether Spark's own parser, which ignores case and knows no keys of maps but texts, may misread any line."""
        return self.keys.exact or _is_odd(self.as_written())

    def exact(self, line: str) -> str:
        """SQL of a line whose long numbers are marked texts, where columns are decimals: else a double cuts them."""
        return f"regexp_replace({line}, {text(LONG)}, {text(MARKED)})" if self.nesting.exact else line

    def fields(self, line: str) -> str:
        """SQL of the keys of a line with the texts of their values; null for a line that is no object."""
        return self.nesting.entries(self.exact(_text(line)), 0)

    def row(self, fields: str) -> str:
        """SQL of the row that the fields of a line are: a struct of the columns."""
        values = (
            f"{text(field.name)}, {value(field.dataType, x, self.nesting, 1)}" for field, x in self._texts(fields)
        )
        return f"named_struct({', '.join(values)})"

    def reason(self, line: str, fields: str) -> str:
        """SQL of what is wrong with a line; null where nothing is."""
        misfits, read = " ".join(self._misfits(fields)), _text(line)
        return (
            f"CASE WHEN {_not_utf8(read)} THEN {text(NOT_UTF8)} "
            f"WHEN {read} NOT LIKE '{{%' THEN {text(NO_OBJECT)} WHEN {fields} IS NULL THEN {text(INVALID)} "
            f"WHEN {_two(read)} THEN {text(MORE)} {misfits} END"
        )

    @cached_property
    def nesting(self) -> JsonNesting:
        return JsonNesting(self.keys, any(isinstance(type_, DecimalType) for _, type_ in _leaves(self.schema)))

    def _written(self, name: str) -> str:
        key = self.keys.key(name)
        return self.spelled.get(key.lower(), key) if not self.keys.exact else key

    def _misfits(self, fields: str) -> Iterator[str]:
        for field, x in self._texts(fields):
            if (wrong := misfit(field.dataType, x, self.nesting, 1)) != "false":
                yield f"WHEN {wrong} THEN {unfit(field.name, field.dataType, self.nesting.plain(x))}"

    def _texts(self, fields: str) -> Iterator[tuple[StructField, str]]:
        """Each column with the SQL of its text."""
        for place, field in enumerate(self.schema.fields):
            yield field, self.nesting.field(fields, field.name, place)

    def _odd(self, line: str, parsed: str) -> Iterator[str]:
        """SQL of what Spark's own parser passes over, or takes for something else.

        The patterns run one after the other, as Java tries an alternation again at every character.
        """
        yield f"contains({line}, {text(BACKSLASH)}) AND {line} RLIKE {text(rf'{BACKSLASH * 2}.{REST_OF_KEY}')}"
        names = [self.keys.key(name) for name, _ in _leaves(self.schema)]
        if tiny := self._names_of(ByteType):  # 128 would be -128
            wide = f'"(?iu:{_either(tiny)})"{NOT_TINY}'
            yield f"{line} RLIKE {text(wide)}"
        if moments := self._names_of(*MOMENTS):
            yield f"{line} RLIKE {text(_begins(moments, NUMBERS))}"
        if decimals := self._names_of(DecimalType):  # of a text, commas would be dropped
            yield f"{line} RLIKE {text(_begins(decimals, TEXTS))}"
        if self.keys.dots:
            yield f"{line} RLIKE {text(f'[.]{REST_OF_KEY}')}"
        yield f"NOT {self._complete(line, parsed)} AND {line} RLIKE {text(self._otherwise(names))}"

    def _complete(self, line: str, parsed: str) -> str:
        """SQL of whether each column has a value and the line no more keys than these: a pattern costs much more."""
        if any(isinstance(field.dataType, StructType | ArrayType | MapType) for field in self.schema):
            return "false"
        filled = [f"{parsed}.{quoted(self._written(name))} IS NOT NULL" for name in self.schema.names]
        keys = f"octet_length({line}) - octet_length(replace({line}, {text(END_OF_KEY)}, ''))"
        counted = f"{keys} = {len(END_OF_KEY) * len(filled)}"
        alone = [f"NOT contains(CAST({line} AS binary), X'{mark}')" for mark in BLANK_AFTER_QUOTE]
        return f"({' AND '.join([*filled, *alone, counted])})"

    def _names_of(self, *types: type[DataType]) -> list[str]:
        return [self.keys.key(name) for name, type_ in _leaves(self.schema) if isinstance(type_, types)]

    def _otherwise(self, names: list[str]) -> str:
        """A regular expression of a key that is spelled otherwise."""
        written = [self._written(name) for name in names]
        if any(key != key.lower() for key in (*written, *self.spelled.values())) or not "".join(names).isascii():
            return rf'"(?!(?:{_either(written)})")(?iu:{_either(names)})"\s*+:'
        return rf"[A-Z]{REST_OF_KEY}"


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


def _is_odd(type_: DataType) -> bool:
    """Whether, at any level, a struct has two names that differ in case alone, or the keys of a map are no texts."""
    if isinstance(type_, StructType):
        inner = [field.dataType for field in type_.fields]
        return len({name.lower() for name in type_.names}) < len(inner) or any(map(_is_odd, inner))
    if isinstance(type_, ArrayType):
        return _is_odd(type_.elementType)
    return isinstance(type_, MapType) and (not isinstance(type_.keyType, StringType) or _is_odd(type_.valueType))


def _renamed(type_: Any, name: Callable[[str], str]) -> Any:
    if isinstance(type_, StructType):
        return StructType([StructField(name(field.name), _renamed(field.dataType, name)) for field in type_.fields])
    if isinstance(type_, ArrayType):
        return ArrayType(_renamed(type_.elementType, name))
    return MapType(type_.keyType, _renamed(type_.valueType, name)) if isinstance(type_, MapType) else type_


def _either(names: Iterable[str]) -> str:
    return "|".join(dict.fromkeys(map(re.escape, names)))


def _begins(names: Iterable[str], value: str) -> str:
    """A regular expression of a key with one of the names, in any spelling, and the beginning of its value."""
    return rf'"(?iu:{_either(names)})"\s*+:\s*+{value}'


def _two(line: str) -> str:
    """Return SQL for whether a line has more than one object: in brackets, one object would be an array of one."""
    alone = f"size(from_json(concat('[', {line}, ']'), 'array<string>')) = 1"
    begins_again = f"contains(substr(CAST({line} AS binary), 2), X'7B')"  # in bytes, a tenth of the cost of letters
    return f"({begins_again} AND substr({line}, 2) RLIKE {text(TWO)} AND NOT coalesce({alone}, false))"


def _text(line: str) -> str:
    """SQL of a line from its first letter on, decoded if it is UTF-16: an object alone in its file may be."""
    in_bytes = f"CAST({line} AS binary)"
    decoded = " ".join(f"WHEN '{head}' THEN decode({in_bytes}, '{charset}')" for head, charset in UTF_16.items())
    unmarked = f"IF(startswith({line}, '{BYTE_ORDER_MARK}'), substr({line}, 2), {line})"
    return _trimmed("LEADING", f"CASE hex(substr({in_bytes}, 1, 2)) {decoded} ELSE {unmarked} END")


def _trimmed(side: str, line: str) -> str:
    return f"trim({side} ' \t\r' FROM {line})"


def _not_utf8(line: str) -> str:
    return f"decode(CAST({line} AS binary), 'UTF-8') <> {line}"
