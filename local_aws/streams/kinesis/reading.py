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


class Batch(NamedTuple):
    """What one look at a shard gave.

    Attributes:
        position: of the next look.
        behind: how old the next record is, in milliseconds; 0 where there is none yet.
        is_end: the shard is closed, and was read to its end.
    """

    records: list[Record]
    position: int
    behind: int
    is_end: bool


class Reader:
    """Reads for clients, and for the engines of this process: those need no HTTP, JSON and Base64."""

    def __init__(self, streams: Streams, metrics: Metrics) -> None:
        self.streams, self._metrics = streams, metrics

    def read(self, stream: Stream, shard: Shard, position: int, limit: int = MOST_RECORDS) -> Batch:
        """The records from a position on, or from the first that is kept. Raises AwsError: the stream was deleted."""
        self.streams.expire(stream)
        found, size, following = _read(stream, shard, position, limit)
        behind = max(0, now() - following.arrived) if following else 0
        self._metrics.read(stream, len(found), size, behind)
        position = found[-1].position + 1 if found else max(position, _trim_horizon(stream, shard))
        return Batch(found, position, behind, shard.closed is not None and position >= shard.log.end)

    def get_shard_iterator(self, call: Call) -> Document:
        stream = self.streams.of(call)
        shard = stream.shard(call.required("ShardId"))
        position = _start(stream, shard, call)
        return {"ShardIterator": _Place(self.streams.place(stream), shard.id, position, now()).token()}

    def get_records(self, call: Call) -> Document:
        place = _Place.of(call.required("ShardIterator"))
        stream = self.streams.in_folder(place.stream)
        limit = call.payload.get("Limit") or MOST_RECORDS
        if not 1 <= limit <= MOST_RECORDS:
            raise AwsError("InvalidArgumentException", f"Limit must be from 1 to {MOST_RECORDS}.")
        shard = stream.shard(place.shard)
        batch = self.read(stream, shard, place.position, limit)
        answer: Document = {
            "Records": _shown(stream, shard, batch.records),
            "MillisBehindLatest": batch.behind,
        }
        if not batch.is_end:
            answer["NextShardIterator"] = _Place(place.stream, shard.id, batch.position, now()).token()
        else:
            answer["ChildShards"] = [_child(stream, child) for child in stream.children(shard)]
        return answer


def _read(stream: Stream, shard: Shard, position: int, limit: int) -> tuple[list[Record], int, Record | None]:
    """The records from a position on, their bytes, and the record that follows them, if it is there."""
    found: list[Record] = []
    size = 0
    if position >= shard.log.end:
        return found, 0, None
    for record in _records(stream, shard, position):
        larger = size + len(record.data) + len(record.key)
        if len(found) == limit or (found and larger > MOST_BYTES):
            return found, size, record
        found.append(record)
        size = larger
    return found, size, None


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


def _shown(stream: Stream, shard: Shard, records: list[Record]) -> list[dict[str, Any]]:
    encryption, sequence, encoded = stream.settings["encryption"], shard.sequence, binascii.b2a_base64
    return [
        {
            "SequenceNumber": sequence(record.position),
            "ApproximateArrivalTimestamp": Time(record.arrived / 1000),
            "Data": Blob(encoded(record.data, newline=False), "ascii"),
            "PartitionKey": record.key.decode(),
            "EncryptionType": encryption,
        }
        for record in records
    ]


def _child(stream: Stream, child: Shard) -> Document:
    parents = child.described()
    known = [parents[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in parents]
    return {"ShardId": child.id, "ParentShards": known, "HashKeyRange": child.range}
