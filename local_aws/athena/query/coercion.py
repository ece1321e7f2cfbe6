"""Implicit casts between types, and the common type of two types, by Trino's rules."""

from __future__ import annotations

from functools import reduce

from local_aws.athena.query.types import (
    DIGITS,
    MAX_PRECISION,
    UNKNOWN,
    VARCHAR,
    ZONED,
    ZONED_TIME,
    Type,
    decimal,
    varchar,
)

_WHOLE = list(DIGITS)


def common(a: Type, b: Type) -> Type | None:
    """Return the narrowest type that both can be cast to; None if there is none."""
    if a == b or b == UNKNOWN:
        return a
    if a == UNKNOWN:
        return b
    if a.is_number and b.is_number:
        return _number(a, b)
    if a.is_text and b.is_text:
        return _text(a, b)
    if a.base == b.base:
        return _same_base(a, b)
    return _moment(a, b)


def common_of(kinds: list[Type]) -> Type | None:
    return reduce(lambda a, b: common(a, b) if a and b else None, kinds, UNKNOWN)  # type: ignore[arg-type,return-value]


def _number(a: Type, b: Type) -> Type:
    for base in ("double", "real"):
        if base in (a.base, b.base):
            return Type(base)
    if a.is_whole and b.is_whole:
        return a if _WHOLE.index(a.base) >= _WHOLE.index(b.base) else b
    x, y = as_decimal(a), as_decimal(b)
    scale = max(x.scale, y.scale)
    return decimal(min(MAX_PRECISION, max(x.precision - x.scale, y.precision - y.scale) + scale), scale)


def as_decimal(kind: Type) -> Type:
    return decimal(DIGITS[kind.base], 0) if kind.is_whole else kind


def _text(a: Type, b: Type) -> Type:
    bounds = None if a.length is None or b.length is None else max(a.length, b.length)
    if "char" in (a.base, b.base):
        return Type("char", (min(bounds if bounds is not None else 65536, 65536),))
    return varchar(bounds)


def _same_base(a: Type, b: Type) -> Type | None:
    if a.has_precision:
        return Type(a.base, (max(a.precision, b.precision),))
    if len(a.args) != len(b.args):
        return None
    children = [common(x, y) for x, y in zip(a.children, b.children, strict=True)]
    if not children or None in children:
        return None
    names = tuple(x if x == y else None for x, y in zip(a.names, b.names, strict=True))
    return Type(a.base, tuple(child for child in children if child), names)


_MOMENTS = {"date": 0, "timestamp": 1, ZONED: 2}


def _moment(a: Type, b: Type) -> Type | None:
    if a.base in _MOMENTS and b.base in _MOMENTS:
        wider = a if _MOMENTS[a.base] > _MOMENTS[b.base] else b
        digits = [kind.precision for kind in (a, b) if kind.args]
        return Type(wider.base, (max(digits),))
    if {a.base, b.base} == {"time", ZONED_TIME}:
        return Type(ZONED_TIME, (max(a.precision, b.precision),))
    return None


def coerces(source: Type, target: Type) -> bool:
    """Whether a value of one type is accepted where the other is expected.

    >>> coerces(Type("integer"), Type("double")), coerces(Type("varchar"), Type("integer"))
    (True, False)
    """
    if source.base == "char" and target == VARCHAR:
        return True
    if source.base == target.base == "row":
        return len(source.args) == len(target.args) and all(map(coerces, source.children, target.children))
    if source.base == target.base and source.children and len(source.args) == len(target.args):
        return all(map(coerces, source.children, target.children))
    return common(source, target) == target
