"""Pipelines: definitions as they were sent, and executions of their steps."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from local_aws import disk
from local_aws.context import Context
from local_aws.pages import newest
from local_aws.protocol import Call, Document, Handlers
from local_aws.sagemaker.errors import absent, refused
from local_aws.sagemaker.execution import KINDS, Execution
from local_aws.sagemaker.jobs import Jobs
from local_aws.sagemaker.registry import PIPELINE, Registry, page

EXECUTIONS = "sagemaker_pipeline_execution"
_DIED = "the embedded AWS ended while this execution was going on; start it again"


def handlers(context: Context, registry: Registry, jobs: Jobs) -> Handlers:
    runs = Executions(context, registry, jobs)

    def create(call: Call) -> Document:
        return registry.create(PIPELINE, call, PipelineStatus="Active", PipelineDefinition=_definition(call))

    def update(call: Call) -> Document:
        arn = str(registry.describe(PIPELINE, call)[PIPELINE.arn_key])
        changed = {key: value for key, value in call.payload.items() if key in _CHANGEABLE}
        if set(changed) & {"PipelineDefinition", "PipelineDefinitionS3Location"}:
            changed["PipelineDefinition"] = _definition(call)
        registry.update(PIPELINE, arn, **changed)
        return {PIPELINE.arn_key: arn}

    def delete(call: Call) -> Document:
        answer = registry.delete(PIPELINE, call)
        runs.forget(str(answer[PIPELINE.arn_key]))
        return answer

    def list_(call: Call) -> Document:
        keys = (PIPELINE.key, PIPELINE.arn_key, "PipelineDisplayName", "RoleArn", "CreationTime", "LastModifiedTime")
        found = [{key: one[key] for key in keys if key in one} for one in registry.all(PIPELINE, call.region)]
        return page(found, call.payload, "PipelineSummaries", newest("CreationTime", PIPELINE.arn_key))

    return {
        ("sagemaker", "CreatePipeline"): create,
        ("sagemaker", "UpdatePipeline"): update,
        ("sagemaker", "DeletePipeline"): delete,
        ("sagemaker", "DescribePipeline"): lambda call: registry.describe(PIPELINE, call),
        ("sagemaker", "ListPipelines"): list_,
        ("sagemaker", "StartPipelineExecution"): runs.start,
        ("sagemaker", "StopPipelineExecution"): runs.stop,
        ("sagemaker", "DescribePipelineExecution"): runs.describe,
        ("sagemaker", "ListPipelineExecutions"): runs.list,
        ("sagemaker", "ListPipelineExecutionSteps"): runs.steps,
    }


_CHANGEABLE = (
    "PipelineDefinition",
    "PipelineDisplayName",
    "PipelineDescription",
    "RoleArn",
    "ParallelismConfiguration",
)


def _definition(call: Call) -> str:
    """The definition. Raises AwsError for one that cannot be run."""
    text = str(call.required("PipelineDefinition"))
    try:
        steps = json.loads(text)["Steps"]
        kinds = {str(step["Type"]) for step in _all_steps(steps)}
    except (ValueError, KeyError, TypeError):
        raise refused("PipelineDefinition is no JSON with Steps, of which each has a Name and a Type") from None
    if unknown := sorted(kinds - KINDS):
        raise refused(
            f"the embedded AWS runs no steps of type {', '.join(unknown)}. Allowed: {', '.join(sorted(KINDS))}"
        )
    return text


def _all_steps(steps: list[Document]) -> list[Document]:
    inner = [step.get("Arguments", {}).get(branch) or [] for step in steps for branch in ("IfSteps", "ElseSteps")]
    return [*steps, *(each for branch in inner for each in _all_steps(branch))]


class Executions:
    """The executions of pipelines, each a thread."""

    def __init__(self, context: Context, registry: Registry, jobs: Jobs) -> None:
        self._context, self._store, self._registry, self._jobs = context, context.store, registry, jobs
        self._stops: dict[str, threading.Event] = {}
        for arn, found in self._store.all(EXECUTIONS).items():
            if found["PipelineExecutionStatus"] in ("Executing", "Stopping"):
                self._store.update(EXECUTIONS, arn, PipelineExecutionStatus="Failed", FailureReason=_DIED)

    def start(self, call: Call) -> Document:
        pipeline = self._registry.describe(PIPELINE, call)
        definition = json.loads(pipeline["PipelineDefinition"])
        given = call.payload.get("PipelineParameters") or []
        values = _parameters(definition.get("Parameters") or [], given)
        arn = f"{pipeline[PIPELINE.arn_key]}/execution/{uuid.uuid4().hex[:12]}"
        now, name = time.time(), call.payload.get("PipelineExecutionDisplayName")
        document = {
            PIPELINE.arn_key: pipeline[PIPELINE.arn_key],
            "PipelineExecutionArn": arn,
            **({"PipelineExecutionDisplayName": name} if name else {}),
            "PipelineExecutionStatus": "Executing",
            "PipelineParameters": given,
            "CreationTime": now,
            "LastModifiedTime": now,
            "Steps": [],
        }
        self._store.put(EXECUTIONS, arn, document)
        stopped = self._stops[arn] = threading.Event()
        execution = Execution(self._context, self._registry, self._jobs, arn, pipeline, call.region, values, stopped)
        threading.Thread(target=self._run, args=(execution, definition), name=arn, daemon=True).start()
        return {"PipelineExecutionArn": arn}

    def stop(self, call: Call) -> Document:
        with self._store.transaction():
            found = self._find(call)
            arn = str(found["PipelineExecutionArn"])
            if found["PipelineExecutionStatus"] == "Executing":
                self._store.update(EXECUTIONS, arn, PipelineExecutionStatus="Stopping")
                self._stops[arn].set()
        return {"PipelineExecutionArn": arn}

    def describe(self, call: Call) -> Document:
        return {key: value for key, value in self._find(call).items() if key not in ("Steps", "PipelineParameters")}

    def steps(self, call: Call) -> Document:
        """Newest first, as SageMaker has them."""
        sign = 1 if call.payload.get("SortOrder") == "Ascending" else -1
        steps = [(sign * number, step) for number, step in enumerate(self._find(call)["Steps"])]
        found = page(steps, call.payload, "PipelineExecutionSteps", lambda pair: pair[:1])
        return {**found, "PipelineExecutionSteps": [step for _, step in found["PipelineExecutionSteps"]]}

    def list(self, call: Call) -> Document:
        pipeline = self._registry.describe(PIPELINE, call)
        found = self._store.under(EXECUTIONS, f"{pipeline[PIPELINE.arn_key]}/execution/")
        keys = ("PipelineExecutionArn", "PipelineExecutionDisplayName", "PipelineExecutionStatus")
        summaries = [
            {key: one[key] for key in keys if key in one} | {"StartTime": one["CreationTime"]} for one in found
        ]
        return page(summaries, call.payload, "PipelineExecutionSummaries", newest("StartTime", "PipelineExecutionArn"))

    def forget(self, pipeline: str) -> None:
        self._store.delete_all(EXECUTIONS, self._store.keys(EXECUTIONS, f"{pipeline}/execution/"))

    def _find(self, call: Call) -> Document:
        arn = str(call.required("PipelineExecutionArn"))
        found = self._store.get(EXECUTIONS, arn)
        if found is None:
            raise absent(f"Pipeline execution '{arn}'")
        return found

    def _run(self, execution: Execution, definition: Document) -> None:
        def note(steps: list[Document]) -> None:
            disk.once_there_is_room(lambda: self._update(execution.arn, Steps=steps))

        status, why = execution.run(definition["Steps"], note)
        fields = {"PipelineExecutionStatus": status, **({"FailureReason": why} if why else {})}
        disk.once_there_is_room(lambda: self._update(execution.arn, **fields))

    def _update(self, arn: str, **fields: Any) -> None:
        """Set fields of an execution, unless its pipeline was deleted."""
        self._store.change(EXECUTIONS, arn, **fields, LastModifiedTime=time.time())


def _parameters(declared: list[Document], given: list[Document]) -> dict[str, Any]:
    """The values of the parameters, by their types. Raises AwsError for one that is not declared or has none."""
    kinds = {parameter["Name"]: parameter for parameter in declared}
    values = {name: parameter["DefaultValue"] for name, parameter in kinds.items() if "DefaultValue" in parameter}
    for parameter in given:
        if parameter["Name"] not in kinds:
            raise refused(f"the pipeline has no parameter {parameter['Name']}. Allowed: {', '.join(kinds) or 'none'}")
        values[parameter["Name"]] = _typed(kinds[parameter["Name"]], str(parameter["Value"]))
    if missing := sorted(kinds.keys() - values.keys()):
        raise refused(f"the parameter {', '.join(missing)} has no value")
    return values


_TYPES: dict[str, Callable[[str], Any]] = {
    "Integer": int,
    "Float": float,
    "Boolean": lambda text: text.lower() == "true",
}


def _typed(parameter: Document, value: str) -> Any:
    kind = parameter.get("Type", "String")
    try:
        return _TYPES.get(kind, str)(value)
    except ValueError:
        raise refused(f"the parameter {parameter['Name']} is {kind}, and {value!r} is none") from None
