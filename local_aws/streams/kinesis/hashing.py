"""The space of hash keys, divided among the shards of a stream."""

from __future__ import annotations

import hashlib

SPACE = 2**128
"""Hash keys are from 0 to one less than this."""


def hash_key(partition_key: bytes) -> int:
    return int.from_bytes(hashlib.md5(partition_key, usedforsecurity=False).digest())


def uniform_starts(count: int) -> list[int]:
    """Return the first hash keys of `count` shards of equal size."""
    return [number * SPACE // count for number in range(count)]
