"""How Firehose delivers the events of a stream: buffer, format, partitions, transform."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from lake.configuration.model.base import EXTENSION, FOLDER, FUNCTION, JQ, Model, Name
from lake.configuration.model.datasets import Projection

FORMATS = {
    "parquet": ("snappy", "gzip", "none"),
    "orc": ("snappy", "zlib", "none"),
    "json": ("gzip", "hadoop_snappy", "snappy", "zip", "none"),
}
"""Format -> allowed compressions; the first is the default."""
DATE = "date"
"""The partition key that every table of events has."""


class Buffer(Model):
    megabytes: Annotated[int, Field(ge=1, le=128)] = 64
    """Firehose writes a file at this size. AWS requires at least 64 for Parquet, ORC and dynamic partitioning."""
    seconds: Annotated[int, Field(ge=0, le=900)] = 60
    """Firehose writes a file after this time, or at `megabytes`, whichever comes first."""


def _expression(given: Any) -> Any:
    return {"query": given} if isinstance(given, str) else given


class PartitionKey(Model):
    query: Annotated[str, Field(pattern=JQ)]
    """A JQ expression for the value, such as `.origin`. If it fails, the event goes to the error prefix."""
    projection: Projection = Projection(type="injected")
    """How Athena computes the values. Default: `injected`, where every query must give the value."""


Key = Annotated[PartitionKey, BeforeValidator(_expression, json_schema_input_type=str | PartitionKey)]
"""A partition key, or only its JQ expression."""


class Transform(Model):
    folder: Annotated[str, Field(pattern=FOLDER)]
    """The folder with the Lambda function's Python files, relative to lake.yaml."""
    handler: Annotated[str, Field(pattern=FUNCTION)] = "main.handler"
    """The function that handles Firehose's batches, as `module.function`."""
    timeout: Annotated[int, Field(ge=1, le=300)] = 60
    """The function's timeout, in seconds."""
    memory: Annotated[int, Field(ge=128, le=10_240)] = 256
    """The function's memory, in megabytes."""
    megabytes: Annotated[float, Field(ge=0.2, le=3)] = 1
    """Size of a batch."""
    seconds: Annotated[int, Field(ge=0, le=900)] = 60
    """How long Firehose collects a batch for it. It is not called before, unless the batch is full."""
    retries: Annotated[int, Field(ge=0, le=300)] = 3
    """How often a failed batch is retried. After that, its events go to the error prefix."""


class Delivery(Model):
    source: Literal["kinesis", "direct"] = "kinesis"
    """Where Firehose gets events: from the Kinesis stream, or from producers that call Firehose (`direct`)."""
    format: Literal["parquet", "orc", "json"] = "parquet"
    """The file format. `json` writes one event per line, unchanged."""
    compression: Literal["snappy", "gzip", "zlib", "hadoop_snappy", "zip", "none"] | None = None
    """The compression of files. Default: snappy for Parquet and ORC, gzip for JSON."""
    buffer: Buffer = Buffer()
    """How much Firehose collects before it writes a file."""
    since: date | None = None
    """Set to partition by the event's own day, that of `event_time`: the first day there may be. Events before it, and
    more than a day ahead, go to the error prefix. Without it, `date` is the day of arrival."""
    partition_by: dict[Name, Key] = {}
    """More partition keys, each with a JQ expression for its value."""
    split: bool = False
    """Whether a record may hold several JSON objects. Firehose then splits it first."""
    transform: Transform | None = None
    """A Lambda function that transforms every event."""
    time_zone: str = "UTC"
    """The time zone for the day of arrival, such as `Europe/Oslo`."""
    file_extension: Annotated[str, Field(pattern=EXTENSION)] | None = None
    """The file extension, such as `.jsonl.gz`. Default: that of the format."""
    backup: bool = False
    """Also keep the unchanged events, under `_source/` in the raw zone. AWS cannot turn this off later."""
    retry_seconds: Annotated[int, Field(ge=0, le=7200)] = 300
    """How long a file of a partition is tried again. Only of a stream with `since` or `partition_by`."""

    @property
    def compressed(self) -> str:
        return self.compression or FORMATS[self.format][0]

    @property
    def is_converted(self) -> bool:
        return self.format != "json"

    @property
    def is_partitioned(self) -> bool:
        """By what is in the events: AWS's dynamic partitioning."""
        return bool(self.since or self.partition_by)

    @property
    def keys(self) -> tuple[str, ...]:
        """The partition keys of the table, outermost first."""
        return (DATE, *self.partition_by)
