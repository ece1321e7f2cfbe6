"""Runs workflows, and follows each of their crawlers and jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.configuration.model import WorkflowStep
from lake.configuration.suggest import allowed
from lake.errors import AlreadyRunning, BadInput, LakeError, StillRunning

POLL_SECONDS = 1.0
UNDERWAY = ("RUNNING", "STOPPING")
NOT_STARTED = "NOT STARTED"
_RUNS_ALREADY = ("CrawlerRunningException", "ConcurrentRunsExceededException")


@dataclass(frozen=True)
class Action:
    """A crawler or job in a run of a workflow.

    Attributes:
        step: the number of its step, from 1.
        part: the name in `lake status`: `crawler flights` or `job flights_enriched`.
        state: Glue's state, or NOT STARTED.
        seconds: its duration so far.
    """

    step: int
    part: str
    state: str
    message: str = ""
    seconds: float = 0.0


def start(aws: Aws, workflow: str) -> str:
    """Start a workflow. Returns the run's id.

    Raises:
        BadInput: the workflow is not in lake.yaml.
        LakeError: it is not deployed, or is already running.
    """
    workflows = aws.lake.config.workflows
    if workflow not in workflows:
        raise BadInput(f"there is no workflow {workflow!r} in lake.yaml. {allowed(workflow, workflows)}")
    return _start(aws, workflow)


def follow(aws: Aws, workflow: str, run_id: str, on_change: Callable[[Action], None]) -> list[Action]:
    """Wait for the end of a run. Returns the result of each crawler and job, in the order of the steps.

    Args:
        on_change: called with each crawler and job whose state has changed.

    Raises:
        StillRunning: Ctrl-C.
    """
    try:
        return _followed(aws, workflow, run_id, on_change)
    except KeyboardInterrupt:
        raise StillRunning(
            f"the run {run_id} of the workflow {workflow} continues. Stop it with `lake stop {run_id}`, follow it "
            f"with `lake attach {run_id}`"
        ) from None


def _followed(aws: Aws, workflow: str, run_id: str, on_change: Callable[[Action], None]) -> list[Action]:
    steps, known = aws.lake.config.workflows[workflow].steps, set[tuple[str, str]]()
    while True:
        found = aws.glue.get_workflow_run(Name=aws.names.workflow(workflow), RunId=run_id, IncludeGraph=True)["Run"]
        actions = list(_actions(aws, steps, found["Graph"]["Nodes"]))
        for action in actions:
            if action.state != NOT_STARTED and (action.part, action.state) not in known:
                known.add((action.part, action.state))
                on_change(action)
        if found["Status"] not in UNDERWAY:
            return actions
        time.sleep(POLL_SECONDS)


def runs(aws: Aws, workflow: str) -> Iterator[Any]:
    """The runs of a workflow in Glue's form; none if it is not deployed."""
    more: dict[str, Any] = {"Name": aws.names.workflow(workflow)}
    try:
        while True:
            page = aws.glue.get_workflow_runs(**more)
            yield from page["Runs"]
            if "NextToken" not in page:
                return
            more["NextToken"] = page["NextToken"]
    except ClientError as error:
        if error_code(error) != "EntityNotFoundException":
            raise


def stop(aws: Aws, workflow: str, run_id: str) -> None:
    """Request that a run and the jobs it started stop. Raises BadInput if it cannot be stopped any more."""
    name = aws.names.workflow(workflow)
    now = aws.glue.get_workflow_run(Name=name, RunId=run_id)["Run"]["Status"]
    if now != "RUNNING":
        raise BadInput(f"the run {run_id} of the workflow {workflow} cannot be stopped: it is {now}")
    aws.glue.stop_workflow_run(Name=name, RunId=run_id)


def failure(workflow: str, actions: list[Action]) -> str:
    """Why a run is incomplete, in one line; empty if it is complete."""
    bad = [action for action in actions if action.state not in ("SUCCEEDED", NOT_STARTED)]
    left = [action.part for action in actions if action.state == NOT_STARTED]
    reasons = [f"{action.part} is {action.state}: {action.message or 'no message'}" for action in bad]
    reasons += [f"not started because of that: {', '.join(left)}"] if left else []
    if any(action.message.startswith(_RUNS_ALREADY) for action in bad):
        reasons.append(
            f"something else had started it. After that has ended, run `lake run --workflow {workflow}` again"
        )
    return f"workflow {workflow}: {'; '.join(reasons)}" if reasons else ""


def _start(aws: Aws, workflow: str) -> str:
    try:
        return aws.glue.start_workflow_run(Name=aws.names.workflow(workflow))["RunId"]
    except ClientError as error:
        if error_code(error) == "EntityNotFoundException":
            raise LakeError(f"the workflow {workflow} does not exist. Deploy it first: `lake up etl`") from None
        if error_code(error) == "ConcurrentRunsExceededException":
            runs = aws.glue.get_workflow_runs(Name=aws.names.workflow(workflow), MaxResults=10)["Runs"]
            going = [run["WorkflowRunId"] for run in runs if run["Status"] == "RUNNING"]
            raise AlreadyRunning(f"workflow {workflow}", going) from None
        raise


def _actions(aws: Aws, steps: list[WorkflowStep], nodes: list[Any]) -> Iterator[Action]:
    found = {(node["Type"], node["Name"]): node for node in nodes}
    for number, step in enumerate(steps, start=1):
        for dataset in step.crawl:
            node = found.get(("CRAWLER", aws.names.crawler(dataset)), {})
            crawls = node.get("CrawlerDetails", {}).get("Crawls", [])
            yield _action(number, f"crawler {dataset}", [{**crawl, "Told": crawl["State"]} for crawl in crawls])
        for job in step.run:
            runs = found.get(("JOB", aws.names.job(job)), {}).get("JobDetails", {}).get("JobRuns", [])
            yield _action(number, f"job {job}", [{**run, "Told": run["JobRunState"]} for run in runs])


def _action(step: int, part: str, attempts: list[Any]) -> Action:
    if not attempts:
        return Action(step, part, NOT_STARTED)
    last = max(attempts, key=lambda attempt: attempt["StartedOn"])
    begun, ended = last["StartedOn"].timestamp(), last.get("CompletedOn")
    seconds = round((ended.timestamp() if ended else time.time()) - begun, 1)
    return Action(step, part, last["Told"], last.get("ErrorMessage", ""), seconds)
