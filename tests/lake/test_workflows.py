"""Workflows in lake.yaml: the message for each mistake, and how the outcome of a run reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.configuration.reading import ConfigError, load
from lake.running.workflows import Action, failure

LAKE = """\
project: shop
environments: {local: {endpoint: "http://127.0.0.1:4566", region: us-east-1}}
datasets: {orders: {format: csv}, customers: {format: csv}}
jobs: {totals: {source: orders, sink: {table: totals}}}
workflows:
  nightly:
    schedule: "cron(0 3 * * ? *)"
    steps:
      - crawl: [orders, customers]
      - run: [totals]
        after: any
"""


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in LAKE
    (folder / "lake.yaml").write_text(LAKE.replace(old, new, 1))
    return folder / "lake.yaml"


def test_a_step_waits_for_all_of_the_previous_step_unless_it_says_any(tmp_path: Path) -> None:
    first, second = load(written(tmp_path)).config.workflows["nightly"].steps

    assert (first.crawl, first.after, second.run, second.after) == (["orders", "customers"], "all", ["totals"], "any")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[orders, customers]", "[order]", r"steps.0.crawl.0: there is no dataset 'order'. Allowed: orders, customers"),
        (
            "run: [totals]",
            "run: [total]",
            r"line 10: workflows.nightly.steps.1.run.0: there is no job 'total'. Allowed: totals",
        ),
        ("[orders, customers]", "[orders, orders]", "steps.0.crawl: 'orders' appears twice. A workflow can start it"),
        (
            "run: [totals]",
            "crawl: [orders]",
            "steps.1.crawl: 'orders' appears twice. A workflow can start it only once",
        ),
        (
            "orders: {format: csv}",
            "orders: {format: csv, crawl: {schedule: 'cron(0 4 * * ? *)'}}",
            r"datasets.orders.crawl.schedule: the workflow nightly also crawls orders, and fails if both",
        ),
        ("run: [totals]", "run: []", "steps.1: starts nothing: name datasets to crawl, or jobs to run"),
        ("crawl: [orders, customers]", "{after: any, run: []}", "steps.0.after: the first step has no step before it"),
        ("after: any", "after: first", "steps.1.after: should be 'all' or 'any'. Given: 'first'"),
        ("after: any", "when: any", "steps.1.when: is not a valid field here. Allowed: after, crawl, run"),
        ("cron(0 3 * * ? *)", "daily", r"schedule: is not allowed. Allowed: AWS's six fields in UTC"),
        ("    steps:", "    stages:", "nightly.stages: is not a valid field here. Allowed: schedule, steps"),
    ],
)
def test_a_mistake_is_reported_with_its_place_and_allowed_values(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        load(written(tmp_path, old, new))


def test_two_scheduled_workflows_cannot_crawl_the_same_dataset(tmp_path: Path) -> None:
    other = '  weekly:\n    schedule: "cron(0 3 ? * MON *)"\n    steps: [{crawl: [orders]}]\n'
    with pytest.raises(ConfigError, match=r"weekly\.schedule: the scheduled workflow nightly also crawls orders"):
        load(written(tmp_path, "        after: any\n", "        after: any\n" + other))


def test_a_failure_lists_what_failed_and_what_was_not_started() -> None:
    actions = [
        Action(1, "crawler orders", "SUCCEEDED"),
        Action(2, "job totals", "FAILED", "no such column (exit code 1)"),
        Action(3, "crawler reports", "NOT STARTED"),
    ]

    assert failure("nightly", actions) == (
        "workflow nightly: job totals is FAILED: no such column (exit code 1); "
        "not started because of that: crawler reports"
    )
    assert failure("nightly", actions[:1]) == ""


def test_a_crawler_that_was_already_running_is_an_error_with_a_fix() -> None:
    message = "CrawlerRunningException: Crawler with name shop-local-orders has already started"

    assert failure("nightly", [Action(1, "crawler orders", "ERROR", message)]).endswith(
        "; something else had started it. After that has ended, run `lake run --workflow nightly` again"
    )
