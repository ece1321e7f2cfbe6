"""Alarms watch what they are named for: a metric of this lake's own stream."""

from __future__ import annotations

import json

import pytest

from lake.configuration.model import Stream
from tests.stacks.conftest import Stacks, resources

ACCOUNT = "${data.aws_caller_identity.account.account_id}"
WATCHED = {
    "iterator-age": ("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", "StreamName"),
    "throttled": ("AWS/Kinesis", "WriteProvisionedThroughputExceeded", "StreamName"),
    "freshness": ("AWS/Firehose", "DeliveryToS3.DataFreshness", "DeliveryStreamName"),
    "conversion": ("AWS/Firehose", "FailedConversion.Records", "DeliveryStreamName"),
    "delivery": ("AWS/Firehose", "DeliveryToS3.Success", "DeliveryStreamName"),
    "downtime": ("AWS/KinesisAnalytics", "downtime", "Application"),
    "checkpoints": ("AWS/KinesisAnalytics", "numberOfFailedCheckpoints", "Application"),
    "restarts": ("AWS/KinesisAnalytics", "fullRestarts", "Application"),
}

GROWING = ("checkpoints", "restarts")


@pytest.mark.parametrize("what", WATCHED)
def test_an_alarm_watches_the_metric_of_the_stream_and_notifies_the_topic(local: Stacks, what: str) -> None:
    alarm = resources(local["streaming"], "aws_cloudwatch_metric_alarm")[f"departures_{what.replace('-', '_')}_alarm"]
    namespace, metric, dimension = WATCHED[what]
    watched = alarm["metric_query"][0]["metric"] if what in GROWING else alarm

    assert (watched["namespace"], watched["metric_name"]) == (namespace, metric)
    assert watched["dimensions"] == {dimension: alarm["alarm_name"].removesuffix(f"-{what}")}
    assert alarm["alarm_actions"] == alarm["ok_actions"] == [f"arn:aws:sns:us-east-1:{ACCOUNT}:flights-local-notices"]
    assert alarm["treat_missing_data"] == "notBreaching"


@pytest.mark.parametrize("what", GROWING)
def test_an_alarm_on_what_flink_counts_from_its_start_goes_by_its_rate_so_it_ends_again(
    local: Stacks, what: str
) -> None:
    alarm = resources(local["streaming"], "aws_cloudwatch_metric_alarm")[f"departures_{what}_alarm"]
    counted, rate = alarm["metric_query"]

    assert "return_data" not in counted
    assert (rate["expression"], rate["return_data"]) == (f"RATE({counted['id']})", True)
    assert (alarm["threshold"], alarm["comparison_operator"]) == (0, "GreaterThanThreshold")


def test_every_alarm_is_one_of_these(local: Stacks) -> None:
    assert len(resources(local["streaming"], "aws_cloudwatch_metric_alarm")) == len(WATCHED)


def test_the_dashboard_shows_every_metric_that_has_an_alarm(local: Stacks) -> None:
    (dashboard,) = resources(local["storage"], "aws_cloudwatch_dashboard").values()
    widgets = json.loads(dashboard["dashboard_body"])["widgets"]
    shown = {tuple(line[:3]) for widget in widgets for line in widget["properties"]["metrics"]}

    assert set(WATCHED.values()) <= shown
    assert all(widget["x"] + widget["width"] <= 24 for widget in widgets)
    places = [(widget["x"], widget["y"]) for widget in widgets]
    assert len(set(places)) == len(places)


def test_a_stream_on_demand_has_no_number_of_shards() -> None:
    stream = Stream.model_validate({"columns": {"a": "int"}, "mode": "on_demand"})
    assert stream.mode == "on_demand"
    with pytest.raises(ValueError, match="AWS chooses the number"):
        Stream.model_validate({"columns": {"a": "int"}, "mode": "on_demand", "shards": 2})
