"""What SageMaker refuses of a job before it starts."""

from __future__ import annotations

import re
from functools import cache

import botocore.session

from local_aws.protocol import Call
from local_aws.sagemaker.errors import refused
from local_aws.sagemaker.registry import PROCESSING, TRAINING, TRANSFORM, Kind

_NAME = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,62}")
_SHAPES = {
    TRAINING: "TrainingInstanceType",
    PROCESSING: "ProcessingInstanceType",
    TRANSFORM: "TransformInstanceType",
}


def check_job(kind: Kind, call: Call) -> None:
    """Raises AwsError for a name, a field or an instance type that SageMaker would not take."""
    name = str(call.required(kind.key))
    if not _NAME.fullmatch(name):
        raise refused(
            f"1 validation error detected: Value '{name}' at '{kind.key}' is no name of letters, digits and -"
        )
    for field in _REQUIRED[kind]:
        call.required(field)
    instance = _instance(kind, call)
    if instance not in instance_types(_SHAPES[kind]):
        raise refused(
            f"1 validation error detected: Value '{instance}' at 'instanceType' is no instance type of a {kind.path}"
        )


def _instance(kind: Kind, call: Call) -> str:
    if kind is PROCESSING:
        return str((call.payload["ProcessingResources"].get("ClusterConfig") or {}).get("InstanceType", ""))
    return str(call.payload["ResourceConfig" if kind is TRAINING else "TransformResources"].get("InstanceType", ""))


@cache
def instance_types(shape: str) -> frozenset[str]:
    """As botocore's description of the service has them."""
    service = botocore.session.get_session().get_service_model("sagemaker")
    return frozenset(service.shape_for(shape).enum)  # type: ignore[attr-defined]


_REQUIRED = {
    TRAINING: ("AlgorithmSpecification", "RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition"),
    PROCESSING: ("ProcessingResources", "AppSpecification", "RoleArn"),
    TRANSFORM: ("ModelName", "TransformInput", "TransformOutput", "TransformResources"),
}
