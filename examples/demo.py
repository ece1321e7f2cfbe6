"""The complete lake in one run: `make demo`.

It calls the same commands as a user, and compares Athena's answers with what pandas computes from the package's own
files. Exit code 1 if they differ. The lake stays up, so that you can explore it.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from examples import sample
from examples.console import answer, lake, prompt, say, seconds
from lake.configuration.flink import is_installed

DATASETS = ("flights", "weather", "airlines", "airports", "planes")
DELIVERY_SECONDS = 120
LATENESS = pd.Timedelta(seconds=3600)
WINDOWS = """SELECT DISTINCT CAST(window_start AS varchar) AS hour, carrier, departures, delay
FROM departures_hourly ORDER BY 1, 2"""


def main() -> None:
    prompt("python -m examples.sample .local/sample")
    files = sample.write(Path(".local/sample"))
    lake("local", "start")
    lake("up")
    for dataset in DATASETS:
        lake("put", dataset, str(files / dataset))
    lake("run", "--workflow", "refresh")
    lake("query", "--name", "flights_total")
    lake("query", "--name", "late_carriers")
    before = _departures()
    if is_installed():
        lake("stream", "start", "departures")
    lake("send", "departures", str(files / "departures.jsonl"), "--rate", "300")
    arrived = _arrived(before, files / "departures.jsonl")
    lake("query", "--name", "departures_by_carrier")
    lake("status")
    differences = _differences(arrived, files / "departures.jsonl")
    if not is_installed():
        say("No Flink here, so no windows were computed: `make flink` brings it (700 MB), and then run the demo again")
    for difference in differences:
        say(f"DIFFERS  {difference}")
    if differences:
        sys.exit(1)
    say(
        f"All results match those of pandas, in {seconds():.0f} s.\n"
        "The lake is up. Look around:  . .tools/env.sh; lake query 'SELECT ...'; cdktf plan storage\n"
        "Take it down:                 lake down --delete-data && lake leftovers; lake local stop"
    )


def _query(*query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answer("query", *query)["rows"]
    return rows


def _departures() -> Counter[str]:
    return Counter({row["carrier"]: row["departures"] for row in _query("--name", "departures_by_carrier")})


def _arrived(before: Counter[str], sent: Path) -> Counter[str]:
    """Wait for Firehose. Returns the departures by carrier that arrived since `before`."""
    expected = len(sent.read_text().splitlines())
    deadline = time.monotonic() + DELIVERY_SECONDS
    while (arrived := _departures() - before).total() < expected and time.monotonic() < deadline:
        time.sleep(2)
    return arrived


def _windows(count: int) -> dict[str, tuple[int, float]]:
    """What Flink computed, once Firehose has written so many windows."""
    deadline = time.monotonic() + DELIVERY_SECONDS
    while len(rows := _query("--database", "streams", WINDOWS)) < count and time.monotonic() < deadline:
        time.sleep(2)
    return {f"{row['hour'][11:16]} {row['carrier']}": (row["departures"], round(row["delay"], 2)) for row in rows}


def _hourly(events: pd.DataFrame) -> dict[str, tuple[int, float]]:
    """The same by pandas: of the events that are not late, in the windows that have ended."""
    hours = pd.to_datetime(events.time_hour)
    newest = hours.cummax()
    on_time = events.assign(hour=hours)[hours >= newest - LATENESS]
    ended = on_time[on_time.hour + pd.Timedelta(hours=1) <= newest.max() - LATENESS]
    found = ended.groupby(["hour", "carrier"]).dep_delay.agg(["size", "mean"]).reset_index()
    return {
        f"{hour:%H:%M} {carrier}": (int(size), round(mean, 2))
        for hour, carrier, size, mean in found.itertuples(index=False)
    }


def _differences(arrived: Counter[str], sent: Path) -> list[str]:
    flights = pd.read_csv(sample.source("flights"))
    airlines = pd.read_csv(sample.source("airlines"))
    named = flights[flights.arr_delay > 15].merge(airlines, on="carrier").name
    late = named.value_counts().sort_index().sort_values(ascending=False, kind="stable").head(5)
    events = flights[flights.dep_time.notna()].head(len(sent.read_text().splitlines()))
    compared: dict[str, tuple[Any, Any]] = {
        "flights": (_query("--name", "flights_total")[0]["flights"], len(flights)),
        "late carriers": (
            {row["airline"]: row["late_arrivals"] for row in _query("--name", "late_carriers")},
            {str(name): int(count) for name, count in late.items()},
        ),
        "departures": (dict(sorted(arrived.items())), dict(sorted(Counter(events.carrier).items()))),
    }
    if is_installed():
        expected = _hourly(events)
        compared["departures by hour and carrier, and their mean delay, by Flink"] = (_windows(len(expected)), expected)
    for name, (athena, pandas) in compared.items():
        say(f"{name}\n  Athena: {athena}\n  pandas: {pandas}")
    return [f"{name}: {athena} is not {pandas}" for name, (athena, pandas) in compared.items() if athena != pandas]


if __name__ == "__main__":
    main()
