"""Evaluates SQL/JSON paths: the result is a sequence of items."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from local_aws.athena.query.python.json_path import Path, Step

Items = list[Any]
_UNKNOWN = None
EMPTY = object()
"""A null that is read as JSON: no item at all."""


class PathFailed(Exception):
    """The path cannot be evaluated on this value."""


@dataclass
class Walk:
    path: Path
    context: Any
    variables: dict[str, Any]

    def found(self) -> Items:
        """Return the items.

        Raises:
            PathFailed: a structural error in strict mode, or a type that an operation does not accept.
        """
        return self._of(self.path.root, None, None)

    def _of(self, step: Step, current: Any, last: int | None) -> Items:
        if step.name == "context":
            return [self.context]
        if step.name == "current":
            return [current]
        if step.name == "last":
            if last is None:
                raise PathFailed("last is only allowed in brackets")
            return [last]
        if step.name == "variable":
            if step.inner[0] not in self.variables:
                raise PathFailed(f"no value for ${step.inner[0]}")
            value = self.variables[step.inner[0]]
            return [] if value is EMPTY else [value]
        if step.name == "literal":
            return [step.inner[0]]
        if step.name in _OPERATORS:
            return self._binary(step, current, last)
        base = self._of(step.inner[0], current, last)
        if step.name in ("negative", "positive"):
            return [-_number(one) if step.name == "negative" else _number(one) for one in self._unwrapped(base)]
        if step.name == "places":
            return [item for one in base for item in self._places(one, step.inner[1], current)]
        if step.name == "filter":
            return [one for one in self._unwrapped(base) if self._holds(step.inner[1], one) is True]
        if step.name in ("type", "size"):
            return [_METHODS[step.name](self, one) for one in base]
        return [item for one in base for item in self._accessed(step, one)]

    def _unwrapped(self, items: Items) -> Items:
        if self.path.strict:
            return items
        return [part for one in items for part in (one if isinstance(one, list) else [one])]

    def _accessed(self, step: Step, one: Any) -> Iterator[Any]:
        if step.name == "elements":
            if not isinstance(one, list) and self.path.strict:
                raise PathFailed("expected an array")
            yield from one if isinstance(one, list) else [one]
            return
        for value in self._unwrapped([one]):
            yield from self._member(step, value)

    def _member(self, step: Step, value: Any) -> Iterator[Any]:
        if step.name in _METHODS:
            made = _METHODS[step.name](self, value)
            yield from made if step.name == "keyvalue" else [made]
        elif not isinstance(value, dict):
            if self.path.strict:
                raise PathFailed("expected an object")
        elif step.name == "members":
            yield from value.values()
        elif step.inner[1] in value:
            yield value[step.inner[1]]
        elif self.path.strict:
            raise PathFailed(f"no member {step.inner[1]!r}")

    def _places(self, one: Any, places: Any, current: Any) -> Iterator[Any]:
        if not isinstance(one, list):
            if self.path.strict:
                raise PathFailed("expected an array")
            one = [one]
        for first, end in places:
            low = self._place(first, current, len(one) - 1)
            high = low if end is None else self._place(end, current, len(one) - 1)
            if self.path.strict and not (0 <= low <= high < len(one)):
                raise PathFailed("the index is outside the array")
            yield from one[max(low, 0) : high + 1] if high >= 0 else []

    def _place(self, step: Step, current: Any, last: int) -> int:
        items = self._of(step, current, last)
        if len(items) != 1 or not _is_number(items[0]):
            raise PathFailed("an array index must be one number")
        return int(items[0])

    def _binary(self, step: Step, current: Any, last: int | None) -> Items:
        sides = [self._unwrapped(self._of(part, current, last)) for part in step.inner]
        if any(len(side) != 1 for side in sides):
            raise PathFailed("an operation needs one number on each side")
        a, b = (_number(side[0]) for side in sides)
        if isinstance(a, float) or isinstance(b, float):
            a, b = float(a), float(b)
        try:
            return [_OPERATORS[step.name](a, b)]
        except (ZeroDivisionError, ArithmeticError) as error:
            raise PathFailed("division by zero") from error

    def _holds(self, step: Step, current: Any) -> bool | None:
        return _PREDICATES[step.name](self, step, current)

    def _items(self, step: Step, current: Any) -> Items | None:
        try:
            return self._unwrapped(self._of(step, current, None))
        except PathFailed:
            return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _number(value: Any) -> Any:
    if not _is_number(value):
        raise PathFailed("expected a number")
    return value


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int):
        return int(math.copysign(1, a) * math.copysign(1, b)) * (abs(a) // abs(b))
    return a / b


def _rest(a: Any, b: Any) -> Any:
    return a - b * _divide(a, b) if isinstance(a, int) and isinstance(b, int) else a % b


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _divide,
    "%": lambda a, b: math.fmod(a, b) if isinstance(a, float) else _rest(a, b),
}  # fmt: skip


def _type(_: Walk, value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, dict | list):
        return "object" if isinstance(value, dict) else "array"
    return "string" if isinstance(value, str) else "number"


def _size(walk: Walk, value: Any) -> int:
    if isinstance(value, list):
        return len(value)
    if walk.path.strict:
        raise PathFailed("expected an array")
    return 1


def _double(_: Walk, value: Any) -> float:
    try:
        if isinstance(value, str) or _is_number(value):
            return float(value)
    except ValueError as error:
        raise PathFailed("expected a number") from error
    raise PathFailed("expected a number")


def _rounded(how: str, call: Callable[[float], int]) -> Callable[[Walk, Any], Any]:
    def made(_: Walk, value: Any) -> Any:
        number = _number(value)
        if isinstance(number, float):
            return float(call(number))
        return number.quantize(Decimal(1), rounding=how) if isinstance(number, Decimal) else number

    return made


def _key_values(_: Walk, value: Any) -> Items:
    if not isinstance(value, dict):
        raise PathFailed("expected an object")
    return [{"name": name, "value": own, "id": 0} for name, own in value.items()]


_METHODS: dict[str, Callable[[Walk, Any], Any]] = {
    "type": _type, "size": _size, "double": _double, "abs": lambda w, v: abs(_number(v)),
    "ceiling": _rounded(ROUND_CEILING, math.ceil), "floor": _rounded(ROUND_FLOOR, math.floor),
    "keyvalue": _key_values,
}  # fmt: skip
_COMPARE = {
    "==": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _compared(name: str, a: Any, b: Any) -> bool | None:
    if a is None or b is None:
        return _COMPARE[name](a is None, b is None) if name in ("==", "<>") else (a is b if "=" in name else False)
    if isinstance(a, dict | list) or isinstance(b, dict | list):
        return _UNKNOWN
    same = (_is_number(a) and _is_number(b)) or type(a) is type(b)
    return bool(_COMPARE[name](a, b)) if same else _UNKNOWN


def _any(walk: Walk, results: Iterator[bool | None]) -> bool | None:
    found, unknown = False, False
    for one in results:
        if one is _UNKNOWN:
            unknown = True
            if walk.path.strict:
                return _UNKNOWN
        elif one:
            found = True
            if not walk.path.strict:
                return True
    return found or (_UNKNOWN if unknown else False)


def _compare(walk: Walk, step: Step, current: Any) -> bool | None:
    left, right = walk._items(step.inner[1], current), walk._items(step.inner[2], current)
    if left is None or right is None:
        return _UNKNOWN
    return _any(walk, (_compared(step.inner[0], a, b) for a in left for b in right))


def _starts(walk: Walk, step: Step, current: Any) -> bool | None:
    left, right = walk._items(step.inner[0], current), walk._items(step.inner[1], current)
    if left is None or right is None or len(right) != 1 or not isinstance(right[0], str):
        return _UNKNOWN
    return _any(walk, (one.startswith(right[0]) if isinstance(one, str) else _UNKNOWN for one in left))


def _regex(walk: Walk, step: Step, current: Any) -> bool | None:
    items = walk._items(step.inner[0], current)
    if items is None:
        return _UNKNOWN
    flags = re.I if "i" in step.inner[2] else re.NOFLAG
    pattern = re.compile(step.inner[1], flags)
    return _any(walk, (bool(pattern.search(one)) if isinstance(one, str) else _UNKNOWN for one in items))


def _exists(walk: Walk, step: Step, current: Any) -> bool | None:
    try:
        return bool(walk._of(step.inner[0], current, None))
    except PathFailed:
        return _UNKNOWN


def _and(walk: Walk, step: Step, current: Any) -> bool | None:
    sides = [walk._holds(part, current) for part in step.inner]
    return False if False in sides else _UNKNOWN if _UNKNOWN in sides else True


def _or(walk: Walk, step: Step, current: Any) -> bool | None:
    sides = [walk._holds(part, current) for part in step.inner]
    return True if True in sides else _UNKNOWN if _UNKNOWN in sides else False


def _not(walk: Walk, step: Step, current: Any) -> bool | None:
    inner = walk._holds(step.inner[0], current)
    return _UNKNOWN if inner is _UNKNOWN else not inner


_PREDICATES: dict[str, Callable[[Walk, Step, Any], bool | None]] = {
    "compare": _compare, "starts": _starts, "regex": _regex, "exists": _exists, "and": _and, "or": _or, "not": _not,
    "unknown": lambda w, s, c: w._holds(s.inner[0], c) is _UNKNOWN,
}  # fmt: skip
