"""A block: records that arrived together, as the files of Kinesis and of Firehose's buffers hold them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

_RECORD = struct.Struct("<IH")
"""Header of a record: bytes of the data and of the key, which follow: the key first."""

Pair = tuple[bytes, bytes]
"""A record's partition key and its data."""


class Block(NamedTuple):
    """Records with successive positions. Whole blocks are copied from file to file without a look at their records.

    Attributes:
        first: the position of its first record.
        arrived: when all of them arrived, in milliseconds since 1970.
        records: how many there are.
        body: the records one after the other, each with a header.
    """

    first: int
    arrived: int
    records: int
    body: bytes

    @classmethod
    def of(cls, pairs: Iterable[Pair], first: int, arrived: int) -> Block:
        parts, count = list[bytes](), 0
        for key, data in pairs:
            parts += (_RECORD.pack(len(data), len(key)), key, data)
            count += 1
        return cls(first, arrived, count, b"".join(parts))

    @property
    def end(self) -> int:
        """Return the position after its last record."""
        return self.first + self.records

    @property
    def size(self) -> int:
        """Return the bytes of its keys and data."""
        return len(self.body) - self.records * _RECORD.size

    def pairs(self) -> list[Pair]:
        found, at, body, head = list[Pair](), 0, self.body, _RECORD.size
        for _ in range(self.records):
            size, key = _RECORD.unpack_from(body, at)
            middle = at + head + key
            found.append((body[at + head : middle], body[middle : middle + size]))
            at = middle + size
        return found

    def between(self, first: int, end: int) -> Block:
        """Return only the records from one position to before another."""
        if first <= self.first and end >= self.end:
            return self
        begin, stop = max(first, self.first), min(end, self.end)
        kept = self.pairs()[begin - self.first : stop - self.first]
        return Block.of(kept, begin, self.arrived)
