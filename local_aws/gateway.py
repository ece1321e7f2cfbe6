"""The gateway: finds the handler of a call, or passes the request to the emulator unchanged."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from local_aws import cbor, rest
from local_aws.permissions.principals import CALLER, ROOT
from local_aws.protocol import AwsError, Call, Document, Handlers, Json
from local_aws.reasons import reason
from local_aws.signature import SIGNATURE, Signature

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_JSON = b"application/x-amz-json"
_CBOR = b"application/x-amz-cbor"
"""The SDK for Java speaks it to Kinesis, whose calls are all handled here."""
_NO_BOUND = 2**16
"""A handler may call this AWS itself, which needs another thread: callers must never use up all threads."""

_AS_JSON = json.JSONEncoder(default=str, check_circular=False).encode
"""The check for cycles, which no answer has, would take a third of the time."""

_REST = ("sagemaker",)
"""The services, by their names in signatures, of which calls of REST are handled here."""

log = logging.getLogger("local_aws.gateway")


@dataclass(frozen=True)
class Route:
    """Where a call goes. `given`: its parameters outside the body."""

    service: str
    action: str
    region: str
    given: Document = field(default_factory=dict)


class Gateway:
    """An ASGI application in front of the emulator's.

    Reads only calls that have a handler; everything else streams through.
    """

    def __init__(self, emulator: AsgiApp, handlers: Handlers) -> None:
        self._emulator = emulator
        self._handlers = handlers
        self._threads = ThreadPoolExecutor(_NO_BOUND, thread_name_prefix="handler")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = _route(scope)
        if route is None or (route.service, route.action) not in self._handlers:
            await self._emulator(scope, receive, send)
            return
        body, loop = await read_body(receive), asyncio.get_running_loop()
        # The thread also decodes and encodes the documents: those of streams are large.
        status, answer = await loop.run_in_executor(self._threads, self._answer, loop, scope, route, body)
        await _send(send, status, answer, _header(scope, b"content-type") or b"application/json")

    def _answer(self, loop: asyncio.AbstractEventLoop, scope: Scope, route: Route, body: bytes) -> tuple[int, bytes]:
        is_cbor = _header(scope, b"content-type").startswith(_CBOR)
        try:
            payload = (cbor.loads if is_cbor else json.loads)(body or b"{}")
            if not isinstance(payload, dict):
                raise ValueError("the body is not a document")
            status, document = self._handled(loop, scope, route, payload | route.given, is_cbor)
        except ValueError as error:
            status, document = 400, {"__type": "SerializationException", "message": str(error)}
        return status, cbor.dumps(document) if is_cbor else as_json(document)

    def _handled(
        self, loop: asyncio.AbstractEventLoop, scope: Scope, route: Route, payload: Document, is_cbor: bool
    ) -> tuple[int, Document]:
        service, action = route.service, route.action

        def forward(payload: Document) -> Document:
            exchange = exchange_with(self._emulator, scope, json.dumps(payload).encode())
            return _checked(*asyncio.run_coroutine_threadsafe(exchange, loop).result())

        session = _header(scope, b"x-amz-security-token").decode()
        call = Call(service, action, payload, route.region, forward, session, scope.get(CALLER, ROOT), is_cbor)
        try:
            return 200, self._handlers[service, action](call)
        except AwsError as error:
            return error.status, {"__type": error.code, "message": error.message}
        except ClientError as error:
            # A call that the handler made was refused: the client gets the same error.
            refusal, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            return status, {"__type": refusal["Code"], "message": refusal["Message"]}
        except Exception as error:
            log.exception("%s %s failed", service, action)
            return 500, {"__type": "InternalServiceException", "message": f"{action}: {reason(error)}"}


async def exchange_with(app: AsgiApp, scope: Scope, body: bytes) -> tuple[int, bytes]:
    """Send one request to an ASGI application and collect its answer: (status, body)."""
    headers = [(k, v) for k, v in scope["headers"] if k not in (b"content-length", b"transfer-encoding")]
    inner = {**scope, "headers": [*headers, (b"content-length", str(len(body)).encode())]}
    status, chunks, sent = 0, [], False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)
        chunks.append(message.get("body", b""))

    await app(inner, receive, send)
    return status, b"".join(chunks)


def as_json(document: Document) -> bytes:
    """Encode an answer, whose parts may be JSON already."""
    written = {name: value for name, value in document.items() if isinstance(value, Json)}
    others = _AS_JSON({name: value for name, value in document.items() if name not in written}).encode()
    parts = [*(b'"%b":%b' % (name.encode(), value) for name, value in written.items()), others[1:-1]]
    return b"{%b}" % b",".join(filter(None, parts))


def _route(scope: Scope) -> Route | None:
    """Where a call in the JSON or CBOR protocol or of REST goes; None for any other request."""
    signature: Signature | None = scope.get(SIGNATURE)
    if signature is None:
        return None
    _, region, service = signature.scope
    target = _header(scope, b"x-amz-target").decode()
    if target and _header(scope, b"content-type").startswith((_JSON, _CBOR)):
        return Route(service, target.rpartition(".")[2], region)
    return _rest_route(scope, service, region) if service in _REST and not target else None


def _rest_route(scope: Scope, service: str, region: str) -> Route | None:
    path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    for operation in rest.operations(service):
        if operation.method == scope["method"] and (named := operation.named(path)) is not None:
            return Route(service, operation.action, region, operation.queried(scope["query_string"].decode()) | named)
    return None


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key.lower() == name), b"")


async def read_body(receive: Receive) -> bytes:
    parts, more = list[bytes](), True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def again(body: bytes, receive: Receive) -> Receive:
    """Replay a body that was read, then pass on what follows."""
    read = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> dict[str, Any]:
        return read.pop() if read else await receive()

    return received


def _checked(status: int, body: bytes) -> Document:
    document: Document = json.loads(body or b"{}")
    if status < 300:
        return document
    code = str(document.get("__type", "InternalFailure")).rpartition("#")[2]
    raise AwsError(code, document.get("message") or document.get("Message") or "", status)


async def _send(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
