"""Secrets Manager: a secret created without a value."""

from __future__ import annotations

from functools import partial

from local_aws.context import Context
from local_aws.protocol import AwsError, Call, Document, Handlers


def handlers(context: Context) -> Handlers:
    return {
        ("secretsmanager", "DescribeSecret"): partial(_described, context),
        ("secretsmanager", "GetSecretValue"): _value,
    }


def _value(call: Call) -> Document:
    """A secret created without a value has neither a value nor a version."""
    answer = call.forward_unchanged()
    if "SecretString" not in answer and "SecretBinary" not in answer:
        stage = call.payload.get("VersionStage", "AWSCURRENT")
        message = f"Secrets Manager can't find the specified secret value for staging label: {stage}"
        raise AwsError("ResourceNotFoundException", message)
    return answer


def _described(context: Context, call: Call) -> Document:
    answer = call.forward_unchanged()
    secrets = context.client("secretsmanager", call.region)
    try:
        secrets.get_secret_value(SecretId=answer["ARN"])
    except (secrets.exceptions.ResourceNotFoundException, secrets.exceptions.InvalidRequestException):
        answer.pop("VersionIdsToStages", None)
    # Checking for the value counts as an access in the emulator; describing a secret must not, so drop the date of it.
    answer.pop("LastAccessedDate", None)
    return answer
