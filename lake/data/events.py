"""Reads events from a file, each with the time at which to send it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from lake.configuration.model import Stream
from lake.errors import BadInput

LARGEST = 1024 * 1024
"""The maximum size of a Kinesis record with its key, in bytes."""
KEY_BYTES = 64
"""An upper bound for our partition keys, in bytes."""
_DECODED = json.JSONDecoder().raw_decode


class Event(NamedTuple):
    """A line of a file. `due` is in seconds after the first event."""

    line: int
    data: bytes
    due: float


def at_a_rate(file: Path, rate: float, start: int = 0) -> Iterator[Event]:
    """The events after line `start`, at `rate` events per second.

    Raises:
        BadInput: a line is not a JSON object, or too long.
    """
    for place, (line, data, _) in enumerate(_events(file, start)):
        yield Event(line, data, place / rate)


def at_their_pace(file: Path, column: str, factor: float, start: int = 0) -> Iterator[Event]:
    """The events after line `start`, spaced by the times in a column divided by a factor.

    An event earlier than the first is due at once.

    Raises:
        BadInput: a line is not a JSON object, is too long, or has no time in that column.
    """
    first: datetime | None = None
    for line, data, event in _events(file, start):
        moment = _moment(file, line, column, event.get(column))
        first = first or moment
        yield Event(line, data, max(0.0, (moment - first).total_seconds() / factor))


def time_column(name: str, stream: Stream) -> str:
    """The first timestamp column of a stream. Raises BadInput if there is none."""
    found = next((column for column, type_ in stream.columns.items() if type_ == "timestamp"), None)
    if found is None:
        raise BadInput(f"streams.{name}.columns has no timestamp column, which --pace needs. Use --rate")
    return found


def _events(file: Path, start: int) -> Iterator[tuple[int, bytes, dict[str, Any]]]:
    with file.open("rb") as lines:
        for number, data in enumerate(itertools.islice(lines, start, None), start=start + 1):
            yield number, *_event(file, number, data)


def _event(file: Path, number: int, data: bytes) -> tuple[bytes, dict[str, Any]]:
    try:
        line = data.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        event = _document(line)
    except UnicodeDecodeError:
        raise BadInput(f"{file}, line {number}: is not UTF-8 text. Each line must be one event as JSON") from None
    except (json.JSONDecodeError, RecursionError) as error:
        at = getattr(error, "pos", 0) + 1
        raise BadInput(f"{file}, line {number}: is not JSON from character {at} on") from None
    if not isinstance(event, dict):
        raise BadInput(f"{file}, line {number}: an event must be a JSON object. Given: {line[:80]}")
    encoded = line.encode()
    if len(encoded) > LARGEST - KEY_BYTES:
        most = LARGEST - KEY_BYTES
        raise BadInput(f"{file}, line {number}: has {len(encoded):,} bytes. Kinesis allows at most {most:,} per event")
    return encoded, event


def _document(line: str) -> object:
    """As `json.loads`, which takes half as long again to look for blanks. Raises JSONDecodeError."""
    document, end = _DECODED(line)
    if end < len(line):
        raise json.JSONDecodeError("Extra data", line, end)
    return document


def _moment(file: Path, line: int, column: str, value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadInput(
            f"{file}, line {line}: {column} is not a time: {str(value)[:40]!r}. Allowed: ISO 8601, 2026-11-28T05:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
