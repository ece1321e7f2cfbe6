"""What is to be seen of a stream in CloudWatch: an alarm for each thing that goes wrong, and its graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarmMetricQuery as Query

from lake.configuration.model import Stream
from stacks.base import LakeStack

MINUTE = 60
BEHIND_MINUTES = 10
"""How old the next record of a consumer may be."""
Graph = list[list[Any]]
"""The lines of a graph, as CloudWatch writes them: namespace, metric, dimensions with their values, how it is drawn."""


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


def watch(stack: LakeStack, name: str, stream: Stream, *, has_application: bool) -> None:
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
            alarm_actions=[stack.names.alarms_topic_arn],
            ok_actions=[stack.names.alarms_topic_arn],
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
        Alarm("throttled", THROTTLED, 0, 1, f"{name} throttled events: more than its shards accept"),
        Alarm("freshness", FRESHNESS, late, 5, f"Events of {name} wait over {late} s before they are in a file"),
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


def graphs(name: str, resource: str, has_application: bool) -> dict[str, Graph]:
    """What the dashboard shows of a stream, by title: a line for each metric."""
    found = {
        "events a minute": [_kinesis("IncomingRecords", "Sum"), _kinesis("GetRecords.Records", "Sum")],
        "bytes a minute": [_kinesis("IncomingBytes", "Sum"), _kinesis("GetRecords.Bytes", "Sum")],
        "iterator age, and events refused": [ITERATOR_AGE, THROTTLED],
        "age of the oldest event not yet in a file": [FRESHNESS],
        "failed conversions, and deliveries": [UNCONVERTED, DELIVERED],
    }
    if has_application:
        found["downtime, failed checkpoints, restarts"] = [DOWNTIME, FAILED_CHECKPOINTS, RESTARTS]
    return {
        f"{name}: {title}": [[m.namespace, m.name, m.of, resource, {"stat": m.statistic}] for m in metrics]
        for title, metrics in found.items()
    }
