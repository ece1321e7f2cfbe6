"""Events: Kinesis, Firehose and Flink."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lake.configuration.model.base import ColumnType, Model, Name
from lake.configuration.model.delivery import Delivery


class Window(Model):
    by: Name
    """The column to count by."""
    seconds: Annotated[int, Field(ge=1)]
    """Length of the window."""


class Stream(Model):
    columns: Annotated[dict[Name, ColumnType], Field(min_length=1)]
    """The fields of an event, with their types."""
    shards: Annotated[int, Field(ge=1, le=200)] = 1
    """Shards of the Kinesis stream. Each takes 1 MB or 1,000 events a second."""
    retention_hours: Annotated[int, Field(ge=24, le=8760)] = 24
    """How long Kinesis keeps an event."""
    delivery: Delivery = Delivery()
    """How Firehose writes its events into the raw zone."""
    window: Window | None = None
    """Set to deploy a Flink application that counts events."""
