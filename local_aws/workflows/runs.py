"""Workflow runs: tracks what each run has started and its outcome, and starts what follows.

Triggers without a workflow run the same way, all as a workflow with an empty name.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from local_aws.context import Context
from local_aws.crawlers.runs import STATES as CRAWLERS
from local_aws.crawlers.schedule import is_due
from local_aws.events import Ended
from local_aws.jobs.runs import RUNS as JOB_RUNS
from local_aws.protocol import AwsError, Document
from local_aws.workflows.graph import Node, actions_of, drawn, is_met, is_start

RUNS = "glue_workflow_runs"
_UNDERWAY = ("RUNNING", "STOPPING")
_DIED = "The embedded AWS ended while this run was going on."
_COUNTED = {
    "RunningActions": ("RUNNING",),
    "SucceededActions": ("SUCCEEDED",),
    "FailedActions": ("FAILED",),
    "StoppedActions": ("STOPPED", "CANCELLED"),
    "TimeoutActions": ("TIMEOUT",),
    "ErroredActions": ("ERROR",),
    "WaitingActions": ("WAITING",),
}

log = logging.getLogger("local_aws.workflows")


class WorkflowRuns:
    """Starts runs, and advances them whenever a crawl or a job run ends. A run is stored as one document."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._lock = threading.RLock()
        context.events.listen(self._took_place)

    def of(self, region: str, workflow: str) -> list[Document]:
        """Return the runs of a workflow, newest first."""
        runs = self._store.all(RUNS).values()
        return [run for run in runs if (run["Region"], run["Name"]) == (region, workflow)][::-1]

    def one(self, region: str, workflow: str, run_id: str) -> Document:
        """Raises AwsError: EntityNotFoundException."""
        run = self._store.get(RUNS, run_id)
        if run is None or (run["Region"], run["Name"]) != (region, workflow):
            raise AwsError("EntityNotFoundException", f"Workflow run {run_id} of {workflow} not found.")
        return run

    def start(self, region: str, workflow: str, properties: dict[str, str], trigger: Document, limit: int = 0) -> str:
        """Begin a run with one of the workflow's start triggers. Returns the run's id.

        Args:
            limit: how many runs may be underway at once; 0 for any number.

        Raises:
            AwsError: ConcurrentRunsExceededException.
        """
        run_id = f"wr_{uuid.uuid4().hex}"
        run = {
            "Name": workflow,
            "WorkflowRunId": run_id,
            "Region": region,
            "Status": "RUNNING",
            "StartedOn": time.time(),
            "WorkflowRunProperties": properties,
            "Fired": [],
            "Actions": [],
        }
        with self._lock:
            if limit and self._underway(region, workflow) >= limit:
                message = f"Concurrent runs exceeded for workflow {workflow}: its MaxConcurrentRuns is {limit}."
                raise AwsError("ConcurrentRunsExceededException", message)
            self._fire(run, trigger)
            self._move_on(run)
        return run_id

    def _underway(self, region: str, workflow: str) -> int:
        return sum(run["Status"] in _UNDERWAY for run in self.of(region, workflow))

    def stop(self, run: Document) -> None:
        """Stop everything that the run has started; it starts nothing more.

        Raises:
            AwsError: IllegalWorkflowStateException, if the run is not running; EntityNotFoundException.
        """
        with self._lock:
            run = self._now(run)
            if run["Status"] != "RUNNING":
                message = f"Workflow run {run['WorkflowRunId']} is {run['Status']}, not RUNNING."
                raise AwsError("IllegalWorkflowStateException", message)
            run["Status"] = "STOPPING"
            self._move_on(run)
        for action in run["Actions"]:
            if action["State"] == "RUNNING":
                self._stop_action(run["Region"], action)

    def put_properties(self, run: Document, properties: dict[str, str]) -> None:
        with self._lock:
            known = self._now(run)["WorkflowRunProperties"]
            self._store.update(RUNS, run["WorkflowRunId"], WorkflowRunProperties={**known, **properties})

    def _now(self, run: Document) -> Document:
        """Return a run as it is now. Raises AwsError: EntityNotFoundException."""
        return self.one(run["Region"], run["Name"], run["WorkflowRunId"])

    def forget(self, region: str, workflow: str) -> None:
        with self._lock:  # What moves on meanwhile would be stored again.
            for run in self.of(region, workflow):
                self._store.delete(RUNS, run["WorkflowRunId"])

    def start_due(self, after: datetime, until: datetime) -> None:
        """Fire every activated trigger whose schedule has a time in (after, until]."""
        for region in {key.partition("/")[0] for key in self._store.all("glue_triggers")}:
            for trigger in self._triggers(region):
                schedule = trigger.get("Schedule")
                if schedule and trigger["State"] == "ACTIVATED" and is_due(schedule, after, until):
                    self._start_scheduled(region, trigger)

    def end_interrupted(self) -> None:
        """End the runs that were going on when the process ended, with the outcomes of what they had started."""
        for run_id, run in self._store.all(RUNS).items():
            if run["Status"] in _UNDERWAY:
                for action in run["Actions"]:
                    if action["State"] == "RUNNING":
                        action |= {"CompletedOn": time.time(), **self._end_of(run["Region"], action)}
                died = {"Status": "ERROR", "ErrorMessage": _DIED}
                ended = {"Status": "STOPPED"} if run["Status"] == "STOPPING" else died
                self._store.put(RUNS, run_id, {**run, **ended, "CompletedOn": time.time()})

    def _end_of(self, region: str, action: Document) -> Document:
        """Return the outcome of an action that ended unnoticed: the other engines have ended theirs by now."""
        last = self._last(region, action) or {"Status": "ERROR", "ErrorMessage": _DIED}
        error_message = {name: last[name] for name in ("ErrorMessage",) if last.get(name)}
        return {"State": last.get("JobRunState") or last["Status"], **error_message}

    def _last(self, region: str, action: Document) -> Document | None:
        """Return the last attempt of the job run that an action started, or the last crawl."""
        if action["Kind"] == "CRAWLER":
            return (self._store.get(CRAWLERS, f"{region}/{action['Name']}") or {}).get("LastCrawl")
        runs = self._store.all(JOB_RUNS).items()
        attempts = [run for id_, run in runs if id_.partition("_attempt_")[0] == action["Id"]]
        return max(attempts, key=lambda run: run["Attempt"], default=None)

    def shown(self, run: Document, with_graph: bool) -> Document:
        """Return a run as GetWorkflowRun shows it."""
        triggers = self.triggers(run["Region"], run["Name"])
        fields = {name: value for name, value in run.items() if name not in ("Region", "Fired", "Actions")}
        states = [action["State"] for action in run["Actions"]]
        total = len({node for trigger in triggers for node in actions_of(trigger)} | set(_states(run)))
        counts = {name: sum(state in counted for state in states) for name, counted in _COUNTED.items()}
        graph = {"Graph": drawn(triggers, self._details(run))} if with_graph else {}
        return fields | {"Statistics": {"TotalActions": total, **counts}} | graph

    def triggers(self, region: str, workflow: str) -> list[Document]:
        """Return the triggers of a workflow; those without a workflow if the name is empty."""
        return [trigger for trigger in self._triggers(region) if (trigger.get("WorkflowName") or "") == workflow]

    def start_trigger(self, region: str, workflow: str) -> Document:
        """Raises AwsError: InvalidInputException, if the workflow has none."""
        for trigger in self.triggers(region, workflow):
            if is_start(trigger):
                return trigger
        raise AwsError("InvalidInputException", f"The workflow {workflow} has no start trigger.")

    def _triggers(self, region: str) -> list[Document]:
        pages = self._context.client("glue", region).get_paginator("get_triggers").paginate()
        return [times_as_seconds(trigger) for page in pages for trigger in page["Triggers"]]

    def _start_scheduled(self, region: str, trigger: Document) -> None:
        workflow = trigger.get("WorkflowName") or ""
        try:
            if workflow:
                self._context.client("glue", region).start_workflow_run(Name=workflow)
            else:
                self.start(region, workflow, {}, trigger)
        except ClientError as error:
            log.info("The schedule of the trigger %s found: %s", trigger["Name"], error)

    def _took_place(self, event: Ended) -> None:
        with self._lock:
            for run in self._store.all(RUNS).values():
                if run["Region"] == event.region and run["Status"] in _UNDERWAY:
                    for action in _awaited(run, event):
                        error_message = {"ErrorMessage": event.message} if event.message else {}
                        action |= {"State": event.state, "CompletedOn": time.time(), **error_message}
                        self._move_on(run)

    def _move_on(self, run: Document) -> None:
        """Fire the triggers that are ready, and end the run when nothing of it is underway."""
        if run["Status"] == "RUNNING":
            for trigger in self.triggers(run["Region"], run["Name"]):
                ready = trigger["Type"] == "CONDITIONAL" and trigger["State"] == "ACTIVATED"
                if ready and trigger["Name"] not in run["Fired"] and is_met(trigger, _states(run)):
                    self._fire(run, trigger)
        if all(action["State"] != "RUNNING" for action in run["Actions"]):
            run |= {"Status": "STOPPED" if run["Status"] == "STOPPING" else "COMPLETED", "CompletedOn": time.time()}
        self._store.put(RUNS, run["WorkflowRunId"], run)

    def _fire(self, run: Document, trigger: Document) -> None:
        run["Fired"].append(trigger["Name"])
        run["Actions"] += [self._begun(run, trigger, action) for action in trigger["Actions"]]

    def _begun(self, run: Document, trigger: Document, action: Document) -> Document:
        """Start a crawler or a job. If that fails, its state is ERROR, and the run continues without it."""
        [(kind, name)] = actions_of({"Actions": [action]})
        begun = {"Kind": kind, "Name": name, "StartedOn": time.time()}
        try:
            id_ = self._started(run, trigger, action)
        except ClientError as error:
            error_message = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
            return begun | {"State": "ERROR", "ErrorMessage": error_message, "CompletedOn": time.time()}
        return begun | {"State": "RUNNING", "Id": id_}

    def _started(self, run: Document, trigger: Document, action: Document) -> str:
        glue = self._context.client("glue", run["Region"])
        if name := action.get("CrawlerName"):
            glue.start_crawler(Name=name)
            return ""
        own = {"--WORKFLOW_NAME": run["Name"], "--WORKFLOW_RUN_ID": run["WorkflowRunId"]} if run["Name"] else {}
        given = {field: action[field] for field in _JOB_FIELDS if action.get(field)}
        arguments = {**(action.get("Arguments") or {}), **own}
        id_: str = glue.start_job_run(JobName=action["JobName"], Arguments=arguments, **given)["JobRunId"]
        self._store.change(JOB_RUNS, id_, TriggerName=trigger["Name"])
        return id_

    def _stop_action(self, region: str, action: Document) -> None:
        glue = self._context.client("glue", region)
        if action["Kind"] == "JOB":
            self._stop_job(glue, region, action)
            return
        with suppress(glue.exceptions.CrawlerNotRunningException, glue.exceptions.CrawlerStoppingException):
            glue.stop_crawler(Name=action["Name"])

    def _stop_job(self, glue: Any, region: str, action: Document) -> None:
        """Stop the last attempt, and one that begins meanwhile."""
        stopped = ""
        while stopped != (last := str((self._last(region, action) or action)["Id"])):
            glue.batch_stop_job_run(JobName=action["Name"], JobRunIds=[last])
            stopped = last

    def _details(self, run: Document) -> dict[Node, Document]:
        glue = self._context.client("glue", run["Region"])
        return {(action["Kind"], action["Name"]): _detail(glue, action) for action in run["Actions"]}


_JOB_FIELDS = ("Timeout", "SecurityConfiguration", "NotificationProperty")


def _states(run: Document) -> dict[Node, str]:
    return {(action["Kind"], action["Name"]): action["State"] for action in run["Actions"]}


def _awaited(run: Document, event: Ended) -> Iterator[Document]:
    for action in run["Actions"]:
        same = (action["Kind"], action["Name"]) == (event.kind, event.name)
        if same and action["State"] == "RUNNING" and action["Id"] == event.run:
            yield action


def _detail(glue: Any, action: Document) -> Document:
    """Return the graph's details of a started crawler or job: its crawl, or its job runs with every attempt."""
    if action["Kind"] == "CRAWLER":
        crawl = {name: action[name] for name in ("State", "StartedOn", "CompletedOn", "ErrorMessage") if name in action}
        logs = {"LogGroup": "/aws-glue/crawlers", "LogStream": action["Name"]}
        return {"CrawlerDetails": {"Crawls": [crawl | logs]}}
    if "Id" not in action:
        unborn = {name: action[name] for name in ("StartedOn", "CompletedOn", "ErrorMessage")}
        return {"JobDetails": {"JobRuns": [{"JobName": action["Name"], "JobRunState": "ERROR", **unborn}]}}
    pages = glue.get_paginator("get_job_runs").paginate(JobName=action["Name"])
    runs = [run for page in pages for run in page["JobRuns"] if run["Id"].partition("_attempt_")[0] == action["Id"]]
    return {"JobDetails": {"JobRuns": times_as_seconds(runs)}}


def times_as_seconds(answer: Any) -> Any:
    """Return boto3's result in the protocol's form: times are seconds."""
    if isinstance(answer, dict):
        return {name: times_as_seconds(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [times_as_seconds(value) for value in answer]
    return answer.timestamp() if isinstance(answer, datetime) else answer
