"""Converts a JSON record to rows of a table's types, as Firehose does for Parquet.

Unlike Athena's readers, Firehose truncates nothing: a value that does not fit its column goes to the error output.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import isfinite
from typing import Any

from local_aws.athena.errors import QueryFailed
from local_aws.athena.hive_types import HiveType, parsed
from local_aws.athena.readers import json_values, texts
from local_aws.athena.readers.json_values import Convert, Rules
from local_aws.protocol import Document

Row = dict[str, Any]
_MILLIS = 10**12
"""A number at or above this counts milliseconds since 1970, a smaller one seconds."""
_LARGEST_FLOAT = 3.4028235677973366e38
_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_INSTANT = re.compile(r"[0-9]{4}-(?:[0-9]{1,2}-[0-9]{1,2} |[0-9]{2}-[0-9]{2}T).*")
_BLANK = re.compile(r"\s*")


class ConversionError(Exception):
    """The record goes to the error output. `code` and the text are AWS's `lastErrorCode` and `lastErrorMessage`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = f"DataFormatConversion.{code}"


def convert(record: bytes, columns: Mapping[str, str], deserializer: Document | None = None) -> list[Row]:
    """Return the rows of a record, one for each of its objects; each row has every column as a key.

    Args:
        columns: column name -> type in the catalog.
        deserializer: the delivery stream's `InputFormatConfiguration.Deserializer`; by default OpenX's.

    Raises:
        ConversionError: the record is not a JSON object, a value does not fit its column, or a type is unknown.
    """
    into_row = _conversion(tuple(columns.items()), json.dumps(deserializer or {"OpenXJsonSerDe": {}}, sort_keys=True))
    return [into_row(document) for document in _documents(record)]


@lru_cache(maxsize=64)
def _conversion(columns: tuple[tuple[str, str], ...], deserializer: str) -> Callable[[Document], Row]:
    rules = _rules(json.loads(deserializer))
    fields = [(name, rules.wanted(name), kind, _of_type(name, kind, rules)) for name, kind in columns]

    def into_row(document: Document) -> Row:
        known = _lowered(document) if rules.is_openx and rules.ignores_case else document
        found = {rules.key(key): value for key, value in known.items()}
        return {name: _value(found.get(key), name, kind, into) for name, key, kind, into in fields}

    return into_row


def _rules(deserializer: Document) -> Rules:
    if "HiveJsonSerDe" in deserializer:
        patterns = (deserializer["HiveJsonSerDe"] or {}).get("TimestampFormats") or []
        try:
            return Rules(False, formats=tuple(map(texts.java_format, patterns)))
        except QueryFailed as error:
            raise ConversionError("InvalidSchema", f"HiveJsonSerDe.TimestampFormats: {_reason(error)}") from error
    openx = deserializer.get("OpenXJsonSerDe") or {}
    return Rules(
        True,
        dict(openx.get("ColumnToJsonKeyMappings") or {}),
        openx.get("CaseInsensitive", True),
        openx.get("ConvertDotsInJsonKeysToUnderscores", False),
    )


def _of_type(name: str, kind: str, rules: Rules) -> Convert:
    try:
        return json_values.converter(parsed(kind), rules, _leaf)
    except QueryFailed as error:
        raise ConversionError("InvalidSchema", f"The schema is invalid. Column {name}: {_reason(error)}") from error


def _reason(error: QueryFailed) -> str:
    """Return what is wrong, without Athena's name for it."""
    return str(error).partition(": ")[2]


def _value(value: Any, name: str, kind: str, into: Convert) -> Any:
    try:
        return None if value is None else into(value)
    except (ValueError, ArithmeticError) as error:
        reason = f"Data does not match the schema. {error} (column {name}, {kind})"
        raise ConversionError("MalformedData", reason) from error


def _documents(record: bytes) -> list[Document]:
    """Return the objects of a record, which follow each other with or without blanks."""
    try:
        text = record.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"Encountered malformed JSON. Invalid UTF-8 at byte {error.start}"
        raise ConversionError("ParseError", reason) from error
    found, at = [], _past_blanks(text, 0)
    while at < len(text):
        document, at = _document(text, at)
        found.append(document)
        at = _past_blanks(text, at)
    if not found:
        raise ConversionError("MalformedData", "The record was empty or contained only whitespace.")
    return found


def _document(text: str, at: int) -> tuple[Document, int]:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        where = f"at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else "as a whole"
        raise ConversionError("ParseError", f"Encountered malformed JSON. It cannot be read {where}") from error
    if isinstance(value, dict):
        return value, end
    if isinstance(value, list):
        raise ConversionError("MalformedData", "Data does not match the schema. The record is an array, not an object")
    raise ConversionError(
        "MalformedData",
        "The input JSON contained a primitive at the top level. The top level must be an object or array.",
    )


def _past_blanks(text: str, at: int) -> int:
    return _BLANK.match(text, at).end()  # type: ignore[union-attr]


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)


def _lowered(value: Any) -> Any:
    """Lower-case the keys of all objects."""
    if isinstance(value, dict):
        return {key.lower(): _lowered(item) for key, item in value.items()}
    return [_lowered(item) for item in value] if isinstance(value, list) else value


def _leaf(kind: HiveType, rules: Rules) -> Convert:
    """Return the conversion to a type that is not nested."""
    if kind.is_text:
        text = json_values.openx_text if rules.is_openx else _hive_text
        return lambda value: texts.sized(text(value), kind)
    if kind.name == "timestamp":
        return _openx_moment if rules.is_openx else _hive_moment(rules)
    numeric = kind.range is not None or kind.name in ("float", "double", "decimal")
    read = _read_of(kind)
    if rules.is_openx:
        return lambda value: read(_literal(value))
    return lambda value: read(_literal(_of_token(value, numeric, kind.name == "boolean")))


def _read_of(kind: HiveType) -> Callable[[str], Any]:
    """Return the conversion from the literal of a number, true, false or a text.

    Raises:
        QueryFailed: for a type that JSON cannot hold.
    """
    usual = {"float": _float, "double": _double, "date": _day}.get(kind.name) or texts.from_text(kind)

    def read(text: str) -> Any:
        try:
            return usual(text.strip())
        except (ValueError, ArithmeticError) as error:
            raise ValueError(f"For input string: {json.dumps(text[:200], ensure_ascii=False)}") from error

    return read


def _literal(value: Any) -> str:
    if isinstance(value, dict | list):
        raise ValueError(f"The value is an {'object' if isinstance(value, dict) else 'array'}")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _of_token(value: Any, numeric: bool, truth: bool) -> Any:
    """Hive's SerDe does not accept a text as a number or a boolean."""
    if isinstance(value, str) and (numeric or truth):
        what = "not numeric, can not use numeric value accessors" if numeric else "not of boolean type"
        raise ValueError(f"Current token (VALUE_STRING) {what}")
    return value


def _hive_text(value: Any) -> str:
    if isinstance(value, dict | list):
        raise ValueError("One or more fields have incorrect format. Exception when validating field (root)")
    return json_values.hive_text(value)


def _double(text: str) -> float:
    value = texts.double(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def _float(text: str) -> float:
    value = _double(text)
    if abs(value) >= _LARGEST_FLOAT:
        raise ValueError(text)
    return value


def _day(text: str) -> date:
    found = _DAY.fullmatch(text)
    if not found:
        raise ValueError(text)
    return date(*map(int, found.groups()))


def _openx_moment(value: Any) -> datetime:
    text = _literal(value).strip()
    try:
        return _moment(text) if ":" in text else _since_epoch(Decimal(text))
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"For input string: {json.dumps(text, ensure_ascii=False)}") from error


def _moment(text: str) -> datetime:
    """Parse a time with or without an offset, in UTC; its day must exist."""
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    _day(re.split("[T ]", text)[0])
    return texts.moment(text, zoned=True)


def _since_epoch(number: Decimal) -> datetime:
    if abs(number) < _MILLIS:
        number *= 1000
    millis = json_values.integral(number)
    return texts.since_epoch(millis=millis) + timedelta(microseconds=int((number - millis) * 1000))


def _hive_moment(rules: Rules) -> Convert:
    read = texts.first_of([*rules.formats, _local])

    def moment(value: Any) -> datetime:
        text = _literal(value)
        try:
            return read(text)  # type: ignore[no-any-return]
        except ValueError as error:
            raise ValueError("Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff]") from error

    return moment


def _local(text: str) -> datetime:
    if "T" in text:
        raise ValueError(text)
    return texts.moment(text)
