"""Windows equal a batch computation over the same events, in whatever order they arrive and whatever is killed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from hypothesis import Phase, given, settings, strategies

from tests.embedded import client
from tests.local_aws.conftest import free_port, started, stopped, until
from tests.local_aws.streams.flink.conftest import App, needs_flink
from tests.local_aws.streams.flink.test_life import event, processes

pytestmark = needs_flink
LATENESS, SECONDS = 30, 60
EXAMPLES = int(os.environ.get("LAKE_FLINK_EXAMPLES", "4"))
FIRST = datetime(2026, 1, 1)
PATIENCE = 300
"""Seconds, for an application that was killed to start again on a busy machine."""
KINDS = {
    "all": {"kind": "tumbling", "seconds": str(SECONDS), "by": {"k": "STRING"}},
    "hops": {"kind": "sliding", "seconds": str(SECONDS), "every": "20", "by": {"k": "STRING"}},
    "visits": {"kind": "session", "gap": "15", "by": {"k": "STRING"}},
}
AGGREGATES = {"events": ["COUNT(*)", "BIGINT"], "total": ["SUM(CAST(`n` AS BIGINT))", "BIGINT"]}
Row = tuple[datetime, datetime, str, int, int]
Event = tuple[datetime, str, int]


def batch(kind: str, events: list[Event]) -> set[Row]:
    """Return the windows of these events, computed directly."""
    return _sessions(events) if kind == "visits" else _fixed(events, 20 if kind == "hops" else SECONDS)


def _fixed(events: list[Event], every: int) -> set[Row]:
    counted: Counter[tuple[datetime, str]] = Counter()
    total: Counter[tuple[datetime, str]] = Counter()
    for at, key, number in events:
        last = at - timedelta(seconds=(at - FIRST).total_seconds() % every)
        for back in range(SECONDS // every):
            start = last - timedelta(seconds=back * every)
            counted[start, key] += 1
            total[start, key] += number
    length = timedelta(seconds=SECONDS)
    return {(start, start + length, key, n, total[start, key]) for (start, key), n in counted.items()}


def _sessions(events: list[Event]) -> set[Row]:
    gap, found = timedelta(seconds=15), set()
    for key in {key for _, key, _ in events}:
        open_: list[Event] = []
        for one in [*sorted(e for e in events if e[1] == key), None]:
            if open_ and (one is None or one[0] > open_[-1][0] + gap):
                found.add((open_[0][0], open_[-1][0] + gap, key, len(open_), sum(n for _, _, n in open_)))
                open_ = []
            open_ += [one] if one else []
    return found


def on_time(events: list[Event]) -> tuple[list[Event], list[Event]]:
    """Return the events that windows count and the late ones, by order of arrival."""
    newest, good, late = datetime.min, list[Event](), list[Event]()
    for one in events:
        newest = max(newest, one[0])
        (late if one[0] < newest - timedelta(seconds=LATENESS) else good).append(one)
    return good, late


def rows(app: App, window: str, day: datetime) -> set[Row]:
    """Return the results of a day without repetitions: after a failure, some are sent again."""
    found = set()
    for row in app.records(window):
        start, end = (datetime.fromisoformat(row[name]) for name in ("window_start", "window_end"))
        if abs(start - day) < timedelta(hours=1):
            found.add((start, end, row["k"], row["events"], row["total"]))
    return found


def placed(arrived: list[tuple[int, int, str, int, str]]) -> list[tuple[int, str, int, str]]:
    """Return arrivals as (second, key, number, how): each is seconds after the newest one, and seconds before that."""
    second, found = 0, []
    for gap, back, key, number, how in arrived:
        second += gap
        found.append((max(second - back, 0), key, number, how))
    return found


ARRIVALS = strategies.lists(
    strategies.tuples(
        strategies.sampled_from([0, 1, 3, 20]),
        strategies.sampled_from([0, 0, 5, LATENESS, LATENESS + 1, 90]),
        strategies.sampled_from("ab"),
        strategies.integers(-5, 5),
        strategies.sampled_from(["good", "good", "good", "bad", "twice"]),
    ),
    min_size=20,
    max_size=80,
).map(placed)
"""Events as (second, key, number, how) in order of arrival: out of order, late, duplicated, malformed."""


def test_windows_equal_a_batch_over_the_same_events(make_app: Callable[..., App]) -> None:
    app = make_app({name: {**kind, "aggregates": AGGREGATES} for name, kind in KINDS.items()}, lateness=str(LATENESS))
    app.start()
    # Each day is later than the ones before: an application's time only goes forward. On each second day it is killed.
    days = ((FIRST + timedelta(days=number), number % 2 == 1) for number in count())

    # An application takes seconds for an example, and minutes for one that fails: so there are few, and none is shrunk.
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(ARRIVALS)
    def windows_are_exact(arrived: list[tuple[int, str, int, str]]) -> None:
        day, killed = next(days)
        a_day_of_events_is_exact(app, day, arrived, killed=killed)

    windows_are_exact()


@pytest.mark.parametrize("parallelism", [1, 3])
def test_events_of_several_shards_are_read_in_the_order_of_their_arrival(
    make_app: Callable[..., App], parallelism: int
) -> None:
    counts = {"counts": {**KINDS["all"], "by": {}, "aggregates": AGGREGATES}}
    # Without lateness, an event is rejected as soon as one that arrived after it is read before it.
    app = make_app(counts, parallelism=parallelism, lateness="0")
    app.start()
    for number in range(600):
        at = FIRST + timedelta(seconds=0.1 * number)
        app.put({"k": "a", "ts": at.isoformat(), "n": number}, key=str(number % 7))
        sleep(0.005)
    app.put({"k": "a", "ts": (FIRST + timedelta(minutes=2)).isoformat(), "n": 0})
    assert app.expect("counts", 1)[0]["events"] == 600
    assert app.records("rejected") == []


def a_day_of_events_is_exact(
    app: App, day: datetime, arrived: list[tuple[int, str, int, str]], *, killed: bool
) -> None:
    events, sent = list[Event](), list[Any]()
    for second, key, number, how in arrived:
        at = day + timedelta(seconds=second)
        if how == "bad":
            sent.append(f"bad {day:%d} {len(sent)}")
            continue
        for _ in range(2 if how == "twice" else 1):
            events.append((at, key, number))
            sent.append({"k": key, "ts": at.isoformat(), "n": number})
    app.put(*sent[: len(sent) // 2])
    if killed:
        os.kill(until(lambda: processes(app), PATIENCE)[0], signal.SIGKILL)
    app.put(*sent[len(sent) // 2 :], {"k": "end", "ts": (day + timedelta(hours=12)).isoformat(), "n": 0})

    good, late = on_time(events)
    for window in KINDS:
        expected = batch(window, good)
        until(lambda w=window, e=expected: rows(app, w, day) >= e, PATIENCE)
        assert rows(app, window, day) == expected
    malformed, times = {text for text in sent if isinstance(text, str)}, {str(at) for at, _, _ in late}
    until(lambda: rejected_fields(app, "malformed", "event", f"bad {day:%d}") == malformed, PATIENCE)
    until(lambda: rejected_fields(app, "late", "event_time", f"{day:%Y-%m-%d}") == times, PATIENCE)


def rejected_fields(app: App, kind: str, field: str, mark: str) -> set[str]:
    """Return a field of the rejected events of a kind whose text contains the mark."""
    return {row[field] for row in app.records("rejected") if row["kind"] == kind and mark in row["event"]}


def test_an_application_resumes_after_the_embedded_aws_was_killed(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "aws"
    process = started(port, folder)
    app = App(
        lambda service: client(service, f"http://127.0.0.1:{port}"),
        "survivor",
        {"counts": {**KINDS["all"], "aggregates": AGGREGATES}},
    )
    try:
        app.create()
        app.start()
        for number in range(3):
            app.put(*({**event(f"00:00:{10 * number + n:02}"), "n": 1} for n in range(10)))
            process.kill()
            process.wait()
            until(lambda: not processes(app), 30)
            process = started(port, folder)
            until(lambda: processes(app), 120)
            assert app.status == "RUNNING"
        app.put({**event("00:05:00"), "n": 0})
        assert {(row["events"], row["total"]) for row in app.expect("counts", 1, 200)} == {(30, 30)}
    finally:
        stopped(process)
    until(lambda: not processes(app), 30)


def test_an_application_that_was_stopping_when_the_embedded_aws_was_killed_resumes(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "aws"
    process = started(port, folder)
    counts = {"counts": {**KINDS["all"], "aggregates": AGGREGATES}}
    app = App(lambda service: client(service, f"http://127.0.0.1:{port}"), "stopping", counts)
    try:
        app.create()
        app.start()
        app.put({**event("00:00:01"), "n": 1})
        [java] = processes(app)
        os.kill(java, signal.SIGSTOP)
        app.flink.stop_application(ApplicationName=app.name)
        process.kill()
        process.wait()
        process = started(port, folder)
        until(lambda: (found := processes(app)) and java not in found, 120)
        assert app.status == "RUNNING"
        app.put({**event("00:00:02"), "n": 1}, {**event("00:05:00"), "n": 0})
        assert {row["events"] for row in app.expect("counts", 1, 200)} == {2}
    finally:
        stopped(process)
