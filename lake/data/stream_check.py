"""Checks that every sent event is in the stream, and then in a file or under the error prefix."""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lake.aws import Aws
from lake.data import row_counts
from lake.data.records import Key, records
from lake.data.sending import Ledger, Run
from lake.data.window_counts import Counted, Windows, began, compare, windows_of

HOUR = 3600
SHOWN = 5
"""The maximum number of line ranges in a message."""


@dataclass(frozen=True)
class Found:
    """The number of events at each place.

    Attributes:
        sent: events sent by those runs of `lake send` that Kinesis still keeps.
        in_stream: those of them that are in the stream, each counted once.
        twice: duplicate records in the stream.
        foreign: records in the stream from other producers.
        in_files: rows in the files of the stream's table, as of the oldest event that Kinesis keeps.
        with_errors: records under the error prefix, as of that event.
        counted: what Flink made of the events; None where no window tells, or its application never ran.
        missing: a sentence for each thing that is not there.
        note: a sentence on what cannot be compared, as Kinesis no longer keeps it; empty if everything is compared.
    """

    sent: int
    in_stream: int
    twice: int
    foreign: int
    in_files: int
    with_errors: int
    counted: Counted | None
    missing: list[str]
    note: str = ""

    @property
    def is_exact(self) -> bool:
        return not self.missing

    def lines(self) -> list[dict[str, Any]]:
        """A line a place."""
        places: dict[str, int | str] = {
            "sent": self.sent,
            "in Kinesis": self.in_stream,
            "duplicates in Kinesis": self.twice,
            "in Kinesis, from other producers": self.foreign,
            "in Firehose's files": self.in_files,
            "under the error prefix": self.with_errors,
        }
        counted = self.counted
        places |= {
            "in windows of Flink": "-" if counted is None else counted.in_windows,
            "in windows that are open": "-" if counted is None else counted.open,
            "rejected by Flink": "-" if counted is None else counted.rejected,
        }
        return [{"place": place, "events": count} for place, count in places.items()]

    def document(self) -> dict[str, Any]:
        names = ("sent", "in_stream", "twice", "foreign", "in_files", "with_errors", "missing", "note")
        flink = None
        if self.counted is not None:
            flink = {name: getattr(self.counted, name) for name in ("in_windows", "open", "rejected")}
        return {name: getattr(self, name) for name in names} | {"flink": flink, "exact": self.is_exact}


def check(aws: Aws, stream: str) -> Found:
    """Count the events at every place. Events in Firehose's buffer count as missing, so wait for the buffer first."""
    runs = _kept(aws, stream)
    windows, since = windows_of(aws, stream), began(aws, stream)
    there, foreign, oldest = _in_stream(aws, stream, windows if since is not None else None, since or 0.0)
    lines = {run.id: {line for line in there if line.run == run.id} for run in runs}
    twice = sum(count - 1 for count in there.values())
    in_files, older = row_counts.in_files(aws, stream, oldest)
    with_errors = row_counts.with_errors(aws, stream, oldest)
    missing = [sentence for run in runs if (sentence := _missing_lines(run, {key.line for key in lines[run.id]}))]
    total = sum(there.values()) + foreign
    if in_files + with_errors < total:
        wait = aws.lake.config.streams[stream].delivery.buffer.seconds
        missing.append(
            f"Firehose: {total - in_files - with_errors:,} events are neither in a file nor under the error prefix. "
            f"It writes an event {wait} s after it arrives"
        )
    counted = compare(aws, stream, windows) if windows is not None and since is not None else None
    missing += counted.missing if counted else []
    sent = sum(run.done for run in runs)
    note = _not_compared(older, oldest) if older and oldest else ""
    return Found(sent, len(there), twice, foreign, in_files, with_errors, counted, missing, note)


def _not_compared(older: int, oldest: float) -> str:
    time = f"{datetime.fromtimestamp(oldest, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"Not compared: the {older:,} files from before {time}, as Kinesis keeps no older events. "
        "The first file after it may hold older events too, and hide as many missing ones"
    )


def _kept(aws: Aws, stream: str) -> list[Run]:
    """The runs whose events are within the stream's retention."""
    horizon = time.time() - aws.lake.config.streams[stream].retention_hours * HOUR
    return [run for run in Ledger(aws, stream).runs if run.done and run.called > horizon]


def _in_stream(aws: Aws, stream: str, windows: Windows | None, since: float) -> tuple[Counter[Key], int, float | None]:
    """How often each event of `lake send` is there, how many others are, and when the oldest came, if there is one.

    What came `since` is put into windows.
    """
    there: Counter[Key] = Counter()
    foreign, oldest = 0, math.inf
    for _, record in records(aws, aws.names.stream(stream)):
        arrived = record["ApproximateArrivalTimestamp"].timestamp()
        oldest = min(oldest, arrived)
        if key := Key.of(record["PartitionKey"]):
            there[key] += 1
        else:
            foreign += 1
        if windows is not None and arrived >= since:
            windows.add(record["Data"].decode(errors="replace"))
    return there, foreign, oldest if there or foreign else None


def _missing_lines(run: Run, there: set[int]) -> str:
    """A sentence that names the missing lines of a run; empty if none are missing."""
    gaps = list(_gaps(line for line in range(1, run.done + 1) if line not in there))
    if not gaps:
        return ""
    named = ", ".join(f"{first:,}" if first == last else f"{first:,} to {last:,}" for first, last in gaps[:SHOWN])
    more = f" and {len(gaps) - SHOWN} more" if len(gaps) > SHOWN else ""
    count = sum(last - first + 1 for first, last in gaps)
    return f"Kinesis: {count:,} events of {run.file} are not in the stream: lines {named}{more}"


def _gaps(lines: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of consecutive numbers: (first, last)."""
    for _, group in itertools.groupby(enumerate(lines), key=lambda pair: pair[1] - pair[0]):
        numbers = [line for _, line in group]
        yield numbers[0], numbers[-1]
