"""CAST to and from JSON."""

from __future__ import annotations

import math
import re
import uuid
from datetime import date, datetime, time
from decimal import Decimal, DecimalException
from typing import Any

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.python import calendars, zones
from local_aws.athena.query.python.json_texts import Members, Number, dumps, loads
from local_aws.athena.query.python.numbers import fitted, java_double, scientific
from local_aws.athena.query.translate.physical import field_names
from local_aws.athena.query.types import ZONED, Type

_RANGES = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}


def to_json(kinds: tuple[Type, ...], _: Type, value: Any) -> str:
    return dumps(_plain(value, kinds[0]))


def _plain(value: Any, kind: Type) -> Any:
    if value is None:
        return None
    if kind.base == "json":
        return loads(value)
    if kind.base == "array":
        return [_plain(item, kind.item) for item in value]
    if kind.base == "map":
        pairs = {_key(key, kind.children[0]): _plain(own, kind.children[1]) for key, own in value.items()}
        return dict(sorted(pairs.items()))
    if kind.base == "row":
        names = field_names(kind)
        fields = zip(kind.names, names, kind.children, strict=True)
        return Members((name or "", _plain(value[own], child)) for name, own, child in fields)
    return _scalar(value, kind)


def _scalar(value: Any, kind: Type) -> Any:
    if kind.base == "real" and math.isfinite(value):
        return Number(java_double(value, single=True))
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Decimal):
        return Number(f"{value:f}")
    if kind.base == "char":
        return str(value).ljust(kind.length or 0)
    if kind.has_precision or isinstance(value, date | datetime | time):
        return moment_text(value, kind)
    return value


def moment_text(value: Any, kind: Type) -> str:
    if kind.base == ZONED:
        local = zones.local(value)
        return f"{_digits(local, kind.precision)} {value['z']}"
    if isinstance(value, datetime):
        return _digits(value, kind.precision)
    return str(value)


def _digits(moment: datetime, precision: int) -> str:
    text = f"{moment.year:04}" + moment.strftime("-%m-%d %H:%M:%S")
    return text + (f".{moment.microsecond:06}"[: precision + 1] if precision else "")


def _key(key: Any, kind: Type) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float):
        return java_double(key, single=kind.base == "real")
    return str(_scalar(key, kind))


def from_json(kinds: tuple[Type, ...], kind: Type, text: str) -> Any:
    try:
        value = loads(text)
        return _value(value, kind)
    except (ValueError, DecimalException, OverflowError, KeyError, QueryFailed) as error:
        raise QueryFailed(f"INVALID_CAST_ARGUMENT: Cannot cast to {kind}. {_reason(error)}\n{text[:200]}") from error


def _reason(error: Exception) -> str:
    return str(error).partition(": ")[2] if isinstance(error, QueryFailed) else "The JSON has another shape:"


def _value(value: Any, kind: Type) -> Any:
    if kind.base == "json":
        return dumps(value)
    if value is None:
        return None
    if kind.base == "array" and isinstance(value, list):
        return [_value(item, kind.item) for item in value]
    if kind.base == "map" and isinstance(value, dict):
        return {_scalar_of(key, kind.children[0]): _value(own, kind.children[1]) for key, own in value.items()}
    if kind.base == "row":
        return _row(value, kind)
    if isinstance(value, list | dict):
        raise ValueError(f"expected a {kind}")
    return _scalar_of(value, kind)


def _row(value: Any, kind: Type) -> Any:
    names = field_names(kind)
    if isinstance(value, list):
        if len(value) != len(names):
            raise ValueError("the number of fields differs")
        return {name: _value(own, child) for name, own, child in zip(names, value, kind.children, strict=True)}
    if not isinstance(value, dict) or not all(kind.names):
        raise ValueError("expected a row")
    folded = {key.lower(): own for key, own in value.items()}
    return {name: _value(folded.get(name.lower()), child) for name, child in zip(names, kind.children, strict=True)}


def _scalar_of(value: Any, kind: Type) -> Any:
    base = kind.base
    if base in ("varchar", "char"):
        return _text(value)[: kind.length]
    if base == "boolean":
        return _boolean(value)
    if base in _RANGES:
        return _integral(value, base)
    if base in ("double", "real"):
        return float(value) if not isinstance(value, bool) else 1.0 if value else 0.0
    if base == "decimal":
        return fitted(Decimal(int(value) if isinstance(value, bool) else str(value)), kind)
    if base == "date":
        return date.fromisoformat(str(value).strip())
    if base == "timestamp":
        return calendars.zoned_of((), kind, str(value))["i"]
    raise ValueError(base)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number) and not re.fullmatch(r"-?\d+", value):
        return scientific(repr(float(value)))
    return str(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, Number):
        return float(value) != 0
    if value.lower() in ("true", "false"):
        return bool(value.lower() == "true")
    raise ValueError(value)


def _integral(value: Any, base: str) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Number) and not re.fullmatch(r"-?\d+", value):
        number = math.floor(abs(float(value)) + 0.5) * (-1 if float(value) < 0 else 1)
    elif re.fullmatch(r"[+-]?\d+", str(value)):
        number = int(value)
    else:
        raise ValueError(value)
    half = 2 ** (_RANGES[base] - 1)
    if not -half <= number < half:
        raise ValueError(f"Out of range for {base}: {number}")
    return number
