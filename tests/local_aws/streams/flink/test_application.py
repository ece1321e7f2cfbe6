"""An application in real Flink: it reads a stream and aggregates in windows, and no event stops it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.local_aws.streams.flink.conftest import APPLICATION, App, needs_flink

pytestmark = needs_flink
MALFORMED = {
    "nope": "it is not JSON",
    "": "it is empty",
    "[1]": "it is not a JSON object",
    '{"k": "a"}': "ts: it is missing",
    '{"k": "a", "ts": null}': "ts: it is missing",
    '{"k": "a", "ts": "yesterday"}': "ts: yesterday is no timestamp",
    **{
        f'{{"k": "a", "ts": "{text}"}}': f"ts: {text} is no timestamp"
        for text in (
            "2026-02-30",
            "2026-13-01",
            "2026-1-01",
            "26-01-01",
            "2026-01-01T",
            "2026-01-01T05",
            "2026-01-01T24:00:00",
            "2026-01-01T05:60:00",
            "2026-01-01T05:00:00.",
            "2026-01-01T05:00:00.1234567890",
            "2026-01-01T05:00:00+1",
            "2026-01-01T05:00:00+19:00",
            "2026-01-01T05:00:00  Z",
            "2026-01-01 CET",
            "\u0662\u0660\u0662\u0666-01-01",
        )
    },
    '{"k": "a", "ts": "2026-01-01", "n": "x"}': "n: x is no int",
    '{"k": "a", "ts": "2026-01-01", "n": 1.5}': "n: 1.5 is no int",
    '{"k": "a", "ts": "2026-01-01", "n": 3000000000}': "n: 3000000000 is no int",
    '{"k": "a", "ts": "2026-01-01", "ok": "yes"}': "ok: yes is no boolean",
    '{"k": "a", "ts": "2026-01-01", "v": {"x": 1}}': "v: an object or a list is no double",
    '{"k": "a", "ts": "2026-01-01", "v": "NaN"}': "v: NaN is no double",
    '{"K": "a", "ts": "2026-01-01"}': "k: the event spells it K",
    '{"k": "a", "ts": "2026-01-01"}{"k": "b", "ts": "2026-01-01"}': "there is more than one JSON object in the record",
    '{"k": "a", "ts": "2999-01-01"}': "ts: 2999-01-01T00:00 is more than 3600 s in the future",
}
FIRST_MINUTE = [
    "2026-01-01",
    "2026-01-01 00:00:01",
    "2026-01-01T00:00:02Z",
    "2026-01-01T02:00:03.250+02:00",
    "2026-01-01 00:00:04 UTC",
    "2026-01-01 Z",
    "2026-01-01+0000",
    "2025-12-31T19:00-05",
    "2026-01-01T00:00:05,5z",
    "2026-01-01 00:00:06.123456789",
    1767225605,
    1767225606000,
]


def event(ts: Any, k: str = "a", **fields: Any) -> dict[str, Any]:
    return {"k": k, "ts": ts, **fields}


def test_events_are_counted_by_event_time_and_rejected_ones_are_kept_with_a_reason(
    make_app: Callable[..., App],
) -> None:
    app = make_app()
    app.start()
    assert app.status == "RUNNING"

    app.put(*MALFORMED)
    app.put(*map(event, FIRST_MINUTE), event("2026-01-01 00:00:07", "b"), event("2026-01-01 00:05:00"))

    counted = {"window_start": "2026-01-01 00:00:00", "window_end": "2026-01-01 00:01:00"}
    windows = app.expect("counts", 2)
    assert sorted(windows, key=lambda row: row["k"]) == [
        {**counted, "k": "a", "events": len(FIRST_MINUTE)},
        {**counted, "k": "b", "events": 1},
    ]
    app.put(event("2026-01-01 00:00:09"))
    rejected = app.expect("rejected", len(MALFORMED) + 1)
    assert {row["event"]: row["reason"] for row in rejected if row["kind"] == "malformed"} == MALFORMED
    assert [(row["event_time"], row["reason"]) for row in rejected if row["kind"] == "late"] == [
        ("2026-01-01 00:00:09", "it is older than the newest event by more than 5 s")
    ]
    assert len(app.records("counts")) == 2


def test_windows_of_every_kind_compute_their_aggregates(make_app: Callable[..., App]) -> None:
    by = {"by": {"k": "STRING"}}
    every_aggregate = {
        "events": ["COUNT(*)", "BIGINT"],
        "total": ["SUM(CAST(`n` AS BIGINT))", "BIGINT"],
        "mean": ["AVG(CAST(`n` AS DOUBLE))", "DOUBLE"],
        "least": ["MIN(`v`)", "DOUBLE"],
        "most": ["MAX(`v`)", "DOUBLE"],
        "kinds": ["COUNT(DISTINCT `n`)", "BIGINT"],
    }
    counted = {"aggregates": {"events": ["COUNT(*)", "BIGINT"]}}
    app = make_app(
        {
            "all": {"kind": "tumbling", "seconds": "60", **by, "aggregates": every_aggregate},
            "events": {"kind": "tumbling", "seconds": "30", **by, **counted, "alert": "events > 1 AND k <> 'b'"},
            "far": {"kind": "tumbling", "seconds": "60", "by": {}, **counted, "filter": "v > 2 AND k <> 'x''y'"},
            "hops": {"kind": "sliding", "seconds": "60", "every": "30", **by, **counted},
            "visits": {"kind": "session", "gap": "20", **by, **counted},
        }
    )
    app.start()

    rows = [("00:00:01", 1, 1.5), ("00:00:02", 2, 2.5), ("00:00:31", 2, 3.5)]
    app.put(*(event(f"2026-01-01 {at}", n=n, v=v) for at, n, v in rows), event("2026-01-01 00:10:00"))

    def shown(window: str, count: int) -> list[tuple[Any, ...]]:
        found = app.expect(window, count)
        return sorted((row["window_start"][11:], row["window_end"][11:], row["events"]) for row in found)

    assert shown("far", 1) == [("00:00:00", "00:01:00", 2)]
    assert shown("hops", 3) == [("00:00:00", "00:01:00", 3), ("00:00:30", "00:01:30", 1), ("23:59:30", "00:00:30", 2)]
    assert shown("visits", 2) == [("00:00:01", "00:00:22", 2), ("00:00:31", "00:00:51", 1)]
    [everything] = app.expect("all", 1)
    assert shown("events", 2) == [("00:00:00", "00:00:30", 2), ("00:00:30", "00:01:00", 1)]
    assert shown("events-alerts", 1) == [("00:00:00", "00:00:30", 2)]
    expected = {"events": 3, "total": 5, "mean": 5 / 3, "least": 1.5, "most": 3.5, "kinds": 2}
    assert {name: everything[name] for name in expected} == expected


def test_an_application_with_more_tasks_than_shards_reads(make_app: Callable[..., App]) -> None:
    app = make_app()
    code = (APPLICATION / "main.py").read_text()
    tasks = code.replace('"pipeline.object-reuse"', '"parallelism.default": "3", "pipeline.object-reuse"')
    app.put_code(changed={"main.py": tasks})

    app.start()

    app.put(event("2026-01-01 00:00:01"), event("2026-01-01 00:05:00"))
    assert [row["events"] for row in app.expect("counts", 1)] == [1]


def test_events_of_a_mebibyte_and_numbers_that_are_almost_zero_do_not_stop_the_application(
    make_app: Callable[..., App],
) -> None:
    app = make_app()
    app.start()
    long = "\U0001f30d" + "x" * 1_048_400
    late = json.dumps(event("2026-01-01 00:00:02", x="z" * 1_048_000))
    app.put(event("2026-01-01 00:00:00"))
    app.put(f'{{"k": "a", "ts": "2026-01-01 00:00:01", "d": 1e-400000000, "x": "{"y" * 1_000_000}"}}')
    app.put(event("2026-01-01 00:05:00"))

    app.put(late)
    app.put(long)

    assert [row["events"] for row in app.expect("counts", 1)] == [2]
    rejected = {row["kind"]: row["event"] for row in app.expect("rejected", 2)}
    assert rejected == {"late": late[:131_072], "malformed": long[:131_072]}
    app.put(event("2026-01-01 00:10:00"))
    assert [row["events"] for row in app.expect("counts", 2)] == [2, 1]
    assert app.metric("fullRestarts") == 0
