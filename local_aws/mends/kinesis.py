"""Kinesis: the tags a stream is made with, and its shard-level metrics."""

from __future__ import annotations

from functools import partial

from local_aws.context import Context
from local_aws.mends.kept import place_of
from local_aws.protocol import Call, Document, Handlers, stacked


def handlers(context: Context) -> Handlers:
    return stacked(_shard_metrics(context), {("kinesis", "CreateStream"): partial(_with_stream_tags, context)})


def _with_stream_tags(context: Context, call: Call) -> Document:
    answer = call.forward_unchanged()
    if tags := call.payload.get("Tags"):
        context.client("kinesis", call.region).add_tags_to_stream(StreamName=call.payload["StreamName"], Tags=tags)
    return answer


def _shard_metrics(context: Context) -> Handlers:
    """The emulator says which shard-level metrics are on when they are switched, and not again."""
    collection = "kinesis_shard_metrics"

    def place(call: Call) -> str:
        name = call.payload.get("StreamName") or call.required("StreamARN").rpartition("/")[2]
        return place_of(call, name)

    def switch(call: Call) -> Document:
        answer = call.forward_unchanged()
        wanted = answer["DesiredShardLevelMetrics"]
        context.store.put_or_delete(collection, place(call), {"ShardLevelMetrics": wanted} if wanted else {})
        return answer

    def describe(call: Call) -> Document:
        answer = call.forward_unchanged()
        if metrics := context.store.get(collection, place(call)):
            next(iter(answer.values()))["EnhancedMonitoring"] = [metrics]
        return answer

    def delete(call: Call) -> Document:
        answer = call.forward_unchanged()
        context.store.delete(collection, place(call))
        return answer

    return {
        ("kinesis", "EnableEnhancedMonitoring"): switch,
        ("kinesis", "DisableEnhancedMonitoring"): switch,
        ("kinesis", "DescribeStream"): describe,
        ("kinesis", "DescribeStreamSummary"): describe,
        ("kinesis", "DeleteStream"): delete,
    }
