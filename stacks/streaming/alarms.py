"""The CloudWatch alarms and dashboard of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

from lake.configuration.model import Stream
from stacks.base import LakeStack

MINUTE = 60
BEHIND_MINUTES = 10
"""The maximum age of a consumer's next record."""
_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 3
"""The width of a graph on the dashboard, which has 24 columns."""


@dataclass(frozen=True)
class Metric:
    """A metric of a stream. `of` is its dimension, `statistic` the aggregation."""

    namespace: str
    name: str
    of: str
    statistic: str


@dataclass(frozen=True)
class Alarm:
    """It fires if the metric is beyond the threshold for this many minutes."""

    id: str
    metric: Metric
    threshold: float
    minutes: int
    description: str
    comparison: str = "GreaterThanThreshold"


def _kinesis(name: str, statistic: str) -> Metric:
    return Metric("AWS/Kinesis", name, "StreamName", statistic)


def _firehose(name: str, statistic: str) -> Metric:
    return Metric("AWS/Firehose", name, "DeliveryStreamName", statistic)


def _flink(name: str, statistic: str) -> Metric:
    return Metric("AWS/KinesisAnalytics", name, "Application", statistic)


ITERATOR_AGE = _kinesis("GetRecords.IteratorAgeMilliseconds", "Maximum")
THROTTLED = _kinesis("WriteProvisionedThroughputExceeded", "Sum")
FRESHNESS = _firehose("DeliveryToS3.DataFreshness", "Maximum")
UNCONVERTED = _firehose("FailedConversion.Records", "Sum")
DELIVERED = _firehose("DeliveryToS3.Success", "Minimum")
DOWNTIME = _flink("downtime", "Maximum")
FAILED_CHECKPOINTS = _flink("numberOfFailedCheckpoints", "Maximum")
RESTARTS = _flink("fullRestarts", "Maximum")


def alarms_topic(stack: LakeStack) -> SnsTopic:
    """The topic that notifies its subscribers."""
    # CloudWatch could publish with the lake's key only if the key allowed it. Alarms contain no data.
    topic = SnsTopic(stack, "alarms_topic", name=stack.names.alarms_topic)
    stack.output("alarms_topic", topic.arn, "SNS topic of the streams' alarms")
    return topic


def watch(stack: LakeStack, name: str, stream: Stream, topic: SnsTopic, *, has_application: bool) -> None:
    resource = stack.names.stream(name)
    for alarm in _alarms(name, stream, has_application):
        CloudwatchMetricAlarm(
            stack,
            f"{name}_{alarm.id.replace('-', '_')}_alarm",
            alarm_name=stack.names.alarm(name, alarm.id),
            alarm_description=alarm.description,
            namespace=alarm.metric.namespace,
            metric_name=alarm.metric.name,
            dimensions={alarm.metric.of: resource},
            statistic=alarm.metric.statistic,
            period=MINUTE,
            evaluation_periods=alarm.minutes,
            threshold=alarm.threshold,
            comparison_operator=alarm.comparison,
            treat_missing_data="notBreaching",
            alarm_actions=[topic.arn],
            ok_actions=[topic.arn],
        )
    body = {"widgets": list(_widgets(resource, stack.lake.environment.region, has_application))}
    CloudwatchDashboard(
        stack, f"{name}_dashboard", dashboard_name=resource, dashboard_body=json.dumps(body, sort_keys=True)
    )


def _alarms(name: str, stream: Stream, has_application: bool) -> list[Alarm]:
    late = stream.delivery.buffer.seconds + BEHIND_MINUTES * MINUTE
    alarms = [
        Alarm(
            "iterator-age",
            ITERATOR_AGE,
            BEHIND_MINUTES * MINUTE * 1000,
            5,
            f"A consumer of {name} is more than {BEHIND_MINUTES} minutes behind",
        ),
        Alarm("throttled", THROTTLED, 0, 1, f"{name} throttled events: more than its shards accept"),
        Alarm("freshness", FRESHNESS, late, 5, f"Events of {name} wait over {late} s before they are in a file"),
        Alarm("conversion", UNCONVERTED, 0, 1, f"Events of {name} did not fit its columns: see the error prefix"),
        Alarm("delivery", DELIVERED, 1, 3, f"Files of {name} could not be written", "LessThanThreshold"),
    ]
    if has_application:
        again = "the alarm stays until the application is restarted, because Flink counts from its start"
        alarms += [
            Alarm("downtime", DOWNTIME, 0, 3, f"The application of {name} is down"),
            Alarm("checkpoints", FAILED_CHECKPOINTS, 0, 1, f"A checkpoint of {name} failed; {again}"),
            Alarm("restarts", RESTARTS, 0, 1, f"The application of {name} failed and was restarted; {again}"),
        ]
    return alarms


def _widgets(resource: str, region: str, has_application: bool) -> Iterator[dict[str, Any]]:
    graphs = {
        "Events per minute": [_kinesis("IncomingRecords", "Sum"), _kinesis("GetRecords.Records", "Sum")],
        "Bytes per minute": [_kinesis("IncomingBytes", "Sum"), _kinesis("GetRecords.Bytes", "Sum")],
        "Iterator age and throttled events": [ITERATOR_AGE, THROTTLED],
        "Firehose: age of the oldest event not yet in a file": [FRESHNESS],
        "Firehose: failed conversions and deliveries": [UNCONVERTED, DELIVERED],
    }
    if has_application:
        graphs["Flink: downtime, failed checkpoints, restarts"] = [DOWNTIME, FAILED_CHECKPOINTS, RESTARTS]
    for place, (title, metrics) in enumerate(graphs.items()):
        lines = [[m.namespace, m.name, m.of, resource, {"stat": m.statistic}] for m in metrics]
        yield {
            "type": "metric",
            "x": place % _COLUMNS * _WIDTH,
            "y": place // _COLUMNS * _HEIGHT,
            "width": _WIDTH,
            "height": _HEIGHT,
            "properties": {"title": title, "region": region, "period": MINUTE, "metrics": lines},
        }
