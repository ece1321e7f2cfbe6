"""What a Flink application computes of a stream's events, and how it runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lake.configuration.model.base import AGGREGATE, CONDITION, Columns, Model, Name

REJECTED = "rejected"
"""The stream of what no window counts is named so."""
ALERTS = "alerts"
"""The stream of a window's alerts is named so, after the window."""
Seconds = Annotated[int, Field(ge=1, le=30 * 86_400)]
Aggregate = Annotated[str, Field(pattern=AGGREGATE)]


class EventTime(Model):
    column: Name
    """The column that says when an event happened, in UTC where it names no offset. For windows it is a timestamp; for
    the event's own day alone, it may also be a date, a string, or a number of seconds or milliseconds since 1970."""
    lateness: Annotated[int, Field(ge=0, le=30 * 86_400)] = 60
    """Seconds by which an event may be older than the newest one. An older one is late: no window counts it, and it is
    kept in the stream of rejected events."""
    ahead: Annotated[int, Field(ge=0, le=30 * 86_400)] = 3600
    """Seconds by which an event may be in the future. One that is further ahead is rejected: it would make all others
    late."""


class Window(Model):
    by: Columns = []
    """The column to compute by, or several. Without any, a window has one result."""
    seconds: Seconds | None = None
    """Length of the window. Alone, it makes a tumbling window: one begins where the last ended."""
    every: Seconds | None = None
    """With `seconds`: a sliding window, of which one begins every so many seconds."""
    gap: Seconds | None = None
    """In place of `seconds`: a session window, which ends when no event came for so many seconds."""
    compute: Annotated[dict[Name, Aggregate], Field(min_length=1)] = {"events": "count"}
    """The results by name: `count`, or `sum`, `avg`, `min`, `max` or `distinct` of a column, as `avg(dep_delay)`."""
    filter: Annotated[str, Field(pattern=CONDITION)] | None = None
    """SQL condition. Events for which it is not true are in no window."""
    alert: Annotated[str, Field(pattern=CONDITION)] | None = None
    """SQL condition on the results, such as `delay > 60`. Results for which it is true also go to a stream, a table and
    an SNS topic of alerts."""

    @property
    def kind(self) -> Literal["tumbling", "sliding", "session"]:
        return "session" if self.gap else "sliding" if self.every else "tumbling"


def read_by(aggregate: str) -> tuple[str, str]:
    """The function and the column of an aggregate; of `count`, no column.

    >>> read_by("avg(dep_delay)")
    ('avg', 'dep_delay')
    """
    function, _, column = aggregate.rstrip(")").partition("(")
    return function, column


class Application(Model):
    start: bool = True
    """Start it with the deploy. On the embedded AWS it starts then where Flink is installed."""
    begin: Literal["latest", "earliest"] = "latest"
    """Where it begins without a snapshot: with the events that come, or with the oldest that Kinesis has."""
    parallelism: Annotated[int, Field(ge=1, le=64)] = 1
    """Parallel parts of each step. The events of a window are one result whatever it is."""
    parallelism_per_kpu: Annotated[int, Field(ge=1, le=8)] = 1
    """Parallel parts on each unit (one core, 4 GB) that AWS bills."""
    autoscaling: bool = False
    """Let AWS change the parallelism by the load."""
    checkpoint_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """How often its state is kept. After a failure it goes on from the last one, and repeats results put since then."""
    snapshots: bool = True
    """Keep its state when it is stopped, and begin with it when it is started."""
    log_level: Literal["DEBUG", "INFO", "WARN", "ERROR"] = "INFO"
    """What it logs."""
    connection: Name | None = None
    """A connection of type `network` whose VPC it runs in."""
