"""Who is told of what goes wrong: the rules match the events that are sent, the alarms watch metrics that exist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lake.configuration.names import STACKS
from lake.configuration.reading import load
from lake.costs.estimate import estimate
from lake.costs.prices import Prices
from local_aws.events import Ended
from local_aws.notices import event_of, query_metrics, rule_metrics
from tests.stacks.conftest import ROOT, Stacks, resources, synthesised

LAKE = """
project: shop
environments:
  dev: {region: eu-west-1, budget: {monthly_usd: 50, emails: [ann@example.org]}}
datasets:
  orders: {format: csv, crawl: {stale_hours: 24}}
jobs:
  sales: {source: orders, stale_hours: 48, sink: {table: sales}}
"""
TOPIC = "arn:aws:sns:eu-west-1:${data.aws_caller_identity.account.account_id}:shop-dev-notices"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    folder: Path = tmp_path_factory.mktemp("shop")
    (folder / "lake.yaml").write_text(LAKE)
    return synthesised(folder / "lake.yaml", "dev", folder / "out")


def matched(stack: dict[str, Any], kind: str, name: str, state: str) -> set[str]:
    """The rules of a stack that match the end of a job's run or of a crawl."""
    event = event_of(Ended(kind, "eu-west-1", name, state))  # type: ignore[arg-type]
    assert event
    rules = resources(stack, "aws_cloudwatch_event_rule").values()
    return {rule["name"] for rule in rules if _matches(json.loads(rule["event_pattern"]), event)}


def _matches(pattern: Any, event: Any) -> bool:
    if isinstance(pattern, dict):
        return all(key in event and _matches(value, event[key]) for key, value in pattern.items())
    return event in pattern


@pytest.mark.parametrize(
    ("stack", "kind", "name", "state", "rules"),
    [
        ("etl", "JOB", "shop-dev-sales", "FAILED", {"shop-dev-runs-failed-1"}),
        ("etl", "JOB", "shop-dev-sales", "TIMEOUT", {"shop-dev-runs-failed-1"}),
        ("etl", "JOB", "shop-dev-sales", "SUCCEEDED", {"shop-dev-run-sales-succeeded"}),
        ("etl", "JOB", "shop-dev-sales", "STOPPED", set()),
        ("etl", "JOB", "shop-dev-ann-sales", "FAILED", set()),
        ("catalog", "CRAWLER", "shop-dev-orders", "FAILED", {"shop-dev-crawls-failed-1"}),
        ("catalog", "CRAWLER", "shop-dev-orders", "SUCCEEDED", {"shop-dev-crawl-orders-succeeded"}),
        ("catalog", "CRAWLER", "another", "FAILED", set()),
    ],
)
def test_a_rule_matches_what_it_is_for_and_nothing_of_another_lake(
    shop: Stacks, stack: str, kind: str, name: str, state: str, rules: set[str]
) -> None:
    assert matched(shop[stack], kind, name, state) == rules


def test_every_alarm_and_every_target_notifies_the_one_topic(shop: Stacks, local: Stacks) -> None:
    alarms = [a for s in STACKS for a in resources(shop[s], "aws_cloudwatch_metric_alarm").values()]
    targets = [t for s in STACKS for t in resources(shop[s], "aws_cloudwatch_event_target").values()]
    assert {tuple(alarm["alarm_actions"]) for alarm in alarms} == {(TOPIC,)}
    assert {target["arn"] for target in targets} == {TOPIC}
    topics = [t["name"] for s in STACKS for t in resources(local[s], "aws_sns_topic").values()]
    assert topics.count("flights-local-notices") == 1


@pytest.mark.parametrize(("what", "state"), [("failed", "FAILED"), ("dear", "SUCCEEDED"), ("cut_off", "CANCELLED")])
def test_an_alarm_of_queries_watches_a_metric_that_athena_has(shop: Stacks, what: str, state: str) -> None:
    alarm = resources(shop["athena"], "aws_cloudwatch_metric_alarm")[f"queries_{what}_alarm"]
    told = query_metrics(Ended("QUERY", "eu-west-1", "shop-dev", state, type="DML"))
    found = {
        metric["MetricName"]: {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
        for metric in told
    }
    assert (alarm["namespace"], found[alarm["metric_name"]]) == ("AWS/Athena", alarm["dimensions"])


@pytest.mark.parametrize(("stack", "what", "hours"), [("etl", "run_sales", 48), ("catalog", "crawl_orders", 24)])
def test_a_table_is_stale_when_nothing_has_succeeded_for_so_many_hours(
    shop: Stacks, stack: str, what: str, hours: int
) -> None:
    alarm = resources(shop[stack], "aws_cloudwatch_metric_alarm")[f"{what}_stale_alarm"]
    rule = resources(shop[stack], "aws_cloudwatch_event_rule")[f"{what}_succeeded_rule"]["name"]
    names = [metric["MetricName"] for metric in rule_metrics(rule)]
    assert alarm["metric_name"] in names
    assert alarm["dimensions"] == {"RuleName": f"${{aws_cloudwatch_event_rule.{what}_succeeded_rule.name}}"}
    assert (alarm["period"], alarm["evaluation_periods"], alarm["threshold"]) == (3600, hours, 1)
    assert (alarm["comparison_operator"], alarm["treat_missing_data"]) == ("LessThanThreshold", "breaching")


def test_without_stale_hours_nothing_is_called_stale(local: Stacks) -> None:
    for stack in ("etl", "catalog"):
        assert not resources(local[stack], "aws_cloudwatch_metric_alarm")


def test_the_budget_counts_this_lake_alone_and_tells_topic_and_people(shop: Stacks, local: Stacks) -> None:
    (budget,) = resources(shop["storage"], "aws_budgets_budget").values()
    assert (budget["limit_amount"], budget["time_unit"]) == ("50.00", "MONTHLY")
    assert budget["cost_filter"] == [{"name": "TagKeyValue", "values": ["user:lake$shop-dev"]}]
    assert all(told["subscriber_sns_topic_arns"] == [TOPIC] for told in budget["notification"])
    assert all(told["subscriber_email_addresses"] == ["ann@example.org"] for told in budget["notification"])
    assert not resources(local["storage"], "aws_budgets_budget")


def test_the_topic_takes_notices_of_these_services_alone(shop: Stacks) -> None:
    (policy,) = resources(shop["storage"], "aws_sns_topic_policy").values()
    statements = json.loads(policy["policy"])["Statement"]
    assert {statement["Principal"]["Service"] for statement in statements} == {
        *("cloudwatch.amazonaws.com", "budgets.amazonaws.com", "events.amazonaws.com"),
    }
    assert {tuple(statement["Action"]) for statement in statements} == {("sns:Publish",)}


def test_a_rule_fits_eventbridge_however_many_jobs_there_are(tmp_path: Path) -> None:
    jobs = "".join(f"  {'j' * 40}_{n}: {{source: orders, sink: {{table: t{n}}}}}\n" for n in range(40))
    (tmp_path / "lake.yaml").write_text(LAKE.partition("jobs:")[0] + f"jobs:\n{jobs}")
    etl = synthesised(tmp_path / "lake.yaml", "dev", tmp_path / "out")["etl"]
    rules = resources(etl, "aws_cloudwatch_event_rule").values()
    assert all(len(rule["event_pattern"]) <= 2048 for rule in rules)
    assert sum(len(json.loads(rule["event_pattern"])["detail"]["jobName"]) for rule in rules) == 2 * 40


@pytest.mark.parametrize("stack", STACKS)
def test_the_estimate_of_costs_counts_the_alarms_that_a_stack_makes(
    shop: Stacks, local: Stacks, stack: str, tmp_path: Path
) -> None:
    (tmp_path / "lake.yaml").write_text(LAKE)
    for lake, stacks in ((load(tmp_path / "lake.yaml", "dev"), shop), (load(ROOT / "lake.yaml", "local"), local)):
        costs = estimate(lake, Prices("us-east-1"), 5).costs
        counted = [cost.part for cost in costs if cost.stack == stack and " alarm" in cost.part]
        alarms = resources(stacks[stack], "aws_cloudwatch_metric_alarm")
        assert sum(int(part.split()[0]) for part in counted) == len(alarms)
