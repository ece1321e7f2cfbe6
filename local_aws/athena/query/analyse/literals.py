"""Literals, with the type that Trino infers from their spelling."""

from __future__ import annotations

import re
from datetime import date, timedelta

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.nodes import Cast, Literal, Node
from local_aws.athena.query.python import json_texts
from local_aws.athena.query.python.zones import zone_of
from local_aws.athena.query.types import (
    BIGINT,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL_DAYS,
    INTERVAL_MONTHS,
    JSON,
    ZONED,
    ZONED_TIME,
    Type,
    decimal,
    parsed,
    timestamp,
    varchar,
)

_CLOCK = r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?"
FINEST = 6
"""Digits of a second that a value has at most."""
_TIMESTAMP = re.compile(rf"\s*([+-]?\d{{4,}}-\d{{1,2}}-\d{{1,2}})(?: {_CLOCK})?\s*(\S+)?\s*")
_TIME = re.compile(rf"\s*{_CLOCK}\s*([+-]\d{{1,2}}(?::?\d{{2}})?)?\s*")
_WORDS = {"char": "char", "varchar": "varchar"}


def text(value: str) -> Literal:
    return Literal(varchar(len(value)), value)


def number(value: str) -> Literal:
    """`1` is an integer, `1.0` a decimal(2,1), `1e0` a double."""
    plain = value.replace("_", "").lower()
    if "e" in plain:
        return Literal(DOUBLE, float(plain))
    if "." in plain:
        return _decimal(plain)
    integral = int(plain)
    if integral > 2**63:
        raise QueryFailed(f"INVALID_LITERAL: Invalid numeric literal: {value}")
    return Literal(INTEGER if integral < 2**31 else BIGINT, integral)


def negative(value: Literal) -> Literal | None:
    """Return the negated literal; None if it is not a literal then."""
    if isinstance(value.value, bool) or not isinstance(value.value, int | float) or value.type.base == "date":
        return None
    if value.type in (INTEGER, BIGINT) and value.value == 2**31:
        return Literal(INTEGER, -(2**31)) if value.type == INTEGER else Literal(BIGINT, -value.value)
    return Literal(value.type, -value.value) if value.type in (INTEGER, BIGINT, DOUBLE) else None


def _decimal(plain: str) -> Literal:
    found = re.fullmatch(r"\s*([+-]?)(\d*)(?:\.(\d*))?\s*", plain.replace("_", ""))
    if not found or not (found[2] or found[3]):
        raise _invalid("DECIMAL", plain)
    integral, part = found[2].lstrip("0"), found[3] or ""
    precision = max(1, len(integral) + len(part))
    if precision > 38:
        raise QueryFailed(f"NUMERIC_VALUE_OUT_OF_RANGE: Value is out of range: {plain}")
    return Literal(decimal(precision, len(part)), f"{found[1]}{integral or '0'}" + (f".{part}" if part else ""))


def typed(name: str, value: str) -> Node:
    """Parse `DATE '2020-01-01'`, `DECIMAL '1.20'`...

    Raises:
        QueryFailed: INVALID_LITERAL, NOT_SUPPORTED.
    """
    name = {"dec": "decimal", "numeric": "decimal", "int": "integer"}.get(name, name)
    if name in _READERS:
        return _READERS[name](value)
    if name == "char":
        return Literal(Type("char", (len(value),)), value.rstrip(" "))
    if name == "varchar":
        return text(value)
    return Cast(parsed(name), text(value))


def _invalid(name: str, value: str) -> QueryFailed:
    return QueryFailed(f"INVALID_LITERAL: '{value}' is not a valid {name} literal")


def _date(value: str) -> Node:
    found = re.fullmatch(r"\s*(\d{1,4})-(\d{1,2})-(\d{1,2})\s*", value)
    try:
        return Literal(DATE, date(*map(int, found.groups())).isoformat())  # type: ignore[union-attr]
    except (ValueError, AttributeError) as error:
        raise _invalid("DATE", value) from error


def moment(value: str) -> tuple[str, int, str | None]:
    """Return a timestamp's text as DuckDB reads it, its number of fractional digits, and its zone.

    Raises:
        ValueError: it is not a timestamp.
    """
    found = _TIMESTAMP.fullmatch(value)
    if not found:
        raise ValueError(value)
    digits = found[5] or ""
    days = date.fromisoformat("-".join(part.zfill(2) for part in found[1].lstrip("+").split("-")))
    clock, carried = _clock(found[2] or "0", found[3] or "0", found[4] or "0", digits)
    zone = zone_of(found[6]) if found[6] else None
    return f"{days + timedelta(days=carried)} {clock}", _size(digits), zone


def _size(digits: str) -> int:
    """The precision of a literal. Raises QueryFailed for one that is finer than values are here."""
    if len(digits) > FINEST:
        raise QueryFailed(f"NOT_SUPPORTED: a literal has at most {FINEST} digits of a second here: given {len(digits)}")
    return len(digits)


def _clock(hour: str, minute: str, second: str, digits: str) -> tuple[str, int]:
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        raise ValueError("out of range")
    micros = (int(hour) * 3600 + int(minute) * 60 + int(second)) * 10**6 + round_digits(digits, FINEST)
    carried, micros = divmod(micros, 86400 * 10**6)
    seconds, part = divmod(micros, 10**6)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{part:06}", carried


def round_digits(digits: str, size: int) -> int:
    """Round the digits after a point, half up, to an integer of `size` digits."""
    return int(digits[:size].ljust(size, "0")) + (digits[size : size + 1] >= "5")


def _timestamp(value: str) -> Node:
    try:
        clock, digits, zone = moment(value)
    except (ValueError, KeyError) as error:
        raise _invalid("TIMESTAMP", value) from error
    if zone is None:
        return Literal(timestamp(digits), clock)
    return Literal(Type(ZONED, (digits,)), (clock, zone))


def _time(value: str) -> Node:
    found = _TIME.fullmatch(value)
    try:
        clock, _ = _clock(found[1], found[2], found[3] or "0", found[4] or "")  # type: ignore[index]
    except (ValueError, TypeError) as error:
        raise _invalid("TIME", value) from error
    digits = _size(found[4] or "") if found else 0
    if not found or not found[5]:
        return Literal(Type("time", (digits,)), clock)
    return Literal(Type(ZONED_TIME, (digits,)), (clock, offset_minutes(found[5])))


def offset_minutes(zone: str) -> int:
    """Return the minutes of a time zone offset.

    >>> offset_minutes("-08:30")
    -510
    """
    found = re.fullmatch(r"([+-])(\d{1,2}):?(\d{2})?", zone)
    if not found or int(found[2]) > 14 or int(found[3] or 0) > 59:
        raise QueryFailed(f"INVALID_LITERAL: '{zone}' is not a valid time zone offset")
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    return -minutes if found[1] == "-" else minutes


def _json(value: str) -> Node:
    return Literal(JSON, json_texts.parse(value))


_READERS = {"date": _date, "timestamp": _timestamp, "time": _time, "json": _json, "decimal": _decimal}
_PARTS = ("day", "hour", "minute", "second")
_SIZES = {"second": 1000, "minute": 60000, "hour": 3600000, "day": 86400000, "week": 604800000}


def interval(value: str, unit: str) -> Literal:
    """Parse `INTERVAL '2 10' DAY TO HOUR` to milliseconds, `INTERVAL '1-2' YEAR TO MONTH` to months.

    Raises:
        QueryFailed: INVALID_LITERAL.
    """
    negated = value.startswith("-")
    body = value.removeprefix("-").removeprefix("+").strip()
    inner_sign = -1 if body.startswith("-") else 1
    body = body.removeprefix("-").removeprefix("+")
    first, _, last = unit.partition(" to ")
    try:
        if first in ("year", "month", "quarter"):
            amount, kind = _months(body, first, last or first), INTERVAL_MONTHS
        else:
            amount, kind = _millis(body, first, last or first), INTERVAL_DAYS
    except (ValueError, AttributeError) as error:
        raise QueryFailed(f"INVALID_LITERAL: '{value}' is not a valid INTERVAL literal of {unit}") from error
    return Literal(kind, (-1 if negated else 1) * inner_sign * amount)


def _months(body: str, first: str, last: str) -> int:
    if first == "year" and last == "month":
        years, _, months = body.partition("-")
        return int(years) * 12 + int(months or 0)
    return int(body) * {"year": 12, "month": 1, "quarter": 3}[first]


def _millis(body: str, first: str, last: str) -> int:
    if first not in _PARTS:
        return int(body) * _SIZES[first]
    names = _PARTS[_PARTS.index(first) : _PARTS.index(last) + 1]
    pattern = {"day": r"(\d+)", "hour": r"(\d+)", "minute": r"(\d+)", "second": r"(\d+(?:\.\d+)?)"}
    parts = [pattern[name] for name in names]
    text = parts[0]
    for before, part in zip(names, parts[1:], strict=False):
        text += f"(?:{' ' if before == 'day' else ':'}{part})?"
    found = re.fullmatch(text, body)
    amounts = [float(part or 0) if "." in (part or "") else int(part or 0) for part in found.groups()]  # type: ignore[union-attr]
    return round(sum(amount * _SIZES[name] for amount, name in zip(amounts, names, strict=True)))
