"""Shards are split and merged without losing a record."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.streams.kinesis.conftest import everything, iterator, put, read, shards

SPACE = 2**128


def is_open(shard: dict[str, Any]) -> bool:
    return "EndingSequenceNumber" not in shard["SequenceNumberRange"]


def ranges(found: list[dict[str, Any]]) -> list[tuple[int, int]]:
    keys = [shard["HashKeyRange"] for shard in found]
    return sorted((int(key["StartingHashKey"]), int(key["EndingHashKey"])) for key in keys)


def covers_all_keys(found: list[dict[str, Any]]) -> bool:
    pairs = ranges(found)
    follows = all(one[1] + 1 == other[0] for one, other in itertools.pairwise(pairs))
    return follows and (pairs[0][0], pairs[-1][1]) == (0, SPACE - 1)


def parents(shard: dict[str, Any]) -> list[str]:
    return [shard[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in shard]


def test_a_split_shard_keeps_its_records_and_its_children_get_new_ones(kinesis: Any, stream: str) -> None:
    put(kinesis, stream, range(50))
    first, second = shards(kinesis, stream)
    kinesis.split_shard(StreamName=stream, ShardToSplit=first["ShardId"], NewStartingHashKey=str(SPACE // 8))
    put(kinesis, stream, range(50, 100))
    found = shards(kinesis, stream)
    opened = [shard for shard in found if is_open(shard)]
    assert covers_all_keys(opened)
    assert [parents(shard) for shard in found] == [[], [], [first["ShardId"]], [first["ShardId"]]]
    assert not is_open(found[0])
    assert is_open(second)
    assert everything(kinesis, stream) == list(range(100))


def test_merged_shards_keep_their_records_and_their_child_gets_new_ones(kinesis: Any, stream: str) -> None:
    put(kinesis, stream, range(50))
    one, other = (shard["ShardId"] for shard in shards(kinesis, stream))
    kinesis.merge_shards(StreamName=stream, ShardToMerge=one, AdjacentShardToMerge=other)
    put(kinesis, stream, range(50, 100))
    child = shards(kinesis, stream)[-1]
    assert (parents(child), ranges([child])) == ([one, other], [(0, SPACE - 1)])
    assert read(kinesis, iterator(kinesis, stream, child["ShardId"])) == list(range(50, 100))
    assert everything(kinesis, stream) == list(range(100))


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 3), (3, 2), (4, 2), (5, 3), (3, 6), (7, 4)])
def test_any_number_of_shards_can_change_and_every_record_stays(
    kinesis: Any, name: str, before: int, after: int
) -> None:
    kinesis.create_stream(StreamName=name, ShardCount=before)
    put(kinesis, name, range(100))
    answer = kinesis.update_shard_count(StreamName=name, TargetShardCount=after, ScalingType="UNIFORM_SCALING")
    put(kinesis, name, range(100, 200))
    assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (before, after)
    found = shards(kinesis, name)
    opened = [shard for shard in found if is_open(shard)]
    assert (len(opened), covers_all_keys(opened)) == (after, True)
    sizes = [last - first for first, last in ranges(opened)]
    assert max(sizes) - min(sizes) <= 1
    assert all(len(parents(shard)) <= 2 for shard in found)
    assert everything(kinesis, name) == list(range(200))
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == after


def test_the_end_of_a_closed_shard_names_its_children(kinesis: Any, stream: str) -> None:
    put(kinesis, stream, range(20))
    start = [iterator(kinesis, stream, shard["ShardId"]) for shard in shards(kinesis, stream)]
    kinesis.update_shard_count(StreamName=stream, TargetShardCount=1, ScalingType="UNIFORM_SCALING")
    for place in start:
        first = kinesis.get_records(ShardIterator=place, Limit=1)
        last = kinesis.get_records(ShardIterator=first["NextShardIterator"])
        assert "ChildShards" not in first
        assert "NextShardIterator" not in last
        assert [child["ShardId"] for child in last["ChildShards"]] == ["shardId-000000000002"]


def test_later_shards_have_greater_sequence_numbers(kinesis: Any, stream: str) -> None:
    """A consumer that sorts by sequence number reads parents before children."""
    before = put(kinesis, stream, range(20))
    kinesis.update_shard_count(StreamName=stream, TargetShardCount=1, ScalingType="UNIFORM_SCALING")
    after = put(kinesis, stream, range(20, 40))
    assert max(int(record["SequenceNumber"]) for record in before) < min(int(r["SequenceNumber"]) for r in after)


@pytest.mark.parametrize(("before", "after", "says"), [(1, 3, "double"), (4, 1, "half")])
def test_a_step_that_aws_refuses_is_refused(kinesis: Any, name: str, before: int, after: int, says: str) -> None:
    kinesis.create_stream(StreamName=name, ShardCount=before)
    with pytest.raises(ClientError, match=says):
        kinesis.update_shard_count(StreamName=name, TargetShardCount=after, ScalingType="UNIFORM_SCALING")


def test_only_adjacent_shards_are_merged_and_splits_are_inside_a_shard(kinesis: Any, name: str) -> None:
    kinesis.create_stream(StreamName=name, ShardCount=3)
    first, _, third = (shard["ShardId"] for shard in shards(kinesis, name))
    with pytest.raises(ClientError, match="adjacent"):
        kinesis.merge_shards(StreamName=name, ShardToMerge=first, AdjacentShardToMerge=third)
    with pytest.raises(ClientError, match="not within"):
        kinesis.split_shard(StreamName=name, ShardToSplit=first, NewStartingHashKey=str(SPACE - 1))
    assert len(shards(kinesis, name)) == 3


def test_shards_are_listed_in_pages_and_by_filters(kinesis: Any, name: str) -> None:
    kinesis.create_stream(StreamName=name, ShardCount=4)
    kinesis.update_shard_count(StreamName=name, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    page = kinesis.list_shards(StreamName=name, MaxResults=4)
    rest = kinesis.list_shards(NextToken=page["NextToken"])
    assert [len(page["Shards"]), len(rest["Shards"])] == [4, 2]
    latest = kinesis.list_shards(StreamName=name, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    assert latest == rest["Shards"]
    described = kinesis.describe_stream(StreamName=name, Limit=4)["StreamDescription"]
    assert (described["Shards"], described["HasMoreShards"]) == (page["Shards"], True)
