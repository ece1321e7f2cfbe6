"""GetShardIterator and GetRecords. An iterator is a position in a log, so it stays valid whatever else happens."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import NamedTuple

from local_aws.protocol import AwsError, Call, Document, Json, Time
from local_aws.streams.block import Block
from local_aws.streams.kinesis.log import now
from local_aws.streams.kinesis.metrics import Metrics
from local_aws.streams.kinesis.registry import Streams
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

    blocks: list[Block]
    position: int
    behind: int
    is_end: bool

    @property
    def totals(self) -> tuple[int, int]:
        """Return the number of records, and the bytes of their keys and data."""
        return sum(block.records for block in self.blocks), sum(block.size for block in self.blocks)


class Reader:
    """Reads for clients, and for the engines of this process: those need no HTTP, JSON and Base64."""

    def __init__(self, streams: Streams, metrics: Metrics) -> None:
        self.streams, self._metrics = streams, metrics

    def read(self, stream: Stream, shard: Shard, position: int, limit: int = MOST_RECORDS) -> Batch:
        """The records from a position on, or from the first that is kept. Raises AwsError: the stream was deleted."""
        self.streams.expire(stream)
        found, following = _read(stream, shard, position, limit)
        behind = max(0, now() - following.arrived) if following else 0
        position = found[-1].end if found else max(position, _trim_horizon(stream, shard))
        batch = Batch(found, position, behind, shard.closed is not None and position >= shard.log.end)
        self._metrics.read(stream, *batch.totals, behind)
        return batch

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
            "Records": (_shown if call.is_cbor else _written)(stream, shard, batch.blocks),
            "MillisBehindLatest": batch.behind,
        }
        if not batch.is_end:
            answer["NextShardIterator"] = _Place(place.stream, shard.id, batch.position, now()).token()
        else:
            answer["ChildShards"] = [_child(stream, child) for child in stream.children(shard)]
        return answer


def _read(stream: Stream, shard: Shard, position: int, limit: int) -> tuple[list[Block], Block | None]:
    """The records from a position on, and the block of the record that follows them, if it is there."""
    found, left, size = list[Block](), limit, 0
    if position >= shard.log.end:
        return found, None
    for block in _blocks(stream, shard, position):
        size += block.size
        if not left or (found and size > MOST_BYTES):
            return found, block
        found.append(block.between(block.first, block.first + left))
        if block.records > left:
            return found, block
        left -= block.records
    return found, None


def _blocks(stream: Stream, shard: Shard, position: int) -> Iterator[Block]:
    """Yield blocks, also while another thread deletes the oldest of them."""
    while True:
        try:
            for block in shard.log.read(position, stream.horizon):
                yield block
                position = block.end
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


def _shown(stream: Stream, shard: Shard, blocks: list[Block]) -> list[Document]:
    return [
        {
            "SequenceNumber": shard.sequence(position),
            "ApproximateArrivalTimestamp": Time(block.arrived / 1000),
            "Data": data,
            "PartitionKey": key.decode(),
            "EncryptionType": stream.settings["encryption"],
        }
        for block in blocks
        for position, (key, data) in enumerate(block.pairs(), block.first)
    ]


def _written(stream: Stream, shard: Shard, blocks: list[Block]) -> Json:
    """As `_shown`, in a quarter of the time that a document and its encoding take."""
    encoded, quoted, records = binascii.b2a_base64, json.JSONEncoder().encode, list[bytes]()
    for block in blocks:
        same = {"ApproximateArrivalTimestamp": block.arrived / 1000, "EncryptionType": stream.settings["encryption"]}
        begin = json.dumps(same)[:-1].encode() + b',"SequenceNumber":"' + shard.prefix.encode()
        records += [
            b'%b%028d","PartitionKey":%b,"Data":"%b"}'
            % (begin, position, quoted(key.decode()).encode(), encoded(data, newline=False))
            for position, (key, data) in enumerate(block.pairs(), block.first)
        ]
    return Json(b"[%b]" % b",".join(records))


def _child(stream: Stream, child: Shard) -> Document:
    parents = child.described()
    known = [parents[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in parents]
    return {"ShardId": child.id, "ParentShards": known, "HashKeyRange": child.range}
