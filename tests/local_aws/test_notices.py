"""What is told of the end of a run, a crawl or a query: by rules to a topic, and by metrics."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_aws.events import Ended
from local_aws.notices import event_of, query_metrics, transformed
from tests.local_aws.conftest import until

Aws = Callable[[str], Any]


class Topic:
    """A topic, and what its one subscriber hears."""

    def __init__(self, aws: Aws) -> None:
        self.name = f"notices-{uuid.uuid4().hex[:8]}"
        self.arn = aws("sns").create_topic(Name=self.name)["TopicArn"]
        self._sqs = aws("sqs")
        self._queue = self._sqs.create_queue(QueueName=self.name)["QueueUrl"]
        queue = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        aws("sns").subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=queue["QueueArn"])

    def heard(self) -> str:
        def message() -> str:
            found = self._sqs.receive_message(QueueUrl=self._queue).get("Messages", [])
            return json.loads(found[0]["Body"])["Message"] if found else ""

        return str(until(message))


@pytest.fixture
def topic(aws: Aws) -> Iterator[Topic]:
    made = Topic(aws)
    yield made
    for rule in aws("events").list_rules(NamePrefix=made.name)["Rules"]:
        aws("events").remove_targets(Rule=rule["Name"], Ids=["notices"])
        aws("events").delete_rule(Name=rule["Name"])


def rule(aws: Aws, topic: Topic, kind: str, detail: dict[str, Any], paths: dict[str, str], template: str) -> None:
    pattern = {"source": ["aws.glue"], "detail-type": [kind], "detail": detail}
    aws("events").put_rule(Name=topic.name, EventPattern=json.dumps(pattern))
    transformer = {"InputPathsMap": paths, "InputTemplate": json.dumps(template)}
    target = {"Id": "notices", "Arn": topic.arn, "InputTransformer": transformer}
    aws("events").put_targets(Rule=topic.name, Targets=[target])


def metrics(aws: Aws, namespace: str, **dimensions: str) -> set[str]:
    """The names of the metrics that have these dimensions and no others."""
    wanted = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    pages = aws("cloudwatch").get_paginator("list_metrics").paginate(Namespace=namespace)
    found = [metric for page in pages for metric in page["Metrics"]]
    return {m["MetricName"] for m in found if sorted(map(str, m["Dimensions"])) == sorted(map(str, wanted))}


def test_a_run_that_fails_is_told_to_the_topic_and_counted_by_its_rule(aws: Aws, topic: Topic) -> None:
    detail = {"jobName": [topic.name], "state": ["FAILED"]}
    paths = {"job": "$.detail.jobName", "why": "$.detail.message"}
    rule(aws, topic, "Glue Job State Change", detail, paths, "<job> failed: <why>")
    role = "arn:aws:iam::000000000000:role/any"
    command = {"Name": "glueetl", "ScriptLocation": "s3://no-such-bucket/no.py"}
    aws("glue").create_job(Name=topic.name, Role=role, Command=command, GlueVersion="5.1")
    aws("glue").start_job_run(JobName=topic.name)

    assert topic.heard().startswith(f"{topic.name} failed: ")
    assert until(lambda: "MatchedEvents" in metrics(aws, "AWS/Events", RuleName=topic.name))


def test_a_crawl_that_fails_is_told_to_the_topic(aws: Aws, topic: Topic) -> None:
    detail = {"crawlerName": [topic.name], "state": ["Failed"]}
    paths = {"crawler": "$.detail.crawlerName", "why": "$.detail.errorMessage"}
    rule(aws, topic, "Glue Crawler State Change", detail, paths, "The crawler <crawler> failed: <why>")
    aws("glue").create_database(DatabaseInput={"Name": topic.name.replace("-", "_")})
    aws("glue").create_crawler(
        Name=topic.name,
        Role="arn:aws:iam::000000000000:role/any",
        DatabaseName=topic.name.replace("-", "_"),
        Targets={"S3Targets": [{"Path": "s3://no-such-bucket-here/a/"}]},
    )
    aws("glue").start_crawler(Name=topic.name)

    assert topic.heard().startswith(f"The crawler {topic.name} failed: ")


def test_a_query_has_the_metrics_that_an_alarm_of_its_workgroup_watches(aws: Aws, topic: Topic) -> None:
    athena, output = aws("athena"), f"s3://{topic.name}/"
    aws("s3").create_bucket(Bucket=topic.name)
    athena.create_work_group(Name=topic.name)
    aws("cloudwatch").put_metric_alarm(
        AlarmName=topic.name,
        Namespace="AWS/Athena",
        MetricName="TotalExecutionTime",
        Dimensions=[
            {"Name": name, "Value": value}
            for name, value in (("WorkGroup", topic.name), ("QueryState", "FAILED"), ("QueryType", "DML"))
        ],
        Statistic="SampleCount",
        Period=3600,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic.arn],
    )
    for sql in ("SELECT 1", "SELECT no_such_column"):
        athena.start_query_execution(
            QueryString=sql, WorkGroup=topic.name, ResultConfiguration={"OutputLocation": output}
        )

    for state in ("SUCCEEDED", "FAILED"):
        named = {"WorkGroup": topic.name, "QueryState": state, "QueryType": "DML"}
        until(lambda named=named: metrics(aws, "AWS/Athena", **named) == {"TotalExecutionTime", "ProcessedBytes"})  # type: ignore[misc]
    until(
        lambda: aws("cloudwatch").describe_alarms(AlarmNames=[topic.name])["MetricAlarms"][0]["StateValue"] == "ALARM"
    )
    assert "Threshold Crossed" in topic.heard()


@pytest.mark.parametrize(("state", "told"), [("SUCCEEDED", "Succeeded"), ("FAILED", "Failed"), ("CANCELLED", None)])
def test_the_end_of_a_crawl_is_an_event_in_glues_words(state: str, told: str | None) -> None:
    event = event_of(Ended("CRAWLER", "us-east-1", "c", state))
    assert (event and event["detail"]["state"]) == told


def test_a_query_that_was_stopped_is_spelt_as_the_metrics_spell_it() -> None:
    (time, _) = query_metrics(Ended("QUERY", "us-east-1", "w", "CANCELLED", type="DML", millis=7))
    assert {"Name": "QueryState", "Value": "CANCELED"} in time["Dimensions"]


def test_a_path_that_leads_nowhere_is_empty_and_without_a_template_the_event_is_sent() -> None:
    event = {"detail": {"a": 1}}
    transformer = {"InputPathsMap": {"a": "$.detail.a", "b": "$.detail.b.c"}, "InputTemplate": '"<a>, <b>, <x>"'}
    assert transformed(transformer, event) == "1, , <x>"
    assert json.loads(transformed(None, event)) == event
