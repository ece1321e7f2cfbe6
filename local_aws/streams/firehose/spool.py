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
from local_aws.streams.block import Block
from local_aws.streams.firehose.records import Record
from local_aws.streams.kinesis.shard import sequence_number, shard_of

_HEAD = struct.Struct(">28sQQII")
"""The header of a block: the prefix of its sequence numbers, its first position, its arrival, records, and bytes."""


@dataclass(frozen=True)
class Segment:
    """Records that are delivered together. Its name survives a restart, and so do its objects' keys."""

    path: Path
    size: int

    @property
    def id(self) -> str:
        return self.path.stem.partition("-")[2]

    def records(self) -> Iterator[Record]:
        for source, block in self._blocks():
            arrived = block.arrived
            for position, (_, data) in enumerate(block.pairs(), block.first):
                yield Record(arrived, data, source, position)

    def last_places(self) -> dict[str, str]:
        """Return the last sequence number of each shard among the records."""
        last = {source: block.end - 1 for source, block in self._blocks() if source}
        return {shard_of(source): sequence_number(source, position) for source, position in last.items()}

    def _blocks(self) -> Iterator[tuple[str, Block]]:
        """Yield every complete block: the last one may be cut off, and was then not acknowledged."""
        content = self.path.read_bytes()
        at, end = 0, len(content)
        while at + _HEAD.size <= end:
            source, first, arrived, count, size = _HEAD.unpack_from(content, at)
            body, at = at + _HEAD.size, at + _HEAD.size + size
            if at > end:
                return
            yield source.rstrip(b"\0").decode(), Block(first, arrived, count, content[body:at])

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
        self._closed = [Segment(path, path.stat().st_size) for path in sorted(folder.glob("*.blocks"))]
        numbers = [int(segment.path.stem.partition("-")[0]) for segment in self._closed]
        self._numbers = count(max(numbers, default=0) + 1)
        self._file: int | None = None
        self._path = folder
        self._size = 0
        self._opened = 0.0

    def append(self, blocks: Iterable[Block], source: str = "") -> None:
        """Write blocks, all of them or none.

        Args:
            source: the prefix of the sequence numbers of the shard that they are from.

        Raises:
            AwsError: the disk is full.
        """
        parts = [part for block in blocks for part in (head(block, source), block.body)]
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
        self._path = self._folder / f"{next(self._numbers):012d}-{uuid.uuid4()}.blocks"
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


def head(block: Block, source: str) -> bytes:
    """Return the header of a block in the buffer's files; the block's body follows."""
    return _HEAD.pack(source.encode(), block.first, block.arrived, block.records, len(block.body))
