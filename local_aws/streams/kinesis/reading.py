"""GetShardIterator and GetRecords. An iterator is a position in a log, so it stays valid whatever else happens."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from local_aws.protocol import AwsError, Blob, Call, Document, Time
from local_aws.streams.kinesis.log import now
from local_aws.streams.kinesis.metrics import Metrics
from local_aws.streams.kinesis.registry import Streams
from local_aws.streams.kinesis.segment import Record
from local_aws.streams.kinesis.shard import Shard
from local_aws.streams.kinesis.stream import Stream

MOST_RECORDS = 10_000
MOST_BYTES = 10 * 1024 * 1024
LIFETIME = 300_000
"""The lifetime of an iterator, in milliseconds."""


class _Place(NamedTuple):
    """The contents of an iterator: the stream's folder, its shard, the next position, and its creation time."""

    stream: str
    shard: str
    position: int
    given: int

    def token(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(self).encode()).decode()

    @classmethod
    def of(cls, token: str) -> _Place:
        """Raises AwsError if it is not an iterator or has expired."""
        try:
            place = cls(*json.loads(base64.urlsafe_b64decode(token)))
        except (ValueError, TypeError):
            raise AwsError("InvalidArgumentException", "Invalid ShardIterator.") from None
        if now() - place.given > LIFETIME:
            message = (
                f"Iterator expired. The iterator was created at time {place.given} while right now it is {now()} which "
                f"is further in the future than the tolerated delay of {LIFETIME} milliseconds."
            )
            raise AwsError("ExpiredIteratorException", message)
        return place


class Reader:
    def __init__(self, streams: Streams, metrics: Metrics) -> None:
        self._streams, self._metrics = streams, metrics

    def get_shard_iterator(self, call: Call) -> Document:
        stream = self._streams.of(call)
        shard = stream.shard(call.required("ShardId"))
        position = _start(stream, shard, call)
        return {"ShardIterator": _Place(self._streams.place(stream), shard.id, position, now()).token()}

    def get_records(self, call: Call) -> Document:
        place = _Place.of(call.required("ShardIterator"))
        stream = self._streams.in_folder(place.stream)
        limit = call.payload.get("Limit") or MOST_RECORDS
        if not 1 <= limit <= MOST_RECORDS:
            raise AwsError("InvalidArgumentException", f"Limit must be from 1 to {MOST_RECORDS}.")
        self._streams.expire(stream)
        shard = stream.shard(place.shard)
        found, following = _read(stream, shard, place.position, limit)
        behind = max(0, now() - following.arrived) if following else 0
        self._metrics.read(stream, len(found), sum(map(_size, found)), behind)
        position = found[-1].position + 1 if found else max(place.position, _trim_horizon(stream, shard))
        answer: Document = {
            "Records": [_record(stream, shard, record) for record in found],
            "MillisBehindLatest": behind,
        }
        if shard.closed is None or position < shard.log.end:
            answer["NextShardIterator"] = _Place(place.stream, shard.id, position, now()).token()
        else:
            answer["ChildShards"] = [_child(stream, child) for child in stream.children(shard)]
        return answer


def _read(stream: Stream, shard: Shard, position: int, limit: int) -> tuple[list[Record], Record | None]:
    """Return the records from a position on, and the record after them, if there is one."""
    found: list[Record] = []
    size = 0
    if position >= shard.log.end:
        return found, None
    for record in _records(stream, shard, position):
        size += _size(record)
        if len(found) == limit or (found and size > MOST_BYTES):
            return found, record
        found.append(record)
    return found, None


def _records(stream: Stream, shard: Shard, position: int) -> Iterator[Record]:
    """Yield records, also while another thread deletes the oldest of them."""
    while True:
        try:
            for record in shard.log.read(position, stream.horizon):
                yield record
                position = record.position + 1
        except FileNotFoundError:
            stream.need_there()
            continue
        return


def _start(stream: Stream, shard: Shard, call: Call) -> int:
    """Return the position for an iterator request."""
    kind = call.required("ShardIteratorType")
    if kind == "TRIM_HORIZON":
        return _trim_horizon(stream, shard)
    if kind == "LATEST":
        return shard.log.end
    if kind == "AT_TIMESTAMP":
        moment = float(call.required("Timestamp"))
        if moment * 1000 > now() + 1000:
            raise AwsError("InvalidArgumentException", "The timestampInMillis parameter cannot be in the future.")
        return shard.log.position_at(int(moment * 1000))
    if kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        position = shard.position(call.required("StartingSequenceNumber"))
        return position + 1 if kind == "AFTER_SEQUENCE_NUMBER" else position
    allowed = "[AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"
    message = f"1 validation error detected: Value '{kind}' at 'shardIteratorType' failed to satisfy constraint: "
    raise AwsError("ValidationException", f"{message}Member must satisfy enum value set: {allowed}")


def _trim_horizon(stream: Stream, shard: Shard) -> int:
    return shard.log.position_at(stream.horizon)


def _record(stream: Stream, shard: Shard, record: Record) -> dict[str, Any]:
    return {
        "SequenceNumber": shard.sequence(record.position),
        "ApproximateArrivalTimestamp": Time(record.arrived / 1000),
        "Data": Blob(binascii.b2a_base64(record.data, newline=False), "ascii"),
        "PartitionKey": record.key.decode(),
        "EncryptionType": stream.settings["encryption"],
    }


def _child(stream: Stream, child: Shard) -> Document:
    parents = child.described()
    known = [parents[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in parents]
    return {"ShardId": child.id, "ParentShards": known, "HashKeyRange": child.range}


def _size(record: Record) -> int:
    return len(record.data) + len(record.key)
