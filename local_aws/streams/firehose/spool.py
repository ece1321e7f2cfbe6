"""A delivery stream's buffer on disk: acknowledged records survive a kill until they are delivered."""

from __future__ import annotations

import os
import shutil
import struct
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from local_aws.disk import RESERVE, no_space
from local_aws.streams.firehose.records import Record

_HEAD = struct.Struct(">QHI")
"""The header of a record: its arrival, and the lengths of its place and data."""


@dataclass(frozen=True)
class Segment:
    """Records that are delivered together. Its name survives a restart, and so do its objects' keys."""

    path: Path
    size: int

    @property
    def id(self) -> str:
        return self.path.stem.partition("-")[2]

    def records(self) -> Iterator[Record]:
        """Yield every complete record: the last one may be cut off, and was then not acknowledged."""
        content = self.path.read_bytes()
        at, end, head = 0, len(content), _HEAD.size
        while at + head <= end:
            arrived, place, size = _HEAD.unpack_from(content, at)
            data = at + head + place
            if data + size > end:
                return
            yield Record(arrived, content[data : data + size], content[at + head : data].decode())
            at = data + size

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)


class Spool:
    """The segments of one delivery stream: one is open for records; the ones before it wait for delivery.

    Safe to use from several threads.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._closed = [Segment(path, path.stat().st_size) for path in sorted(folder.glob("*.records"))]
        numbers = [int(segment.path.stem.partition("-")[0]) for segment in self._closed]
        self._numbers = count(max(numbers, default=0) + 1)
        self._file: int | None = None
        self._path = folder
        self._size = 0
        self._opened = 0.0

    def append(self, records: Iterable[Record]) -> None:
        """Write records, all of them or none.

        Raises:
            AwsError: the disk is full.
        """
        parts = [part for record in records for part in _parts(record)]
        with self._lock:
            if self._file is None:
                self._open()
            self._write(b"".join(parts))

    @property
    def age(self) -> float | None:
        """Return the seconds since the open segment got its first record; None if there is none."""
        with self._lock:
            return time.monotonic() - self._opened if self._file is not None else None

    @property
    def size(self) -> int:
        with self._lock:
            return self._size

    def close_segment(self) -> None:
        """Close the open segment, so that it waits for delivery too."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._closed.append(Segment(self._path, self._size))
                self._file, self._size = None, 0

    def waiting(self) -> list[Segment]:
        with self._lock:
            return list(self._closed)

    def delivered(self, segment: Segment) -> None:
        with self._lock:
            self._closed.remove(segment)
        segment.delete()

    def drop(self) -> None:
        self.close_segment()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _open(self) -> None:
        self._path = self._folder / f"{next(self._numbers):012d}-{uuid.uuid4()}.records"
        try:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError:
            raise no_space(self._folder) from None
        self._opened, self._size = time.monotonic(), 0

    def _write(self, content: bytes) -> None:
        assert self._file is not None
        if shutil.disk_usage(self._folder).free < len(content) + RESERVE:
            raise no_space(self._folder)
        written = 0
        try:
            while written < len(content):
                written += os.write(self._file, memoryview(content)[written:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise no_space(self._folder) from None
        self._size += written


def _parts(record: Record) -> tuple[bytes, bytes, bytes]:
    place = record.place.encode()
    return _HEAD.pack(record.arrived, len(place), len(record.data)), place, record.data
