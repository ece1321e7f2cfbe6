"""One execution of a pipeline: its steps in the order of what they need, until one fails."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from local_aws.context import Context
from local_aws.mirror import split_uri
from local_aws.protocol import AwsError, Document
from local_aws.reasons import reason
from local_aws.sagemaker.expressions import Unresolved, Values, holds, needed
from local_aws.sagemaker.jobs import UNDERWAY, Jobs
from local_aws.sagemaker.registry import PIPELINE, PROCESSING, TRAINING, TRANSFORM, Kind, Registry

OF_JOBS = {"Training": TRAINING, "Processing": PROCESSING, "Transform": TRANSFORM}
KINDS = {*OF_JOBS, "Condition", "Fail", "Model", "RegisterModel"}
_LONGEST = 63

log = logging.getLogger("local_aws.sagemaker")
Note = Callable[[list[Document]], None]


class StepFailed(Exception):
    """Why a step failed."""


class Stopped(Exception):
    """The execution was stopped."""


class Execution:
    """Runs the steps as the pipeline's role, with clients of this AWS, as if a person had started their jobs."""

    def __init__(
        self,
        context: Context,
        registry: Registry,
        jobs: Jobs,
        arn: str,
        pipeline: Document,
        region: str,
        parameters: dict[str, Any],
        stopped: threading.Event,
    ) -> None:
        self.arn = arn
        self._context, self._registry, self._jobs, self._region = context, registry, jobs, region
        self._id, self._stopped = arn.rpartition("/")[2], stopped
        self._role, self._pipeline = str(pipeline["RoleArn"]), str(pipeline[PIPELINE.arn_key])
        execution = {
            "PipelineName": pipeline[PIPELINE.key],
            "PipelineExecutionId": self._id,
            "PipelineExecutionArn": arn,
        }
        self._values = Values(parameters, execution, {}, self._read)
        self._steps: list[Document] = []

    def run(self, steps: list[Document], note: Note) -> tuple[str, str]:
        """Returns the status and the reason of a failure."""
        try:
            self._all(steps, note)
        except Stopped:
            return "Stopped", ""
        except (StepFailed, Unresolved) as error:
            return "Failed", str(error)
        except Exception as error:
            log.exception("%s", self.arn)
            return "Failed", f"the embedded AWS could not run it: {reason(error)}"
        return "Succeeded", ""

    def _all(self, steps: list[Document], note: Note) -> None:
        left = list(steps)
        while left:
            names = {str(step["Name"]) for step in left}
            step = next((step for step in left if not self._waits(step) & (names - {str(step["Name"])})), None)
            if step is None:
                raise StepFailed(f"the steps {', '.join(sorted(names))} wait for each other")
            left.remove(step)
            self._one(step, note)

    @staticmethod
    def _waits(step: Document) -> set[str]:
        return {*needed(step.get("Arguments")), *(step.get("DependsOn") or [])}

    def _one(self, step: Document, note: Note) -> None:
        if self._stopped.is_set():
            raise Stopped
        entry: Document = {
            "StepName": step["Name"],
            "StartTime": time.time(),
            "StepStatus": "Executing",
            "AttemptCount": 1,
        }
        self._steps.append(entry)
        note(self._steps)
        try:
            branch = self._done(step, entry, note)
            entry["StepStatus"] = "Succeeded"
        except Stopped:
            entry["StepStatus"] = "Stopped"
            raise
        except (StepFailed, Unresolved, AwsError, ClientError) as error:
            why = reason(error) if isinstance(error, ClientError) else str(error)
            entry |= {"StepStatus": "Failed", "FailureReason": why}
            raise StepFailed(f"Step {step['Name']} failed: {why}") from None
        finally:
            entry["EndTime"] = time.time()
            note(self._steps)
        self._all(branch, note)

    def _done(self, step: Document, entry: Document, note: Note) -> list[Document]:
        """Do a step. Returns the steps that follow from it."""
        kind, given = str(step["Type"]), step.get("Arguments") or {}
        if kind == "Condition":
            outcome = all(holds(condition, self._values) for condition in given["Conditions"])
            entry["Metadata"] = {"Condition": {"Outcome": str(outcome)}}
            return list(given.get("IfSteps" if outcome else "ElseSteps") or [])
        arguments = self._values.of(given)
        if kind == "Fail":
            raise StepFailed(str(arguments["ErrorMessage"]))
        if kind in OF_JOBS:
            self._job(step, OF_JOBS[kind], arguments, entry)
        elif kind == "RegisterModel":
            found = self._sagemaker().create_model_package(**arguments)
            entry["Metadata"] = {"RegisterModel": {"Arn": found["ModelPackageArn"]}}
            self._values.steps[step["Name"]] = found
        else:
            name = self._name(step)
            arguments.setdefault("ExecutionRoleArn", self._role)
            found = self._sagemaker().create_model(ModelName=name, **arguments)
            entry["Metadata"] = {"Model": {"Arn": found["ModelArn"]}}
            self._values.steps[step["Name"]] = {"ModelName": name, "ModelArn": found["ModelArn"]}
        return []

    def _job(self, step: Document, kind: Kind, arguments: Document, entry: Document) -> None:
        if kind is not TRANSFORM:
            arguments.setdefault("RoleArn", self._role)
        create = getattr(self._sagemaker(), f"create_{kind.path.replace('-', '_')}")
        arn = create(**{kind.key: self._name(step), **arguments})[kind.arn_key]
        entry["Metadata"] = {kind.name: {"Arn": arn}}
        job = self._ended(kind, arn)
        if job[f"{kind.name}Status"] != "Completed":
            why = job.get("FailureReason") or f"{job.get('SecondaryStatus', job[f'{kind.name}Status'])}"
            raise StepFailed(f"ClientError: {kind.name} {job[kind.key]}: {why}")
        self._values.steps[step["Name"]] = job | {"PropertyFiles": self._property_files(step, job)}

    def _ended(self, kind: Kind, arn: str) -> Document:
        while True:
            job = self._registry.find(kind, arn, self._region)
            if job[f"{kind.name}Status"] not in UNDERWAY:
                return job
            if self._stopped.wait(0.1):
                self._jobs.stop(kind, arn)
                raise Stopped

    @staticmethod
    def _property_files(step: Document, job: Document) -> Document:
        outputs = {
            output["OutputName"]: output["S3Output"]["S3Uri"]
            for output in (job.get("ProcessingOutputConfig") or {}).get("Outputs", [])
        }
        return {
            file["PropertyFileName"]: f"{outputs[file['OutputName']].rstrip('/')}/{file['FilePath']}"
            for file in step.get("PropertyFiles") or []
        }

    def _name(self, step: Document) -> str:
        tail = f"-{uuid.uuid4().hex[:10]}"
        return f"pipelines-{self._id}-{step['Name']}"[: _LONGEST - len(tail)].rstrip("-") + tail

    def _sagemaker(self) -> Any:
        return self._acting().client("sagemaker", self._region)

    def _acting(self) -> Context:
        """Raises ClientError: the pipeline may not take its role."""
        return self._context.acting_as(self._role, "sagemaker", "SageMaker", source=self._pipeline)

    def _read(self, uri: str) -> bytes:
        bucket, key = split_uri(uri)
        try:
            return bytes(self._acting().client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError:
            raise Unresolved(f"the property file {uri} is not there") from None
