"""What a window in lake.yaml may ask for, and what it becomes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from lake.configuration import flink
from lake.configuration.model import Window
from lake.configuration.reading import ConfigError, load
from stacks.streaming.properties import groups, result_columns

LAKE = """
project: shop
environments:
  local: {{endpoint: "http://127.0.0.1:4566", region: us-east-1}}
  dev: {{region: eu-west-1}}
streams:
  orders:
    columns: {{id: int, at: timestamp, day: date, price: "decimal(10,2)", paid: boolean, name: string}}
    event_time: {event_time}
    windows: {{sums: {window}}}
{more}
"""
COLUMNS = {"id": "int", "at": "timestamp", "price": "decimal(10,2)", "weight": "float", "name": "string"}


def written(folder: Path, window: str, event_time: str = "{column: at}", more: str = "") -> Path:
    file = folder / "lake.yaml"
    file.write_text(LAKE.format(window=window, event_time=event_time, more=more))
    return file


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("{by: id}", "sums: needs either seconds, or gap"),
        ("{seconds: 60, gap: 5}", "sums: needs either seconds, or gap"),
        ("{gap: 60, every: 5}", "every: is only allowed with seconds"),
        ("{seconds: 60, every: 7}", "every: must be less than seconds (60) and divide it evenly. Given: 7"),
        ("{seconds: 60, every: 60}", "every: must be less than seconds"),
        ("{seconds: 60, by: [id, nam]}", "by.1: there is no column 'nam'. Allowed: id, at, day"),
        ("{seconds: 60, compute: {x: sum(prize)}}", "compute.x: there is no column 'prize'"),
        ("{seconds: 60, compute: {x: sum(name)}}", "name is of type string. sum needs a number"),
        ("{seconds: 60, compute: {x: median(id)}}", "Allowed: count, or sum, avg, min, max or distinct of a column"),
        ("{seconds: 60, by: id, compute: {id: count}}", "id: is already a column of the window"),
        (
            "{seconds: 60, alert: events > 1}, sums_alerts: {seconds: 60}",
            "another table is named orders_sums_alerts too",
        ),
        ("{seconds: 60, alert: 'a > \"b\"'}", 'alert: is not allowed. Allowed: a SQL condition without "'),
        ("{seconds: 60, compute: {window_end: count}}", "window_end: is already a column of the window"),
    ],
)
def test_an_invalid_window_is_refused(tmp_path: Path, window: str, message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(written(tmp_path, window))
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("event_time", "more", "message"),
    [
        ("null", "", "need the time of the events. Add event_time: {column: ...}"),
        ("{column: when}", "", "there is no column 'when'"),
        ("{column: day}", "", "day is date. Windows go by a timestamp"),
        ("{column: at}", "    application: {connection: vpc}", "there is no connection 'vpc' of type network"),
        (
            "{column: at}",
            "  orders_sums: {columns: {id: int}}",
            "a table of another stream's windows has this name too",
        ),
    ],
)
def test_event_time_and_application_of_windows_are_checked(
    tmp_path: Path, event_time: str, more: str, message: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(written(tmp_path, "{seconds: 60}", event_time, more))
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("aggregate", "sql", "flink_type", "type_"),
    [
        ("count", "COUNT(*)", "BIGINT", "bigint"),
        ("distinct(name)", "COUNT(DISTINCT `name`)", "BIGINT", "bigint"),
        ("sum(id)", "SUM(CAST(`id` AS BIGINT))", "BIGINT", "bigint"),
        ("sum(weight)", "SUM(CAST(`weight` AS DOUBLE))", "DOUBLE", "double"),
        ("sum(price)", "SUM(CAST(`price` AS DECIMAL(38,2)))", "DECIMAL(38,2)", "decimal(38,2)"),
        ("avg(id)", "AVG(CAST(`id` AS DOUBLE))", "DOUBLE", "double"),
        ("min(at)", "MIN(`at`)", "TIMESTAMP(3)", "timestamp"),
        ("max(name)", "MAX(`name`)", "STRING", "string"),
    ],
)
def test_an_aggregate_keeps_its_type(tmp_path: Path, aggregate: str, sql: str, flink_type: str, type_: str) -> None:
    window = Window(seconds=60, compute={"x": aggregate})
    lake = load(written(tmp_path, "{seconds: 60}"))
    stream = lake.config.streams["orders"].model_copy(update={"columns": COLUMNS, "windows": {"sums": window}})
    assert stream.event_time is not None
    found = groups(stream, stream.event_time, "arn:source", {"sums": "arn:sums", "rejected": "arn:no"}, "eu-west-1")
    assert json.loads(found["window.sums"]["aggregates"]) == {"x": [sql, flink_type]}
    assert result_columns(window, COLUMNS)["x"] == type_


def test_without_the_jar_an_account_gets_no_application_and_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, jar = written(tmp_path, "{seconds: 60}"), tmp_path / "dependencies.jar"
    monkeypatch.setenv(flink.JAR, str(jar))
    dev = load(file, "dev")
    assert flink.missing(load(file, "local")) == ""
    assert f"the windows of orders are not deployed: {jar} does not exist" in flink.missing(dev)
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("org/apache/flink/connector/kinesis/source/KinesisStreamsSource.class", "")
    assert f"{jar} lacks the format of the events" in flink.missing(dev)
    with zipfile.ZipFile(jar, "a") as archive:
        archive.writestr("lake/events/EventFormatFactory.class", "")
    assert flink.missing(dev) == ""
    jar.write_text("no jar")
    assert f"{jar} is not a jar" in flink.missing(dev)
