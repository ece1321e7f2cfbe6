"""CloudWatch's metrics of streams: a minute that is long over has one point. The emulator keeps all for two weeks.

AWS likewise keeps what is finer than a minute for a short time only.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from importlib import import_module
from itertools import groupby
from typing import Any

from local_aws.context import Context
from local_aws.protocol import Handlers

Point = dict[str, Any]
STREAMS = ("AWS/Firehose", "AWS/Kinesis", "AWS/KinesisAnalytics")
"""The namespaces that get points every few seconds."""
MINUTE = 60
RECENT = 15 * MINUTE
"""Seconds for which each point is kept: `lake watch` and the state of an application show the newest ones."""


def handlers(context: Context) -> Handlers:
    emulator: Any = import_module("ministack.services.cloudwatch")
    emulator._metric_bucket = _by_the_minute(emulator, emulator._metric_bucket)
    return {}


def _by_the_minute(emulator: Any, bucket: Callable[[Any], list[Point]]) -> Callable[[Any], list[Point]]:
    """Wrap what gives the points of a metric, to which the caller adds one."""

    def united(key: Any) -> list[Point]:
        points = bucket(key)
        if key[0] in STREAMS:
            _unite(emulator, points)
        return points

    return united


def _unite(emulator: Any, points: list[Point]) -> None:
    recent = (time.time() - RECENT) // MINUTE * MINUTE
    old = bisect_left(points, recent, key=lambda point: point["Timestamp"])
    # The newest of the old points tell whether a minute became old since the last time.
    if old > 1 and _minute(points[old - 1]) == _minute(points[old - 2]):
        points[:old] = [_united(emulator, list(minute)) for _, minute in groupby(points[:old], _minute)]


def _minute(point: Point) -> tuple[str, float]:
    return point["Unit"], point["Timestamp"] // MINUTE


def _united(emulator: Any, points: list[Point]) -> Point:
    """A statistic set at the time of the newest: it has no percentiles."""
    if len(points) == 1:
        return points[0]
    statistics = emulator._calc_stats(points)
    average = statistics.pop("Average", 0.0)
    point = {name: value for name, value in points[-1].items() if name != "Count"}
    return point | {"Value": average, "_stat": statistics}
