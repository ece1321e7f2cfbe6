"""Workflows as the etl stack deploys them."""

from __future__ import annotations

from pathlib import Path

from tests.stacks.conftest import Stacks, resources, synthesised
from tests.stacks.test_stacks import lake_of

NIGHTLY = """\
datasets: {orders: {format: csv}, customers: {format: csv}}
jobs:
  totals: {source: orders, sink: {table: totals}}
  people: {source: customers, sink: {table: people}}
workflows:
  nightly:
    schedule: "cron(0 3 * * ? *)"
    steps:
      - crawl: [orders, customers]
      - run: [totals, people]
        after: any
"""


def test_an_on_demand_workflow_has_a_trigger_per_step_and_a_deploy_fires_none(local: Stacks) -> None:
    [workflow] = resources(local["etl"], "aws_glue_workflow").values()
    first, second, third = resources(local["etl"], "aws_glue_trigger").values()

    assert (workflow["name"], workflow["max_concurrent_runs"]) == ("flights-local-refresh", 1)
    assert (first["name"], first["type"], first["enabled"]) == ("flights-local-refresh-1", "ON_DEMAND", False)
    assert {action["crawler_name"] for action in first["actions"]} == {
        f"flights-local-{name}" for name in ("flights", "weather", "airlines", "airports", "planes")
    }
    assert second["type"] == "CONDITIONAL" and second["predicate"]["logical"] == "AND"
    assert second["predicate"]["conditions"][0] == {
        "crawl_state": "SUCCEEDED",
        "crawler_name": "flights-local-flights",
    }
    assert second["actions"] == [{"job_name": "flights-local-flights_enriched"}]
    assert third["predicate"]["conditions"] == [{"job_name": "flights-local-flights_enriched", "state": "SUCCEEDED"}]
    assert all(trigger["depends_on"] == ["aws_glue_job.flights_enriched_job"] for trigger in (first, second, third))


def test_a_workflow_can_have_a_schedule_and_start_after_any(tmp_path: Path) -> None:
    etl = synthesised(lake_of(tmp_path, NIGHTLY), "local", tmp_path / "out")["etl"]
    first, second = resources(etl, "aws_glue_trigger").values()

    assert (first["type"], first["schedule"]) == ("SCHEDULED", "cron(0 3 * * ? *)")
    assert second["predicate"]["logical"] == "ANY"
    assert [action["job_name"] for action in second["actions"]] == ["small-local-totals", "small-local-people"]
