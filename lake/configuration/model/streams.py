"""Streams of events: Kinesis, Firehose and Flink."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lake.configuration.model.base import ColumnType, Model, Name
from lake.configuration.model.delivery import Delivery
from lake.configuration.model.windows import ALERTS, REJECTED, Application, EventTime, Window


class Stream(Model):
    columns: Annotated[dict[Name, ColumnType], Field(min_length=1)]
    """The fields of an event, with their types."""
    mode: Literal["provisioned", "on_demand"] = "provisioned"
    """The capacity mode of the Kinesis stream. With `on_demand`, AWS sets the number of shards, at a higher price."""
    shards: Annotated[int, Field(ge=1, le=200)] = 1
    """The number of shards of a provisioned stream. Each takes 1 MB or 1,000 events per second."""
    retention_hours: Annotated[int, Field(ge=24, le=8760)] = 24
    """How long Kinesis keeps events."""
    delivery: Delivery = Delivery()
    """How Firehose writes the events to the raw zone."""
    event_time: EventTime | None = None
    """Which column says when an event happened. Windows need it, and so do partitions by the event's own day."""
    windows: dict[Name, Window] = {}
    """Window name: what the Flink application computes. Without windows, no application is deployed."""
    application: Application = Application()
    """How the Flink application runs."""

    @property
    def results(self) -> list[str]:
        """What its application writes to: streams and tables whose names are that of this stream, `_`, and these."""
        alerts = [f"{name}_{ALERTS}" for name, window in self.windows.items() if window.alert]
        return [*self.windows, *alerts, REJECTED] if self.windows else []

    @model_validator(mode="after")
    def _on_demand_has_no_number_of_shards(self) -> Stream:
        if self.mode == "on_demand" and "shards" in self.model_fields_set:
            raise ValueError("`shards` is only for `mode: provisioned`. On demand, AWS chooses the number")
        return self
