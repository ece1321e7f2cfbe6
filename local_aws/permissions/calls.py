"""What a request asks for: its service, its action and its parameters, in whichever protocol it came."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session

from local_aws import cbor
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
_VERSIONED = re.compile(r"_?\d{8}$|\d{8}$")


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
    for action, method, path in _operations(service):
        if method == request.method and (found := path.fullmatch(request.path)):
            named = {key: unquote(value) for key, value in found.groupdict().items()}
            sent = _document(json.loads(body)) if body.startswith(b"{") else {}
            return action, {**dict(request.parameters), **sent, **named}
    return "Unknown", {}


def _document(found: Any) -> Document:
    if not isinstance(found, dict):
        raise ValueError("the body is not a document")
    return found


@cache
def _operations(service: str) -> list[tuple[str, str, re.Pattern[str]]]:
    """(action, method, pattern of the path) of a REST service, the longest paths first."""
    session = botocore.session.get_session()
    if service not in session.get_available_services():
        return []
    model = session.get_service_model(service)
    found = [model.operation_model(name) for name in model.operation_names]
    found.sort(key=lambda op: len(op.http["requestUri"]), reverse=True)
    return [(_VERSIONED.sub("", op.name), op.http["method"], _pattern(op.http["requestUri"])) for op in found]


def _pattern(template: str) -> re.Pattern[str]:
    path = re.escape(template.partition("?")[0])
    return re.compile(re.sub(r"\\\{(\w+)(\\\+)?\\\}", lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", path))
