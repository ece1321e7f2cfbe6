"""The property groups of a stream's application, which flink_app/main.py reads at run time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lake.configuration.model import EventTime, Stream, Window
from lake.configuration.model.windows import ALERTS, LONGEST_PROPERTY, REJECTED, read_by

_SQL = {"string": "STRING", "timestamp": "TIMESTAMP(3)"}
_FRACTIONS = ("float", "double")
REJECTED_COLUMNS = {
    "kind": "string",
    "reason": "string",
    "event": "string",
    "event_time": "timestamp",
    "seen_at": "timestamp",
}
"""The columns of a rejected event."""
_WINDOW = {"window_start": "timestamp", "window_end": "timestamp"}
Groups = dict[str, dict[str, str]]


def result_columns(window: Window, columns: Mapping[str, str]) -> dict[str, str]:
    """The columns of a window's results, with Hive types. `columns`: those of the events."""
    keys = {column: columns[column] for column in window.by}
    return _WINDOW | keys | {name: _type(aggregate, columns) for name, aggregate in window.compute.items()}


def groups(stream: Stream, time: EventTime, source: str, sinks: Mapping[str, str], region: str) -> Groups:
    """Property groups by id. `source` and `sinks`, by the names of `stream.results`, are ARNs of Kinesis streams."""
    events = {
        "source": source,
        "rejected": sinks[REJECTED],
        "region": region,
        "start": "LATEST" if stream.application.begin == "latest" else "TRIM_HORIZON",
        "time": time.column,
        "lateness": str(time.lateness),
        "ahead": str(time.ahead),
        **_parts("columns", {name: _sql(type_) for name, type_ in stream.columns.items()}),
    }
    windows = {
        f"window.{name}": _window(window, stream.columns) | _sinks(name, window, sinks) | {"region": region}
        for name, window in stream.windows.items()
    }
    options = {"python": "main.py", "jarfile": "lib/pyflink-dependencies.jar"}
    return {"kinesis.analytics.flink.run.options": options, "stream": events, **windows}


def _sinks(name: str, window: Window, sinks: Mapping[str, str]) -> dict[str, str]:
    alerts = {"alert": window.alert, "alerts": sinks[f"{name}_{ALERTS}"]} if window.alert else {}
    return {"sink": sinks[name], **alerts}


def _window(window: Window, columns: Mapping[str, str]) -> dict[str, str]:
    lengths = {"seconds": window.seconds, "every": window.every, "gap": window.gap}
    computed = {
        name: [_computed(aggregate, columns), _sql(_type(aggregate, columns))]
        for name, aggregate in window.compute.items()
    }
    return {
        "kind": window.kind,
        **{part: str(seconds) for part, seconds in lengths.items() if seconds is not None},
        **_parts("by", {column: _sql(columns[column]) for column in window.by}),
        **_parts("aggregates", computed),
        **({"filter": window.filter} if window.filter else {}),
    }


def _parts(name: str, entries: Mapping[str, Any]) -> dict[str, str]:
    """The entries as JSON objects, each short enough for a property: `name`, and `name.2`, `name.3`, ... if need be."""
    parts: list[dict[str, Any]] = [{}]
    for key, value in entries.items():
        if parts[-1] and len(json.dumps({**parts[-1], key: value})) > LONGEST_PROPERTY:
            parts.append({})
        parts[-1][key] = value
    return {f"{name}.{number}" if number > 1 else name: json.dumps(part) for number, part in enumerate(parts, 1)}


def _type(aggregate: str, columns: Mapping[str, str]) -> str:
    function, column = read_by(aggregate)
    if function in ("count", "distinct"):
        return "bigint"
    type_ = columns[column]
    if function in ("min", "max"):
        return type_
    if function == "avg" or type_ in _FRACTIONS:
        return "double"
    return re.sub(r"decimal\(\d+", "decimal(38", type_) if type_.startswith("decimal") else "bigint"


def _computed(aggregate: str, columns: Mapping[str, str]) -> str:
    """An aggregate in Flink's SQL. Integers are summed as BIGINT, and averages of integers are not truncated."""
    function, column = read_by(aggregate)
    if function == "count":
        return "COUNT(*)"
    if function == "distinct":
        return f"COUNT(DISTINCT `{column}`)"
    if function in ("min", "max"):
        return f"{function.upper()}(`{column}`)"
    return f"{function.upper()}(CAST(`{column}` AS {_sql(_type(aggregate, columns))}))"


def _sql(type_: str) -> str:
    return _SQL.get(type_, type_.upper())
