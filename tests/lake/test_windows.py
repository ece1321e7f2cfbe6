"""What a window in lake.yaml may ask for, and what it becomes."""

from __future__ import annotations

import json
import runpy
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from lake.configuration import flink
from lake.configuration.model import Window
from lake.configuration.reading import ConfigError, Lake, load
from lake.deploying import lifecycle
from lake.deploying.backend import state_file, state_key
from lake.deploying.progress import Progress
from lake.deploying.terraform import synthesise
from lake.errors import LakeError
from lake.shipped import FLINK_APP
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
        (f"{{seconds: 60, filter: 'id > {'1' * 2050}'}}", "filter: it has 2055 characters. Allowed: 2048"),
        (f"{{seconds: 60, alert: 'events > {'1' * 2050}'}}", "alert: it has 2059 characters. Allowed: 2048"),
        (
            "{seconds: 60}, " + ", ".join(f"w{number}: {{seconds: 60}}" for number in range(48)),
            "windows: there are 49. Allowed: 48",
        ),
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


def test_what_an_application_is_told_of_many_columns_fits_into_the_properties_of_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {f"measurement_of_sensor_{number}": "double" for number in range(300)} | {"at": "timestamp"}
    window = Window(seconds=60, by=list(columns)[:90], compute={f"most_{name}": f"max({name})" for name in columns})
    given = load(written(tmp_path, "{seconds: 60}")).config.streams["orders"]
    stream = given.model_copy(update={"columns": columns, "windows": {"sums": window}})
    assert stream.event_time is not None
    found = groups(stream, stream.event_time, "arn:source", {"sums": "arn:sums", "rejected": "arn:no"}, "eu-west-1")

    assert all(len(group) <= 50 for group in found.values())
    assert all(1 <= len(value) <= 2048 for group in found.values() for value in group.values())
    for missing in ("pyflink", "pyflink.table"):
        monkeypatch.setitem(sys.modules, missing, MagicMock())
    main = runpy.run_path(str(FLINK_APP / "main.py"))
    declared = main["events"](found["stream"])["columns"]
    assert declared == ", ".join(f"`{name}` {'DOUBLE' if name != 'at' else 'TIMESTAMP(3)'}" for name in columns)
    words = main["window"]("sums", found["window.sums"], "eu-west-1")
    assert words["results"].count("MAX(") == len(columns)
    assert words["by"].count("`") == 2 * 90


DEPLOYED = {"resources": [{"mode": "managed", "type": flink.APPLICATION, "instances": [{}]}]}


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake of an account, on a machine without the jar."""
    monkeypatch.setenv(flink.JAR, str(tmp_path / "nothing.jar"))
    return load(written(tmp_path, "{seconds: 60}"), "dev")


def keep(lake: Lake, state: dict[str, Any]) -> None:
    file = state_file(lake, "streaming")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(state))


@pytest.mark.parametrize("command", [lifecycle.up, lifecycle.plan])
def test_a_missing_jar_ends_no_application_that_is_deployed(dev: Lake, command: Any) -> None:
    keep(dev, DEPLOYED)
    aws: Any = SimpleNamespace(lake=dev)  # no call of AWS comes before the refusal
    with pytest.raises(LakeError, match="the windows of orders are deployed, and a deploy from here would destroy"):
        command(aws, [], print, None)


def test_a_state_in_a_bucket_is_asked_for_the_application_too(tmp_path: Path, dev: Lake) -> None:
    text = dev.file.read_text().replace("dev: {region: eu-west-1}", "dev: {region: eu-west-1, state: {bucket: kept}}")
    dev.file.write_text(text)
    lake = load(dev.file, "dev")
    kept = {("kept", state_key(lake, "streaming")): json.dumps(DEPLOYED).encode()}

    def get_object(Bucket: str, Key: str) -> Any:  # noqa: N803
        return {"Body": SimpleNamespace(read=lambda: kept[Bucket, Key])}

    aws: Any = SimpleNamespace(lake=lake, s3=SimpleNamespace(get_object=get_object))
    with pytest.raises(LakeError, match="would destroy them"):
        lifecycle.up(aws, ["streaming"], print, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", [lifecycle.up, lifecycle.plan])
def test_a_first_deploy_without_the_jar_says_that_windows_are_left_out(
    dev: Lake, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []

    def take(progress: Progress) -> None:
        notes.extend(progress.notes)

    def stop(*_: object) -> None:
        raise LakeError("what follows asks AWS")

    monkeypatch.setattr(lifecycle, "need_living_keys", stop)
    aws: Any = SimpleNamespace(lake=dev)
    with pytest.raises(LakeError, match="what follows asks AWS"):
        command(aws, ["streaming"], take, None)
    assert [note for note in notes if "the windows of orders are not deployed" in note] == notes != []


def test_a_synth_for_cdktf_fails_where_it_would_end_an_application(dev: Lake) -> None:
    synthesise(dev)
    keep(dev, DEPLOYED)
    with pytest.raises(LakeError, match="synthesised:\nthe windows of orders are deployed, and a deploy from here"):
        synthesise(dev)
    synthesise(dev, destroys=["streaming"])
