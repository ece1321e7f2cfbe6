"""Who is told of what goes wrong: one topic and one dashboard for the lake, and rules and alarms in each stack.

Glue has no metric of a failed crawl, nor of a run that could not start: both are events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from cdktf_cdktf_provider_aws.budgets_budget import (
    BudgetsBudget,
    BudgetsBudgetCostFilter,
    BudgetsBudgetNotification,
)
from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import (
    CloudwatchEventTarget,
    CloudwatchEventTargetInputTransformer,
)
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy

from lake.configuration.model import Budget
from stacks import policies
from stacks.base import LakeStack
from stacks.streaming.alarms import Graph, graphs

JOB, CRAWLER = "Glue Job State Change", "Glue Crawler State Change"
FAILED_RUN = ["FAILED", "TIMEOUT", "ERROR"]
NAMES_OF_A_RULE = 15
"""EventBridge takes 2,048 characters for the pattern of a rule."""
HOUR = 3600
FAILED_QUERIES = 10
"""In an hour. A person who tries a query out makes fewer mistakes; a broken dashboard makes more."""
DEAR = 0.5
"""A query is dear that reads so much of what `bytes_scanned_cutoff` allows."""
_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 3
"""Of a graph on the dashboard, which is 24 wide."""


def notices(stack: LakeStack) -> None:
    """The topic, which whoever wants to be told subscribes to, and the dashboard."""
    key = stack.names.key_alias_arn
    topic = SnsTopic(stack, "alarms_topic", name=stack.names.alarms_topic, kms_master_key_id=key)
    publishers = policies.for_notifiers(stack.names, ["sns:Publish"], topic.arn)
    SnsTopicPolicy(stack, "alarms_topic_policy", arn=topic.arn, policy=policies.document(*publishers))
    body = {"widgets": list(_widgets(stack))}
    CloudwatchDashboard(
        stack,
        "dashboard",
        dashboard_name=stack.names.dashboard,
        dashboard_body=json.dumps(body, sort_keys=True),
    )
    stack.output("alarms_topic", topic.arn, "SNS topic of all alarms and notices: subscribe to it")


def tell_of_failed_runs(stack: LakeStack, jobs: Sequence[str], id_: str = "runs") -> None:
    """Notify of runs of these jobs that fail."""
    paths = {
        "job": "$.detail.jobName",
        "state": "$.detail.state",
        "run": "$.detail.jobRunId",
        "why": "$.detail.message",
    }
    for number, names in enumerate(_some(jobs), 1):
        pattern = {"detail-type": [JOB], "detail": {"jobName": list(names), "state": FAILED_RUN}}
        sentence = "The run <run> of the job <job> ended as <state>: <why> `lake logs <run>` shows its log."
        _tell(stack, f"{id_}-failed-{number}", "Runs that failed", pattern, paths, sentence)


def tell_of_late_runs(stack: LakeStack, jobs: Sequence[str]) -> None:
    """Notify of runs of these jobs that take longer than their `notify_minutes`."""
    for number, names in enumerate(_some(jobs), 1):
        pattern = {"detail-type": ["Glue Job Run Status"], "detail": {"jobName": list(names)}}
        late_paths = {"job": "$.detail.jobName", "run": "$.detail.jobRunId"}
        sentence = "The run <run> of the job <job> takes longer than its notify_minutes."
        _tell(stack, f"runs-late-{number}", "Runs that take long", pattern, late_paths, sentence)


def tell_of_failed_crawls(stack: LakeStack, crawlers: Sequence[str]) -> None:
    paths = {"crawler": "$.detail.crawlerName", "why": "$.detail.errorMessage"}
    for number, names in enumerate(_some(crawlers), 1):
        pattern = {"detail-type": [CRAWLER], "detail": {"crawlerName": list(names), "state": ["Failed"]}}
        sentence = "The crawler <crawler> failed: <why>"
        _tell(stack, f"crawls-failed-{number}", "Crawls that failed", pattern, paths, sentence)


def _some(names: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, NAMES_OF_A_RULE)):
        yield some


def _tell(stack: LakeStack, id_: str, what: str, pattern: dict[str, Any], paths: dict[str, str], sentence: str) -> None:
    rule = _rule(stack, id_, what, pattern)
    CloudwatchEventTarget(
        stack,
        f"{id_.replace('-', '_')}_target",
        rule=rule.name,
        target_id="notices",
        arn=stack.names.alarms_topic_arn,
        input_transformer=CloudwatchEventTargetInputTransformer(input_paths=paths, input_template=json.dumps(sentence)),
    )


def _rule(stack: LakeStack, id_: str, what: str, pattern: dict[str, Any]) -> CloudwatchEventRule:
    return CloudwatchEventRule(
        stack,
        f"{id_.replace('-', '_')}_rule",
        name=stack.names.rule(id_),
        description=f"{what} of the lake {stack.names.prefix}",
        event_pattern=json.dumps({"source": ["aws.glue"], **pattern}, sort_keys=True),
    )


def watch_runs(stack: LakeStack, name: str, hours: int) -> None:
    """An alarm of a job of which no run has succeeded for so many hours: what it makes is stale."""
    detail = {"jobName": [stack.names.job(name)], "state": ["SUCCEEDED"]}
    _watch_staleness(stack, f"run-{name}", name, hours, {"detail-type": [JOB], "detail": detail})


def watch_crawls(stack: LakeStack, name: str, hours: int) -> None:
    """As `watch_runs`, of a dataset's crawler."""
    detail = {"crawlerName": [stack.names.crawler(name)], "state": ["Succeeded"]}
    _watch_staleness(stack, f"crawl-{name}", name, hours, {"detail-type": [CRAWLER], "detail": detail})


def _watch_staleness(stack: LakeStack, what: str, name: str, hours: int, pattern: dict[str, Any]) -> None:
    rule = _rule(stack, f"{what}-succeeded", f"Successes of {name}", pattern)
    _alarm(
        stack,
        f"{what.replace('-', '_')}_stale_alarm",
        alarm_name=stack.names.alarm(what, "stale"),
        alarm_description=f"{name} has not succeeded for {hours} hours: its table is stale",
        namespace="AWS/Events",
        metric_name="MatchedEvents",
        dimensions={"RuleName": rule.name},
        statistic="Sum",
        period=HOUR,
        evaluation_periods=hours,
        threshold=1,
        comparison_operator="LessThanThreshold",
        treat_missing_data="breaching",
    )


def watch_queries(stack: LakeStack, workgroup: str) -> None:
    """Alarms of queries that fail one after another, and of those that read much."""
    most = stack.lake.config.queries.bytes_scanned_cutoff * DEAR
    _query_alarm(
        stack,
        *("failed", "FAILED", "TotalExecutionTime", "SampleCount", FAILED_QUERIES, HOUR),
        f"More than {FAILED_QUERIES} queries have failed within an hour",
        workgroup,
    )
    for what, state in (("dear", "SUCCEEDED"), ("cut-off", "CANCELED")):
        sentence = f"A query has read more than {most / 1e9:g} GB"
        _query_alarm(stack, what, state, "ProcessedBytes", "Maximum", most, 300, sentence, workgroup)


def _query_alarm(
    stack: LakeStack,
    what: str,
    state: str,
    metric: str,
    statistic: str,
    threshold: float,
    period: int,
    sentence: str,
    workgroup: str,
) -> None:
    _alarm(
        stack,
        f"queries_{what.replace('-', '_')}_alarm",
        alarm_name=stack.names.alarm("queries", what),
        alarm_description=f"{sentence}: see the workgroup's history",
        namespace="AWS/Athena",
        metric_name=metric,
        dimensions={"WorkGroup": workgroup, "QueryState": state, "QueryType": "DML"},
        statistic=statistic,
        period=period,
        evaluation_periods=1,
        threshold=threshold,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
    )


def _alarm(stack: LakeStack, id_: str, **settings: Any) -> None:
    topic = [stack.names.alarms_topic_arn]
    CloudwatchMetricAlarm(stack, id_, **settings, alarm_actions=topic, ok_actions=topic)


def budget(stack: LakeStack, wanted: Budget) -> None:
    """Of what is tagged as this lake's. The tag `lake` has to be active for cost allocation in the account."""
    notifications = [
        BudgetsBudgetNotification(
            comparison_operator="GREATER_THAN",
            notification_type=type_,
            threshold=percent,
            threshold_type="PERCENTAGE",
            subscriber_email_addresses=wanted.emails or None,
            subscriber_sns_topic_arns=[stack.names.alarms_topic_arn],
        )
        for type_, percent in (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
    ]
    BudgetsBudget(
        stack,
        "budget",
        name=stack.names.budget,
        budget_type="COST",
        limit_amount=f"{wanted.monthly_usd:.2f}",
        limit_unit="USD",
        time_unit="MONTHLY",
        cost_filter=[BudgetsBudgetCostFilter(name="TagKeyValue", values=[f"user:lake${stack.names.prefix}"])],
        notification=notifications,
    )


def _widgets(stack: LakeStack) -> Iterator[dict[str, Any]]:
    for place, (title, lines) in enumerate(_graphs(stack).items()):
        yield {
            "type": "metric",
            "x": place % _COLUMNS * _WIDTH,
            "y": place // _COLUMNS * _HEIGHT,
            "width": _WIDTH,
            "height": _HEIGHT,
            "properties": {"title": title, "region": stack.lake.environment.region, "period": 60, "metrics": lines},
        }


def _graphs(stack: LakeStack) -> dict[str, Graph]:
    config, names, group = stack.lake.config, stack.names, stack.names.workgroup
    failed = {
        "Runs that failed": _rules(names.rule("runs-failed"), len(config.every_job)),
        "Crawls that failed": _rules(names.rule("crawls-failed"), len(config.datasets)),
    }
    athena = {
        "Queries that failed": [_query("TotalExecutionTime", "FAILED", group, "SampleCount")],
        "Most bytes that a query has read": [
            _query("ProcessedBytes", state, group, "Maximum") for state in ("SUCCEEDED", "CANCELED")
        ],
    }
    streams = {
        title: lines
        for name, stream in config.streams.items()
        for title, lines in graphs(name, names.stream(name), bool(stream.windows)).items()
    }
    return {title: lines for title, lines in (failed | athena | streams).items() if lines}


def _rules(prefix: str, names: int) -> Graph:
    count = -(-names // NAMES_OF_A_RULE)
    return [
        ["AWS/Events", "MatchedEvents", "RuleName", f"{prefix}-{number}", {"stat": "Sum"}]
        for number in range(1, count + 1)
    ]


def _query(metric: str, state: str, group: str, statistic: str) -> list[Any]:
    dimensions = ["WorkGroup", group, "QueryState", state, "QueryType", "DML"]
    return ["AWS/Athena", metric, *dimensions, {"stat": statistic}]
