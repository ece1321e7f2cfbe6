"""The metrics that AWS measures for an application, sent to CloudWatch as on AWS."""

from __future__ import annotations

import time
from typing import Any

from local_aws.context import Context
from local_aws.protocol import Document
from local_aws.streams.flink.rest import Rest

NAMESPACE = "AWS/KinesisAnalytics"
_OF_JOB = ("uptime", "downtime", "lastCheckpointDuration", "lastCheckpointSize", "numberOfFailedCheckpoints")
_RESTARTS = "numRestarts"
_LARGEST = ("currentOutputWatermark", "millisBehindLatest")
_SUMMED = ("numLateRecordsDropped", "malformedEvents")
_LAG = ".millisBehindLatest"


class Metrics:
    """The metrics of one start of an application."""

    def __init__(self, context: Context, name: str, region: str, rest: Rest, known: Document) -> None:
        self._cloudwatch = context.of_aws.client("cloudwatch", region)
        self._name, self._rest = name, rest
        self._restarts, self._down = known.get("restarts", 0), known.get("down", 0)

    def is_reading(self, job: str) -> bool:
        """Whether each of our sources has read from all its shards. Other kinds of sources count as reading."""
        found = self._of_operators(job, (_LAG,))
        return all(value >= 0 for value in found.values())

    def send(self, job: str) -> None:
        now = time.time()
        measured = self.measured(job)
        data = [
            {"MetricName": name, "Value": value, "Timestamp": now, "Dimensions": [self._dimension]}
            for name, value in measured.items()
        ]
        self._cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)

    @property
    def _dimension(self) -> dict[str, str]:
        return {"Name": "Application", "Value": self._name}

    def measured(self, job: str) -> dict[str, float]:
        asked = self._rest.values(f"/jobs/{job}/metrics", [*_OF_JOB, _RESTARTS])
        found = {name: value for name, value in asked.items() if value >= 0}  # -1: no value yet
        restarts = found.pop(_RESTARTS, 0.0) + self._restarts
        downtime = found.get("downtime", 0) + self._down * 1000
        records = self._records(job)
        operators = self._of_operators(job, tuple(f".{name}" for name in (*_LARGEST, *_SUMMED)))
        largest = {name: values for name in _LARGEST if (values := _ending(operators, name))}
        summed = {name: sum(_ending(operators, name)) for name in _SUMMED}
        return {
            **found,
            **records,
            **{name: max(values) for name, values in largest.items()},
            **summed,
            "fullRestarts": restarts,
            "downtime": downtime,
        }

    def _records(self, job: str) -> dict[str, float]:
        parts: list[dict[str, Any]] = self._rest.get(f"/jobs/{job}")["vertices"]
        names = {"numRecordsIn": "read-records", "numRecordsOut": "write-records"}
        return {name: float(sum(part["metrics"][ours] for part in parts)) for name, ours in names.items()}

    def _of_operators(self, job: str, endings: tuple[str, ...]) -> dict[str, float]:
        """Return the metrics of operators with these name endings, by vertex and name."""
        found: dict[str, float] = {}
        for part in self._rest.get(f"/jobs/{job}")["vertices"]:
            path = f"/jobs/{job}/vertices/{part['id']}/metrics"
            names = [entry["id"] for entry in self._rest.get(path) if entry["id"].endswith(endings)]
            found |= {f"{part['id']}.{name}": value for name, value in self._rest.values(path, names).items()}
        return found


def _ending(found: dict[str, float], name: str) -> list[float]:
    return [value for key, value in found.items() if key.endswith(f".{name}")]
