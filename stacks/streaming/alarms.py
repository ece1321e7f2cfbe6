"""What is to be seen of a stream in CloudWatch: an alarm for each thing that goes wrong, and a dashboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarmMetricQuery as Query
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

from lake.configuration.model import Stream
from stacks.base import LakeStack

MINUTE = 60
BEHIND_MINUTES = 10
"""How old the next record of a consumer may be."""
_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 3
"""Of a graph on the dashboard, which is 24 wide."""


@dataclass(frozen=True)
class Metric:
    """A metric of a stream.

    Attributes:
        of: the dimension that says whose it is.
        statistic: what is looked at.
        grows: it counts from the start of an application on, so what is looked at is its rate.
    """

    namespace: str
    name: str
    of: str
    statistic: str
    grows: bool = False


@dataclass(frozen=True)
class Alarm:
    """It goes off if the metric is beyond the threshold for so many minutes."""

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


def _flink(name: str, *, grows: bool = False) -> Metric:
    return Metric("AWS/KinesisAnalytics", name, "Application", "Maximum", grows)


ITERATOR_AGE = _kinesis("GetRecords.IteratorAgeMilliseconds", "Maximum")
THROTTLED = _kinesis("WriteProvisionedThroughputExceeded", "Sum")
FRESHNESS = _firehose("DeliveryToS3.DataFreshness", "Maximum")
UNCONVERTED = _firehose("FailedConversion.Records", "Sum")
DELIVERED = _firehose("DeliveryToS3.Success", "Minimum")
DOWNTIME = _flink("downtime")
FAILED_CHECKPOINTS = _flink("numberOfFailedCheckpoints", grows=True)
RESTARTS = _flink("fullRestarts", grows=True)


def alarms_topic(stack: LakeStack) -> SnsTopic:
    """Whoever subscribes to it is notified."""
    # CloudWatch cannot publish under the lake's key, unless the key lets it; an alarm shows none of the data.
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
            **_watched(alarm.metric, resource),
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


def _watched(metric: Metric, resource: str) -> dict[str, Any]:
    if not metric.grows:
        return {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": {metric.of: resource},
            "statistic": metric.statistic,
            "period": MINUTE,
        }
    counted = CloudwatchMetricAlarmMetricQueryMetric(
        namespace=metric.namespace,
        metric_name=metric.name,
        dimensions={metric.of: resource},
        stat=metric.statistic,
        period=MINUTE,
    )
    rate = Query(id="rate", expression="RATE(counted)", label=f"{metric.name} a second", return_data=True)
    return {"metric_query": [Query(id="counted", metric=counted), rate]}


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
        Alarm("throttled", THROTTLED, 0, 1, f"{name} refused events: more came than its shards take"),
        Alarm("freshness", FRESHNESS, late, 5, f"Events of {name} wait over {late} s for their file"),
        Alarm("conversion", UNCONVERTED, 0, 1, f"Events of {name} did not fit its columns: see the error prefix"),
        Alarm("delivery", DELIVERED, 1, 3, f"Files of {name} could not be written", "LessThanThreshold"),
    ]
    if has_application:
        alarms += [
            Alarm("downtime", DOWNTIME, 0, 3, f"The application of {name} is down"),
            Alarm("checkpoints", FAILED_CHECKPOINTS, 0, 1, f"A checkpoint of {name} failed"),
            Alarm("restarts", RESTARTS, 0, 1, f"The application of {name} failed and was restarted"),
        ]
    return alarms


def _widgets(resource: str, region: str, has_application: bool) -> Iterator[dict[str, Any]]:
    graphs = {
        "Events a minute": [_kinesis("IncomingRecords", "Sum"), _kinesis("GetRecords.Records", "Sum")],
        "Bytes a minute": [_kinesis("IncomingBytes", "Sum"), _kinesis("GetRecords.Bytes", "Sum")],
        "Iterator age, and events refused": [ITERATOR_AGE, THROTTLED],
        "Firehose: age of the oldest event not yet in a file": [FRESHNESS],
        "Firehose: failed conversions, and deliveries": [UNCONVERTED, DELIVERED],
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
