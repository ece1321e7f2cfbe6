"""Creates, deletes and describes streams."""

from __future__ import annotations

import re
from typing import Any

from local_aws.protocol import AwsError, Call, Document, Handlers, Time
from local_aws.streams.kinesis.registry import Streams
from local_aws.streams.kinesis.stream import Stream

ON_DEMAND, PROVISIONED = "ON_DEMAND", "PROVISIONED"
SHARDS_ON_DEMAND = 4
MOST_SHARDS = 10_000
DEFAULT_HOURS = 24
DEFAULT_RECORD_KIB = 1024
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}")
_PAGE = 100


def handlers(streams: Streams) -> Handlers:
    actions = Lifecycle(streams)
    return {
        ("kinesis", "CreateStream"): actions.create,
        ("kinesis", "DeleteStream"): actions.delete,
        ("kinesis", "DescribeStream"): actions.describe,
        ("kinesis", "DescribeStreamSummary"): actions.summary,
        ("kinesis", "ListStreams"): actions.list_streams,
        ("kinesis", "ListShards"): actions.list_shards,
        ("kinesis", "DescribeLimits"): actions.limits,
    }


class Lifecycle:
    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def create(self, call: Call) -> Document:
        name, mode = call.required("StreamName"), mode_of(call) or PROVISIONED
        if not _NAME.fullmatch(name):
            rule = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
            raise AwsError(
                "ValidationException", f"Value '{name}' at 'streamName' failed to satisfy constraint: {rule}"
            )
        self._streams.create(
            call.region,
            name,
            _count(call, mode),
            mode=mode,
            retention_hours=DEFAULT_HOURS,
            encryption="NONE",
            key_id="",
            tags=dict(call.payload.get("Tags") or {}),
            metrics=[],
            record_kib=call.payload.get("MaxRecordSizeInKiB") or DEFAULT_RECORD_KIB,
        )
        return {}

    def delete(self, call: Call) -> Document:
        self._streams.delete(self._streams.of(call))
        return {}

    def describe(self, call: Call) -> Document:
        stream = self._streams.of(call)
        self._streams.expire(stream)
        after = call.payload.get("ExclusiveStartShardId") or ""
        shards = [shard for shard in stream.shards if shard.id > after]
        size = call.payload.get("Limit") or _PAGE
        page = [shard.described() for shard in shards[:size]]
        return {"StreamDescription": {**_described(stream), "Shards": page, "HasMoreShards": len(shards) > size}}

    def summary(self, call: Call) -> Document:
        stream = self._streams.of(call)
        counts = {"OpenShardCount": len(stream.open_shards), "ConsumerCount": 0}
        record = {"MaxRecordSizeInKiB": stream.settings["record_kib"]}
        return {"StreamDescriptionSummary": {**_described(stream), **counts, **record}}

    def list_streams(self, call: Call) -> Document:
        after = call.payload.get("ExclusiveStartStreamName") or call.payload.get("NextToken") or ""
        size = call.payload.get("Limit") or _PAGE
        found = [stream for stream in self._streams.all(call.region) if stream.name > after]
        page = found[:size]
        answer: Document = {
            "StreamNames": [stream.name for stream in page],
            "StreamSummaries": [_summarised(stream) for stream in page],
            "HasMoreStreams": len(found) > size,
        }
        return answer | ({"NextToken": page[-1].name} if len(found) > size else {})

    def list_shards(self, call: Call) -> Document:
        """List shards. The token of a next page has the stream's place and the last shard of the page."""
        place, _, after = str(call.payload.get("NextToken") or "").rpartition("#")
        stream = self._streams.in_folder(place) if place else self._streams.of(call)
        self._streams.expire(stream)
        after = after or call.payload.get("ExclusiveStartShardId") or ""
        shards = [shard for shard in _filtered(stream, call) if shard.id > after]
        size = call.payload.get("MaxResults") or 1000
        answer: Document = {"Shards": [shard.described() for shard in shards[:size]]}
        if len(shards) > size:
            answer["NextToken"] = f"{self._streams.place(stream)}#{shards[size - 1].id}"
        return answer

    def limits(self, call: Call) -> Document:
        streams = self._streams.all(call.region)
        on_demand = sum(stream.settings["mode"] == ON_DEMAND for stream in streams)
        is_open = sum(len(stream.open_shards) for stream in streams)
        counts = {"OpenShardCount": is_open, "OnDemandStreamCount": on_demand}
        return {"ShardLimit": MOST_SHARDS, "OnDemandStreamCountLimit": 50, **counts}


def mode_of(call: Call) -> str | None:
    """Raises AwsError for an unknown mode."""
    mode = (call.payload.get("StreamModeDetails") or {}).get("StreamMode")
    if mode not in (None, ON_DEMAND, PROVISIONED):
        raise AwsError("ValidationException", f"StreamMode must be {ON_DEMAND} or {PROVISIONED}, and is {mode}.")
    return mode


def _count(call: Call, mode: str) -> int:
    count = call.payload.get("ShardCount")
    if mode == ON_DEMAND:
        if count is not None:
            raise AwsError("ValidationException", "ShardCount must not be specified for a stream in ON_DEMAND mode.")
        return SHARDS_ON_DEMAND
    if count is None or not 1 <= count <= MOST_SHARDS:
        raise AwsError("ValidationException", f"ShardCount must be from 1 to {MOST_SHARDS} in PROVISIONED mode.")
    return int(count)


def _filtered(stream: Stream, call: Call) -> list[Any]:
    """Return the shards that a ShardFilter selects. Raises AwsError if its type is not supported here."""
    wanted = call.payload.get("ShardFilter") or {}
    kind = wanted.get("Type")
    if kind in (None, "FROM_TRIM_HORIZON"):
        return stream.shards
    if kind == "AT_LATEST":
        return [shard for shard in stream.shards if shard.closed is None]
    if kind == "AFTER_SHARD_ID":
        return [shard for shard in stream.shards if shard.id > wanted.get("ShardId", "")]
    since = stream.horizon
    if kind in ("AT_TIMESTAMP", "FROM_TIMESTAMP") and wanted.get("Timestamp") is not None:
        since = max(since, int(float(wanted["Timestamp"]) * 1000))
    elif kind != "AT_TRIM_HORIZON":
        raise AwsError("InvalidArgumentException", f"ShardFilter.Type {kind} needs a Timestamp, or is unknown.")
    found = [shard for shard in stream.shards if shard.closed is None or shard.closed >= since]
    return found if kind == "FROM_TIMESTAMP" else [shard for shard in found if shard.born <= since or not shard.parents]


def _described(stream: Stream) -> Document:
    settings = stream.settings
    key = {"KeyId": settings["key_id"]} if settings["key_id"] else {}
    return {
        **_summarised(stream),
        "RetentionPeriodHours": settings["retention_hours"],
        "EnhancedMonitoring": [{"ShardLevelMetrics": settings["metrics"]}],
        "EncryptionType": settings["encryption"],
        **key,
    }


def _summarised(stream: Stream) -> Document:
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": stream.settings["mode"]},
        "StreamCreationTimestamp": Time(stream.born // 1000),
    }
