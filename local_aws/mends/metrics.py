"""CloudWatch's metrics of streams: a minute has one point, as on AWS. The emulator keeps each of them for two weeks."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from local_aws.context import Context
from local_aws.protocol import Handlers

Point = dict[str, Any]
STREAMS = ("AWS/Firehose", "AWS/Kinesis", "AWS/KinesisAnalytics")
"""The namespaces that get points every second."""
MINUTE = 60


def handlers(context: Context) -> Handlers:
    emulator: Any = import_module("ministack.services.cloudwatch")
    emulator._metric_bucket = _by_the_minute(emulator, emulator._metric_bucket)
    return {}


def _by_the_minute(emulator: Any, bucket: Callable[[Any], list[Point]]) -> Callable[[Any], list[Point]]:
    """Wrap what gives the points of a metric, to which the caller adds one: the two before are united."""

    def united(key: Any) -> list[Point]:
        points = bucket(key)
        if key[0] in STREAMS and len(points) > 1 and _belong_together(*points[-2:]):
            points[-2:] = [_united(emulator, *points[-2:])]
        return points

    return united


def _belong_together(one: Point, other: Point) -> bool:
    return bool(one["Unit"] == other["Unit"] and one["Timestamp"] // MINUTE == other["Timestamp"] // MINUTE)


def _united(emulator: Any, one: Point, other: Point) -> Point:
    """A statistic set at the later time: it has no percentiles."""
    statistics = emulator._calc_stats([one, other])
    average = statistics.pop("Average", 0.0)
    point = {name: value for name, value in other.items() if name != "Count"}
    return point | {"Value": average, "_stat": statistics, "Timestamp": max(one["Timestamp"], other["Timestamp"])}
