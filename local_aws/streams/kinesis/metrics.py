"""A stream's CloudWatch metrics: summed up here, and published every few seconds while there are any."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local_aws.streams.kinesis.stream import Stream

NAMESPACE = "AWS/Kinesis"


@dataclass
class _Tally:
    """Values of each metric since its last publication: (count, sum, minimum, maximum)."""

    values: dict[str, tuple[int, float, float, float]] = field(default_factory=dict)

    def add(self, metric: str, value: float) -> None:
        count, total, least, greatest = self.values.get(metric, (0, 0.0, value, value))
        self.values[metric] = (count + 1, total + value, min(least, value), max(greatest, value))


class Metrics:
    """Sums by stream. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: defaultdict[tuple[str, str], _Tally] = defaultdict(_Tally)

    def wrote(self, stream: Stream, records: int, size: int, refused: int) -> None:
        """Record that records were put and others refused because of a limit."""
        self._add(
            stream,
            IncomingRecords=records,
            IncomingBytes=size,
            WriteProvisionedThroughputExceeded=refused,
        )

    def read(self, stream: Stream, records: int, size: int, behind: int) -> None:
        """Record that GetRecords returned records; `behind` is the age of the next one, in milliseconds."""
        self._add(
            stream,
            **{"GetRecords.Records": records, "GetRecords.Bytes": size, "GetRecords.IteratorAgeMilliseconds": behind},
        )

    def taken(self) -> dict[str, list[dict[str, Any]]]:
        """Return what was added since the last time, by region, in the format of PutMetricData."""
        with self._lock:
            tallies, self._tallies = self._tallies, defaultdict(_Tally)
        data: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        moment = datetime.now(UTC)
        for (region, name), tally in tallies.items():
            data[region] += [_datum(name, metric, moment, *values) for metric, values in tally.values.items()]
        return data

    def _add(self, stream: Stream, **values: float) -> None:
        with self._lock:
            tally = self._tallies[stream.region, stream.name]
            for metric, value in values.items():
                tally.add(metric, value)


def _datum(
    stream: str, metric: str, moment: datetime, count: int, total: float, least: float, greatest: float
) -> dict[str, Any]:
    return {
        "MetricName": metric,
        "Dimensions": [{"Name": "StreamName", "Value": stream}],
        "Timestamp": moment,
        "Unit": _unit(metric),
        "StatisticValues": {"SampleCount": count, "Sum": total, "Minimum": least, "Maximum": greatest},
    }


def _unit(metric: str) -> str:
    return "Milliseconds" if metric.endswith("Milliseconds") else "Bytes" if metric.endswith("Bytes") else "Count"
