"""AWS's descriptions of its services, as botocore has them, by the names that signatures have for services."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session

_NAMES: Mapping[str, tuple[str, ...]] = {
    "cloudcontrolapi": ("cloudcontrol",),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elbv2", "elb"),
    "elasticmapreduce": ("emr",),
    "kinesisanalytics": ("kinesisanalyticsv2", "kinesisanalytics"),
    "lambda": ("lambda", "lambda-core", "lambda-microvms"),
    "monitoring": ("cloudwatch",),
    # Objects and buckets have none here: what a path of theirs means is in `permissions/s3_actions.py`.
    "s3": ("s3control",),
    "sagemaker": ("sagemaker", "sagemaker-featurestore-runtime"),
    "ses": ("ses", "sesv2"),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}
"""botocore's names, where they are not the signatures' own."""


@cache
def described(signed: str) -> tuple[Any, ...]:
    """botocore's models of the services that are signed for under this name; none of an unknown one."""
    session = botocore.session.get_session()
    known = set(session.get_available_services())
    models = [session.get_service_model(name) for name in _NAMES.get(signed, (signed,)) if name in known]
    return tuple(model for model in models if model.signing_name == signed)
