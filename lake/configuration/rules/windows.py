"""Rules for the windows of a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lake.configuration.model import Config, Stream, Window
from lake.configuration.model.windows import REJECTED, read_by
from lake.configuration.place import Problem
from lake.configuration.suggest import allowed

Violations = Iterator[tuple[tuple[str, ...], str]]
"""(field of the stream, what is wrong)."""
_NUMBERS = r"tinyint|smallint|int|bigint|float|double|decimal\(.*"
_OWN = ("window_start", "window_end")


def violations(config: Config) -> Iterator[Problem]:
    """Every rule that a well-typed window breaks."""
    tables = {f"{name}_{window}" for name, stream in config.streams.items() for window in (*stream.windows, REJECTED)}
    for name, stream in config.streams.items():
        if name in tables:
            yield ("streams", name), "a window of another stream has a table of this name. Choose another name"
        for place, message in (*_event_time(stream), *_application(config, stream), *_windows(stream)):
            yield ("streams", name, *place), message


def _event_time(stream: Stream) -> Violations:
    time = stream.event_time
    if time is None:
        if stream.windows:
            yield ("windows",), "need the event time. Add event_time: {column: ...}"
    elif time.column not in stream.columns:
        yield ("event_time", "column"), _no_column(time.column, stream)
    elif stream.columns[time.column] != "timestamp":
        yield ("event_time", "column"), f"is of type {stream.columns[time.column]}. It must be a timestamp"


def _application(config: Config, stream: Stream) -> Violations:
    named = stream.application.connection
    networks = [name for name, connection in config.connections.items() if connection.type == "network"]
    if named is not None and named not in networks:
        yield (
            ("application", "connection"),
            f"there is no connection {named!r} of type network. {allowed(named, networks)}",
        )


def _windows(stream: Stream) -> Violations:
    for name, window in stream.windows.items():
        if name == REJECTED:
            yield ("windows", name), "is reserved for rejected events. Choose another name"
        for place, message in (*_lengths(window), *_columns(stream, window), *_results(stream, window)):
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


def _no_column(column: str, stream: Stream) -> str:
    return f"there is no column {column!r}. {allowed(column, stream.columns)}"
