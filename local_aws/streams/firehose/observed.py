"""The observability of a delivery stream: errors in its log stream, and metrics in CloudWatch."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.context import Context
from local_aws.streams.firehose.records import Failed
from local_aws.streams.firehose.settings import Settings, acting

_UNITS = {"Bytes": "Bytes", "DataFreshness": "Seconds", "Success": "Count", "KinesisMillisBehindLatest": "Milliseconds"}
_MOST_METRICS = 1000
METRICS_EVERY = 5.0
"""Seconds between two puts of the metrics."""

log = logging.getLogger("local_aws.firehose")


class Observed:
    """The log and the metrics of one delivery stream. Errors while sending are ignored: no delivery waits for it."""

    def __init__(self, context: Context, region: str) -> None:
        self._context, self._region = context, region
        self._counted = Counter[str]()
        self._latest = dict[str, float]()
        self._put = -METRICS_EVERY

    def error(self, settings: Settings, code: str, message: str) -> None:
        """Log one line in AWS's format, if the stream has a log."""
        log.warning("%s: %s: %s", settings.name, code, message)
        if settings.log is None:
            return
        line = {
            "deliveryStreamARN": settings.arn,
            "destination": f"arn:aws:s3:::{settings.to.bucket}",
            "deliveryStreamVersionId": int(settings.version),
            "message": message,
            "errorCode": code,
        }
        self._say(settings, settings.log, json.dumps(line))

    def failures(self, settings: Settings, failed: Iterable[Failed]) -> None:
        """Log a line for each kind of failure, with the number of records."""
        kinds = Counter((each.code, each.message) for each in failed)
        for (code, message), times in kinds.most_common(20):
            self.error(settings, code, message if times == 1 else f"{message} ({times} records)")

    def count(self, **values: float) -> None:
        """Add to metrics; `_` in a name stands for the dot of `DeliveryToS3.Records`."""
        for name, value in values.items():
            self._counted[name.replace("_", ".")] += value  # type: ignore[assignment]

    def gauge(self, **values: float) -> None:
        self._latest |= {name.replace("_", "."): value for name, value in values.items()}

    @property
    def due_in(self) -> float | None:
        """Return the seconds until the metrics are put; None if there are none."""
        if not (self._counted or self._latest):
            return None
        return max(0.0, self._put + METRICS_EVERY - time.monotonic())

    def flush(self, name: str, *, now: bool = False) -> None:
        """Put the metrics, at most every `METRICS_EVERY` seconds."""
        seconds = self.due_in
        if seconds is None or (seconds > 0 and not now):
            return
        values, self._put = {**self._counted, **self._latest}, time.monotonic()
        self._counted.clear()
        self._latest.clear()
        try:
            client = self._context.client("cloudwatch", self._region)
            client.put_metric_data(Namespace="AWS/Firehose", MetricData=_data(name, values))
        except (ClientError, BotoCoreError) as error:
            log.info("metrics of %s could not be put: %s", name, error)

    def _say(self, settings: Settings, place: tuple[str, str], line: str) -> None:
        event = {"timestamp": int(time.time() * 1000), "message": line}
        group, stream = place
        try:
            logs = acting(self._context, settings.role, settings).client("logs", self._region)
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
        except (ClientError, BotoCoreError) as error:
            # Group and stream are not created here: a deleted group must stay deleted.
            log.info("nothing could be logged in %s: %s", group, error)


def _data(name: str, values: Mapping[str, float]) -> list[dict[str, Any]]:
    dimensions = [{"Name": "DeliveryStreamName", "Value": name}]
    return [
        {"MetricName": metric, "Value": value, "Unit": _unit(metric), "Dimensions": dimensions}
        for metric, value in list(values.items())[:_MOST_METRICS]
    ]


def _unit(metric: str) -> str:
    last = metric.rpartition(".")[2]
    return next((unit for ending, unit in _UNITS.items() if last.endswith(ending)), "Count")
