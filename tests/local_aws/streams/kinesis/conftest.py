"""Streams of one embedded AWS."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def kinesis(aws: Callable[[str], Any]) -> Any:
    return aws("kinesis")


@pytest.fixture
def name() -> str:
    return f"stream-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def stream(kinesis: Any, name: str) -> str:
    """A stream of two shards."""
    kinesis.create_stream(StreamName=name, ShardCount=2)
    return name


def put(kinesis: Any, stream: str, values: range) -> list[dict[str, Any]]:
    """Put one record per number, which is its key and its data."""
    records = [{"PartitionKey": str(number), "Data": b"%d" % number} for number in values]
    answer = kinesis.put_records(StreamName=stream, Records=records)
    assert answer["FailedRecordCount"] == 0
    results: list[dict[str, Any]] = answer["Records"]
    return results


def iterator(kinesis: Any, stream: str, shard: str, kind: str = "TRIM_HORIZON", **place: Any) -> str:
    answer = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType=kind, **place)
    found: str = answer["ShardIterator"]
    return found


def read(kinesis: Any, start: str, **limits: int) -> list[int]:
    """Return the numbers from an iterator on, up to the end or until nothing more comes."""
    found, place = [], start
    while place:
        answer = kinesis.get_records(ShardIterator=place, **limits)
        found += [int(record["Data"]) for record in answer["Records"]]
        place = answer.get("NextShardIterator")
        if not answer["Records"]:
            break
    return found


def shards(kinesis: Any, stream: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = kinesis.list_shards(StreamName=stream)["Shards"]
    return listed


def everything(kinesis: Any, stream: str) -> list[int]:
    """Return all numbers of a stream, in order."""
    return sorted(
        number
        for shard in shards(kinesis, stream)
        for number in read(kinesis, iterator(kinesis, stream, shard["ShardId"]))
    )
