"""Rules for streams: what Kinesis and Firehose would refuse or ignore, and what Athena could not read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import available_timezones

from lake.configuration.event_day import query
from lake.configuration.model import Config, Projection, Stream
from lake.configuration.model.delivery import DATE, FORMATS
from lake.configuration.place import Problem
from lake.configuration.suggest import allowed

Violations = Iterator[tuple[str, str]]
"""(dotted field of the stream, what is wrong)."""
LEAST_MEGABYTES = 64
LEAST_SECONDS = 60
MOST_KEYS = 50
_PROJECTIONS = {"enum": {"values"}, "integer": {"range"}, "injected": set[str]()}
"""By type of a partition key's values: the fields it needs, and no other."""
_TIMES = ("timestamp", "date", "string", "bigint", "double")
LONGEST_QUERY = 5120
"""The maximum length of a Firehose parameter, in characters."""


def violations(config: Config) -> Iterator[Problem]:
    """Every rule that a well-typed stream breaks."""
    for name, stream in config.streams.items():
        if name in config.datasets:
            yield ("streams", name), "a dataset has the same name, and both would use the same folder of the raw zone"
        for rule in (_columns, _windows, _buffer, _format, _keys, _event_time, _query, _time_zone, _source, _retry):
            for field, message in rule(stream):
                yield ("streams", name, *field.split(".")), message


def warnings(config: Config) -> Iterator[str]:
    """Streams whose files Athena cannot read."""
    for name, stream in config.streams.items():
        if stream.delivery.compressed in ("zip", "snappy") and stream.delivery.format == "json":
            yield (
                f"streams.{name}.delivery.compression: Athena cannot read JSON in {stream.delivery.compressed} files. "
                "Use gzip or hadoop_snappy"
            )


def missing_files(config: Config, root: Path) -> Iterator[Problem]:
    """Every transform handler that does not exist, relative to lake.yaml's folder `root`."""
    for name, stream in config.streams.items():
        if (transform := stream.delivery.transform) is None:
            continue
        place = ("streams", name, "delivery", "transform")
        file = Path(transform.folder, *transform.handler.split(".")[:-1]).with_suffix(".py")
        if not (root / transform.folder).is_dir():
            yield (*place, "folder"), f"there is no folder {transform.folder!r} in {root}"
        elif not (root / file).is_file():
            yield (*place, "handler"), f"there is no file {str(file)!r} in {root}"


def _columns(stream: Stream) -> Violations:
    if DATE in stream.columns:
        yield f"columns.{DATE}", "is the partition key that Firehose adds. Choose another name"


def _windows(stream: Stream) -> Violations:
    if stream.windows and stream.delivery.source == "direct":
        yield (
            "windows",
            "Flink reads from Kinesis, but this stream has no Kinesis stream. Remove it, or delivery.source: direct",
        )


def _buffer(stream: Stream) -> Violations:
    delivery, buffer = stream.delivery, stream.delivery.buffer
    why = "events are partitioned dynamically" if delivery.is_partitioned else f"files are {delivery.format}"
    if (delivery.is_converted or delivery.is_partitioned) and buffer.megabytes < LEAST_MEGABYTES:
        yield (
            "delivery.buffer.megabytes",
            f"AWS requires at least {LEAST_MEGABYTES} if {why}. Given: {buffer.megabytes}",
        )
    if delivery.is_partitioned and buffer.seconds < LEAST_SECONDS:
        yield (
            "delivery.buffer.seconds",
            f"AWS requires at least {LEAST_SECONDS} if {why}. Given: {buffer.seconds}",
        )


def _format(stream: Stream) -> Violations:
    delivery = stream.delivery
    if delivery.compression and delivery.compression not in FORMATS[delivery.format]:
        yield (
            "delivery.compression",
            f"{delivery.format} allows {', '.join(FORMATS[delivery.format])}. Given: {delivery.compression}",
        )


def _keys(stream: Stream) -> Violations:
    for name, key in stream.delivery.partition_by.items():
        field = f"delivery.partition_by.{name}"
        if name == DATE:
            yield field, "every event table already has this key. For the event's own day, use since"
        elif name in stream.columns:
            yield field, "cannot be a partition key and a column. Give the key another name"
        yield from _projection(f"{field}.projection", key.projection)
    if len(stream.delivery.keys) > MOST_KEYS:
        yield "delivery.partition_by", f"Firehose allows at most {MOST_KEYS} partition keys"


def _projection(field: str, projection: Projection) -> Violations:
    needed = _PROJECTIONS.get(projection.type)
    given = set(projection.model_dump(exclude_none=True)) - {"type"}
    if needed is None:
        yield f"{field}.type", f"should be {', '.join(_PROJECTIONS)}. For the event's own day, use delivery.since"
    elif missing := sorted(needed - given):
        yield field, f"{projection.type} needs {missing[0]}"
    elif extra := sorted(given - needed):
        yield f"{field}.{extra[0]}", f"{projection.type} does not take it in a stream"
    elif projection.range and not all(isinstance(end, int) for end in projection.range):
        yield f"{field}.range", f"should be two integers. Given: {', '.join(map(str, projection.range))}"
    elif any("/" in value or "," in value for value in projection.values or []):
        yield (
            f"{field}.values",
            "a value cannot contain / or a comma, because folders and Athena's list use them as separators",
        )


def _event_time(stream: Stream) -> Violations:
    if stream.delivery.since is not None:
        if stream.event_time is None:
            yield "delivery.since", "is of the event's own day, and no column says that. Add event_time: {column: ...}"
        if stream.delivery.time_zone != "UTC":
            yield "delivery.time_zone", "is that of arrival; with since, days are in UTC. Remove one of the two"
    if stream.event_time is None:
        return
    column = stream.event_time.column
    kind = stream.columns.get(column)
    if kind is None:
        yield "event_time.column", f"there is no column {column!r}. {allowed(column, stream.columns)}"
    elif kind not in _TIMES:
        yield "event_time.column", f"{column} is {kind}. A time is a {', '.join(_TIMES[:-1])} or {_TIMES[-1]}"
    elif stream.windows and kind != _TIMES[0]:
        yield "event_time.column", f"{column} is {kind}. Windows go by a {_TIMES[0]}"


def _query(stream: Stream) -> Violations:
    """Compile the expressions with JQ, which is imported only if a stream needs it."""
    if not stream.delivery.partition_by:
        return
    import jq

    for name, key in stream.delivery.partition_by.items():
        try:
            jq.compile(f"({key.query})")
        except ValueError as error:
            wrong = str(error).splitlines()[0].removeprefix("jq: error: ").partition(" at <")[0]
            yield f"delivery.partition_by.{name}", f"is not a JQ expression: {wrong}. Given: {key.query!r}"
    if len(query(stream)) > LONGEST_QUERY:
        yield "delivery.partition_by", f"Firehose takes JQ of at most {LONGEST_QUERY} characters for all keys"


def _time_zone(stream: Stream) -> Violations:
    zone = stream.delivery.time_zone
    if zone not in available_timezones():
        yield "delivery.time_zone", f"should be a time zone, such as Europe/Oslo. Given: {zone!r}"


def _source(stream: Stream) -> Violations:
    if stream.delivery.source == "direct":
        for field in sorted({"shards", "retention_hours"} & stream.model_fields_set):
            yield field, "is for Kinesis, but this stream has no Kinesis stream. Remove it, or delivery.source: direct"


def _retry(stream: Stream) -> Violations:
    if "retry_seconds" in stream.delivery.model_fields_set and not stream.delivery.is_partitioned:
        yield (
            "delivery.retry_seconds",
            "Firehose takes it only with since or partition_by, else it retries for a day",
        )
