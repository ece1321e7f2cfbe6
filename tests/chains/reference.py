"""What a job's steps mean, in plain Python over rows: no Spark, no pandas."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

Row = dict[str, Any]
Condition = Callable[[Any], bool]


@dataclass(frozen=True)
class Data:
    """Rows with their columns: name -> type."""

    columns: dict[str, str]
    rows: list[Row]


def drop_fields(data: Data, names: list[str]) -> Data:
    columns = {name: type_ for name, type_ in data.columns.items() if name not in names}
    return Data(columns, [{name: row[name] for name in columns} for row in data.rows])


def drop_null_fields(data: Data) -> Data:
    if not data.rows:
        return data
    return drop_fields(data, [name for name in data.columns if all(row[name] is None for row in data.rows)])


def filtered(data: Data, name: str, condition: Condition) -> Data:
    return Data(data.columns, [row for row in data.rows if row[name] is not None and condition(row[name])])


def renamed(data: Data, names: dict[str, str]) -> Data:
    columns = {names.get(name, name): type_ for name, type_ in data.columns.items()}
    return Data(columns, [{names.get(name, name): value for name, value in row.items()} for row in data.rows])


def added(data: Data, new: str, type_: str, of: Callable[[Row], Any]) -> Data:
    return Data({**data.columns, new: type_}, [{**row, new: of(row)} for row in data.rows])


def cast(data: Data, name: str, type_: str) -> Data:
    columns = {**data.columns, name: type_}
    return Data(columns, [{**row, name: _cast(row[name], type_)} for row in data.rows])


def _cast(value: Any, type_: str) -> Any:
    if value is None:
        return None
    if type_ == "string":
        return str(value).lower() if isinstance(value, bool) else str(value)
    if type_ == "double":
        return float(value)
    return int(value) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value) else None


def deduplicated(data: Data, by: list[str], newest: str | None) -> Data:
    """Of rows with equal keys the one with the greatest `newest`, then the first by all columns, nulls first."""
    if not by:
        return Data(data.columns, list({_key(row, data.columns): row for row in data.rows}.values()))
    groups: dict[Any, list[Row]] = {}
    for row in data.rows:
        groups.setdefault(_key(row, by), []).append(row)
    return Data(data.columns, [_first(rows, data.columns, newest) for rows in groups.values()])


def _key(row: Row, names: Iterable[str]) -> Any:
    return tuple("NaN" if is_nan(row[name]) else (type(row[name]), row[name]) for name in names)


def _first(rows: list[Row], names: Iterable[str], newest: str | None) -> Row:
    def order(one: Row, other: Row) -> int:
        if newest is not None and (found := _compared(one[newest], other[newest])):
            return -found
        return next((found for name in names if (found := _compared(one[name], other[name]))), 0)

    return min(rows, key=cmp_to_key(order))


def _compared(one: Any, other: Any) -> int:
    """As Spark sorts: null first, NaN last, text by its bytes."""
    left, right = (_place(value) for value in (one, other))
    return (left > right) - (left < right)


def _place(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    if is_nan(value):
        return (2, 0)
    return (1, value.encode() if isinstance(value, str) else value)


def is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def joined(data: Data, other: Data, here: str, there: str, how: str, take: dict[str, str]) -> Data:
    """take: column there -> new name."""
    partners: dict[Any, list[Row]] = {}
    for row in other.rows:
        partners.setdefault(row[there], []).append(row)
    of = lambda row: partners.get(row[here], []) if row[here] is not None else []  # noqa: E731
    if how in ("semi", "anti"):
        return Data(data.columns, [row for row in data.rows if bool(of(row)) == (how == "semi")])
    new = {name: other.columns[column] for column, name in take.items()}
    rows = [{**row, **{name: found[column] for column, name in take.items()}} for row in data.rows for found in of(row)]
    if how in ("left", "full"):
        rows += [{**row, **dict.fromkeys(new)} for row in data.rows if not of(row)]
    if how in ("right", "full"):
        met = {row[here] for row in data.rows}
        alone = [row for row in other.rows if row[there] is None or row[there] not in met]
        named = lambda row: {name: row[column] for column, name in take.items()}  # noqa: E731
        rows += [{**dict.fromkeys(data.columns), here: row[there], **named(row)} for row in alone]
    return Data({**data.columns, **new}, rows)


def looked_up(data: Data, new: str, other: Data, here: str, there: str, take: str, default: Any) -> Data:
    """The smallest of several values."""
    found: dict[Any, list[Any]] = {}
    for row in other.rows:
        if row[there] is not None and row[take] is not None:
            found.setdefault(row[there], []).append(row[take])
    values = {key: min(each, key=lambda value: _place(value)) for key, each in found.items()}
    return added(data, new, other.columns[take], lambda row: values.get(row[here], default))
