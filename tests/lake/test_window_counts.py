"""`lake stream check` tells what Flink lost: windows that count less than arrived, and nothing that is only late."""

from __future__ import annotations

import json

import pytest

from lake.configuration.model import Stream
from lake.data.window_counts import Windows, telling

MINUTE, LATENESS = 60, 10
WINDOWS = {
    "by hop": {"seconds": 60, "every": 30},
    "some": {"seconds": 60, "filter": "a > 1"},
    "sums": {"seconds": 60, "compute": {"a": "sum(a)"}},
    "visits": {"gap": 60},
}


def event(at: object) -> str:
    return json.dumps({"at": at})


def windows(*times: object) -> Windows:
    found = Windows("at", MINUTE, LATENESS)
    for time in times:
        found.add(event(time))
    return found


def test_events_of_windows_that_have_results_are_counted_and_those_after_are_open() -> None:
    found = windows("2026-01-01T00:00:01Z", "2026-01-01T00:00:59Z", "2026-01-01T00:01:05Z")
    found.count("2026-01-01 00:00:00", 2)
    counted = found.counted()
    assert (counted.in_windows, counted.open, counted.rejected, counted.missing) == (2, 1, 0, [])


def test_a_window_that_counts_less_than_arrived_is_named_with_both_numbers() -> None:
    found = windows(*["2026-01-01T00:00:01Z"] * 3, "2026-01-01T00:01:01Z", "2026-01-01T00:05:00Z")
    found.count("2026-01-01 00:00:00", 2)
    assert found.counted().missing == [
        "Flink: 2 events are in no window and not rejected: 2026-01-01 00:00:00 to 2026-01-01 00:01:00 counts 2 of 3, "
        "2026-01-01 00:01:00 to 2026-01-01 00:02:00 counts 0 of 1"
    ]


def test_a_window_without_a_result_is_missing_once_an_event_is_newer_than_its_end_by_the_lateness() -> None:
    assert windows("2026-01-01T00:00:01Z", "2026-01-01T00:01:59Z").counted().missing == []
    assert windows("2026-01-01T00:00:01Z", "2026-01-01T00:02:00Z").counted().missing != []


def test_a_rejected_event_is_in_no_window_and_one_that_is_rejected_again_after_a_failure_takes_no_other_out() -> None:
    found = windows("2026-01-01T00:00:01Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z", "2026-01-01T00:05:00Z")
    found.count("2026-01-01 00:00:00", 2)
    found.reject(event("2026-01-01T00:00:02Z"))
    found.reject(event("2026-01-01T00:00:02Z"))
    counted = found.counted()
    assert (counted.rejected, counted.missing) == (2, [])


@pytest.mark.parametrize("field", ['"at": "2026-01-01T00:00:02Z"', '"at": "yesterday"'])
def test_a_rejected_event_of_which_the_application_keeps_a_part_is_known_again(field: str) -> None:
    long = f'{{{field}, "text": "{"x" * 200_000}"}}'
    found = windows("2026-01-01T00:00:01Z", "2026-01-01T00:05:00Z")
    found.add(long)
    found.count("2026-01-01 00:00:00", 1)
    found.reject(long[:131_072])
    assert found.counted().missing == []


def test_an_event_is_in_the_window_of_its_whole_millisecond_as_in_flink() -> None:
    found = windows("2026-01-01T00:00:59.9996Z", "2026-01-01T00:05:00Z")
    found.count("2026-01-01 00:00:00", 1)
    assert found.counted().missing == []


def test_an_event_whose_time_nobody_can_read_is_missing_unless_it_is_rejected() -> None:
    found = windows("yesterday", None)
    found.add("no JSON")
    found.reject("no JSON")
    found.reject(event(None))
    assert found.counted().missing == ["Flink: 1 events have no time that can be read, and are not rejected"]


@pytest.mark.parametrize(
    "time",
    ["2026-01-01", "2026-01-01 00:00:04 UTC", "2026-01-01T02:00:03.250+02:00", 1767225605, 1767225606000, "1767225607"],
)
def test_a_time_is_read_in_every_spelling_that_the_application_takes(time: object) -> None:
    found = windows(time)
    found.count("2026-01-01 00:00:00", 1)
    counted = found.counted()
    assert (counted.in_windows, counted.open, counted.missing) == (1, 0, [])


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_in_which_an_event_is_not_counted_just_once_tells_nothing(name: str) -> None:
    columns = {"columns": {"at": "timestamp", "a": "int"}, "event_time": {"column": "at"}}
    assert telling(Stream.model_validate({**columns, "windows": {"w": WINDOWS[name]}})) == ""
    assert telling(Stream.model_validate({**columns, "windows": {"w": WINDOWS[name], "all": {"seconds": 5}}})) == "all"
