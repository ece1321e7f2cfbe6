"""The Kinesis source of a delivery stream: a regular consumer of every shard, with a checkpoint."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.context import Context
from local_aws.protocol import Document
from local_aws.streams.firehose.observed import Observed
from local_aws.streams.firehose.records import Record
from local_aws.streams.firehose.settings import Settings
from local_aws.streams.firehose.spool import Spool

CHECKPOINTS = "firehose_checkpoints"
"""The collection in the store: `region/name` -> the last delivered sequence number of each shard."""
ENDED = "SHARD_END"
_NEW_SHARDS = 5.0
"""Seconds between two checks for shards made by a reshard."""


@dataclass
class Source:
    """Reads records of a Kinesis stream into the spool of a delivery stream.

    The spool has the shard and sequence number of each record, so the position is known after a kill: that of the last
    record in the spool, else that of the last delivered record, from the store.
    """

    context: Context
    region: str
    settings: Settings
    spool: Spool
    observed: Observed
    _read: dict[str, str] = field(default_factory=dict)
    _iterators: dict[str, str] = field(default_factory=dict)
    _looked: float = 0.0

    def __post_init__(self) -> None:
        self._read = dict(self.context.store.get(CHECKPOINTS, self.key) or {})
        for segment in self.spool.waiting():
            self._read |= last_places(segment.records())

    @property
    def key(self) -> str:
        return f"{self.region}/{self.settings.name}"

    def read(self) -> int:
        """Read once from every shard. Returns the number of records.

        Raises:
            ClientError: the stream does not exist or does not answer.
            AwsError: the disk is full.
        """
        self._look_for_shards()
        return sum(self._read_shard(shard) for shard in list(self._iterators))

    def delivered(self, places: Document) -> None:
        """Save the checkpoint of a delivered segment. The segment's file may be deleted afterwards."""
        if places:
            self.context.store.update(CHECKPOINTS, self.key, **places)

    @property
    def _kinesis(self) -> Any:
        return self.context.client("kinesis", self.region)

    @property
    def _stream(self) -> str:
        assert self.settings.source is not None
        return str(self.settings.source["KinesisStreamARN"])

    def _look_for_shards(self) -> None:
        if self._iterators and time.monotonic() - self._looked < _NEW_SHARDS:
            return
        self._looked = time.monotonic()
        for page in self._kinesis.get_paginator("list_shards").paginate(StreamARN=self._stream):
            for shard in page["Shards"]:
                if shard["ShardId"] not in self._iterators and self._read.get(shard["ShardId"]) != ENDED:
                    self._iterators[shard["ShardId"]] = self._iterator(shard["ShardId"])

    def _iterator(self, shard: str) -> str:
        after = self._read.get(shard)
        begin: Document = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after}
        if not after:
            begun = (self.settings.source or {})["DeliveryStartTimestamp"]
            begin = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": begun}
        answer = self._kinesis.get_shard_iterator(StreamARN=self._stream, ShardId=shard, **begin)
        return str(answer["ShardIterator"])

    def _read_shard(self, shard: str) -> int:
        try:
            answer = self._kinesis.get_records(StreamARN=self._stream, ShardIterator=self._iterators[shard])
        except self._kinesis.exceptions.ExpiredIteratorException:
            self._iterators[shard] = self._iterator(shard)
            return 0
        except self._kinesis.exceptions.ResourceNotFoundException:  # the shard is older than the stream's retention
            del self._iterators[shard]
            self._looked = 0.0
            return 0
        records = [_record(shard, each) for each in answer["Records"]]
        if records:
            self.spool.append(records)
            self._read |= last_places(records[-1:])
            size = sum(len(record.data) for record in records)
            self.observed.count(DataReadFromKinesisStream_Records=len(records), DataReadFromKinesisStream_Bytes=size)
        self.observed.gauge(KinesisMillisBehindLatest=answer.get("MillisBehindLatest") or 0)
        self._go_on(shard, answer.get("NextShardIterator"))
        return len(records)

    def _go_on(self, shard: str, iterator: str | None) -> None:
        if iterator:
            self._iterators[shard] = iterator
            return
        # Records of a closed shard are in the spool, so only their delivery may write the store.
        del self._iterators[shard]
        self._read[shard] = ENDED
        self._looked = 0.0


def last_places(records: Any) -> dict[str, str]:
    """Return the last sequence number of each shard among the records."""
    return dict(record.place.split(":") for record in records if record.place)


def _record(shard: str, given: Document) -> Record:
    arrived = int(given["ApproximateArrivalTimestamp"].timestamp() * 1000)
    return Record(arrived, given["Data"], f"{shard}:{given['SequenceNumber']}")


UNREACHABLE = (ClientError, BotoCoreError)
