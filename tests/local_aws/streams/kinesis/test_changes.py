"""A change that cannot be saved has no effect: later records are where the next start looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local_aws.protocol import AwsError, Call, Document
from local_aws.store import Store
from local_aws.streams.kinesis.lifecycle import Lifecycle
from local_aws.streams.kinesis.metrics import Metrics
from local_aws.streams.kinesis.reading import Reader
from local_aws.streams.kinesis.registry import Streams
from local_aws.streams.kinesis.resharding import Resharding
from local_aws.streams.kinesis.settings import handlers
from local_aws.streams.kinesis.writing import Writer


def call(action: str, **payload: Any) -> Call:
    return Call("kinesis", action, {"StreamName": "s", **payload}, "us-east-1", lambda given: given)


def put(streams: Streams, number: int) -> Document:
    return Writer(streams, Metrics(), limited=False).put_record(
        call("PutRecord", PartitionKey="k", Data=b"%d" % number)
    )


@pytest.fixture
def streams(tmp_path: Path) -> Streams:
    streams = Streams(Store(tmp_path / "engines.sqlite"), tmp_path / "kinesis")
    Lifecycle(streams).create(call("CreateStream", ShardCount=2, Tags={"a": "1"}))
    return streams


def full(*_: object) -> None:
    raise AwsError("InsufficientStorage", "no space left", 507)


def test_records_after_a_reshard_that_failed_on_a_full_disk_survive_a_kill(
    streams: Streams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(AwsError, match="no space"):
        patch.setattr(streams, "save", full)
        Resharding(streams).update_count(call("UpdateShardCount", TargetShardCount=1, ScalingType="UNIFORM_SCALING"))
    put(streams, 1)
    again = Streams(Store(tmp_path / "engines.sqlite"), tmp_path / "kinesis")
    stream = again.named("us-east-1", "s")
    assert len(stream.open_shards) == 2
    assert [block.pairs() for shard in stream.shards for block in shard.log.read(1, 0)] == [[(b"k", b"1")]]


def test_a_setting_that_could_not_be_saved_is_unchanged(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "save", full)
    with pytest.raises(AwsError, match="no space"):
        handlers(streams)["kinesis", "AddTagsToStream"](call("AddTagsToStream", Tags={"b": "2"}))
    assert streams.named("us-east-1", "s").settings["tags"] == {"a": "1"}


def test_a_caller_that_holds_a_deleted_stream_is_refused(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    put(streams, 1)
    stream = streams.named("us-east-1", "s")
    reader = Reader(streams, Metrics())
    shards = [{"ShardId": shard.id, "ShardIteratorType": "TRIM_HORIZON"} for shard in stream.shards]
    places = [reader.get_shard_iterator(call("GetShardIterator", **shard)) for shard in shards]
    streams.delete(stream)
    monkeypatch.setattr(streams, "named", lambda region, name: stream)

    def read() -> None:
        for place in places:
            reader.get_records(call("GetRecords", **place))

    fewer = call("UpdateShardCount", TargetShardCount=1, ScalingType="UNIFORM_SCALING")
    for act in (lambda: put(streams, 2), lambda: Resharding(streams).update_count(fewer), read):
        with pytest.raises(AwsError) as refused:
            act()
        assert refused.value.code == "ResourceNotFoundException"
