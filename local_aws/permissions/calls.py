"""What a request asks for: its service, its action and its parameters, in whichever protocol it came."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from local_aws import cbor, rest
from local_aws.protocol import Document
from local_aws.signature import Request, Signature

_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag", "email": "ses", "s3express": "s3"}
"""The names that signatures have for services, where IAM has another."""
_RENAMED = {
    ("lambda", "Invoke"): "InvokeFunction",
    ("sqs", "SendMessageBatch"): "SendMessage",
    ("sqs", "DeleteMessageBatch"): "DeleteMessage",
    ("sqs", "ChangeMessageVisibilityBatch"): "ChangeMessageVisibility",
}


@dataclass(frozen=True)
class Asked:
    """A request in IAM's words. `given`: the parameters that it has in its body or query."""

    service: str
    action: str
    region: str
    given: Document = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.service}:{self.action}"


def asked(request: Request, signature: Signature, body: bytes) -> Asked:
    """What a request of any service but S3 asks for; where that cannot be told, an action that nobody is allowed."""
    _, region, signed = signature.scope
    service = _PREFIXES.get(signed, signed)
    action, given = _read(request, service, body)
    return Asked(service, _RENAMED.get((service, action), action), region, given)


def _read(request: Request, service: str, body: bytes) -> tuple[str, Document]:
    try:
        if target := request.header("x-amz-target"):
            is_cbor = request.header("content-type").startswith("application/x-amz-cbor")
            return target.rpartition(".")[2], _document(cbor.loads(body) if is_cbor else json.loads(body or b"{}"))
        if request.header("smithy-protocol") == "rpc-v2-cbor":
            return request.path.rpartition("/")[2], _document(cbor.loads(body) if body else {})
        form = dict([*request.parameters, *parse_qsl(body.decode(errors="replace"), keep_blank_values=True)])
        if "Action" in form:
            return form["Action"], form
        return _rest(request, service, body)
    except ValueError:
        return "Unreadable", {}


def _rest(request: Request, service: str, body: bytes) -> tuple[str, Document]:
    for operation in rest.operations(service):
        if operation.method == request.method and (named := operation.named(request.path)) is not None:
            sent = _document(json.loads(body)) if body.startswith(b"{") else {}
            return operation.action, {**dict(request.parameters), **sent, **named}
    return "Unknown", {}


def _document(found: Any) -> Document:
    if not isinstance(found, dict):
        raise ValueError("the body is not a document")
    return found
