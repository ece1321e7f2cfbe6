"""Converts text to values as AWS's text SerDes do. Raises ValueError for text that is not a literal of the type."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

from local_aws.athena.errors import QueryFailed
from local_aws.athena.hive_types import HiveType

FromText = Callable[[str], Any]
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DOUBLE = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[dDfF]?")
_NAMED = {"NaN": "nan", "Infinity": "inf", "+Infinity": "inf", "-Infinity": "-inf"}
_DATE = re.compile(r"([0-9]{1,4})-([0-9]{1,2})-([0-9]{1,2})")
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})[ T]([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(Z| ?UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_EPOCH = datetime(1970, 1, 1)


def integer(text: str, kind: HiveType) -> int:
    if not _INTEGER.fullmatch(text) or kind.range is None or int(text) not in kind.range:
        raise ValueError(text)
    return int(text)


def double(text: str) -> float:
    """Parse like Java: blanks around the number are ignored, and infinity must be spelled out."""
    text = text.strip()
    if text in _NAMED:
        return float(_NAMED[text])
    if not _DOUBLE.fullmatch(text):
        raise ValueError(text)
    return float(text.rstrip("dDfF"))


def decimal(text: str, kind: HiveType) -> Decimal:
    """Parse, and round half up to the type's scale."""
    precision, scale = kind.decimal
    try:
        with localcontext(prec=100):
            value = Decimal(text.strip()).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    except InvalidOperation as error:
        raise ValueError(text) from error
    if not value.is_finite() or "_" in text or value.adjusted() >= precision - scale:
        raise ValueError(text)
    return value


def boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def day(text: str) -> date:
    """Parse a date; `2021-03-33` is two days after March."""
    found = _DATE.fullmatch(text.strip())
    if not found:
        raise ValueError(text)
    year, month, days = (int(part) for part in found.groups())
    if not 1 <= month <= 12:
        raise ValueError(text)
    return date(year, month, 1) + timedelta(days=days - 1)


def moment(text: str, zoned: bool = False) -> datetime:
    """Parse a local time. `zoned`: an offset is allowed, and the time is converted to UTC."""
    found = _TIMESTAMP.fullmatch(text.strip())
    if not found or (found[6] and not zoned):
        raise ValueError(text)
    hours, minutes, seconds = int(found[2]), int(found[3]), int(found[4])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(text)
    micros = int((found[5] or "0").ljust(9, "0")) // 1000
    since = timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=micros)
    return datetime.combine(day(found[1]), datetime.min.time()) + since - _offset(found[6] or "Z")


def _offset(text: str) -> timedelta:
    if text[0] not in "+-":
        return timedelta()
    digits = text[1:].replace(":", "").ljust(4, "0")
    return int(text[0] + "1") * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))


def since_epoch(days: int = 0, millis: int = 0) -> datetime:
    """Return the time for a number of days or milliseconds since 1970."""
    try:
        return _EPOCH + timedelta(days=days, milliseconds=millis)
    except OverflowError as error:
        raise ValueError(str(days or millis)) from error


def binary(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def sized(text: str, kind: HiveType) -> str:
    """Truncate to the length of varchar(n) or char(n); a char loses its trailing blanks."""
    text = text[: kind.sizes[0]] if kind.sizes else text
    return text.rstrip(" ") if kind.name == "char" else text


def from_text(kind: HiveType, formats: Sequence[FromText] = ()) -> FromText:
    """Return the conversion to a type that is not nested. `formats` are tried before the default timestamp format.

    Raises:
        QueryFailed: for a type that text cannot hold.
    """
    if kind.is_text:
        return (lambda text: sized(text, kind)) if kind.sizes else str
    if kind.range is not None:
        return lambda text: integer(text, kind)
    if kind.name == "decimal":
        return lambda text: decimal(text, kind)
    if kind.name == "timestamp":
        return first_of([*formats, moment])
    if kind.name not in _PLAIN:
        raise QueryFailed(f"NOT_SUPPORTED: the type {kind.name} of text; allowed are {', '.join(_ALLOWED)}")
    return _PLAIN[kind.name]


_PLAIN: dict[str, FromText] = {"boolean": boolean, "float": double, "double": double, "date": day, "binary": binary}
_ALLOWED = ("tinyint", "smallint", "int", "bigint", "decimal", "string", "varchar", "char", "timestamp", *_PLAIN)


def first_of(ways: Sequence[FromText]) -> FromText:
    """Return a conversion that tries several in order."""

    def read(text: str) -> Any:
        for way in ways:
            try:
                return way(text)
            except ValueError:
                continue
        raise ValueError(text)

    return read


_LETTERS = {
    "y": ("year", r"[0-9]{4}"),
    "M": ("month", r"[0-9]{1,2}"),
    "d": ("day", r"[0-9]{1,2}"),
    "H": ("hour", r"[0-9]{1,2}"),
    "m": ("minute", r"[0-9]{1,2}"),
    "s": ("second", r"[0-9]{1,2}"),
    "S": ("fraction", r"[0-9]{1,9}"),
    "X": ("zone", r"Z|[+-][0-9]{2}(?::?[0-9]{2})?"),
    "Z": ("zone", r"[+-][0-9]{2}:?[0-9]{2}"),
}
_PART = re.compile(r"'((?:[^']|'')*)'|(([A-Za-z])\3*)|(.)", re.S)


def java_formats(listed: str) -> list[FromText]:
    """Return the conversions for `timestamp.formats`: Java patterns, separated by commas.

    Raises:
        QueryFailed: for an unsupported letter.
    """
    return [java_format(pattern) for pattern in listed.split(",") if pattern.strip()]


def java_format(pattern: str) -> FromText:
    """Return the conversion of times in a Java pattern.

    Raises:
        QueryFailed: for an unsupported letter.
    """
    if pattern.strip() == "millis":
        return lambda text: since_epoch(millis=int(text))
    shape = re.compile("".join(_shape(part, pattern) for part in _PART.finditer(pattern)))
    return lambda text: _built(shape.fullmatch(text), text)


def _shape(part: re.Match[str], pattern: str) -> str:
    quoted, letters, letter, other = part.groups()
    if letters is None:
        return re.escape((quoted.replace("''", "'") or "'") if quoted is not None else other)
    if letter not in _LETTERS or letters in ("MMM", "MMMM"):
        raise QueryFailed(
            f"NOT_SUPPORTED: timestamp.formats: the pattern {pattern!r} has {letters!r}; allowed are the letters "
            f"{', '.join(_LETTERS)}, and months as numbers"
        )
    name, digits = _LETTERS[letter]
    return rf"(?P<{name}>{digits})"


def _built(found: re.Match[str] | None, text: str) -> datetime:
    if found is None:
        raise ValueError(text)
    parts = found.groupdict()
    numbers = [int(parts.get(name) or least) for name, least in _LEAST.items()]
    micros = int((parts.get("fraction") or "0").ljust(9, "0")) // 1000
    year, month, day_, hour, minute, second = numbers
    return datetime(year, month, day_, hour, minute, second, micros) - _offset(parts.get("zone") or "Z")


_LEAST = {"year": 1970, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}
