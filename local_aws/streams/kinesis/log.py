"""The log of a shard: an append-only list of records in files; expired files are deleted."""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

from local_aws.streams.block import Block, Pair
from local_aws.streams.kinesis.segment import Segment

SEGMENT_BYTES = 16 * 1024 * 1024
SEGMENT_MILLISECONDS = 3_600_000
"""A file is closed when it has this size or its first record is this old, because only whole files are deleted."""


def now() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Log:
    """A log for one writing thread at a time and any number of readers.

    Positions count the records of a shard from 1. Records are ordered by arrival time, which never goes back.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None
        self._opening = threading.Lock()
        self._opened: list[Segment] = []

    @property
    def _segments(self) -> list[Segment]:
        """The segments by position. Never empty; changes replace the whole list."""
        if not self._opened:
            with self._opening:
                self._opened = self._opened or self._found()
        return self._opened

    def _found(self) -> list[Segment]:
        paths = sorted(self._folder.glob("*.log"))
        return [Segment.opened(path) for path in paths] or [Segment(self._folder, 1)]

    @property
    def end(self) -> int:
        """Return the position of the next record."""
        return self._segments[-1].end

    @property
    def last_arrival(self) -> int:
        """Return the arrival time of the newest record, in milliseconds; 0 if there never was one."""
        return max(segment.last_arrival for segment in self._segments[-2:])

    def append(self, records: Sequence[Pair]) -> int:
        """Write (key, data) pairs, all or none. Returns the position of the first one.

        Raises:
            OSError: the disk is full, or another failure.
        """
        arrived = max(now(), self.last_arrival)
        segment = self._open_segment(arrived)
        first = segment.end
        assert self._file is not None
        segment.append(self._file, records, arrived)
        return first

    def read(self, position: int, horizon: int) -> Iterator[Block]:
        """Yield the blocks from a position on, or from the first record that arrived at `horizon` or later."""
        position = max(position, self.position_at(horizon))
        segments = self._segments
        for segment in segments[max(0, bisect_right(segments, position, key=_first) - 1) :]:
            yield from segment.read(position)

    def position_at(self, arrived: int) -> int:
        """Return the position of the first record that arrived at this time or later; `end` if none did."""
        end = self.end  # before the segments: a record that arrives meanwhile is after it
        for segment in self._segments:
            if segment.last_arrival >= arrived:
                return segment.position_at(arrived)
        return end

    def expire(self, horizon: int) -> None:
        """Delete the files whose records all arrived before a time. The last file stays: it holds the position."""
        expired = [segment for segment in self._segments[:-1] if segment.last_arrival < horizon]
        if expired:
            self._opened = self._segments[len(expired) :]
            for segment in expired:
                segment.path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open_segment(self, arrived: int) -> Segment:
        segment = self._segments[-1]
        is_full = segment.size > 0 and (
            segment.size >= SEGMENT_BYTES or arrived - segment.first_arrival >= SEGMENT_MILLISECONDS
        )
        if self._file is not None and not is_full:
            return segment
        self.close()
        if is_full:
            segment = Segment(self._folder, segment.end)
            self._opened = [*self._segments, segment]
        self._file = os.open(segment.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return segment


def _first(segment: Segment) -> int:
    return segment.first
