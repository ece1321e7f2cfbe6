"""What a lake costs, reckoned from lake.yaml and a table of prices."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lake.costs.prices import TABLE, Prices
from lake.costs.schedules import times_a_month
from tests.lake.commands import Done, Prompt

HEAD = "project: shop\nenvironments: {{dev: {{region: {region}}}}}\n"
JOB = "jobs: {{j: {{source: d, sink: {{table: t}}, {settings}}}}}\ndatasets: {{d: {{format: csv}}}}\n"


class Reckoned:
    """The JSON of `lake cost`."""

    def __init__(self, done: Done) -> None:
        assert done.code == 0, done.err
        self.document = done.json

    def usd(self, part: str) -> float:
        (found,) = [cost for cost in self.document["costs"] if cost["part"] == part]
        return round(found["usd"], 4)


@pytest.fixture
def cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def reckon(rest: str = "", *options: str, region: str = "us-east-1") -> Reckoned:
        file = tmp_path / "lake.yaml"
        file.write_text(HEAD.format(region=region) + rest)
        return Reckoned(Prompt(file, monkeypatch, capsys).lake("cost", "--json", *options))

    return reckon


IDLE = 1 + 3 + 3 * 0.10
"""Of a lake that is empty: its key, its dashboard, and the alarms of its queries."""


def test_an_empty_lake_costs_its_key_its_dashboard_and_its_alarms(cost) -> None:
    assert cost().document["idle_month_usd"] == cost().document["month_usd"] == IDLE


@pytest.mark.parametrize(
    ("settings", "usd"),
    [
        ("workers: 2", 2 * 0.44 / 12),
        ("workers: 10", 10 * 0.44 / 12),
        ("worker_type: G.2X, workers: 2", 2 * 2 * 0.44 / 12),
        ("flex: true", 2 * 0.29 / 12),
    ],
)
def test_a_run_costs_its_workers_for_the_minutes_that_are_given(cost, settings: str, usd: float) -> None:
    assert cost(JOB.format(settings=settings)).usd("run of j") == pytest.approx(usd, abs=1e-4)
    hour = cost(JOB.format(settings=settings), "--minutes", "60").usd("run of j")
    assert hour == pytest.approx(12 * usd, abs=1e-3)


def test_a_shorter_run_is_billed_for_a_minute(cost) -> None:
    assert cost(JOB.format(settings="workers: 2"), "--minutes", "0").usd("run of j") == round(2 * 0.44 / 60, 4)


def test_a_schedule_adds_to_the_month_and_not_to_what_is_idle(cost) -> None:
    daily = cost("datasets: {d: {format: csv, crawl: {schedule: cron(0 3 * * ? *)}}}").document
    assert daily["idle_month_usd"] == IDLE
    assert daily["month_usd"] == pytest.approx(IDLE + 30.4 * 2 * 0.44 / 6, abs=0.2)


def test_a_workflow_costs_its_crawls_and_its_runs(cost) -> None:
    workflow = "workflows: {w: {steps: [{crawl: [d]}, {run: [j]}]}}\n"
    found = cost(JOB.format(settings="workers: 2") + workflow)
    assert found.usd("workflow w") == pytest.approx(found.usd("crawl of d") + found.usd("run of j"), abs=1e-4)


@pytest.mark.parametrize(
    ("stream", "part", "usd"),
    [
        ("shards: 1", "1 shard of s", 730 * 0.015),
        ("shards: 4", "4 shards of s", 4 * 730 * 0.015),
        ("mode: on_demand", "s, on demand", 730 * 0.04),
    ],
)
def test_a_stream_costs_by_the_hour(cost, stream: str, part: str, usd: float) -> None:
    assert cost(f"streams: {{s: {{columns: {{a: int}}, {stream}}}}}").usd(part) == round(usd, 4)


def test_an_application_costs_its_units_and_one_more(cost) -> None:
    stream = (
        "streams: {s: {columns: {a: int, t: timestamp}, event_time: {column: t}, windows: {w: {seconds: 60}}, "
        "application: {parallelism: 5, parallelism_per_kpu: 2}}}"
    )
    part = "application of s while it runs: 3 + 1 KPU"
    assert cost(stream).usd(part) == round(4 * 730 * 0.11 + 3 * 50 * 0.10, 4)


def test_each_stream_that_an_application_writes_to_costs_a_shard(cost) -> None:
    windows = "{w: {seconds: 60, alert: events > 1}, v: {gap: 5}}"
    stream = f"streams: {{s: {{columns: {{t: timestamp}}, event_time: {{column: t}}, windows: {windows}}}}}"
    parts = {each["part"]: each["usd"] for each in cost(stream).document["costs"] if each["service"] == "Kinesis"}
    shard = pytest.approx(730 * 0.015)
    results = ("s_w", "s_v", "s_w_alerts", "s_rejected")
    assert parts == {"1 shard of s": shard} | {f"shard of {name}": shard for name in results}


MODELS = """
datasets: {d: {format: json, catalog: declared, columns: {id: string, at: timestamp, late: boolean}}}
training_sets:
  t:
    from: d
    entity: id
    time: at
    label: late
    split: {by: hash}
    drift: {on: d, schedule: cron(0 5 * * ? *)}
feature_groups:
  f: {identifier: id, time: at, features: {id: string}, online: true}
  g: {identifier: id, time: at, features: {id: string}}
"""


def test_the_ml_stack_costs_its_builds_its_drift_reports_and_its_online_feature_groups(cost) -> None:
    found = cost(MODELS)
    parts = {each["part"]: each for each in found.document["costs"] if each["stack"] == "ml"}
    run = pytest.approx(2 * 0.44 / 12)
    assert {name: part["usd"] for name, part in parts.items()} == {
        "build of t": run,
        "drift of t": run,
        "online features of f: write": 1.25,
        "online features of f: read": 0.25,
        "online features of f: storage": 0.45,
    }
    assert parts["build of t"]["monthly"] is None
    assert parts["drift of t"]["monthly"] == pytest.approx(2 * 0.44 / 12 * 730 / 24, rel=0.01)


@pytest.mark.parametrize(
    ("delivery", "usd"),
    [
        ("format: json, compression: gzip", 0.029),
        ("format: parquet", 0.029 + 0.018),
        ("partition_by: {k: .a}", 0.029 + 0.018 + 0.02),
    ],
)
def test_what_firehose_does_to_events_is_in_their_price(cost, delivery: str, usd: float) -> None:
    assert cost(f"streams: {{s: {{columns: {{a: int}}, delivery: {{{delivery}}}}}}}").usd("delivery of s") == usd


@pytest.mark.parametrize(
    ("schedule", "times"),
    [
        ("cron(0 * * * ? *)", 730),
        ("cron(* * * * ? *)", 43_800),
        ("cron(0 0 1 * ? *)", 12 * 730 / 8760),
        (None, 0),
        ("cron(0 0 1 1 ? 2020)", 0),
    ],
)
def test_a_schedule_comes_round_so_often_a_month(schedule: str | None, times: float) -> None:
    assert times_a_month(schedule) == pytest.approx(times, rel=0.01)


def test_every_price_names_its_page_and_its_day_or_counts_as_unchecked() -> None:
    prices = Prices("us-east-1")
    for price in prices.values():
        assert price.page.startswith("https://aws.amazon.com/")
        assert (
            price.name in prices.unchecked if price.as_of is None else date(2025, 1, 1) <= price.as_of <= date.today()
        )


def test_prices_that_nobody_checked_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lake.yaml").write_text(HEAD.format(region="us-east-1"))
    told = " ".join(Prompt(tmp_path / "lake.yaml", monkeypatch, capsys).lake("cost").out.split())
    assert "the oldest of 2025-10-01, not checked: alarm, dashboard," in told
    assert "kms_key" not in told


def test_a_region_without_prices_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lake.yaml"
    file.write_text(HEAD.format(region="ap-south-1"))
    done = Prompt(file, monkeypatch, capsys).lake("cost")
    assert "no prices of ap-south-1: these are of us-east-1" in done.err
    assert f"A month costs {IDLE:.2f} USD idle" in done.out


def test_a_table_of_ones_own_counts(cost, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text(TABLE.read_text().replace("us-east-1", "ap-south-1").replace("kms_key,1,", "kms_key,3,"))
    assert cost("", "--prices", str(mine), region="ap-south-1").document["idle_month_usd"] == IDLE + 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no price in it"),
        ("a,b\n1,2\n", "line 2: this is no price"),
        (TABLE.read_text().replace("kms_key,1,", "kms_key,much,"), "this is no price"),
        ("\n".join(TABLE.read_text().splitlines()[:3]), "there is no price of secret"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    (tmp_path / "mine.csv").write_text(text)
    (tmp_path / "lake.yaml").write_text(HEAD.format(region="us-east-1"))
    prompt = Prompt(tmp_path / "lake.yaml", monkeypatch, capsys)
    done = prompt.lake("cost", "--prices", str(tmp_path / "mine.csv"))
    assert (done.code, message in done.err) == (2, True), done.err


def test_the_chart_is_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lake.yaml").write_text(HEAD.format(region="us-east-1"))
    done = Prompt(tmp_path / "lake.yaml", monkeypatch, capsys).lake("cost", "--chart", str(tmp_path / "cost.svg"))
    assert done.code == 0
    assert (tmp_path / "cost.svg").read_text().startswith("<svg")
