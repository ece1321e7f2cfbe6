"""JSON as a text: parsed, written, and read by the paths of `json_extract`."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from local_aws.athena.query.python.failing import bad
from local_aws.athena.query.python.numbers import java_double


class Number(str):
    """A number as spelled in the text."""


class Members(list[Any]):
    """The members of an object as pairs, because names may repeat."""


def _refused(name: str) -> Any:
    raise ValueError(name)


def loads(text: str, numbers: Any = Number) -> Any:
    """Parse JSON.

    Raises:
        ValueError: the text is not JSON.
    """
    return json.loads(text, parse_int=numbers, parse_float=numbers, parse_constant=_refused)


def dumps(value: Any, sort: bool = False) -> str:
    """Write JSON without blanks; numbers as spelled, doubles as in Java."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Members):
        return "{" + ",".join(f"{dumps(str(key))}:{dumps(own, sort)}" for key, own in value) + "}"
    if isinstance(value, dict):
        items = sorted(value.items()) if sort else list(value.items())
        return "{" + ",".join(f"{dumps(str(key))}:{dumps(own, sort)}" for key, own in items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(dumps(own, sort) for own in value) + "]"
    if isinstance(value, float):
        return java_double(value) if value == value and abs(value) != float("inf") else f'"{java_double(value)}"'
    if isinstance(value, bool) or value is None or isinstance(value, int | str):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _canonical(text: str) -> Any:
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)


def parse(text: str) -> str:
    """Return the text with its keys sorted.

    Raises:
        QueryFailed: INVALID_FUNCTION_ARGUMENT.
    """
    try:
        return dumps(loads(text, _canonical), sort=True)
    except (ValueError, RecursionError) as error:
        raise bad(f"Cannot convert value to JSON: '{text[:200]}'") from error


_STEP = re.compile(r"""\.([\w:*-]+)|\[\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(-?\d+)|([\w:]+)|(\*))\s*\]""")


@lru_cache(maxsize=512)
def _steps(path: str) -> tuple[str | int, ...]:
    rest = path.strip()
    rest = rest[1:] if rest.startswith("$") else "." + rest if re.match(r"\w", rest) else rest
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if not found or found[6]:
            raise bad(f"Invalid JSON path: '{path}'")
        key = next((found[i] for i in (1, 2, 3, 5) if found[i] is not None), None)
        if found[1] == "*" or (found[1] and "*" in found[1]):
            raise bad(f"Invalid JSON path: '{path}'")
        if found[4] is not None and int(found[4]) < 0:
            raise bad(f"Invalid JSON path: '{path}'")
        steps.append(int(found[4]) if found[4] is not None else re.sub(r"\\(.)", r"\1", key or ""))
        at = found.end()
    if not path.strip():
        raise bad(f"Invalid JSON path: '{path}'")
    return tuple(steps)


_NOTHING = object()


def _at(text: str, path: str) -> Any:
    """Return the value at a path, or nothing."""
    steps = _steps(path)
    try:
        value = loads(text)
    except (ValueError, RecursionError):
        return _NOTHING
    for step in steps:
        if isinstance(value, dict):
            value = value.get(str(step), _NOTHING)
        elif isinstance(value, list) and str(step).isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _NOTHING
        if value is _NOTHING:
            return _NOTHING
    return value


def extract(text: str, path: str) -> str | None:
    value = _at(text, path)
    return None if value is _NOTHING else dumps(value)


def extract_scalar(text: str, path: str) -> str | None:
    value = _at(text, path)
    if value is _NOTHING or value is None or isinstance(value, dict | list):
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _array(text: str) -> list[Any] | None:
    try:
        value = loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def array_length(text: str) -> int | None:
    found = _array(text)
    return None if found is None else len(found)


def array_get(text: str, index: int) -> str | None:
    found = _array(text)
    if found is None or not -len(found) <= index < len(found):
        return None
    value = found[index]
    return None if value is None else value if type(value) is str else dumps(value)


def array_contains(text: str, value: Any) -> bool | None:
    found = _array(text)
    return None if found is None else any(_same(one, value) for one in found)


def _same(one: Any, value: Any) -> bool:
    if isinstance(value, bool) or isinstance(one, bool):
        return one is value
    if isinstance(one, Number):
        if isinstance(value, int):
            return re.fullmatch(r"-?\d+", one) is not None and int(one) == value
        return isinstance(value, float) and not re.fullmatch(r"-?\d+", one) and float(one) == value
    return isinstance(value, str) and isinstance(one, str) and one == value


def size(text: str, path: str) -> int | None:
    value = _at(text, path)
    return None if value is _NOTHING else len(value) if isinstance(value, dict | list) else 0


def is_scalar(text: str) -> bool:
    try:
        return not isinstance(loads(text), dict | list)
    except (ValueError, RecursionError) as error:
        raise bad(f"Invalid JSON value: {text[:200]}") from error
