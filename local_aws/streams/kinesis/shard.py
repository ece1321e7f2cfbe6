"""A shard: a range of hash keys, and the log of the records whose keys are in it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from local_aws.protocol import AwsError, Document
from local_aws.streams.kinesis.log import Log

_SEQUENCE = re.compile(r"0|[1-9]\d{0,128}")


@dataclass
class Shard:
    """One shard.

    Attributes:
        number: its number in the stream, from 0.
        first: its first hash key.
        last: its last hash key.
        born: milliseconds since 1970; every number in a later shard is greater.
        parents: the numbers of the shards it came from: none, one for a split, or two for a merge.
        closed: when it was closed for records, in milliseconds; None while it is open.
    """

    folder: Path
    number: int
    first: int
    last: int
    born: int
    parents: list[int] = field(default_factory=list)
    closed: int | None = None

    @cached_property
    def id(self) -> str:
        return shard_id(self.number)

    def __post_init__(self) -> None:
        self.log = Log(self.folder / self.id)

    @cached_property
    def prefix(self) -> str:
        """Return the prefix of its sequence numbers; the position follows in 28 digits."""
        return f"49{self.born:014d}{self.number:012d}"

    def sequence(self, position: int) -> str:
        """Return the sequence number of a position. All have one length, so they compare as text."""
        return sequence_number(self.prefix, position)

    def position(self, sequence: str) -> int:
        """Return the position of a sequence number. Raises AwsError if this shard has no such record."""
        if not _SEQUENCE.fullmatch(sequence) or sequence[:28] != self.prefix or len(sequence) != 56:
            message = f"StartingSequenceNumber {sequence} used in GetShardIterator on shard {self.id} is invalid."
            raise AwsError("InvalidArgumentException", message)
        return int(sequence[28:])

    def document(self) -> Document:
        """Return its stored document."""
        return {name: value for name, value in asdict(self).items() if name != "folder"}

    def described(self) -> Document:
        """Return it in AWS's format."""
        numbers = {"StartingSequenceNumber": self.sequence(0)}
        if self.closed is not None:
            numbers["EndingSequenceNumber"] = self.sequence(self.log.end)
        parents = dict(zip(("ParentShardId", "AdjacentParentShardId"), map(shard_id, self.parents), strict=False))
        return {"ShardId": self.id, **parents, "HashKeyRange": self.range, "SequenceNumberRange": numbers}

    @property
    def range(self) -> Document:
        return {"StartingHashKey": str(self.first), "EndingHashKey": str(self.last)}

    @classmethod
    def of(cls, folder: Path, document: dict[str, Any]) -> Shard:
        return cls(folder, **document)


def shard_id(number: int) -> str:
    return f"shardId-{number:012d}"


def sequence_number(prefix: str, position: int) -> str:
    return f"{prefix}{position:028d}"


def shard_of(prefix: str) -> str:
    """Return the id of the shard whose sequence numbers have a prefix."""
    return shard_id(int(prefix[-12:]))
