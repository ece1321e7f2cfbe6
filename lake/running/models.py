"""Models: training one by its pipeline, the versions in the registry, and what their evaluations say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from lake.aws import Aws, is_absent
from lake.configuration.model import MlModel
from lake.configuration.suggest import allowed
from lake.errors import BadInput, LakeError
from lake.running.datasets import manifest, read_json
from lake.running.deployed import needing
from lake.running.jobs import Show
from lake.running.waiting import ended

UNDERWAY = ("Executing", "Stopping")
_TOO_LONG = "MaxRuntime"
"""In the reason of a job that was stopped because it took too long."""


def model_of(aws: Aws, name: str) -> MlModel:
    """The model of lake.yaml. Raises BadInput where there is none."""
    known = aws.lake.config.models
    if name not in known:
        raise BadInput(f"there is no model {name!r} in lake.yaml. {allowed(name, known)}")
    return known[name]


def train(aws: Aws, name: str, show: Show, version: str | None = None) -> dict[str, Any]:
    """Run a model's pipeline on a version of its training set, by default the latest, and wait for its end.

    Returns:
        The version that was registered, as `versions` has it.

    Raises:
        LakeError: there is no such training set, the pipeline is not deployed, or a step failed; with its reason.
    """
    found = manifest(aws, model_of(aws, name).training_set, version)
    parameters = [{"Name": "TrainingSetVersion", "Value": found["version"]}]
    with needing(f"the pipeline of {name}"):
        started = aws.sagemaker.start_pipeline_execution(
            PipelineName=aws.names.model(name), PipelineParameters=parameters
        )
    arn = started["PipelineExecutionArn"]
    execution = _ended(aws, name, arn, show)
    if execution["PipelineExecutionStatus"] != "Succeeded":
        raise LakeError(f"{name} was not registered: {_reason(aws, name, arn, execution)}")
    return next(one for one in versions(aws, name) if one["execution"] == arn.rpartition("/")[2])


def _ended(aws: Aws, name: str, arn: str, show: Show) -> Any:
    def look() -> tuple[Any, str, str]:
        execution = aws.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        going_on = [step["StepName"] for step in _steps(aws, arn) if step["StepStatus"] == "Executing"]
        return execution, execution["PipelineExecutionStatus"], ", ".join(going_on)

    continues = (
        f"the training of {name} continues by itself. `lake models {name}` shows its version once it is registered"
    )
    return ended(look, lambda state: state in UNDERWAY, show, continues)


def _steps(aws: Aws, arn: str) -> list[Any]:
    found: list[Any] = aws.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return found


def _reason(aws: Aws, name: str, arn: str, execution: Any) -> str:
    """What the step that failed says; SageMaker's own words of the execution do not always have it."""
    for step in (step for step in _steps(aws, arn) if step.get("FailureReason")):
        if _TOO_LONG in step["FailureReason"]:
            return f"{step['StepName']}: it took longer than max_minutes, {model_of(aws, name).max_minutes}"
        return f"{step['StepName']}: {step['FailureReason']}"
    return str(execution.get("FailureReason", execution["PipelineExecutionStatus"]))


def versions(aws: Aws, name: str) -> list[dict[str, Any]]:
    """The versions of a model in the registry, newest first, each with what it was trained on and its metric."""
    model = model_of(aws, name)
    return [_described(aws, name, model, package) for package in _packages(aws, name)]


def _packages(aws: Aws, name: str) -> Iterator[Any]:
    pages = aws.sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=aws.names.model(name), SortBy="CreationTime", SortOrder="Descending"
    )
    try:
        for package in (package for page in pages for package in page["ModelPackageSummaryList"]):
            yield aws.sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    except ClientError as error:
        if not is_absent(error):
            raise


def _described(aws: Aws, name: str, model: MlModel, package: Any) -> dict[str, Any]:
    metadata = package.get("CustomerMetadataProperties", {})
    found = evaluation_of(aws, package) or {"metrics": {}}
    metric = found["metrics"].get(model.metric, {})
    return {
        "model": name,
        "version": package["ModelPackageVersion"],
        "status": package["ModelApprovalStatus"],
        model.metric: metric.get("value"),
        "from": metric.get("low"),
        "to": metric.get("high"),
        "training_set": f"{metadata.get('training_set')} {metadata.get('training_set_version')}",
        "execution": metadata.get("execution"),
        "created": f"{package['CreationTime']:%Y-%m-%d %H:%M:%S}",
    }


def evaluation_of(aws: Aws, package: Any) -> dict[str, Any] | None:
    uri = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    return read_json(aws, urlsplit(uri).path.lstrip("/"))


def package_of(aws: Aws, name: str, version: int | None = None) -> Any:
    """A version of a model as the registry has it, by default the newest that was not rejected.

    Raises:
        LakeError: there is none.
    """
    model_of(aws, name)
    found = [one for one in _packages(aws, name) if _is_wanted(one, version)]
    if not found:
        which = f"version {version} of {name}" if version else f"a version of {name}"
        raise LakeError(f"the registry has not {which}. Train it: `lake train {name}`")
    return found[0]


def _is_wanted(package: Any, version: int | None) -> bool:
    if version is None:
        return bool(package["ModelApprovalStatus"] != "Rejected")
    return bool(package["ModelPackageVersion"] == version)


def evaluation(aws: Aws, name: str, version: int | None = None) -> dict[str, Any]:
    """How good a version was on the test part. Raises LakeError where its evaluation has gone."""
    package = package_of(aws, name, version)
    found = evaluation_of(aws, package)
    if found is None:
        raise LakeError(
            f"the evaluation of version {package['ModelPackageVersion']} of {name} has gone. Train it again"
        )
    return found | {"model": name, "model_version": package["ModelPackageVersion"]}


def lineage(aws: Aws, name: str, version: int | None = None) -> list[dict[str, Any]]:
    """What a version of a model was made of, by default the newest: a line for each table of its training set.

    Returns:
        Model, training set, table, the snapshot and the number of its files, their place, and the raw files, or tables
        of databases, of which a job of lake.yaml makes the table; empty where lake.yaml does not tell.

    Raises:
        LakeError: the registry has no such version, or its training set has gone.
    """
    package = package_of(aws, name, version)
    metadata = package["CustomerMetadataProperties"]
    found = manifest(aws, metadata["training_set"], metadata["training_set_version"])
    return [
        {
            "model": f"{name} {package['ModelPackageVersion']}",
            "training_set": f"{found['name']} {found['version']}",
            "table": f"{source['database']}.{table}",
            "snapshot": source["snapshot"],
            "files": source["files"],
            "location": source["location"],
            "raw_files": _raw_files(aws, table, source),
        }
        for table, source in found["sources"].items()
    ]


def _raw_files(aws: Aws, table: str, source: Mapping[str, Any]) -> str:
    if source["database"] == aws.names.database("raw"):
        return str(source["location"])
    jobs = [job for job in aws.lake.config.jobs.values() if job.sink.table == table and not job.sink.connection]
    datasets = sorted({dataset for job in jobs for dataset in job.datasets().values()})
    return ", ".join(_origin(aws, dataset) for dataset in datasets)


def _origin(aws: Aws, name: str) -> str:
    dataset = aws.lake.config.datasets.get(name)
    if dataset and dataset.in_database:
        return f"{dataset.connection}: {dataset.table}"
    return f"s3://{aws.names.bucket(dataset.zone if dataset else 'raw')}/{name}/"
