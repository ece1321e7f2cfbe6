"""The streams of lake.yaml: what each rule says, and the JQ that finds partitions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jq
import pytest

from lake.configuration.event_day import query
from lake.configuration.model import Stream
from lake.configuration.reading import ConfigError, load
from lake.configuration.rules import warnings

HEAD = "project: small\nenvironments:\n  local: {endpoint: 'http://127.0.0.1:4566', region: us-east-1}\n"
COLUMNS = "columns: {at: timestamp, carrier: string, delay: double, late: boolean}"


def problems(folder: Path, delivery: str, more: str = "", name: str = "events") -> list[str]:
    """What `lake check` says to a stream, without the file and line."""
    text = f"{HEAD}streams:\n  {name}:\n    {COLUMNS}\n    delivery: {delivery}\n    {more}\n"
    (folder / "lake.yaml").write_text(text)
    try:
        load(folder / "lake.yaml", "local")
    except ConfigError as error:
        return [str(trouble).partition(": ")[2] for trouble in error.troubles]
    return []


@pytest.mark.parametrize(
    "delivery",
    [
        "{}",
        "{format: json, buffer: {megabytes: 1, seconds: 0}, compression: hadoop_snappy}",
        "{format: orc, compression: zlib, time_zone: Asia/Kolkata, file_extension: .orc, backup: true}",
        "{partition_by: {by: {query: .carrier, projection: {type: enum, values: [AA, UA]}}}}",
        "{partition_by: {by: {query: '.delay | floor', projection: {type: integer, range: [-60, 600]}}}}",
        "{source: direct, split: true}",
    ],
)
def test_a_valid_delivery_is_accepted(tmp_path: Path, delivery: str) -> None:
    assert problems(tmp_path, delivery) == []


@pytest.mark.parametrize(
    ("delivery", "problem"),
    [
        ("{buffer: {megabytes: 5}}", "buffer.megabytes: AWS requires at least 64 if files are parquet. Given: 5"),
        ("{format: orc, buffer: {megabytes: 63}}", "buffer.megabytes: AWS requires at least 64 if files are orc"),
        (
            "{format: json, partition_by: {by: .carrier}, buffer: {megabytes: 5}}",
            "buffer.megabytes: AWS requires at least 64 if events are partitioned dynamically. Given: 5",
        ),
        (
            "{partition_by: {by: .carrier}, buffer: {seconds: 0}}",
            "buffer.seconds: AWS requires at least 60 if events are partitioned dynamically. Given: 0",
        ),
        ("{buffer: {seconds: 901}}", "buffer.seconds: should be less than or equal to 900. Given: 901"),
        ("{compression: zip}", "compression: parquet allows snappy, gzip, none. Given: zip"),
        ("{format: json, compression: zlib}", "compression: json allows gzip, hadoop_snappy, snappy, zip, none"),
        ("{partition_by: {carrier: .carrier}}", "partition_by.carrier: cannot be a partition key and a column"),
        ("{partition_by: {date: .at}}", "partition_by.date: every event table already has this key"),
        ("{partition_by: {by: '.carrier |'}}", "partition_by.by: is not a JQ expression: syntax error"),
        (
            "{partition_by: {by: {query: .at, projection: {type: date, format: yyyy, range: [a, b]}}}}",
            "partition_by.by.projection.type: should be enum, integer, injected. For the event's own day, use",
        ),
        (
            "{partition_by: {by: {query: .at, projection: {type: enum}}}}",
            "partition_by.by.projection: enum needs values",
        ),
        (
            "{partition_by: {by: {query: .at, projection: {type: enum, values: [a/b]}}}}",
            "partition_by.by.projection.values: a value cannot contain / or a comma",
        ),
        ("{since: 2013-01-01}", "since: is of the event's own day, and no column says that. Add event_time:"),
        ("{time_zone: Mars}", "time_zone: should be a time zone, such as Europe/Oslo. Given: 'Mars'"),
        ("{retry_seconds: 10}", "retry_seconds: Firehose takes it only with since or partition_by"),
        ("{file_extension: gz}", "file_extension: is not allowed. Allowed: a dot and lower-case letters"),
        ("{transform: {folder: gone}}", "transform.folder: there is no folder 'gone'"),
    ],
)
def test_an_invalid_delivery_is_refused_with_a_fix(tmp_path: Path, delivery: str, problem: str) -> None:
    (found,) = problems(tmp_path, delivery)
    assert found.startswith(f"streams.events.delivery.{problem}")


def test_a_stream_partitions_by_its_events_own_day(tmp_path: Path) -> None:
    delivery = "{since: 2013-01-01, partition_by: {by: .carrier}, retry_seconds: 60}"
    assert problems(tmp_path, delivery, "event_time: {column: at}") == []
    assert problems(tmp_path, "{since: 2013-01-01, time_zone: Asia/Tokyo}", "event_time: {column: at}") == [
        "streams.events.delivery.time_zone: is that of arrival; with since, days are in UTC. Remove one of the two"
    ]


@pytest.mark.parametrize(
    ("column", "problem"),
    [("when", "there is no column 'when'. Allowed: at,"), ("delay", ""), ("late", "late is boolean. A time is a")],
)
def test_the_column_of_the_time_is_one_of_the_stream_and_a_time(tmp_path: Path, column: str, problem: str) -> None:
    more = f"event_time: {{column: {column}}}"
    found = problems(tmp_path, "{since: 2013-01-01}", more)
    assert [each.partition("event_time.column: ")[2][: len(problem)] for each in found] == (
        [problem] if problem else []
    )


def test_the_handler_of_a_transform_has_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "enrich").mkdir()
    (found,) = problems(tmp_path, "{transform: {folder: enrich}}")
    assert found.startswith("streams.events.delivery.transform.handler: there is no file 'enrich/main.py'")

    (tmp_path / "enrich" / "main.py").write_text("def handler(event, context): ...\n")
    assert problems(tmp_path, "{transform: {folder: enrich}}") == []


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("shards: 2", "shards: is for Kinesis, but this stream has no Kinesis stream"),
        ("retention_hours: 48", "retention_hours: is for Kinesis, but this stream has no Kinesis stream"),
        ("event_time: {column: at}\n    windows: {all: {seconds: 60}}", "windows: Flink reads from Kinesis"),
    ],
)
def test_a_direct_stream_refuses_kinesis_settings(tmp_path: Path, more: str, problem: str) -> None:
    (found,) = problems(tmp_path, "{source: direct}", more)
    assert found.startswith(f"streams.events.{problem}")


def test_the_old_buffer_setting_suggests_the_new_one(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "{}", "buffer: {seconds: 10}")
    assert found.endswith("Did you mean 'delivery.buffer'?")


def test_a_stream_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    name = "e" * 45
    (found,) = problems(tmp_path, "{}", name=name)
    role = f"small-local-{name}-delivery"
    assert found.startswith(f"streams.{name}: '{name}' makes the role name '{role}' 66 characters long; IAM allows 64")


@pytest.mark.parametrize("compression", ["zip", "snappy"])
def test_files_that_athena_cannot_read_give_a_warning(tmp_path: Path, compression: str) -> None:
    assert problems(tmp_path, f"{{format: json, compression: {compression}}}") == []
    (warning,) = warnings(load(tmp_path / "lake.yaml", "local").config, "local")
    assert warning.startswith(f"streams.events.delivery.compression: Athena cannot read JSON in {compression} files")


def stream(delivery: dict[str, Any]) -> Stream:
    given = {"columns": {"at": "timestamp"}, "event_time": {"column": "at"}, "delivery": delivery}
    return Stream.model_validate(given, strict=False)


def keys(delivery: dict[str, Any], event: dict[str, Any]) -> Any:
    """The partition keys that Firehose would find, or what JQ says."""
    try:
        return jq.compile(query(stream(delivery))).input_value(event).first()
    except ValueError as error:
        return str(error)


BY_TIME = {"since": "2013-01-01"}
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("2013-01-01T05:00:00Z", "2013-01-01"),
        ("2013-01-01T23:59:59.999999999Z", "2013-01-01"),
        ("2013-01-01 05:00:00", "2013-01-01"),
        ("2013-1-2 05:00:00.5", "2013-01-02"),
        ("2013-12-31", "2013-12-31"),
        (1_356_998_400, "2013-01-01"),
        (1_356_998_400.75, "2013-01-01"),
        (1_356_998_400_123, "2013-01-01"),
        pytest.param(TOMORROW.strftime("%Y-%m-%dT%H:%M:%SZ"), TOMORROW.strftime("%Y-%m-%d"), id="tomorrow"),
    ],
)
def test_the_day_of_an_event_is_its_event_time_in_utc(time: object, day: str) -> None:
    assert keys(BY_TIME, {"at": time}) == {"date": day}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"at": "2012-12-31T23:59:59Z"}, "before 2013-01-01"),
        ({"at": "2013-02-30"}, "no such day"),
        ({"at": "2013-02-29T12:00:00Z"}, "no such day"),
        ({"at": "2013-06-31 05:00:00"}, "no such day"),
        ({"at": "2013-01-32"}, "no such day"),
        ({"at": "2013-13-01"}, "no such day"),
        ({"at": 573_000_000_000}, "no such day"),
        ({"at": 1_356_998_399}, "before 2013-01-01"),
        ({"at": "2999-01-01T00:00:00Z"}, "in the future"),
        ({"at": "2013-01-01T05:00:00+02:00"}, "no time"),
        ({"at": "yesterday"}, "no time"),
        ({"at": None}, "no time"),
        ({"at": True}, "no time"),
        ({}, "no time"),
    ],
)
def test_an_event_outside_the_projected_days_is_an_error(event: dict[str, Any], reason: str) -> None:
    assert keys(BY_TIME, event) == reason


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        (".v", "AA", "AA"),
        (".v", "A/A", "a / in it"),
        ({"query": ".v", "projection": {"type": "enum", "values": ["AA", "UA"]}}, "UA", "UA"),
        ({"query": ".v", "projection": {"type": "enum", "values": ["AA", "UA"]}}, "DL", "not among the values"),
        ({"query": ".v", "projection": {"type": "integer", "range": [1, 12]}}, 12, "12"),
        ({"query": ".v", "projection": {"type": "integer", "range": [1, 12]}}, "07", "7"),
        ({"query": ".v", "projection": {"type": "integer", "range": [1, 12]}}, 13, "not in the range"),
        ({"query": ".v", "projection": {"type": "integer", "range": [1, 12]}}, 1.5, "not in the range"),
        (".v | ascii_upcase", "aa", "AA"),
        (".v", 9_007_199_254_740_991, 9_007_199_254_740_991),
        (".v", 9_007_199_254_740_993, "a number too great for JQ"),
        (".v", -9_007_199_254_740_993, "a number too great for JQ"),
        (".v", "9007199254740993", "9007199254740993"),
        ({"query": ".v", "projection": {"type": "integer", "range": [1, 2**60]}}, 2**53 - 1, str(2**53 - 1)),
        (
            {"query": ".v", "projection": {"type": "integer", "range": [1, 2**60]}},
            2**53 + 1,
            "a number too great for JQ",
        ),
        (
            {"query": ".v", "projection": {"type": "integer", "range": [1, 2**60]}},
            str(2**53 + 1),
            "a number too great for JQ",
        ),
    ],
)
def test_a_value_outside_the_projection_is_an_error(key: Any, value: object, found: str) -> None:
    assert keys({"partition_by": {"by": key}}, {"v": value}) in ({"by": found}, found)


def test_the_expression_is_one_line_of_json_for_terraform() -> None:
    made = query(stream({**BY_TIME, "partition_by": {"by": ".v"}}))
    assert "\n" not in made
    assert json.loads(json.dumps(made)) == made
