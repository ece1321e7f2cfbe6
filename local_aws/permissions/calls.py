"""What a request asks for: its service, its action and its parameters, in whichever protocol it came."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from local_aws import cbor, rest
from local_aws.descriptions import described
from local_aws.protocol import Document
from local_aws.signature import Refused, Request, Signature, check_once

_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag", "email": "ses", "s3express": "s3"}
"""The names that signatures have for services, where IAM has another."""
_RENAMED = {
    ("lambda", "Invoke"): "InvokeFunction",
    ("sqs", "SendMessageBatch"): "SendMessage",
    ("sqs", "DeleteMessageBatch"): "DeleteMessage",
    ("sqs", "ChangeMessageVisibilityBatch"): "ChangeMessageVisibility",
}


_JSON, _CBOR, _FORM = "application/x-amz-json", "application/x-amz-cbor", "application/x-www-form-urlencoded"
_RPC = re.compile(r"/service/([^/]+)/operation/([^/]+)")


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
    """What a request of any service but S3's buckets and objects asks for.

    The gateway and the emulator find a call by its target, its path or its form: it has one of them, and it is one of
    the service that is signed for.

    Raises:
        Refused: it is not, its body cannot be read, or a parameter of it comes twice.
    """
    _, region, signed = signature.scope
    service = _PREFIXES.get(signed, signed)
    try:
        action, given = _read(request, signed, _inflated(request, body))
    except (ValueError, EOFError, OSError) as error:
        raise Refused("unreadable", f"{signed}: the body of the call cannot be read: {error}") from None
    return Asked(service, _RENAMED.get((service, action), action), region, given)


def form_of(request: Request, body: bytes) -> dict[str, str]:
    """The parameters of a call in the Query protocol. Raises Refused for one that comes twice."""
    pairs = [*request.parameters, *parse_qsl(body.decode(errors="replace"), keep_blank_values=True)]
    check_once("parameter", [name for name, _ in pairs])
    return dict(pairs)


def _read(request: Request, signed: str, body: bytes) -> tuple[str, Document]:
    if target := request.header("x-amz-target"):
        return _by_target(request, signed, target, body)
    if request.header("smithy-protocol"):
        return _by_operation(request, signed, body)
    if any(_has_forms(model) for model in described(signed)) and request.path == "/":
        return _by_form(request, signed, body)
    return _by_path(request, signed, body)


def _by_target(request: Request, signed: str, target: str, body: bytes) -> tuple[str, Document]:
    prefix, _, action = target.rpartition(".")
    kind = request.header("content-type")
    is_plain = request.path == "/" and not request.query and not request.header("smithy-protocol")
    for model in described(signed):
        if is_plain and kind.startswith((_JSON, _CBOR)) and model.metadata.get("targetPrefix") == prefix:
            document = cbor.loads(body) if kind.startswith(_CBOR) else json.loads(body or b"{}")
            return action, _own(model, action, document)
    raise _absent(f"x-amz-target: {target}", signed)


def _by_operation(request: Request, signed: str, body: bytes) -> tuple[str, Document]:
    found = _RPC.fullmatch(request.path)
    for model in described(signed):
        if found and not request.query and model.metadata.get("targetPrefix") == found[1]:
            return found[2], _own(model, found[2], cbor.loads(body) if body else {})
    raise _absent(request.path, signed)


def _by_form(request: Request, signed: str, body: bytes) -> tuple[str, Document]:
    if body and not request.header("content-type").startswith(_FORM):
        raise _absent(f"content-type: {request.header('content-type')}", signed)
    form = form_of(request, body)
    action = form.get("Action", "")
    for model in described(signed):
        if _has_forms(model) and action in model.operation_names:
            return action, _own(model, action, form)
    raise _absent(f"Action={action}", signed)


def _by_path(request: Request, signed: str, body: bytes) -> tuple[str, Document]:
    for operation in rest.operations(signed):
        if operation.method == request.method and (named := operation.named(request.path)) is not None:
            return operation.action, operation.sent(body) | operation.queried(request.query) | named
    raise _absent(f"{request.method} {request.path}", signed)


def _has_forms(model: Any) -> bool:
    protocols = (model.protocol, *model.metadata.get("protocols", ()))
    return "awsQueryCompatible" in model.metadata or any(name in ("query", "ec2") for name in protocols)


def _own(model: Any, action: str, document: Any) -> Document:
    """The parameters that an action has: another one, which it ignores, could name another resource."""
    shape = model.operation_model(action).input_shape if action in model.operation_names else None
    names = {member.serialization.get("name", name) for name, member in shape.members.items()} if shape else set()
    own = names | set(shape.members if shape else ())
    return {name: value for name, value in _document(document).items() if name.partition(".")[0] in own}


def _document(found: Any) -> Document:
    if not isinstance(found, dict):
        raise ValueError("it is not a document")
    return found


def _inflated(request: Request, body: bytes) -> bytes:
    """The body as the emulator reads it. SDKs compress large ones, such as those of metrics."""
    return gzip.decompress(body) if "gzip" in ",".join(request.values.get("content-encoding", ())).lower() else body


def _absent(given: str, signed: str) -> Refused:
    return Refused("absent", f"{given}: this is no call of {signed}, for which the request is signed")
