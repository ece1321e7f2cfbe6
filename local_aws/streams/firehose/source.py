"""The Kinesis source of a delivery stream: a regular consumer of every shard, with a checkpoint."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from local_aws.context import Context
from local_aws.protocol import AwsError, Document
from local_aws.streams.firehose.observed import Observed
from local_aws.streams.firehose.settings import Settings, acting
from local_aws.streams.firehose.spool import Spool
from local_aws.streams.kinesis import reader_of
from local_aws.streams.kinesis.shard import Shard
from local_aws.streams.kinesis.stream import Stream

CHECKPOINTS = "firehose_checkpoints"
"""The collection in the store: `region/name` -> the last delivered sequence number of each shard."""
ENDED = "SHARD_END"
_READS = ("DescribeStream", "ListShards", "GetShardIterator", "GetRecords")


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
    _positions: dict[str, int] = field(default_factory=dict)
    _life: int = 0

    def __post_init__(self) -> None:
        self._read = dict(self.context.store.get(CHECKPOINTS, self.key) or {})
        for segment in self.spool.waiting():
            self._read |= segment.last_places()

    @property
    def key(self) -> str:
        return f"{self.region}/{self.settings.name}"

    def read(self) -> int:
        """Read once from every shard. Returns the number of records.

        Raises:
            AwsError: the stream is not there, or the disk is full.
            ClientError: the role may not read it.
        """
        self._require_rights()
        stream = self._stream()
        return sum(self._read_shard(stream, shard) for shard in stream.shards if self._read.get(shard.id) != ENDED)

    def delivered(self, places: Document) -> None:
        """Save the checkpoint of a delivered segment. The segment's file may be deleted afterwards."""
        if places:
            self.context.store.update(CHECKPOINTS, self.key, **places)

    def _require_rights(self) -> None:
        """Raises ClientError: the role may not make the calls by which Firehose reads a stream on AWS."""
        assert self.settings.source is not None
        role = str(self.settings.source.get("RoleARN") or self.settings.role)
        reader = acting(self.context, role, self.settings)
        for action in _READS:
            reader.need_call("kinesis", action, self.region, {"StreamARN": self.settings.source["KinesisStreamARN"]})

    def _stream(self) -> Stream:
        """The stream, which may be another one of that name than before."""
        assert self.settings.source is not None
        name = str(self.settings.source["KinesisStreamARN"]).rpartition("/")[2]
        stream = reader_of(self.context).streams.named(self.region, name)
        if stream.born != self._life:
            self._life, self._positions = stream.born, {}
            self._read = {shard: place for shard, place in self._read.items() if place != ENDED}
        return stream

    def _read_shard(self, stream: Stream, shard: Shard) -> int:
        if shard.id not in self._positions:
            self._positions[shard.id] = self._start(shard)
        batch = reader_of(self.context).read(stream, shard, self._positions[shard.id])
        found, size = batch.totals
        if found:
            self.spool.append(batch.blocks, shard.prefix)
            self._read[shard.id] = shard.sequence(batch.position - 1)
            self.observed.count(DataReadFromKinesisStream_Records=found, DataReadFromKinesisStream_Bytes=size)
        self.observed.gauge(KinesisMillisBehindLatest=batch.behind)
        self._positions[shard.id] = batch.position
        if batch.is_end:
            # What was read of a closed shard is in the spool, so only its records' delivery may write the store.
            self._read[shard.id] = ENDED
        return found

    def _start(self, shard: Shard) -> int:
        with suppress(AwsError):  # of an earlier stream of this name
            if after := self._read.get(shard.id):
                return shard.position(after) + 1
        begun: datetime = (self.settings.source or {})["DeliveryStartTimestamp"]
        return shard.log.position_at(int(begun.timestamp() * 1000))
