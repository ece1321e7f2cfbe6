"""Workflows that really run: crawlers and jobs, each started when its trigger's condition is met."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.context import Context
from local_aws.workflows.runs import WorkflowRuns
from tests.embedded import client, keys_of
from tests.local_aws.conftest import free_port, started, stopped, until
from tests.local_aws.workflows.conftest import Lab, counts, states

SLOW = "import time\ntime.sleep(600)\n"


def test_a_chain_crawls_runs_a_job_and_crawls_its_output(lab: Lab) -> None:
    planes, airports = lab.crawler("planes"), lab.crawler("airports")
    job = lab.job(
        f"""
        import boto3
        tables = boto3.client("glue").get_tables(DatabaseName="{lab.name}")["TableList"]
        rows = chr(10).join(["name,n", *(table["Name"] + ",1" for table in tables)])
        boto3.client("s3").put_object(Bucket="{lab.name}", Key="found/found.csv", Body=rows)
        """
    )
    found = f"{lab.name}-found"
    targets = {"S3Targets": [{"Path": f"s3://{lab.name}/found/"}]}
    lab.glue.create_crawler(Name=found, Role="r", DatabaseName=lab.name, Targets=targets)
    lab.trigger(planes, airports)
    lab.trigger(job, after={planes: "SUCCEEDED", airports: "SUCCEEDED"})
    last = lab.trigger(found, after={job: "SUCCEEDED"})
    run = lab.run()

    assert run["Status"] == "COMPLETED"
    assert counts(run) == {"TotalActions": 4, "SucceededActions": 4}
    assert states(run) == dict.fromkeys([planes, airports, job, found], "SUCCEEDED")
    made = lab.s3.get_object(Bucket=lab.name, Key="found/found.csv")["Body"].read().decode()
    assert set(made.split()) == {"name,n", "planes,1", "airports,1"}, "the job began before both crawls had ended"
    assert lab.tables() == {"planes", "airports", "found"}
    ids = {node["Name"]: node["UniqueId"] for node in run["Graph"]["Nodes"]}
    edges = {(edge["SourceId"], edge["DestinationId"]) for edge in run["Graph"]["Edges"]}
    assert {(ids[job], ids[last]), (ids[last], ids[found])} <= edges


def test_any_fires_at_the_first_and_all_waits_for_the_last(lab: Lab) -> None:
    quick, slow, after_any, after_all = lab.job(), lab.job("import time\ntime.sleep(3)"), lab.job(), lab.job()
    lab.trigger(quick, slow)
    both = {quick: "SUCCEEDED", slow: "SUCCEEDED"}
    lab.trigger(after_any, after=both, logical="ANY")
    lab.trigger(after_all, after=both)
    run = lab.run()

    assert counts(run) == {"TotalActions": 4, "SucceededActions": 4}
    [end], [first], [last] = (lab.job_runs(job) for job in (slow, after_any, after_all))
    assert first["StartedOn"] < end["CompletedOn"] <= last["StartedOn"]


def test_a_failure_in_the_middle_ends_the_run_and_starts_only_what_waits_for_a_failure(lab: Lab) -> None:
    bad, onward, cleaner = lab.job("raise SystemExit('no seats')"), lab.job(), lab.job()
    lab.trigger(bad)
    lab.trigger(onward, after={bad: "SUCCEEDED"})
    lab.trigger(cleaner, after={bad: "FAILED"})
    run = lab.run()

    assert run["Status"] == "COMPLETED"
    assert counts(run) == {"TotalActions": 3, "SucceededActions": 1, "FailedActions": 1}
    assert states(run) == {bad: "FAILED", cleaner: "SUCCEEDED"}
    [node] = (node for node in run["Graph"]["Nodes"] if node["Name"] == bad)
    assert node["JobDetails"]["JobRuns"][0]["ErrorMessage"] == "no seats (exit code 1)"


def test_a_retried_job_has_ended_when_its_last_attempt_has(lab: Lab) -> None:
    once = lab.job(
        f"""
        import boto3, sys
        s3 = boto3.client("s3")
        tried = s3.list_objects_v2(Bucket="{lab.name}", Prefix="tried")["KeyCount"]
        s3.put_object(Bucket="{lab.name}", Key="tried", Body=b"")
        sys.exit(0 if tried else 1)
        """,
        MaxRetries=1,
    )
    onward = lab.job()
    lab.trigger(once)
    lab.trigger(onward, after={once: "SUCCEEDED"})
    run = lab.run()

    assert counts(run) == {"TotalActions": 2, "SucceededActions": 2}
    [node] = (node for node in run["Graph"]["Nodes"] if node["Name"] == once)
    assert [attempt["Attempt"] for attempt in node["JobDetails"]["JobRuns"]] == [1, 0]


def test_an_action_that_cannot_start_is_in_error_and_says_why(lab: Lab) -> None:
    busy, limited, onward = lab.crawler("busy", files=40), lab.job(SLOW), lab.job()
    running = lab.glue.start_job_run(JobName=limited)["JobRunId"]
    lab.trigger(f"{lab.name}-none", busy, limited)
    lab.trigger(onward, after={busy: "SUCCEEDED"}, logical="ANY")
    lab.glue.start_crawler(Name=busy)
    run = lab.run()
    lab.glue.batch_stop_job_run(JobName=limited, JobRunIds=[running])

    assert run["Status"] == "COMPLETED"
    assert counts(run) == {"TotalActions": 4, "ErroredActions": 3}
    nodes = {node["Name"]: node for node in run["Graph"]["Nodes"]}
    told = {name: nodes[name]["CrawlerDetails"]["Crawls"][0]["ErrorMessage"] for name in (busy, f"{lab.name}-none")}
    assert told[busy].startswith("CrawlerRunningException: ")
    assert told[f"{lab.name}-none"].startswith("EntityNotFoundException: ")
    [refused] = nodes[limited]["JobDetails"]["JobRuns"]
    assert refused["ErrorMessage"].startswith("ConcurrentRunsExceededException: ")


def test_a_trigger_fires_once_in_a_run_so_that_a_cycle_ends(lab: Lab) -> None:
    one, two = lab.job(), lab.job()
    lab.trigger(one)
    lab.trigger(two, after={one: "SUCCEEDED"})
    lab.trigger(one, after={two: "SUCCEEDED"})
    run = lab.run()

    assert run["Status"] == "COMPLETED"
    assert (len(lab.job_runs(one)), len(lab.job_runs(two))) == (2, 1)


def test_a_stopped_run_stops_its_jobs_and_starts_no_other(lab: Lab) -> None:
    slow, onward = lab.job(SLOW), lab.job()
    lab.trigger(slow)
    lab.trigger(onward, after={slow: "STOPPED"})
    run_id = lab.glue.start_workflow_run(Name=lab.name)["RunId"]
    lab.glue.stop_workflow_run(Name=lab.name, RunId=run_id)
    run = lab.ended(run_id)

    assert (run["Status"], counts(run)) == ("STOPPED", {"TotalActions": 2, "StoppedActions": 1})
    assert lab.job_runs(onward) == []
    with pytest.raises(ClientError, match="is STOPPED, not RUNNING"):
        lab.glue.stop_workflow_run(Name=lab.name, RunId=run_id)


def test_a_stopped_run_stops_the_attempt_that_its_job_is_at(lab: Lab) -> None:
    retried = lab.job(
        f"""
        import boto3, sys, time
        s3 = boto3.client("s3")
        tried = s3.list_objects_v2(Bucket="{lab.name}", Prefix="tried")["KeyCount"]
        s3.put_object(Bucket="{lab.name}", Key="tried", Body=b"")
        sys.exit(1) if not tried else time.sleep(600)
        """,
        MaxRetries=1,
    )
    lab.trigger(retried)
    run_id = lab.glue.start_workflow_run(Name=lab.name)["RunId"]
    until(lambda: [run for run in lab.job_runs(retried) if (run["Attempt"], run["JobRunState"]) == (1, "RUNNING")])
    lab.glue.stop_workflow_run(Name=lab.name, RunId=run_id)

    assert lab.ended(run_id)["Status"] == "STOPPED"
    assert [run["JobRunState"] for run in lab.job_runs(retried)] == ["STOPPED", "FAILED"]


def test_runs_that_are_asked_for_at_the_same_time_are_no_more_than_the_workflow_allows(lab: Lab) -> None:
    lab.glue.update_workflow(Name=lab.name, MaxConcurrentRuns=1)
    lab.trigger(lab.job(SLOW))
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(lab.glue.start_workflow_run, Name=lab.name) for _ in range(4)]
    refused = [each.exception() for each in asked if each.exception()]
    [run_id] = [each.result()["RunId"] for each in asked if not each.exception()]
    lab.glue.stop_workflow_run(Name=lab.name, RunId=run_id)
    lab.ended(run_id)

    assert [type(error).__name__ for error in refused] == ["ConcurrentRunsExceededException"] * 3


def test_no_more_runs_at_once_than_the_workflow_allows(lab: Lab) -> None:
    lab.glue.update_workflow(Name=lab.name, MaxConcurrentRuns=1)
    lab.trigger(lab.job(SLOW))
    run_id = lab.glue.start_workflow_run(Name=lab.name)["RunId"]
    with pytest.raises(lab.glue.exceptions.ConcurrentRunsExceededException, match="exceeded for workflow"):
        lab.glue.start_workflow_run(Name=lab.name)
    lab.glue.stop_workflow_run(Name=lab.name, RunId=run_id)
    lab.ended(run_id)


def test_run_properties_reach_the_run_and_the_job_gets_the_run_id(lab: Lab) -> None:
    job = lab.job(
        """
        import boto3, sys
        given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
        run = {"Name": given["--WORKFLOW_NAME"], "RunId": given["--WORKFLOW_RUN_ID"]}
        boto3.client("glue").put_workflow_run_properties(**run, RunProperties={"told": given["--day"]})
        """
    )
    trigger = lab.trigger(job)
    update = {"Actions": [{"JobName": job, "Arguments": {"--day": "monday"}}]}
    lab.glue.update_trigger(Name=trigger, TriggerUpdate=update)
    run = lab.run(RunProperties={"by": "hand"})

    assert run["Status"] == "COMPLETED" and states(run) == {job: "SUCCEEDED"}
    place = {"Name": lab.name, "RunId": run["WorkflowRunId"]}
    properties = lab.glue.get_workflow_run_properties(**place)["RunProperties"]
    assert properties == {"by": "hand", "kept": "yes", "told": "monday"}
    assert lab.job_runs(job)[0]["TriggerName"] == trigger


def test_triggers_without_a_workflow_form_a_chain_too(lab: Lab) -> None:
    first, second, unrelated = lab.job(), lab.job(), lab.job()
    start = lab.trigger(first, WorkflowName=None)
    lab.trigger(second, after={first: "SUCCEEDED"}, WorkflowName=None)
    lab.trigger(unrelated, after={first: "FAILED"}, WorkflowName=None)
    lab.glue.start_trigger(Name=start)

    until(lambda: lab.job_runs(second))
    until(lambda: lab.job_runs(second)[0]["JobRunState"] == "SUCCEEDED")
    assert lab.job_runs(unrelated) == []


def test_a_job_started_by_hand_fires_no_trigger(lab: Lab) -> None:
    first, second = lab.job(), lab.job()
    lab.trigger(second, after={first: "SUCCEEDED"}, WorkflowName=None)
    lab.glue.start_job_run(JobName=first)

    until(lambda: lab.job_runs(first)[0]["JobRunState"] == "SUCCEEDED")
    time.sleep(0.5)
    assert lab.job_runs(second) == []


def test_a_trigger_that_is_not_activated_does_not_fire(lab: Lab) -> None:
    first, second = lab.job(), lab.job()
    lab.trigger(first)
    trigger = lab.trigger(second, after={first: "SUCCEEDED"})
    lab.glue.stop_trigger(Name=trigger)

    assert counts(lab.run()) == {"TotalActions": 2, "SucceededActions": 1}
    lab.glue.start_trigger(Name=trigger)
    assert counts(lab.run()) == {"TotalActions": 2, "SucceededActions": 2}


def test_a_schedule_starts_the_workflow(lab: Lab, endpoint: str, tmp_path: Path) -> None:
    job, idle = lab.job(), lab.job()
    schedule = {"Type": "SCHEDULED", "Schedule": "cron(0 3 * * ? *)", "StartOnCreation": True}
    lab.trigger(job, **schedule)
    lab.trigger(idle, **schedule | {"WorkflowName": None, "Schedule": "cron(0 4 * * ? *)"})
    three = datetime(2026, 1, 2, 3, tzinfo=UTC)
    # A separate engine is given a later time, since the clock of the embedded AWS cannot be changed.
    context = Context.at(endpoint, tmp_path, keys_of(endpoint))
    context.store.put("glue_triggers", "us-east-1/any", {})
    WorkflowRuns(context).start_due(three - timedelta(minutes=1), three)

    [run] = until(lambda: lab.glue.get_workflow_runs(Name=lab.name)["Runs"])
    assert states(lab.ended(run["WorkflowRunId"])) == {job: "SUCCEEDED"}
    assert lab.job_runs(idle) == []


@pytest.mark.parametrize(
    ("call", "request_", "told"),
    [
        ("start_workflow_run", {"Name": "none"}, "EntityNotFoundException.*Workflow none not found"),
        ("get_workflow_run", {"Name": "none", "RunId": "wr_1"}, "EntityNotFoundException.*wr_1 of none not found"),
        (
            "create_trigger",
            {"Name": "x", "Type": "ON_DEMAND", "Actions": [{"JobName": "j"}], "WorkflowName": "none"},
            "EntityNotFoundException.*Workflow none not found",
        ),
        (
            "create_trigger",
            {"Name": "x", "Type": "SCHEDULED", "Schedule": "daily", "Actions": [{"JobName": "j"}]},
            r"InvalidInputException.*not in the form cron\(15 12",
        ),
    ],
)
def test_a_missing_name_is_reported(lab: Lab, call: str, request_: dict[str, Any], told: str) -> None:
    with pytest.raises(ClientError, match=told):
        getattr(lab.glue, call)(**request_)


def test_a_workflow_without_a_start_trigger_does_not_start(lab: Lab) -> None:
    with pytest.raises(lab.glue.exceptions.InvalidInputException, match="has no start trigger"):
        lab.glue.start_workflow_run(Name=lab.name)


def test_workflows_are_listed_with_their_last_run(lab: Lab) -> None:
    lab.trigger(lab.job())
    lab.run()
    second = lab.run()
    workflow = lab.glue.get_workflow(Name=lab.name, IncludeGraph=True)["Workflow"]

    assert lab.name in lab.glue.list_workflows()["Workflows"]
    assert workflow["LastRun"]["WorkflowRunId"] == second["WorkflowRunId"]
    assert {node["Type"] for node in workflow["Graph"]["Nodes"]} == {"TRIGGER", "JOB"}
    several = lab.glue.batch_get_workflows(Names=[lab.name, "none"])
    assert [found["Name"] for found in several["Workflows"]] == [lab.name]
    assert several["MissingWorkflows"] == ["none"]
    first = lab.glue.get_workflow_runs(Name=lab.name, MaxResults=1)
    more = lab.glue.get_workflow_runs(Name=lab.name, MaxResults=1, NextToken=first["NextToken"])
    assert (first["Runs"][0]["WorkflowRunId"], len(more["Runs"])) == (second["WorkflowRunId"], 1)


def test_a_run_interrupted_by_the_end_of_the_embedded_aws_is_in_error(tmp_path: Path) -> None:
    port = free_port()
    process = started(port, tmp_path / "aws")
    glue: Callable[[], Any] = lambda: client("glue", f"http://127.0.0.1:{port}")  # noqa: E731
    lab = Lab(lambda service: client(service, f"http://127.0.0.1:{port}"))
    lab.trigger(lab.job(SLOW))
    run_id = lab.glue.start_workflow_run(Name=lab.name)["RunId"]
    stopped(process)
    again = started(port, tmp_path / "aws")
    try:
        run = glue().get_workflow_run(Name=lab.name, RunId=run_id)["Run"]
        assert (run["Status"], run["ErrorMessage"]) == (
            "ERROR",
            "The embedded AWS ended while this run was going on.",
        )
        assert counts(run) == {"TotalActions": 1, "FailedActions": 1}
    finally:
        stopped(again)
