"""What keeps the ml stack from going: executions and builds that go on, and versions in the model registry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws, is_absent
from lake.configuration.names import ML
from lake.deploying.in_state import named
from lake.running.jobs import ENDED

LOGS = "/aws/sagemaker"
"""SageMaker's log groups, which all lakes of an account share; a stream begins with the name of its job."""
KINDS = ("TrainingJobs", "ProcessingJobs", "TransformJobs")


def stop(aws: Aws) -> None:
    for arn in _executions(aws):
        with suppress(aws.sagemaker.exceptions.ConflictException):
            aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    for job, runs in _builds(aws).items():
        aws.glue.batch_stop_job_run(JobName=job, JobRunIds=runs)


def going_on(aws: Aws) -> list[str]:
    builds = [f"the run {run}" for runs in _builds(aws).values() for run in runs]
    return [*(f"the execution {arn.rpartition('/')[2]}" for arn in _executions(aws)), *builds]


def _models(aws: Aws) -> list[str]:
    """The names of the pipelines and groups: also of models that only the state has, for lake.yaml lost them."""
    deployed = named(aws, ML, "aws_sagemaker_pipeline", "pipeline_name")
    return list(dict.fromkeys([*map(aws.names.model, aws.lake.config.models), *deployed]))


def _jobs(aws: Aws) -> list[str]:
    """The names of the jobs that build training sets, in the same way."""
    deployed = named(aws, ML, "aws_glue_job", "name")
    return list(dict.fromkeys([*map(aws.names.dataset_job, aws.lake.config.training_sets), *deployed]))


def _executions(aws: Aws) -> list[str]:
    """Those that go on."""
    return [
        execution["PipelineExecutionArn"]
        for execution in _all_executions(aws)
        if execution["PipelineExecutionStatus"] in ("Executing", "Stopping")
    ]


def _all_executions(aws: Aws) -> Iterator[Any]:
    for name in _models(aws):
        with _unless_absent():
            pages = aws.sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=name)
            yield from [execution for page in pages for execution in page["PipelineExecutionSummaries"]]


def _builds(aws: Aws) -> dict[str, list[str]]:
    """The runs that go on, by job."""
    found = {}
    for job in _jobs(aws):
        with _unless_absent():
            runs = aws.glue.get_job_runs(JobName=job)["JobRuns"]
            found[job] = [run["Id"] for run in runs if run["JobRunState"] not in ENDED]
    return {job: runs for job, runs in found.items() if runs}


def forget(aws: Aws) -> None:
    """Delete what SageMaker keeps of the models: their versions, without which their groups go, and their logs."""
    ids = [execution["PipelineExecutionArn"].rpartition("/")[2] for execution in _all_executions(aws)]
    models = _models(aws)
    for name in models:
        with _unless_absent():
            for package in _packages(aws, name):
                aws.sagemaker.delete_model_package(ModelPackageName=package)
        _delete_models(aws, f"{name}-")
    for group in (f"{LOGS}/{kind}" for kind in KINDS):
        for prefix in (*(f"pipelines-{id_}-" for id_ in ids), *models):
            _delete_streams(aws, group, prefix)


def _packages(aws: Aws, name: str) -> list[str]:
    pages = aws.sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=name)
    return [package["ModelPackageArn"] for page in pages for package in page["ModelPackageSummaryList"]]


def _delete_models(aws: Aws, prefix: str) -> None:
    """Those of a `lake predict` that was killed."""
    with _unless_absent():
        pages = aws.sagemaker.get_paginator("list_models").paginate(NameContains=prefix)
        for name in [model["ModelName"] for page in pages for model in page["Models"]]:
            if name.startswith(prefix):
                aws.sagemaker.delete_model(ModelName=name)


def _delete_streams(aws: Aws, group: str, prefix: str) -> None:
    pages = aws.logs.get_paginator("describe_log_streams").paginate(logGroupName=group, logStreamNamePrefix=prefix)
    with _unless_absent():
        for stream in [stream["logStreamName"] for page in pages for stream in page["logStreams"]]:
            aws.logs.delete_log_stream(logGroupName=group, logStreamName=stream)


@contextmanager
def _unless_absent() -> Iterator[None]:
    """What is not deployed has nothing to stop and nothing to forget."""
    try:
        yield
    except ClientError as error:
        if not is_absent(error):
            raise
