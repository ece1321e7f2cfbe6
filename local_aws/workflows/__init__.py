"""Glue's triggers and workflows: the emulator keeps the definitions; the runs are ours."""

from __future__ import annotations

from typing import Any

from local_aws.context import Context
from local_aws.crawlers.schedule import Clock, expression_of
from local_aws.pages import newest, paged
from local_aws.protocol import AwsError, Call, Document, Handlers
from local_aws.workflows.graph import drawn
from local_aws.workflows.runs import WorkflowRuns, times_as_seconds

_TRIGGERS = "glue_triggers"
_WORKFLOWS = "glue_workflows"


def handlers(context: Context) -> Handlers:
    runs = WorkflowRuns(context)
    runs.end_interrupted()
    Clock(runs.start_due).start()
    workflows = Workflows(context, runs)
    return {
        ("glue", "CreateTrigger"): workflows.create_trigger,
        ("glue", "UpdateTrigger"): workflows.update_trigger,
        ("glue", "DeleteTrigger"): workflows.delete_trigger,
        ("glue", "StartTrigger"): workflows.start_trigger,
        ("glue", "CreateWorkflow"): workflows.create,
        ("glue", "GetWorkflow"): workflows.get,
        ("glue", "BatchGetWorkflows"): workflows.batch_get,
        ("glue", "ListWorkflows"): workflows.names,
        ("glue", "DeleteWorkflow"): workflows.delete,
        ("glue", "StartWorkflowRun"): workflows.start,
        ("glue", "StopWorkflowRun"): workflows.stop,
        ("glue", "GetWorkflowRun"): workflows.run,
        ("glue", "GetWorkflowRuns"): workflows.runs,
        ("glue", "GetWorkflowRunProperties"): workflows.properties,
        ("glue", "PutWorkflowRunProperties"): workflows.put_properties,
    }


class Workflows:
    """The Glue API calls for triggers and workflows."""

    def __init__(self, context: Context, runs: WorkflowRuns) -> None:
        self._context = context
        self._runs = runs

    def create_trigger(self, call: Call) -> Document:
        _check_schedule(call, call.payload)
        if workflow := call.payload.get("WorkflowName"):
            self._existing(call, workflow)
        answer = call.forward_unchanged()
        self._context.store.put(_TRIGGERS, _key(call), {})
        return answer

    def update_trigger(self, call: Call) -> Document:
        _check_schedule(call, call.required("TriggerUpdate"))
        return call.forward_unchanged()

    def delete_trigger(self, call: Call) -> Document:
        answer = call.forward_unchanged()
        self._context.store.delete(_TRIGGERS, _key(call))
        return answer

    def start_trigger(self, call: Call) -> Document:
        """Fire an on-demand trigger; any other is activated, which the emulator does."""
        answer = call.forward_unchanged()
        trigger = self._glue(call).get_trigger(Name=call.required("Name"))["Trigger"]
        workflow = trigger.get("WorkflowName") or ""
        if trigger["Type"] == "ON_DEMAND" and workflow:
            self._begin(call, self._existing(call, workflow), {})
        elif trigger["Type"] == "ON_DEMAND":
            self._runs.start(call.region, "", {}, trigger)
        return answer

    def create(self, call: Call) -> Document:
        answer = call.forward_unchanged()
        self._context.store.put(_WORKFLOWS, _key(call), {})
        return answer

    def get(self, call: Call) -> Document:
        workflow = call.forward_unchanged()["Workflow"]
        return {"Workflow": self._shown(call, workflow)}

    def batch_get(self, call: Call) -> Document:
        existing, names = self.names(call)["Workflows"], call.required("Names")
        found = [self._glue(call).get_workflow(Name=name)["Workflow"] for name in names if name in existing]
        return {
            "Workflows": [self._shown(call, times_as_seconds(workflow)) for workflow in found],
            "MissingWorkflows": [name for name in names if name not in existing],
        }

    def names(self, call: Call) -> Document:
        keys = (key.partition("/") for key in self._context.store.all(_WORKFLOWS))
        return {"Workflows": [name for region, _, name in keys if region == call.region]}

    def delete(self, call: Call) -> Document:
        answer = call.forward_unchanged()
        self._context.store.delete(_WORKFLOWS, _key(call))
        self._runs.forget(call.region, call.required("Name"))
        return answer

    def start(self, call: Call) -> Document:
        workflow = self._existing(call, call.required("Name"))
        return {"RunId": self._begin(call, workflow, call.payload.get("RunProperties") or {})}

    def stop(self, call: Call) -> Document:
        self._runs.stop(self._run(call))
        return {}

    def run(self, call: Call) -> Document:
        return {"Run": self._runs.shown(self._run(call), bool(call.payload.get("IncludeGraph")))}

    def runs(self, call: Call) -> Document:
        """Newest first."""
        runs = self._runs.of(call.region, self._existing(call, call.required("Name"))["Name"])
        page = paged("Runs", runs, call.payload, newest("StartedOn", "WorkflowRunId"))
        with_graph = bool(call.payload.get("IncludeGraph"))
        return {**page, "Runs": [self._runs.shown(run, with_graph) for run in page["Runs"]]}

    def properties(self, call: Call) -> Document:
        return {"RunProperties": self._run(call)["WorkflowRunProperties"]}

    def put_properties(self, call: Call) -> Document:
        self._runs.put_properties(self._run(call), call.required("RunProperties"))
        return {}

    def _begin(self, call: Call, workflow: Document, properties: dict[str, str]) -> str:
        name, limit = workflow["Name"], workflow.get("MaxConcurrentRuns") or 0
        properties = {**(workflow.get("DefaultRunProperties") or {}), **properties}
        return self._runs.start(call.region, name, properties, self._runs.start_trigger(call.region, name), limit)

    def _shown(self, call: Call, workflow: Document) -> Document:
        runs = self._runs.of(call.region, workflow["Name"])
        last = {"LastRun": self._runs.shown(runs[0], with_graph=False)} if runs else {}
        graph = {}
        if call.payload.get("IncludeGraph"):
            graph = {"Graph": drawn(self._runs.triggers(call.region, workflow["Name"]), {})}
        limit = {} if workflow.get("MaxConcurrentRuns") else {"MaxConcurrentRuns": None}
        described = {**workflow, **limit, **last, **graph}
        return {name: value for name, value in described.items() if value is not None}

    def _existing(self, call: Call, name: str) -> Document:
        glue = self._glue(call)
        try:
            workflow: Document = glue.get_workflow(Name=name)["Workflow"]
        except glue.exceptions.EntityNotFoundException:
            raise AwsError("EntityNotFoundException", f"Workflow {name} not found.") from None
        return workflow

    def _run(self, call: Call) -> Document:
        return self._runs.one(call.region, call.required("Name"), call.required("RunId"))

    def _glue(self, call: Call) -> Any:
        return self._context.client("glue", call.region)


def _key(call: Call) -> str:
    return f"{call.region}/{call.required('Name')}"


def _check_schedule(call: Call, trigger: Document) -> None:
    if schedule := trigger.get("Schedule"):
        try:
            expression_of(schedule)
        except ValueError as error:
            raise AwsError("InvalidInputException", f"{call.action}: {error}") from None
