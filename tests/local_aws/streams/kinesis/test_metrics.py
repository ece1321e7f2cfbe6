"""CloudWatch has a stream's metrics, as published by Kinesis."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.local_aws.conftest import until
from tests.local_aws.streams.kinesis.conftest import everything, put


def test_puts_and_reads_are_published_as_metrics_within_seconds(aws: Callable[[str], Any], stream: str) -> None:
    kinesis, cloudwatch = aws("kinesis"), aws("cloudwatch")
    put(kinesis, stream, range(100, 200))
    everything(kinesis, stream)

    def value(metric: str, statistic: str = "Sum") -> float | None:
        now = datetime.now(UTC)
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/Kinesis",
            MetricName=metric,
            Dimensions=[{"Name": "StreamName", "Value": stream}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=1),
            Period=600,
            Statistics=[statistic],
        )["Datapoints"]
        return sum(point[statistic] for point in points) if points else None

    assert until(lambda: value("IncomingRecords")) == 100
    assert value("IncomingBytes") == 100 * 6
    # The metrics may be published between the put and the reads, and between two reads.
    assert until(lambda: value("GetRecords.Records") == 100)
    assert value("WriteProvisionedThroughputExceeded") == 0
    assert value("GetRecords.IteratorAgeMilliseconds", "Maximum") == 0
