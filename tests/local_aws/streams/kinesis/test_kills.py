"""Acknowledged records exist after kill -9, once and in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.local_aws.conftest import stopped
from tests.local_aws.journal.life import Life
from tests.local_aws.streams.kinesis.conftest import iterator, put, read, shards


@pytest.fixture
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    life = Life(tmp_path_factory.mktemp("killed") / "aws")
    yield life
    stopped(life.process)


def by_number(kinesis: Any, stream: str) -> dict[str, int]:
    """Return the number in each record, by its sequence number."""
    found: dict[str, int] = {}
    for shard in shards(kinesis, stream):
        place = iterator(kinesis, stream, shard["ShardId"])
        while place and (answer := kinesis.get_records(ShardIterator=place))["Records"]:
            found |= {record["SequenceNumber"]: int(record["Data"]) for record in answer["Records"]}
            place = answer.get("NextShardIterator")
    return found


class Producer(threading.Thread):
    """Puts numbers until it is killed, and records the acknowledged ones."""

    def __init__(self, kinesis: Any, start: int) -> None:
        super().__init__()
        self.kinesis, self.start_at = kinesis, start
        self.acknowledged: dict[str, int] = {}
        self.has_begun = threading.Event()

    def run(self) -> None:
        for start in range(self.start_at, self.start_at + 100_000, 100):
            try:
                results = put(self.kinesis, "s", range(start, start + 100))
            except (BotoCoreError, ClientError):
                return
            self.acknowledged |= {result["SequenceNumber"]: start + place for place, result in enumerate(results)}
            if start >= self.start_at + 500:
                self.has_begun.set()


def test_kills_during_writes_lose_no_acknowledged_record(life: Life) -> None:
    life.aws("kinesis").create_stream(StreamName="s", ShardCount=3)
    acknowledged: dict[str, int] = {}
    for round_ in range(3):
        producer = Producer(life.aws("kinesis"), round_ * 1_000_000)
        producer.start()
        assert producer.has_begun.wait(60)
        life.killed()
        producer.join()
        life.again()
        acknowledged |= producer.acknowledged
        found = by_number(life.aws("kinesis"), "s")
        assert {sequence: found.get(sequence) for sequence in acknowledged} == acknowledged
        # boto3 retries an interrupted call, so one batch may be duplicated; nothing else is.
        assert len(found) - len(acknowledged) <= 300 * (round_ + 1)


def test_iterators_closed_shards_and_settings_survive_a_kill(life: Life) -> None:
    kinesis = life.aws("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=2, Tags={"a": "b"})
    put(kinesis, "s", range(50))
    first = iterator(kinesis, "s", "shardId-000000000000")
    whole = read(kinesis, first)
    answer = kinesis.get_records(ShardIterator=first, Limit=3)
    kinesis.update_shard_count(StreamName="s", TargetShardCount=1, ScalingType="UNIFORM_SCALING")
    put(kinesis, "s", range(50, 60))
    kinesis.increase_stream_retention_period(StreamName="s", RetentionPeriodHours=48)
    before = kinesis.describe_stream(StreamName="s")["StreamDescription"], by_number(kinesis, "s")
    life.killed()
    life.again()
    kinesis = life.aws("kinesis")
    assert (kinesis.describe_stream(StreamName="s")["StreamDescription"], by_number(kinesis, "s")) == before
    assert read(kinesis, answer["NextShardIterator"]) == whole[3:]
    assert kinesis.list_tags_for_stream(StreamName="s")["Tags"] == [{"Key": "a", "Value": "b"}]


def test_the_next_start_removes_records_of_a_half_deleted_stream(life: Life) -> None:
    life.aws("kinesis").create_stream(StreamName="s", ShardCount=1)
    life.killed()
    (folder,) = (life.folder / "kinesis/us-east-1").iterdir()
    left = folder.with_name("gone.1")
    left.mkdir()
    (left / "0.log").write_bytes(b"x")
    life.again()
    assert list((life.folder / "kinesis/us-east-1").iterdir()) == [folder]
