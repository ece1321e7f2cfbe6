"""What a Flink application computes from a stream's events, and how it runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lake.configuration.model.base import AGGREGATE, CONDITION, Columns, Model, Name

REJECTED = "rejected"
"""The stream of what no window counts is named so."""
ALERTS = "alerts"
"""The stream of a window's alerts is named so, after the window."""
LONGEST_PROPERTY = 2048
"""Characters of a property of an application, of which it has 50 groups."""
MOST_WINDOWS = 48
"""A window is a group of properties. Two more are of the stream, and of Flink."""
Seconds = Annotated[int, Field(ge=1, le=30 * 86_400)]
Aggregate = Annotated[str, Field(pattern=AGGREGATE)]


class EventTime(Model):
    column: Name
    """The column that says when an event happened, in UTC where it names no offset. For windows it is a timestamp; for
    the event's own day alone, it may also be a date, a string, or a number of seconds or milliseconds since 1970."""
    lateness: Annotated[int, Field(ge=0, le=30 * 86_400)] = 60
    """Seconds by which an event may be older than the newest one. An older event is late: no window counts it, and it
    goes to the stream of rejected events."""
    ahead: Annotated[int, Field(ge=0, le=30 * 86_400)] = 3600
    """Seconds by which an event may be in the future. An event further ahead is rejected, because it would make all
    others late."""


class Window(Model):
    by: Columns = []
    """The column or columns to group by. Without any, a window has one result."""
    seconds: Seconds | None = None
    """The length of the window. On its own it makes tumbling windows: each begins where the last one ended."""
    every: Seconds | None = None
    """With `seconds`: sliding windows, which begin every this many seconds."""
    gap: Seconds | None = None
    """Instead of `seconds`: session windows, which end when more than this many seconds pass without an event."""
    compute: Annotated[dict[Name, Aggregate], Field(min_length=1)] = {"events": "count"}
    """Result name: `count`, or `sum`, `avg`, `min`, `max` or `distinct` of a column, such as `avg(dep_delay)`."""
    filter: Annotated[str, Field(pattern=CONDITION)] | None = None
    """SQL condition. Events for which it is not true are in no window."""
    alert: Annotated[str, Field(pattern=CONDITION)] | None = None
    """SQL condition on the results, such as `delay > 60`. Results for which it is true also go to a stream, a table and
    an SNS topic of alerts."""

    @property
    def kind(self) -> Literal["tumbling", "sliding", "session"]:
        return "session" if self.gap else "sliding" if self.every else "tumbling"


def read_by(aggregate: str) -> tuple[str, str]:
    """The function and the column of an aggregate; `count` has no column.

    >>> read_by("avg(dep_delay)")
    ('avg', 'dep_delay')
    """
    function, _, column = aggregate.rstrip(")").partition("(")
    return function, column


class Application(Model):
    start: bool = True
    """Start the application when it is deployed. On the embedded AWS, only if Flink is installed."""
    begin: Literal["latest", "earliest"] = "latest"
    """Where it starts without a snapshot: with new events, or with the oldest that Kinesis keeps."""
    parallelism: Annotated[int, Field(ge=1, le=64)] = 1
    """The tasks that read and compute at once. Over 1, they read their shards independently on AWS, so more events are
    late: set `lateness` high enough. The embedded AWS always uses one task."""
    parallelism_per_kpu: Annotated[int, Field(ge=1, le=8)] = 1
    """The parallel tasks per KPU (one core, 4 GB), the unit that AWS bills."""
    autoscaling: bool = False
    """Let AWS adapt the parallelism to the load."""
    checkpoint_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """The checkpoint interval. After a failure, the application resumes from the last checkpoint, and repeats later
    results."""
    snapshots: bool = True
    """Take a snapshot when the application stops, and start from it."""
    log_level: Literal["DEBUG", "INFO", "WARN", "ERROR"] = "INFO"
    """The log level."""
    connection: Name | None = None
    """A connection of type `network`. The application runs in its VPC."""
