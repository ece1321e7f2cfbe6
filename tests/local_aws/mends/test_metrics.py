"""An old minute of a stream's metric takes the memory of one point. The emulator has no limit, so it is not asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.embedded import at, client
from tests.local_aws.conftest import free_port, started, stopped

MEGABYTE = 1024 * 1024
HOUR_AGO = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
Point = tuple[int, float]
"""Seconds after a moment, and a value."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, psutil.Process]]:
    port, folder = free_port(), tmp_path_factory.mktemp("metrics") / "aws"
    endpoint = at(port, folder)
    process = started(port, Path(folder))
    yield client("cloudwatch", endpoint), psutil.Process(process.pid)
    stopped(process)


def put(cloudwatch: Any, name: str, points: list[Point], since: datetime = HOUR_AGO) -> None:
    data = [{"MetricName": name, "Timestamp": since + timedelta(seconds=s), "Value": value} for s, value in points]
    for first in range(0, len(data), 1000):
        cloudwatch.put_metric_data(Namespace="AWS/Kinesis", MetricData=data[first : first + 1000])


def shown(cloudwatch: Any, name: str, period: int = 60) -> list[tuple[float, ...]]:
    found = cloudwatch.get_metric_statistics(
        Namespace="AWS/Kinesis",
        MetricName=name,
        StartTime=HOUR_AGO,
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=period,
        Statistics=["SampleCount", "Sum", "Minimum", "Maximum"],
    )["Datapoints"]
    found.sort(key=lambda point: point["Timestamp"])
    return [tuple(point[name] for name in ("SampleCount", "Sum", "Minimum", "Maximum")) for point in found]


def test_each_minute_has_the_statistics_of_all_its_points(server: tuple[Any, psutil.Process]) -> None:
    points = [(0, 3.0), (20, -1.0), (59, 5.0), (60, 7.0), (61, 0.0), (180, 2.0)]
    put(server[0], "Some", points)
    assert shown(server[0], "Some") == [(3, 7.0, -1.0, 5.0), (2, 7.0, 0.0, 7.0), (1, 2.0, 2.0, 2.0)]


def test_recent_points_are_kept_apart(server: tuple[Any, psutil.Process]) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    put(server[0], "Recent", [(0, 1.0), (10, 3.0), (20, 2.0)], since=now)
    assert shown(server[0], "Recent", period=10) == [(1, n, n, n) for n in (1.0, 3.0, 2.0)]


def test_twenty_thousand_points_of_a_minute_take_no_memory(server: tuple[Any, psutil.Process]) -> None:
    cloudwatch, process = server
    before = process.memory_info().rss
    put(cloudwatch, "Many", [(n % 60, float(n)) for n in range(20_000)])
    assert process.memory_info().rss - before < 20 * MEGABYTE
    assert shown(cloudwatch, "Many") == [(20_000, 19_999 * 10_000.0, 0.0, 19_999.0)]
