"""The current state of a stream, from CloudWatch and the raw zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.configuration.model.windows import REJECTED
from lake.errors import LakeError

Reading = dict[str, float | str | None]
"""Name -> value; None if it is not published (yet)."""
EMBEDDED_PERIOD, PERIOD = 10, 60
"""The period of a metric, in seconds."""
EMBEDDED_PAUSE, PAUSE = 1, 10
"""Seconds between two readings. On AWS, each reading costs money."""
PERIODS = 5
"""The maximum age of a value, in periods."""


@dataclass(frozen=True)
class _Measure:
    """A value to watch: the newest value of a metric, or its rate per second.

    `of` is the suffix of the resource's name after the stream's.
    """

    name: str
    namespace: str
    metric: str
    dimension: str
    statistic: str
    a_second: bool = False
    of: str = ""


_MEASURES = (
    *(
        _Measure(name, "AWS/Kinesis", metric, "StreamName", "Sum", a_second=True)
        for name, metric in (
            ("events_in_a_second", "IncomingRecords"),
            ("bytes_in_a_second", "IncomingBytes"),
            ("events_out_a_second", "GetRecords.Records"),
            ("bytes_out_a_second", "GetRecords.Bytes"),
            ("refused_a_second", "WriteProvisionedThroughputExceeded"),
        )
    ),
    _Measure("iterator_age_ms", "AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", "StreamName", "Maximum"),
    _Measure("firehose_freshness_s", "AWS/Firehose", "DeliveryToS3.DataFreshness", "DeliveryStreamName", "Maximum"),
    _Measure("bad_events", "AWS/Firehose", "FailedConversion.Records", "DeliveryStreamName", "Sum"),
    _Measure("watermark", "AWS/KinesisAnalytics", "currentOutputWatermark", "Application", "Maximum"),
    _Measure("windows", "AWS/KinesisAnalytics", "numRecordsOut", "Application", "Maximum"),
    # The application writes late and malformed events to a separate stream.
    _Measure("rejected_events", "AWS/Kinesis", "IncomingRecords", "StreamName", "Sum", of=f"_{REJECTED}"),
)


def readings(aws: Aws, stream: str) -> Iterator[Reading]:
    """A reading about every second, for ever.

    Raises:
        LakeError: the stream is not deployed.
    """
    is_embedded = aws.lake.environment.endpoint is not None
    while True:
        yield reading(aws, stream, EMBEDDED_PERIOD if is_embedded else PERIOD)
        time.sleep(EMBEDDED_PAUSE if is_embedded else PAUSE)


def reading(aws: Aws, stream: str, period: int) -> Reading:
    shards = _open_shards(aws, stream)
    found: Reading = {"shards": shards} | _metrics(aws, stream, period)
    watermark = found["watermark"]
    found["watermark"] = _moment(watermark / 1000) if isinstance(watermark, float) and watermark > 0 else None
    return found | {"newest_file": _newest_file(aws, stream)}


def _open_shards(aws: Aws, stream: str) -> int:
    try:
        summary = aws.kinesis.describe_stream_summary(StreamName=aws.names.stream(stream))["StreamDescriptionSummary"]
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            raise LakeError(f"the stream {stream} does not exist. Deploy it first: `lake up streaming`") from None
        raise
    return summary["OpenShardCount"]


def _metrics(aws: Aws, stream: str, period: int) -> Reading:
    name, now = aws.names.stream(stream), datetime.now(UTC)
    queries = [_query(number, measure, name, period) for number, measure in enumerate(_MEASURES)]
    answer = aws.cloudwatch.get_metric_data(
        MetricDataQueries=queries,
        StartTime=now - timedelta(seconds=PERIODS * period),
        EndTime=now + timedelta(seconds=1),
        ScanBy="TimestampDescending",
    )
    results = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
    return {measure.name: _value(measure, results.get(f"m{n}", []), period) for n, measure in enumerate(_MEASURES)}


def _query(number: int, measure: _Measure, resource: str, period: int) -> dict[str, Any]:
    dimensions = [{"Name": measure.dimension, "Value": resource + measure.of}]
    metric = {"Namespace": measure.namespace, "MetricName": measure.metric, "Dimensions": dimensions}
    return {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": period, "Stat": measure.statistic}}


def _value(measure: _Measure, values: list[float], period: int) -> float | None:
    """The newest value. Kinesis publishes nothing if no events arrived, which counts as a rate of 0."""
    if measure.a_second:
        return values[0] / period if values else 0.0
    return values[0] if values else None


def _newest_file(aws: Aws, stream: str) -> str | None:
    """`name, seconds ago`; None if there is no file."""
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=aws.names.bucket("raw"), Prefix=f"{stream}/")
    newest = max((entry for page in pages for entry in page.get("Contents", [])), key=_changed, default=None)
    if newest is None:
        return None
    ago = (datetime.now(UTC) - newest["LastModified"]).total_seconds()
    return f"{newest['Key']}, {max(0.0, ago):.0f} s ago"


def _changed(entry: Any) -> datetime:
    moment: datetime = entry["LastModified"]
    return moment


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
