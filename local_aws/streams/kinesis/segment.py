"""One file of a shard's log: blocks of records, each written at once."""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from local_aws.streams.block import Block, Pair

_BLOCK = struct.Struct("<IIQQI")
"""Header of a block: bytes of the body, CRC-32, position of the first record, arrival in ms, number of records."""
_INDEXED = 64 * 1024
"""Bytes between two blocks whose offsets are kept in memory."""


class _Place(NamedTuple):
    """Where a block is in the file, and its header."""

    offset: int
    size: int
    crc: int
    first: int
    arrived: int
    records: int

    @property
    def body(self) -> int:
        return self.offset + _BLOCK.size

    @property
    def after(self) -> int:
        return self.body + self.size


class _Known(NamedTuple):
    """What a segment holds."""

    end: int
    last_arrival: int
    size: int


class Segment:
    """A file named by the position of its first record.

    Attributes:
        first: the position of its first record.
        end: the position after its last record.
        size: bytes of its complete blocks.
        last_arrival: arrival time of its last record, in milliseconds; 0 if it has none.
    """

    def __init__(self, folder: Path, first: int) -> None:
        self.path = folder / f"{first:020d}.log"
        self.first = first
        # Replaced as one, so that readers, who take no lock, never see a part of a block.
        self._known = _Known(first, 0, 0)
        self._positions, self._arrivals, self._offsets = array("Q"), array("Q"), array("Q")

    @classmethod
    def opened(cls, path: Path) -> Segment:
        """Open an existing file. Remove a block that a kill cut off: it was not acknowledged."""
        segment, length = cls(path.parent, int(path.stem)), path.stat().st_size
        with _mapped(path, length) as data:
            for block in _blocks(data, 0, length):
                if zlib.crc32(data[block.body : block.after]) != block.crc:
                    break
                segment._note(block)
        if segment.size < length:
            os.truncate(path, segment.size)
        return segment

    def append(self, file: int, records: Sequence[Pair], arrived: int) -> None:
        """Write (key, data) pairs to the open file, all or none.

        Raises:
            OSError: the disk is full, or another failure.
        """
        body = Block.of(records, self.end, arrived).body
        block = _Place(self.size, len(body), zlib.crc32(body), self.end, arrived, len(records))
        left = memoryview(_BLOCK.pack(*block[1:]) + body)
        try:
            while left:
                left = left[os.write(file, left) :]
        except OSError:
            os.ftruncate(file, self.size)
            raise
        self._note(block)

    def read(self, position: int) -> Iterator[Block]:
        """Yield the blocks from a position on. Raises FileNotFoundError if they have expired."""
        end, _, size = self._known
        with _mapped(self.path, size) as data:
            for block in _blocks(data, self._offset(bisect_right(self._positions, position)), size):
                if block.first + block.records > position:
                    yield _content(data, block).between(position, end)

    def position_at(self, arrived: int) -> int:
        """Return the position of the first record that arrived at this time or later; `end` if none did."""
        end, _, size = self._known
        with _mapped(self.path, size) as data:
            blocks = _blocks(data, self._offset(bisect_left(self._arrivals, arrived)), size)
            return next((block.first for block in blocks if block.arrived >= arrived), end)

    @property
    def end(self) -> int:
        return self._known.end

    @property
    def last_arrival(self) -> int:
        return self._known.last_arrival

    @property
    def size(self) -> int:
        return self._known.size

    @property
    def first_arrival(self) -> int:
        """Return the arrival time of its first record, in milliseconds; 0 if it has none."""
        return self._arrivals[0] if self._arrivals else 0

    def _offset(self, following: int) -> int:
        """Return the offset of the indexed block before another."""
        return self._offsets[max(0, following - 1)] if self._offsets else 0

    def _note(self, block: _Place) -> None:
        if not self._offsets or block.offset - self._offsets[-1] >= _INDEXED:
            # Append the offset first: readers find it through the other lists.
            self._offsets.append(block.offset)
            self._positions.append(block.first)
            self._arrivals.append(block.arrived)
        self._known = _Known(block.first + block.records, block.arrived, block.after)


@contextmanager
def _mapped(path: Path, size: int) -> Iterator[mmap.mmap | bytes]:
    if not size:  # it may not exist yet
        yield b""
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
        yield data


def _blocks(data: mmap.mmap | bytes, offset: int, size: int) -> Iterator[_Place]:
    while offset + _BLOCK.size <= size:
        block = _Place(offset, *_BLOCK.unpack_from(data, offset))
        if block.after > size:
            return
        yield block
        offset = block.after


def _content(data: mmap.mmap | bytes, place: _Place) -> Block:
    return Block(place.first, place.arrived, place.records, data[place.body : place.after])
