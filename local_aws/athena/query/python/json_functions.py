"""`json_exists`, `json_value`, `json_query`, `json_object` and `json_array`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.python import calendars, json_casts, json_path
from local_aws.athena.query.python.json_texts import Number, dumps, loads
from local_aws.athena.query.python.json_walk import EMPTY, PathFailed, Walk
from local_aws.athena.query.python.numbers import fitted, scientific
from local_aws.athena.query.types import Type

Detail = dict[str, Any]
Kinds = tuple[Type, ...]
_CODECS = {"utf8": "utf-8", "utf16": "utf-16-le", "utf32": "utf-32-le"}


def bound(call: Callable[..., Any], detail: Any) -> Callable[..., Any]:
    """Return the function with the clauses of one call bound."""
    clauses = dict(detail)
    return lambda kinds, kind, *values: call(clauses, kinds, kind, *values)


class _InputFailed(Exception):
    pass


def _number(text: str) -> Any:
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text)


def _item(value: Any, kind: Type, how: str) -> Any:
    """Return an argument as an item: text with FORMAT JSON is parsed, any other value is unchanged."""
    if value is None:
        return EMPTY if how in _CODECS else None
    if how in _CODECS or kind.base == "json":
        try:
            text = value.decode(_CODECS.get(how, "utf-8")) if isinstance(value, bytes) else value
            return loads(text, _number)
        except ValueError as error:
            raise _InputFailed from error
    if kind.base == "char":
        return str(value).ljust(kind.length or 0)
    if isinstance(value, bool | int | float | Decimal | str):
        return value
    return json_casts._plain(value, kind)


def _walk(detail: Detail, kinds: Kinds, values: tuple[Any, ...]) -> list[Any]:
    source = values[0].decode() if isinstance(values[0], bytes) and detail["how"][0] == "value" else values[0]
    how = detail["how"][0] if detail["how"][0] != "value" else "utf8"
    context = _item(source, kinds[0], how)
    passed = range(1, detail["passed"] + 1)
    variables = {
        name: _item(values[i], kinds[i], detail["how"][i]) for i, name in zip(passed, detail["names"], strict=True)
    }
    return Walk(json_path.parsed(detail["path"]), context, variables).found()


def exists(detail: Detail, kinds: Kinds, _: Type, *values: Any) -> bool | None:
    if values[0] is None:
        return None
    try:
        return bool(_walk(detail, kinds, values))
    except (PathFailed, _InputFailed, RecursionError) as error:
        how = detail["on_error"]
        if how == "error":
            raise _failure(error) from error
        return {"true": True, "false": False}.get(how)


def _failure(error: Exception) -> QueryFailed:
    if isinstance(error, _InputFailed):
        return QueryFailed("JSON_INPUT_CONVERSION_ERROR: conversion to JSON failed")
    return QueryFailed(f"PATH_EVALUATION_ERROR: path evaluation failed: {error}")


def _instead(detail: Detail, clause: str, values: tuple[Any, ...], error: QueryFailed) -> Any:
    how = detail[clause]
    if how == "error":
        raise error
    if how.startswith("default "):
        return values[1 + detail["passed"] + int(how.rpartition(" ")[2])]
    return {"empty array": "[]", "empty object": "{}"}.get(how)


def value(detail: Detail, kinds: Kinds, kind: Type, *values: Any) -> Any:
    if values[0] is None:
        return None
    try:
        items = _walk(detail, kinds, values)
    except (PathFailed, _InputFailed, RecursionError) as error:
        return _instead(detail, "on_error", values, _failure(error))
    if not items:
        empty = QueryFailed("JSON_VALUE_RESULT_ERROR: cannot extract SQL scalar from JSON: JSON path found no items")
        return _instead(detail, "on_empty", values, empty)
    try:
        if len(items) > 1 or isinstance(items[0], dict | list):
            raise ValueError("no scalar")
        return None if items[0] is None else _returned(items[0], kind)
    except (ValueError, ArithmeticError, QueryFailed) as error:
        reason = "JSON path found more than one item, or no scalar of the expected type"
        failed = QueryFailed(f"JSON_VALUE_RESULT_ERROR: cannot extract SQL scalar from JSON: {reason}")
        failed.__cause__ = error
        return _instead(detail, "on_error", values, failed)


def _returned(item: Any, kind: Type) -> Any:
    if kind.is_text:
        text = _text(item)
        return text.rstrip(" ")[: kind.length] if kind.base == "char" else text[: kind.length]
    if kind.base == "boolean":
        if isinstance(item, str) and item.lower() in ("true", "false", "1", "0", "t", "f"):
            return item.lower() in ("true", "1", "t")
        return bool(item) if not isinstance(item, str) else _refused(item)
    if kind.base in json_casts._RANGES:
        if isinstance(item, str) and not re.fullmatch(r"[+-]?\d+", item):
            raise ValueError(item)
        return json_casts._integral(item if isinstance(item, bool | str) else Number(item), kind.base)
    if kind.is_floating:
        return float(item)
    if kind.base == "decimal":
        return fitted(Decimal(str(item)), kind)
    if kind.base == "date":
        return date.fromisoformat(str(item))
    if kind.base == "timestamp":
        return calendars.zoned_of((), kind, str(item))["i"]
    raise ValueError(kind)


def _refused(item: Any) -> bool:
    raise ValueError(item)


def _text(item: Any) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, float):
        return scientific(repr(item))
    return f"{item:f}" if isinstance(item, Decimal) else str(item)


def query(detail: Detail, kinds: Kinds, kind: Type, *values: Any) -> Any:
    if values[0] is None:
        return None
    try:
        items = _walk(detail, kinds, values)
    except (PathFailed, _InputFailed, RecursionError) as error:
        return _output(_instead(detail, "on_error", values, _failure(error)), kind)
    if not items:
        empty = QueryFailed("JSON_QUERY_RESULT_ERROR: cannot extract JSON from the input: JSON path found no items")
        return _output(_instead(detail, "on_empty", values, empty), kind)
    alone = len(items) == 1 and isinstance(items[0], dict | list)
    if detail["wrapper"] == "unconditional" or (detail["wrapper"] == "conditional" and not alone):
        return _output(dumps(items), kind)
    if len(items) > 1:
        many = QueryFailed(
            "JSON_QUERY_RESULT_ERROR: cannot extract JSON from the input: JSON path found multiple items"
        )
        return _output(_instead(detail, "on_error", values, many), kind)
    if detail["quotes"] == "omit" and isinstance(items[0], str):
        return _output(items[0], kind)
    return _output(dumps(items[0]), kind)


def _output(text: str | None, kind: Type) -> Any:
    if text is None or kind.base == "json":
        return text
    if kind.base == "varbinary":
        return text.encode()
    if kind.length is not None and len(text) > kind.length:
        return text[: kind.length]
    return text


def object_of(detail: Detail, kinds: Kinds, kind: Type, *values: Any) -> Any:
    made: dict[str, Any] = {}
    for i in range(0, len(values), 2):
        key, own = values[i], _member(values[i + 1], kinds[i + 1], detail["how"][i + 1])
        if key is None:
            raise QueryFailed(
                "INVALID_FUNCTION_ARGUMENT: null value passed for JSON object key to JSON_OBJECT function"
            )
        if own is None and values[i + 1] is None and detail["on_null"] == "absent":
            continue
        if key in made:
            raise QueryFailed("INVALID_FUNCTION_ARGUMENT: duplicate key passed to JSON_OBJECT function")
        made[key] = own
    return _output(dumps(made), kind)


def array_of(detail: Detail, kinds: Kinds, kind: Type, *values: Any) -> Any:
    items = [
        _member(value, own, how)
        for value, own, how in zip(values, kinds, detail["how"], strict=True)
        if value is not None or detail["on_null"] == "null"
    ]
    return _output(dumps(items), kind)


def _member(value: Any, kind: Type, how: str) -> Any:
    try:
        return None if value is None else _item(value, kind, how)
    except _InputFailed as error:
        raise QueryFailed("JSON_INPUT_CONVERSION_ERROR: conversion to JSON failed") from error
