"""Parses a line of JSON into a row, as the OpenX SerDe and Hive's do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from local_aws.athena.errors import DATA_ERROR, QueryFailed
from local_aws.athena.hive_types import HiveType
from local_aws.athena.readers import texts
from local_aws.athena.readers.source import bad_value
from local_aws.athena.tables import Column

Convert = Callable[[Any], Any]
Leaf = Callable[[HiveType, "Rules"], Convert]
_MILLIS = 10**11
"""A number above this counts milliseconds since 1970, a smaller one seconds."""
_DIGITS = 38
_MORE = re.compile(r"[\s,;]*[{\[]")


@dataclass(frozen=True)
class Rules:
    """The properties of a JSON SerDe. `mapping`: field name -> key."""

    is_openx: bool
    mapping: dict[str, str] = field(default_factory=dict)
    ignores_case: bool = True
    has_dots: bool = False
    is_lenient: bool = False
    formats: tuple[texts.FromText, ...] = ()

    def key(self, spelt: str) -> str:
        """Return the form in which a key of a file is compared."""
        plain = spelt.replace(".", "_") if self.has_dots else spelt
        return plain.lower() if self.ignores_case else plain

    def wanted(self, name: str) -> str:
        """Return the form in which the key of a field is compared."""
        return self.key(self.mapping.get(name, name))


def rules_of(library: str, options: dict[str, str]) -> Rules:
    """Return the rules from a SerDe's properties.

    Raises:
        QueryFailed: for an unsupported pattern in timestamp.formats.
    """
    formats = tuple(texts.java_formats(options.get("timestamp.formats", "")))
    if "openx" not in library.lower():
        return Rules(False, formats=formats)
    switches = {"case.insensitive": "true", "dots.in.keys": "false", "ignore.malformed.json": "false"}
    ignores_case, has_dots, is_lenient = (
        options.get(name, usual).strip().lower() == "true" for name, usual in switches.items()
    )
    return Rules(
        True,
        {name.removeprefix("mapping."): key for name, key in options.items() if name.startswith("mapping.")},
        ignores_case,
        has_dots,
        is_lenient,
        formats,
    )


class Rows:
    """Converts a line to a row: column -> value, None if the line has no value."""

    def __init__(self, columns: Sequence[Column], kinds: Sequence[HiveType], rules: Rules) -> None:
        self._rules = rules
        self._fields = [
            (column, rules.wanted(column.name), converter(kind, rules))
            for column, kind in zip(columns, kinds, strict=True)
        ]
        hook = None if rules.is_openx else _without_duplicates
        self._decoder = json.JSONDecoder(parse_float=Decimal, object_pairs_hook=hook, strict=False)

    def row(self, line: str, path: str) -> dict[str, Any]:
        """Return the row of a line.

        Raises:
            QueryFailed: HIVE_BAD_DATA if the line is not JSON, or a value does not have its column's type.
        """
        record = self._record(line, path)
        row: dict[str, Any] = {}
        for column, key, convert in self._fields:
            value = record.get(key)
            try:
                row[column.name] = None if value is None else convert(value)
            except (ValueError, ArithmeticError) as error:
                raise bad_value(value, column.name, column.type, path) from error
        return row

    def _record(self, line: str, path: str) -> dict[str, Any]:
        if not (text := line.strip()):
            return {}
        try:
            value, end = self._decoder.raw_decode(text)
        except (ValueError, RecursionError) as error:
            return self._malformed(text, path, "Row is not a valid JSON Object", error)
        if _MORE.match(text, end):
            return self._malformed(text, path, "There are several objects on a line")
        if isinstance(value, dict):
            return {self._rules.key(name): item for name, item in value.items()}
        if not self._rules.is_openx:
            return self._malformed(text, path, "Row is not a valid JSON Object")
        names = [key for _, key, _ in self._fields]
        return dict(zip(names, value, strict=False)) if isinstance(value, list) else {}

    def _malformed(self, text: str, path: str, what: str, error: Exception | None = None) -> dict[str, Any]:
        if self._rules.is_lenient:
            return {}
        help_ = "; the property ignore.malformed.json makes a row of nulls of it" if self._rules.is_openx else ""
        shown = json.dumps(text[:100], ensure_ascii=False)
        raise QueryFailed(f"HIVE_BAD_DATA: {what}: {shown} in {path}{help_}", DATA_ERROR) from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len({key.lower() for key in found}) < len(pairs):
        raise ValueError("a key is duplicated")
    return found


def converter(kind: HiveType, rules: Rules, leaf: Leaf | None = None) -> Convert:
    """Return the conversion of non-null JSON values to a type.

    Args:
        leaf: the conversion for types that are not nested; by default Athena's.

    Raises:
        QueryFailed: for a type that JSON cannot hold.
    """
    if not kind.children:
        return (leaf or _leaf)(kind, rules)
    parts = [converter(child, rules, leaf) for child in kind.children]
    if kind.name == "struct":
        return _struct(kind, parts, rules)
    return _array(_nullable(parts[0]), rules) if kind.name == "array" else _map(parts[0], _nullable(parts[1]))


def _leaf(kind: HiveType, rules: Rules) -> Convert:
    if kind.name == "decimal":
        return lambda value: _decimal(value, kind)
    if kind.name in ("date", "timestamp"):
        return _date if kind.name == "date" else _timestamp(rules)
    return _scalar(kind, rules)


def _scalar(kind: HiveType, rules: Rules) -> Convert:
    if kind.range is not None:
        return lambda value: _integer(value, kind)
    if kind.is_text:
        text = openx_text if rules.is_openx else hive_text
        return (lambda value: texts.sized(text(value), kind)) if kind.sizes else text
    if kind.name in ("float", "double"):
        return _double
    if kind.name == "boolean":
        return _boolean if rules.is_openx else lambda value: _boolean(_single(value))
    read = texts.from_text(kind)
    return lambda value: read(_text(value))


def _nullable(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _single(value: Any) -> Any:
    """Return a value that is neither an object nor an array."""
    if isinstance(value, dict | list):
        raise ValueError("has parts")
    return value


def _number(value: Any) -> Any:
    if isinstance(_single(value), bool):
        raise ValueError("is true or false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is no text")
    return value


def _integer(value: Any, kind: HiveType) -> int:
    """Convert to an integer: the fraction of a number is cut off, but a text must be an integer."""
    if isinstance(_number(value), str):
        return texts.integer(value, kind)
    number = integral(value)
    if kind.range is None or number not in kind.range:
        raise ValueError("is out of range")
    return number


def integral(number: Any) -> int:
    """Return a number without its fraction; a number of a thousand digits fits no type."""
    if isinstance(number, Decimal) and number.adjusted() > _DIGITS:
        raise ValueError("is out of range")
    return int(number)


def _double(value: Any) -> float:
    return texts.double(value) if isinstance(_number(value), str) else float(value)


def _decimal(value: Any, kind: HiveType) -> Decimal | None:
    try:
        return texts.decimal(str(_single(value)), kind)
    except ValueError:
        if isinstance(value, dict | list):
            raise
        return None


def _boolean(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def openx_text(value: Any) -> str:
    """Return the text of any value; objects and arrays as JSON without blanks."""
    if isinstance(value, str):
        return _clean(value)
    return _clean(_compact(value)) if isinstance(value, dict | list) else _number_text(value)


def hive_text(value: Any) -> str:
    """Return the text of a value that is not nested."""
    return str(value).lower() if isinstance(_single(value), bool) else _clean(str(value))


def _clean(text: str) -> str:
    """Replace an unpaired UTF-16 surrogate by a question mark, as Java does."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _number_text(value: Any) -> str:
    """Return a number or boolean as Java writes it: `2.5`, `1000.0`, `1.0E10`, `true`."""
    if not isinstance(value, Decimal):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(value), str(value).lower())
    number = float(value)
    if number and not 1e-3 <= abs(number) < 1e7:
        digits, _, power = f"{Decimal(repr(number)).normalize():E}".partition("E")
        return f"{digits if '.' in digits else digits + '.0'}E{int(power)}"
    return repr(number)


def _compact(value: Any) -> str:
    """Return JSON without blanks."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(key)}:{_compact(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    return "null" if value is None else _quoted(value) if isinstance(value, str) else _number_text(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _date(value: Any) -> Any:
    if isinstance(_number(value), str):
        return texts.day(value)
    return texts.since_epoch(days=integral(value)).date()


def _timestamp(rules: Rules) -> Convert:
    read = texts.first_of(
        [*rules.formats, lambda text: texts.moment(text, zoned=True), lambda text: _instant(Decimal(text))]
    )
    return lambda value: read(value) if isinstance(_number(value), str) else _instant(value)


def _instant(number: Any) -> Any:
    """Convert seconds or milliseconds since 1970."""
    return texts.since_epoch(millis=integral(number if abs(number) >= _MILLIS else number * 1000))


def _struct(kind: HiveType, parts: Sequence[Convert], rules: Rules) -> Convert:
    fields = [(name, rules.wanted(name), _nullable(part)) for name, part in zip(kind.names, parts, strict=True)]

    def convert(value: Any) -> dict[str, Any]:
        if rules.is_openx and isinstance(value, list):
            return {name: read(item) for (name, _, read), item in zip(fields, value, strict=False)}
        if not isinstance(value, dict) and not (rules.is_openx and value == ""):
            raise ValueError("Data is not JSONObject" if rules.is_openx else "Start of Object expected")
        found = {rules.key(key): item for key, item in value.items()} if value else {}
        return {name: read(found.get(key)) for name, key, read in fields}

    return convert


def _array(item: Convert, rules: Rules) -> Convert:
    def convert(value: Any) -> list[Any] | None:
        if isinstance(value, list):
            return [item(each) for each in value]
        if not rules.is_openx:
            raise ValueError("Start of Array expected")
        return None if value == "" else [item(value)]

    return convert


def _map(key: Convert, item: Convert) -> Convert:
    def convert(value: Any) -> list[tuple[Any, Any]]:
        if not isinstance(value, dict):
            raise ValueError("Start of Object expected")
        return [(key(name), item(each)) for name, each in value.items()]

    return convert
