"""Splits and merges shards: old records stay in the parents until they expire; new ones go to the children."""

from __future__ import annotations

import itertools

from local_aws.protocol import AwsError, Call, Document, Handlers
from local_aws.streams.kinesis.hashing import uniform_starts
from local_aws.streams.kinesis.lifecycle import MOST_SHARDS, PROVISIONED
from local_aws.streams.kinesis.registry import Streams
from local_aws.streams.kinesis.shard import Shard
from local_aws.streams.kinesis.stream import Stream


def handlers(streams: Streams) -> Handlers:
    actions = Resharding(streams)
    return {
        ("kinesis", "SplitShard"): actions.split,
        ("kinesis", "MergeShards"): actions.merge,
        ("kinesis", "UpdateShardCount"): actions.update_count,
    }


class Resharding:
    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def split(self, call: Call) -> Document:
        stream = _provisioned(self._streams.of(call))
        at = int(call.required("NewStartingHashKey"))
        with self._streams.changing(stream):
            shard = _open(stream, call.required("ShardToSplit"))
            if not shard.first < at <= shard.last:
                raise _invalid(f"NewStartingHashKey {at} is not within the hash keys of {shard.id}, after its first.")
            _split(stream, at)
        return {}

    def merge(self, call: Call) -> Document:
        stream = _provisioned(self._streams.of(call))
        with self._streams.changing(stream):
            one = _open(stream, call.required("ShardToMerge"))
            other = _open(stream, call.required("AdjacentShardToMerge"))
            low, high = sorted((one, other), key=lambda shard: shard.first)
            if low.last + 1 != high.first:
                raise _invalid(f"Shards {one.id} and {other.id} in stream {stream.name} are not an adjacent pair.")
            stream.add_shards([low.first], high.last, [one, other])
        return {}

    def update_count(self, call: Call) -> Document:
        """Split and merge, one step at a time, until there are the wanted number of equal shards."""
        stream = _provisioned(self._streams.of(call))
        target = int(call.required("TargetShardCount"))
        if call.required("ScalingType") != "UNIFORM_SCALING":
            raise _invalid("ScalingType must be UNIFORM_SCALING.")
        with self._streams.changing(stream):
            count = len(stream.open_shards)
            _check_target(count, target)
            wanted = set(uniform_starts(target))
            for at in sorted(wanted - _starts(stream)):
                _split(stream, at)
            for at in sorted(_starts(stream) - wanted):
                _merge(stream, at)
        answer = {"StreamName": stream.name, "StreamARN": stream.arn}
        return {**answer, "CurrentShardCount": count, "TargetShardCount": target}


def _split(stream: Stream, at: int) -> None:
    """Split the shard that contains this hash key, so that a shard begins at it."""
    shard = stream.shard_of(at)
    stream.add_shards([shard.first, at], shard.last, [shard])


def _merge(stream: Stream, at: int) -> None:
    """Merge the shards on both sides of this hash key, so that no shard begins at it."""
    low, high = next(pair for pair in itertools.pairwise(stream.open_shards) if pair[1].first == at)
    stream.add_shards([low.first], high.last, [low, high])


def _starts(stream: Stream) -> set[int]:
    return {shard.first for shard in stream.open_shards}


def _check_target(count: int, target: int) -> None:
    """Raises AwsError for a step that AWS refuses."""
    if not 1 <= target <= MOST_SHARDS:
        raise _invalid(f"TargetShardCount must be from 1 to {MOST_SHARDS}.")
    if target > 2 * count or 2 * target < count:
        limit = "more than double" if target > count else "to less than half"
        message = (
            f"UpdateShardCount cannot scale {limit} of the current open shard count: {count} now, {target} asked for."
        )
        raise _invalid(message)


def _provisioned(stream: Stream) -> Stream:
    if stream.settings["mode"] != PROVISIONED:
        raise AwsError("ValidationException", f"Stream {stream.name} is ON_DEMAND: AWS sets its number of shards.")
    return stream


def _open(stream: Stream, id_: str) -> Shard:
    shard = stream.shard(id_)
    if shard.closed is not None:
        raise AwsError("ResourceInUseException", f"Shard {id_} in stream {stream.name} is closed.")
    return shard


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
