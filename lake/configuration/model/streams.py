"""Events: Kinesis, Firehose and Flink."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lake.configuration.model.base import ColumnType, Model, Name
from lake.configuration.model.windows import Application, EventTime, Window


class Buffer(Model):
    megabytes: Annotated[int, Field(ge=64, le=128)] = 64
    """Firehose writes a file at this size. AWS requires at least 64 for Parquet."""
    seconds: Annotated[int, Field(ge=0, le=900)] = 60
    """Firehose writes a file after this time, or at `megabytes`, whichever comes first."""


class Stream(Model):
    columns: Annotated[dict[Name, ColumnType], Field(min_length=1)]
    """The fields of an event, with their types."""
    shards: Annotated[int, Field(ge=1, le=200)] = 1
    """Shards of the Kinesis stream. Each takes 1 MB or 1,000 events a second."""
    retention_hours: Annotated[int, Field(ge=24, le=8760)] = 24
    """How long Kinesis keeps an event."""
    buffer: Buffer = Buffer()
    """How much Firehose collects before it writes a file."""
    event_time: EventTime | None = None
    """Which column says when an event happened. Windows need it."""
    windows: dict[Name, Window] = {}
    """What a Flink application computes of the events, by the name of each window. Without any, none is deployed."""
    application: Application = Application()
    """How the Flink application runs."""
