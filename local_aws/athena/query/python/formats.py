"""`format`, like Java's Formatter, and LIKE with an escape."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from local_aws.athena.query.python import zones
from local_aws.athena.query.python.failing import bad
from local_aws.athena.query.python.numbers import java_double
from local_aws.athena.query.types import ZONED, Type

_SPEC = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(<]*)(\d+)?(?:\.(\d+))?([tT]?[a-zA-Z%])")


def java_format(kinds: tuple[Type, ...], _: Type, pattern: str | None, *values: Any) -> str | None:
    """Format values like Java's Formatter.

    Raises:
        QueryFailed: INVALID_FUNCTION_ARGUMENT.
    """
    if pattern is None:
        return None
    place = 0

    def part(found: re.Match[str]) -> str:
        nonlocal place
        index, flags, width, digits, kind = found.groups()
        if kind in ("n", "%"):
            return "\n" if kind == "n" else _padded("%", flags, width)
        place += not index
        at = int(index or place) - 1
        if at >= len(values):
            raise bad(f"Invalid format string: {pattern} (MissingFormatArgument: Format specifier '{found[0]}')")
        text = _one(values[at], kinds[at + 1], flags, digits, kind, width, pattern)
        return _padded(text, flags, width)

    if re.search(r"%", _SPEC.sub("", pattern)):
        raise bad(f"Invalid format string: {pattern}")
    return _SPEC.sub(part, pattern)


def _padded(text: str, flags: str, width: str | None) -> str:
    size = int(width or 0)
    return text.ljust(size) if "-" in flags else text.rjust(size)


def _one(value: Any, kind: Type, flags: str, digits: str | None, mark: str, width: str | None, pattern: str) -> str:
    if mark in "bB":
        text = "false" if value is None else str(value).lower() if isinstance(value, bool) else "true"
        return _cased(text, mark)
    if value is None:
        return _cased("null", mark)
    if mark in "sS":
        text = _plain(value, kind)
        return _cased(text[: int(digits)] if digits else text, mark)
    if mark in "hH":
        return _cased(f"{_java_hash(value):x}", mark)
    if mark[0] in "tT":
        return _cased(_moment(value, mark[1], pattern), mark[0])
    number = _number(value, mark, digits, flags, pattern)
    return _cased(_signed(number, flags, width), "S" if mark in "EXG" else "s")


def _cased(text: str, mark: str) -> str:
    return text.upper() if mark.isupper() else text


def _plain(value: Any, kind: Type) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return java_double(value, single=kind.base == "real")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, datetime):
        return _java_moment(value)
    if kind.base == ZONED:
        local, zone = zones.local(value), str(value["z"])
        if zone == "UTC" or zone[0] in "+-":
            return (
                _java_moment(local.replace(tzinfo=None))
                + ("Z" if zone == "UTC" else zone)
                + ("[UTC]" * (zone == "UTC"))
            )
        return _java_moment(local.replace(tzinfo=None)) + f"{local:%z}"[:3] + ":" + f"{local:%z}"[3:] + f"[{zone}]"
    return str(value)


def _java_moment(value: datetime) -> str:
    """Format like LocalDateTime: seconds only if not zero, a fraction of 3 or 6 digits."""
    if value.microsecond:
        return value.isoformat(timespec="milliseconds" if value.microsecond % 1000 == 0 else "microseconds")
    return value.isoformat(timespec="seconds" if value.second else "minutes")


def _java_hash(value: Any) -> int:
    total = 0
    for letter in str(value):
        total = (total * 31 + ord(letter)) & 0xFFFFFFFF
    return total


def _number(value: Any, mark: str, digits: str | None, flags: str, pattern: str) -> str:
    if mark in "doxX":
        if isinstance(value, bool) or not isinstance(value, int):
            raise bad(f"Invalid format string: {pattern} (IllegalFormatConversion: {mark})")
        if mark != "d":
            return f"{value & (2**64 - 1) if value < 0 else value:{mark}}"
        return f"{value:,}" if "," in flags else str(value)
    if mark in "fFeEgG" and isinstance(value, float | Decimal):
        return _real(value, mark, 6 if digits is None else int(digits), flags)
    raise bad(f"Invalid format string: {pattern} (IllegalFormatConversion: {mark})")


def _real(value: float | Decimal, mark: str, digits: int, flags: str) -> str:
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return java_double(value)
    number = Decimal(repr(value)) if isinstance(value, float) else value
    if mark in "eE":
        return f"{float(number):.{digits}e}"
    if mark in "gG":
        digits = max(digits, 1)
        size = abs(number)
        if size and not Decimal("0.0001") <= size < Decimal(10) ** digits:
            return f"{float(number):.{digits - 1}e}"
        digits = max(0, digits - (number.adjusted() + 1 if size else 1))
    rounded = number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return f"{rounded:,f}" if "," in flags else f"{rounded:f}"


def _signed(text: str, flags: str, width: str | None) -> str:
    sign = "-" if text.startswith("-") else "+" if "+" in flags else " " if " " in flags else ""
    body = text.removeprefix("-")
    if sign == "-" and "(" in flags:
        return f"({body})"
    if "0" in flags and width:
        body = body.rjust(int(width) - len(sign), "0")
    return sign + body


_MOMENTS = {
    "Y": "%Y", "m": "%m", "d": "%d", "e": "%-d", "H": "%H", "M": "%M", "S": "%S", "F": "%Y-%m-%d", "T": "%H:%M:%S",
    "R": "%H:%M", "B": "%B", "b": "%b", "h": "%b", "A": "%A", "a": "%a", "y": "%y", "j": "%j", "D": "%m/%d/%y",
    "r": "%I:%M:%S %p", "I": "%I", "k": "%-H", "l": "%-I", "p": "%p", "c": "%a %b %d %H:%M:%S %Z %Y",
}  # fmt: skip


def _moment(value: Any, mark: str, pattern: str) -> str:
    moment = zones.local(value) if isinstance(value, dict) else value
    if not isinstance(moment, date | datetime | time):
        raise bad(f"Invalid format string: {pattern} (IllegalFormatConversion: {mark})")
    if mark == "L":
        return f"{getattr(moment, 'microsecond', 0) // 1000:03}"
    if mark == "N":
        return f"{getattr(moment, 'microsecond', 0) * 1000:09}"
    if mark not in _MOMENTS:
        raise bad(f"Invalid format string: {pattern} (UnknownFormatConversion: {mark})")
    text = moment.strftime(_MOMENTS[mark])
    return text.lower() if mark == "p" else text


def like(text: str, pattern: str, escape: str) -> bool:
    return _like(pattern, escape).fullmatch(text) is not None


@lru_cache(maxsize=256)
def _like(pattern: str, escape: str) -> re.Pattern[str]:
    if len(escape) > 1:
        raise bad("Escape string must be a single character")
    made, i = "", 0
    while i < len(pattern):
        mark = pattern[i]
        if escape and mark == escape:
            if i + 1 >= len(pattern) or pattern[i + 1] not in ("%", "_", escape):
                raise bad("Escape character must be followed by '%', '_' or the escape character itself")
            made, i = made + re.escape(pattern[i + 1]), i + 2
        else:
            made, i = made + {"%": ".*", "_": "."}.get(mark, re.escape(mark)), i + 1
    return re.compile(made, re.S)
