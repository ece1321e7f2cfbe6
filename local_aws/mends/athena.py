"""Athena: the defaults of a workgroup created without settings, and AWS's messages for missing resources."""

from __future__ import annotations

from functools import partial

from local_aws.context import Context
from local_aws.protocol import AwsError, Call, Document, Handlers

_VERSION = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
_OFF = dict.fromkeys(
    ("EnforceWorkGroupConfiguration", "PublishCloudWatchMetricsEnabled", "RequesterPaysEnabled"), False
)


def handlers(context: Context) -> Handlers:
    return {
        ("athena", "CreateWorkGroup"): _with_workgroup_defaults,
        ("athena", "GetWorkGroup"): _with_whole_configuration,
        ("athena", "GetNamedQuery"): partial(_missing, "does not exist."),
    }


def _with_workgroup_defaults(call: Call) -> Document:
    defaults = {"EnforceWorkGroupConfiguration": True, "PublishCloudWatchMetricsEnabled": True}
    configuration = {**defaults, **call.payload.get("Configuration", {})}
    return call.forward({**call.payload, "Configuration": configuration})


def _with_whole_configuration(call: Call) -> Document:
    """Add the unset fields too: clients read them without checking whether they exist."""
    group = _missing("is not found.", call)["WorkGroup"]
    given = group.get("Configuration") or {}
    version = {**_VERSION, **(given.get("EngineVersion") or {})}
    if version["EffectiveEngineVersion"] == "AUTO":
        version["EffectiveEngineVersion"] = _VERSION["EffectiveEngineVersion"]
    configuration = {"ResultConfiguration": {}, **_OFF, **given, "EngineVersion": version}
    return {"WorkGroup": {**group, "Configuration": configuration}}


def _missing(words: str, call: Call) -> Document:
    """Use AWS's exact message, by which Terraform recognises that a resource is gone."""
    try:
        return call.forward_unchanged()
    except AwsError as error:
        if error.message.endswith(" not found"):
            raise AwsError(error.code, f"{error.message.removesuffix('not found')}{words}") from None
        raise
