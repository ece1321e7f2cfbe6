"""Buffers from when each record was stored by itself: the first start rewrites them as blocks."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from local_aws.streams.block import Block
from local_aws.streams.firehose.spool import head

_HEAD = struct.Struct(">QHI")
"""The header of a record: its arrival, and the lengths of its place (`shard:sequence number`) and data."""


def take_over(folder: Path) -> None:
    """Run before the buffer is opened. If it is interrupted, the next start repeats it."""
    for path in folder.glob("*.records"):
        new = path.with_suffix(".new")
        new.write_bytes(b"".join(head(block, source) + block.body for source, block in _blocks(path.read_bytes())))
        new.replace(path.with_suffix(".blocks"))
        path.unlink()


def _blocks(content: bytes) -> Iterator[tuple[str, Block]]:
    """Yield every complete record: the last one may be cut off, and was then not acknowledged."""
    at = 0
    while at + _HEAD.size <= len(content):
        arrived, place, size = _HEAD.unpack_from(content, at)
        data = at + _HEAD.size + place
        if data + size > len(content):
            return
        sequence = content[at + _HEAD.size : data].decode().rpartition(":")[2]
        yield sequence[:28], Block.of([(b"", content[data : data + size])], int(sequence[28:] or 0), arrived)
        at = data + size
