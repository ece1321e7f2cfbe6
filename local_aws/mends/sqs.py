"""SQS: the text of a queue's redrive policy."""

from __future__ import annotations

import json

from local_aws.context import Context
from local_aws.protocol import Call, Document, Handlers


def handlers(context: Context) -> Handlers:
    return {
        ("sqs", "CreateQueue"): _with_compact_redrive_policy,
        ("sqs", "SetQueueAttributes"): _with_compact_redrive_policy,
    }


def _with_compact_redrive_policy(call: Call) -> Document:
    """AWS returns the policy without white space, and Terraform compares the text."""
    attributes = dict(call.payload.get("Attributes", {}))
    if policy := attributes.get("RedrivePolicy"):
        attributes["RedrivePolicy"] = json.dumps(json.loads(policy), separators=(",", ":"))
    return call.forward({**call.payload, "Attributes": attributes})
