"""Whether a stream's Flink application counted every event: in a window, in one that is still open, or rejected.

The events as Kinesis has them are put into windows here, plainly, and compared with what the application gave out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.configuration.model import Stream, Window
from lake.configuration.model.windows import REJECTED, read_by
from lake.data.records import records

SHOWN = 5
"""Windows that are named."""
_MILLISECONDS = 1e11
"""A number at or above this counts milliseconds since 1970, another seconds."""
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_KEPT = 131_072
"""Characters that the application keeps of a rejected event."""


@dataclass
class Counted:
    """What became of the events.

    Attributes:
        in_windows: events that a result of the window counts.
        open: events of windows that have not ended yet.
        rejected: events in the stream of rejected ones.
        missing: a sentence for what is nowhere.
    """

    in_windows: int = 0
    open: int = 0
    rejected: int = 0
    missing: list[str] = field(default_factory=list)


class Windows:
    """The events of each window, as they arrived and as the application counted them.

    Args:
        column: of the event's time.
        seconds: the length of the windows.
        lateness: seconds for which a window waits after its end.
    """

    def __init__(self, column: str, seconds: int, lateness: int) -> None:
        self._column, self._seconds, self._lateness = column, seconds, lateness
        self._texts: Counter[int] = Counter()
        self._cut: dict[int, int | None] = {}
        self._arrived: Counter[int | None] = Counter()
        self._counted: Counter[int] = Counter()
        self._rejected = 0

    def add(self, text: str) -> None:
        """An event as it came."""
        self._texts[_mark(text)] += 1
        start = self._start(text)
        self._arrived[start] += 1
        if len(text) > _KEPT:
            self._cut[_mark(text)] = start

    def reject(self, text: str) -> None:
        """An event that the application rejected. Once it failed, it may say so twice."""
        self._rejected += 1
        mark = _mark(text)
        if self._texts[mark] > 0:
            self._texts[mark] -= 1
            self._arrived[self._cut[mark] if mark in self._cut else self._start(text)] -= 1

    def count(self, start: str, events: int) -> None:
        """A result of the window that begins at `start`, as the application writes it."""
        self._counted[self._beginning(_milliseconds(start))] += events

    def counted(self) -> Counted:
        unread = self._arrived.pop(None, 0)
        starts = sorted(start for start, events in self._arrived.items() if start is not None and events > 0)
        ended = [start for start in starts if self._has_ended(start, starts[-1])]
        short = {start: self._arrived[start] for start in ended if self._counted[start] < self._arrived[start]}
        missing = [_not_counted(short, self._counted, self._seconds)] if short else []
        if unread:
            missing.append(f"Flink: {unread:,} events have no time that can be read, and are not rejected")
        still_open = sum(self._arrived[start] for start in starts if start not in ended)
        return Counted(self._counted.total(), still_open, self._rejected, missing)

    def _has_ended(self, start: int, newest: int) -> bool:
        """There is a result of this window or a later one; or an event is newer than its end by the lateness."""
        last = max(self._counted, default=start - 1)
        return start <= last or start + self._seconds + self._lateness < newest

    def _start(self, text: str) -> int | None:
        """Of an event's window, in seconds since 1970; None where its time cannot be read."""
        try:
            return self._beginning(_milliseconds(json.loads(text)[self._column]))
        except (ValueError, TypeError, KeyError, OverflowError):
            return None

    def _beginning(self, milliseconds: int) -> int:
        return milliseconds // (1000 * self._seconds) * self._seconds


def _mark(text: str) -> int:
    """By which an event is known again, of which the application keeps a part if it rejects it."""
    return hash(text[:_KEPT])


def telling(stream: Stream) -> str:
    """The window by which events can be counted, as each is in one of its results. Empty: there is none."""
    names = (name for name, window in stream.windows.items() if _tells(window))
    return next(names, "")


def _tells(window: Window) -> bool:
    return window.kind == "tumbling" and window.filter is None and bool(_count_of(window))


def _count_of(window: Window) -> str:
    """The result that counts events."""
    return next((name for name, aggregate in window.compute.items() if read_by(aggregate)[0] == "count"), "")


def began(aws: Aws, stream: str) -> float | None:
    """When the application was first started, in seconds since 1970: what came before, it may not have read.

    None where it never was, or is not deployed.
    """
    try:
        answer = aws.flink.list_application_operations(
            ApplicationName=aws.names.stream(stream), Operation="StartApplication", OperationStatus="SUCCESSFUL"
        )
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise
    times = [operation["StartTime"].timestamp() for operation in answer["ApplicationOperationInfoList"]]
    if times and aws.lake.config.streams[stream].application.begin == "earliest":
        return 0.0
    return min(times, default=None)


def windows_of(aws: Aws, stream: str) -> Windows | None:
    """Empty windows, to add what arrived to. None where no window of the stream tells."""
    settings = aws.lake.config.streams[stream]
    window = settings.windows.get(telling(settings))
    if window is None or window.seconds is None or settings.event_time is None:
        return None
    return Windows(settings.event_time.column, window.seconds, settings.event_time.lateness)


def compare(aws: Aws, stream: str, windows: Windows) -> Counted:
    """What the application made of the events in `windows`."""
    settings = aws.lake.config.streams[stream]
    name = telling(settings)
    for row in _rows(aws, stream, REJECTED):
        windows.reject(row["event"])
    # After a failure, results come again with the same values.
    for text in {json.dumps(row, sort_keys=True) for row in _rows(aws, stream, name)}:
        row = json.loads(text)
        windows.count(row["window_start"], row[_count_of(settings.windows[name])])
    return windows.counted()


def _rows(aws: Aws, stream: str, result: str) -> Iterator[dict[str, Any]]:
    found = records(aws, aws.names.stream(f"{stream}_{result}"))
    return (json.loads(record["Data"]) for _, record in found)


def _milliseconds(value: Any) -> int:
    """Since 1970. Raises ValueError: it is no time."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        moment = datetime.fromisoformat(str(value).replace(" UTC", "Z"))
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND
    return int(number if abs(number) >= _MILLISECONDS else number * 1000)


def _not_counted(short: dict[int, int], counted: Counter[int], seconds: int) -> str:
    events = sum(arrived - counted[start] for start, arrived in short.items())
    named = ", ".join(
        f"{_spelled(start)} to {_spelled(start + seconds)} counts {counted[start]:,} of {arrived:,}"
        for start, arrived in list(short.items())[:SHOWN]
    )
    more = f", and {len(short) - SHOWN} more windows" if len(short) > SHOWN else ""
    return f"Flink: {events:,} events are in no window and not rejected: {named}{more}"


def _spelled(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
