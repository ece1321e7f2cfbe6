"""Athena: what a workgroup has that was made without settings, and the words of what is missing."""

from __future__ import annotations

from functools import partial

from local_aws.context import Context
from local_aws.protocol import AwsError, Call, Document, Handlers


def handlers(context: Context) -> Handlers:
    return {
        ("athena", "CreateWorkGroup"): _with_workgroup_defaults,
        ("athena", "GetWorkGroup"): partial(_missing, "is not found."),
        ("athena", "GetNamedQuery"): partial(_missing, "does not exist."),
    }


def _with_workgroup_defaults(call: Call) -> Document:
    defaults = {"EnforceWorkGroupConfiguration": True, "PublishCloudWatchMetricsEnabled": True}
    configuration = {**defaults, **call.payload.get("Configuration", {})}
    return call.forward({**call.payload, "Configuration": configuration})


def _missing(words: str, call: Call) -> Document:
    """Terraform knows by AWS's very words that a thing is gone."""
    try:
        return call.forward_unchanged()
    except AwsError as error:
        if error.message.endswith(" not found"):
            raise AwsError(error.code, f"{error.message.removesuffix('not found')}{words}") from None
        raise
