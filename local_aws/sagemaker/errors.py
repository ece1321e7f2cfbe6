"""How SageMaker says what it refuses."""

from __future__ import annotations

from local_aws.protocol import AwsError


def refused(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def absent(what: str) -> AwsError:
    """Of pipelines, executions and feature groups."""
    return AwsError("ResourceNotFound", f"{what} does not exist.")
