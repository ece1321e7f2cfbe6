"""Rules for the windows of a stream."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from lake.configuration.model import Config, Stream, Window
from lake.configuration.model.windows import LONGEST_PROPERTY, MOST_WINDOWS, REJECTED, read_by
from lake.configuration.place import Problem
from lake.configuration.suggest import allowed

Violations = Iterator[tuple[tuple[str, ...], str]]
"""(field of the stream, what is wrong)."""
_NUMBERS = r"tinyint|smallint|int|bigint|float|double|decimal\(.*"
_OWN = ("window_start", "window_end")


def violations(config: Config) -> Iterator[Problem]:
    """Every rule that a well-typed window breaks."""
    tables = Counter(f"{name}_{each}" for name, stream in config.streams.items() for each in stream.results)
    for name, stream in config.streams.items():
        if name in tables:
            yield ("streams", name), "a table of another stream's windows has this name too. Choose another name"
        for window in stream.windows:
            if window != REJECTED and tables[f"{name}_{window}"] > 1:
                yield (
                    ("streams", name, "windows", window),
                    f"another table is named {name}_{window} too, of a window or of its alerts. Choose another name",
                )
        for place, message in (*_event_time(stream), *_application(config, stream), *_windows(stream)):
            yield ("streams", name, *place), message


def _event_time(stream: Stream) -> Violations:
    if stream.windows and stream.event_time is None:
        yield ("windows",), "need the time of the events. Add event_time: {column: ...}"


def _application(config: Config, stream: Stream) -> Violations:
    named = stream.application.connection
    networks = [name for name, connection in config.connections.items() if connection.type == "network"]
    if named is not None and named not in networks:
        yield (
            ("application", "connection"),
            f"there is no connection {named!r} of type network. {allowed(named, networks)}",
        )


def _windows(stream: Stream) -> Violations:
    if len(stream.windows) > MOST_WINDOWS:
        yield ("windows",), f"there are {len(stream.windows)}. Allowed: {MOST_WINDOWS}, as AWS limits an application"
    for name, window in stream.windows.items():
        if name == REJECTED:
            yield ("windows", name), "is reserved for rejected events. Choose another name"
        for place, message in (
            *_lengths(window),
            *_columns(stream, window),
            *_results(stream, window),
            *_conditions(window),
        ):
            yield ("windows", name, *place), message


def _lengths(window: Window) -> Violations:
    if (window.seconds is None) == (window.gap is None):
        yield (), "needs either seconds, or gap for session windows"
    if window.every is None:
        return
    if window.seconds is None:
        yield ("every",), "is only allowed with seconds: a session begins with its first event"
    elif window.seconds % window.every or window.seconds == window.every:
        yield ("every",), f"must be less than seconds ({window.seconds}) and divide it evenly. Given: {window.every}"


def _columns(stream: Stream, window: Window) -> Violations:
    for number, column in enumerate(window.by):
        if column not in stream.columns:
            yield ("by", str(number)), _no_column(column, stream)


def _results(stream: Stream, window: Window) -> Violations:
    for name, aggregate in window.compute.items():
        place = ("compute", name)
        if name in (*window.by, *_OWN):
            yield place, "is already a column of the window. Choose another name"
        function, column = read_by(aggregate)
        if not column:
            continue
        if column not in stream.columns:
            yield place, _no_column(column, stream)
        elif function in ("sum", "avg") and not re.fullmatch(_NUMBERS, stream.columns[column]):
            yield place, f"{column} is of type {stream.columns[column]}. {function} needs a number"


def _conditions(window: Window) -> Violations:
    for field, condition in (("filter", window.filter), ("alert", window.alert)):
        if condition and len(condition) > LONGEST_PROPERTY:
            yield (field,), f"it has {len(condition)} characters. Allowed: {LONGEST_PROPERTY}, as AWS limits a property"


def _no_column(column: str, stream: Stream) -> str:
    return f"there is no column {column!r}. {allowed(column, stream.columns)}"
