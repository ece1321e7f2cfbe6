"""Events: Kinesis, Firehose and Flink."""

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
    """Whether you number the shards of the Kinesis stream, or AWS does as events come, which costs more."""
    shards: Annotated[int, Field(ge=1, le=200)] = 1
    """Shards of a provisioned stream. Each takes 1 MB or 1,000 events a second."""
    retention_hours: Annotated[int, Field(ge=24, le=8760)] = 24
    """How long Kinesis keeps an event."""
    delivery: Delivery = Delivery()
    """How Firehose writes its events into the raw zone."""
    event_time: EventTime | None = None
    """Which column says when an event happened. Windows need it, and so do partitions by the event's own day."""
    windows: dict[Name, Window] = {}
    """What a Flink application computes of the events, by the name of each window. Without any, none is deployed."""
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
            raise ValueError("`shards` is for `mode: provisioned`: on demand, AWS chooses how many there are")
        return self
