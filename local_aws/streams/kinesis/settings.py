"""A stream's changeable settings: mode, retention, encryption, tags, metrics, maximum record size."""

from __future__ import annotations

from collections.abc import Callable

from local_aws.protocol import AwsError, Call, Document, Handler, Handlers
from local_aws.streams.kinesis.lifecycle import mode_of
from local_aws.streams.kinesis.registry import Streams, name_of
from local_aws.streams.kinesis.stream import Stream

LONGEST_HOURS = 8760
LARGEST_RECORD_KIB = 10_240
ALL_METRICS = (
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
)

Change = Callable[[Call, Stream], Document]


def handlers(streams: Streams) -> Handlers:
    changes: dict[str, Change] = {
        "IncreaseStreamRetentionPeriod": _increase_retention,
        "DecreaseStreamRetentionPeriod": _decrease_retention,
        "StartStreamEncryption": _start_encryption,
        "StopStreamEncryption": _stop_encryption,
        "UpdateStreamMode": _update_mode,
        "UpdateMaxRecordSize": _update_record_size,
        "AddTagsToStream": _add_tags,
        "RemoveTagsFromStream": _remove_tags,
        "TagResource": _add_tags,
        "UntagResource": _remove_tags,
        "EnableEnhancedMonitoring": _enable_metrics,
        "DisableEnhancedMonitoring": _disable_metrics,
    }
    reads: dict[str, Change] = {"ListTagsForStream": _list_tags, "ListTagsForResource": _list_all_tags}
    return {
        **{("kinesis", action): _changing(streams, change) for action, change in changes.items()},
        **{("kinesis", action): _reading(streams, read) for action, read in reads.items()},
    }


def _changing(streams: Streams, change: Change) -> Handler:
    def handler(call: Call) -> Document:
        stream = _stream(streams, call)
        with streams.changing(stream):
            return change(call, stream)

    return handler


def _reading(streams: Streams, read: Change) -> Handler:
    return lambda call: read(call, _stream(streams, call))


def _stream(streams: Streams, call: Call) -> Stream:
    """Return the stream by its name, or by the ARN that the tag calls use."""
    arn = call.payload.get("ResourceARN")
    return streams.named(call.region, name_of(call, arn)) if arn else streams.of(call)


def _increase_retention(call: Call, stream: Stream) -> Document:
    hours, now = int(call.required("RetentionPeriodHours")), stream.settings["retention_hours"]
    if not now <= hours <= LONGEST_HOURS:
        raise _invalid(f"RetentionPeriodHours must be from {now}, as now, to {LONGEST_HOURS}. Given: {hours}.")
    stream.settings["retention_hours"] = hours
    return {}


def _decrease_retention(call: Call, stream: Stream) -> Document:
    hours, now = int(call.required("RetentionPeriodHours")), stream.settings["retention_hours"]
    if not 24 <= hours <= now:
        raise _invalid(f"RetentionPeriodHours must be from 24 to {now}, as now. Given: {hours}.")
    stream.settings["retention_hours"] = hours
    return {}


def _start_encryption(call: Call, stream: Stream) -> Document:
    if call.required("EncryptionType") != "KMS":
        raise _invalid("EncryptionType must be KMS.")
    stream.settings |= {"encryption": "KMS", "key_id": call.required("KeyId")}
    return {}


def _stop_encryption(call: Call, stream: Stream) -> Document:
    stream.settings |= {"encryption": "NONE", "key_id": ""}
    return {}


def _update_mode(call: Call, stream: Stream) -> Document:
    """Change the mode. The shards stay the same."""
    call.required("StreamModeDetails")
    stream.settings["mode"] = mode_of(call)
    return {}


def _update_record_size(call: Call, stream: Stream) -> Document:
    size = int(call.required("MaxRecordSizeInKiB"))
    if not 1024 <= size <= LARGEST_RECORD_KIB:
        raise _invalid(f"MaxRecordSizeInKiB must be from 1024 to {LARGEST_RECORD_KIB}. Given: {size}.")
    stream.settings["record_kib"] = size
    return {}


def _add_tags(call: Call, stream: Stream) -> Document:
    stream.settings["tags"] |= call.required("Tags")
    return {}


def _remove_tags(call: Call, stream: Stream) -> Document:
    for key in call.required("TagKeys"):
        stream.settings["tags"].pop(key, None)
    return {}


def _list_tags(call: Call, stream: Stream) -> Document:
    after, size = call.payload.get("ExclusiveStartTagKey") or "", call.payload.get("Limit") or 50
    tags = [tag for tag in _list_all_tags(call, stream)["Tags"] if tag["Key"] > after]
    return {"Tags": tags[:size], "HasMoreTags": len(tags) > size}


def _list_all_tags(call: Call, stream: Stream) -> Document:
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(stream.settings["tags"].items())]}


def _enable_metrics(call: Call, stream: Stream) -> Document:
    return _switched(stream, set(stream.settings["metrics"]) | _metrics(call))


def _disable_metrics(call: Call, stream: Stream) -> Document:
    return _switched(stream, set(stream.settings["metrics"]) - _metrics(call))


def _metrics(call: Call) -> set[str]:
    wanted = set(call.required("ShardLevelMetrics"))
    if not wanted <= {*ALL_METRICS, "ALL"}:
        raise _invalid(
            f"ShardLevelMetrics are of {', '.join(ALL_METRICS)}, or ALL. Given: {', '.join(sorted(wanted))}."
        )
    return set(ALL_METRICS) if "ALL" in wanted else wanted


def _switched(stream: Stream, metrics: set[str]) -> Document:
    before, stream.settings["metrics"] = stream.settings["metrics"], sorted(metrics)
    answer = {"StreamName": stream.name, "StreamARN": stream.arn}
    return {**answer, "CurrentShardLevelMetrics": before, "DesiredShardLevelMetrics": sorted(metrics)}


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
