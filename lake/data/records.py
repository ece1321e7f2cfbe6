"""Reads the records of a Kinesis stream."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from lake.aws import Aws


class Key(NamedTuple):
    """The partition key of an event that `lake send` sent: the run, and the line of its file."""

    run: str
    line: int

    def __str__(self) -> str:
        return key_text(self.run, self.line)

    @classmethod
    def of(cls, text: str) -> Key | None:
        """Parse a partition key. None if it is another producer's."""
        run, _, line = text.partition(".")
        return cls(run, int(line)) if len(run) == 12 and line.isdecimal() else None

    @classmethod
    def line_of(cls, text: str) -> int | None:
        key = cls.of(text)
        return key.line if key else None


def key_text(run: str, line: int) -> str:
    """The text of a Key."""
    return f"{run}.{line}"


def records(aws: Aws, stream: str, since: float | None = None) -> Iterator[tuple[str, Any]]:
    """Every record of a stream up to now, shard by shard: (shard, record in the shape of GetRecords).

    Args:
        since: skip records before this time, in seconds since 1970; by default none are skipped.
    """
    kinesis: Any = aws.kinesis
    start: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
    if since is not None:
        start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": datetime.fromtimestamp(since, UTC)}
    for page in kinesis.get_paginator("list_shards").paginate(StreamName=stream):
        for shard in page["Shards"]:
            place = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"], **start)["ShardIterator"]
            while place:
                answer = kinesis.get_records(ShardIterator=place)
                for record in answer["Records"]:
                    yield shard["ShardId"], record
                place = answer.get("NextShardIterator") if answer["Records"] or answer["MillisBehindLatest"] else None
