"""Access control: only the owner of this machine gets in.

A web page in a browser can send requests to a loopback port, and so can other users' programs on the machine. So
only requests to this AWS's own host names, from no other origin, and signed with a known key are answered.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from local_aws import refusals
from local_aws.bodies import Body, another_body, body_of
from local_aws.gateway import AsgiApp, Receive, Scope, Send, again
from local_aws.keyring import Keyring
from local_aws.permissions.calls import form_of
from local_aws.signature import (
    ALGORITHM,
    SIGNATURE,
    Refused,
    Request,
    Signature,
    check,
    check_headers,
    check_time,
    signature_of,
)

HEALTH = "/_ministack/health"
"""The only path that answers unsigned requests."""
NAMES = ("127.0.0.1", "localhost")
LARGEST = 128 * 1024 * 1024
"""The maximum length of a body in bytes, except for S3 uploads, which are checked as they stream."""
_UPLOADS = ("PUT", "POST")
_OF_NO_PAGE = ("", "none", "same-origin")
_WITH_KEYS = ("sts", "iam")
_OF_OTHER_PROVIDERS = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")
_OF_OTHERS = (b"access-control-", b"date")

log = logging.getLogger("local_aws.door")


class Door:
    """An ASGI application in front of all others.

    Args:
        is_open: do not check signatures. Host, Origin and preflights are checked.
    """

    def __init__(self, app: AsgiApp, port: int, keyring: Keyring, *, is_open: bool = False) -> None:
        self._app = app
        self._keyring = keyring
        self._is_open = is_open
        self._hosts = [f"{name}:{port}" for name in NAMES] + (list(NAMES) if port == 80 else [])
        self._origins = [f"http://{host}" for host in self._hosts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, _without_cors(send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, service, receive = Request.of(scope), "", _Incoming(receive)
        send = _closing(send, request, receive)
        try:
            self._check_place(request)
            if (request.method, request.path) == ("GET", HEALTH):
                await self._app(_bare(scope, request), again(b"", receive), send)
                return
            if self._is_open:
                await self._app(_claimed(scope, request), receive, send)
                return
            signature = signature_of(request)
            service = signature.service
            await self._admit(_signed(scope, signature), request, signature, receive, send)
        except Refused as refused:
            log.warning("refused %s %s: %s", request.method, request.path, refused.message)
            # A client that is still sending would see a broken connection, not the answer, unless it waits for a 100.
            if not request.header("expect"):
                await receive.drain()
            await refusals.refuse(send, request, service, refused)

    def _check_place(self, request: Request) -> None:
        """Raises Refused if the request came by another host name, or from a page of another origin."""
        named = ", ".join(request.values.get("host", []))
        if named.lower() not in self._hosts:
            message = (
                f"this AWS answers to {' and '.join(self._hosts)} only, with buckets in the path, not to {named!r}"
            )
            raise Refused("foreign", message)
        if request.method == "OPTIONS":
            raise Refused("foreign", "this AWS answers no preflight: no page in a browser may call it")
        if _lost_body(request):
            raise Refused("foreign", "this AWS supports only HTTP/1.1: send no Upgrade with a body")
        origin, site = request.header("origin"), request.header("sec-fetch-site")
        if (origin and origin not in self._origins) or site not in _OF_NO_PAGE:
            raise Refused("foreign", f"this AWS answers no page of another origin ({origin or site})")

    async def _admit(
        self, scope: Scope, request: Request, signature: Signature, receive: _Incoming, send: Send
    ) -> None:
        now = datetime.now(UTC)
        secret = self._keyring.secret(signature, now)
        check_time(signature, now)
        check_headers(request, signature)
        if signature.in_s3 and signature.payload and request.method in _UPLOADS:
            check(request, signature, secret, "")
            await self._pass_upload(scope, request, body_of(signature, secret), receive, send)
            return
        body = await receive.read_all()
        check(request, signature, secret, hashlib.sha256(body).hexdigest())
        if signature.payload:
            checked = body_of(signature, secret)
            checked.update(body)
            if not checked.is_right():
                raise another_body(request)
        await self._pass_call(scope, request, signature, body, again(body, receive), send)

    async def _pass_upload(self, scope: Scope, request: Request, body: Body, receive: Receive, send: Send) -> None:
        """Stream a body through, but hold back its last part until the whole body has been checked."""
        is_wrong = False

        async def checked() -> dict[str, Any]:
            nonlocal is_wrong
            message = await receive()
            if message["type"] == "http.request":
                body.update(message.get("body", b""))
                is_wrong = is_wrong or (not message.get("more_body", False) and not body.is_right())
            return {"type": "http.disconnect"} if is_wrong else message

        async def unless_wrong(message: dict[str, Any]) -> None:
            if not is_wrong:
                await send(message)

        await self._app(scope, checked, unless_wrong)
        if is_wrong:
            raise another_body(request)

    async def _pass_call(
        self, scope: Scope, request: Request, signature: Signature, body: bytes, receive: Receive, send: Send
    ) -> None:
        if signature.service not in _WITH_KEYS:
            await self._app(scope, receive, send)
            return
        call = form_of(request, body)
        if signature.service == "sts" and call.get("Action") in _OF_OTHER_PROVIDERS:
            raise Refused(
                "identity", f"the embedded AWS verifies no tokens: it has no {call['Action']}. Call AssumeRole"
            )
        answer: list[dict[str, Any]] = []

        async def kept(message: dict[str, Any]) -> None:
            answer.append(message)

        await self._app(scope, receive, kept)
        if answer and answer[0]["status"] == 200:
            caller = self._keyring.caller(signature)
            self._keyring.learn(call, b"".join(message.get("body", b"") for message in answer), caller)
        for message in answer:
            await send(message)


class _Incoming:
    """A request's messages; after the end of the body, only a disconnect can follow."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.more = True

    async def __call__(self) -> dict[str, Any]:
        message = await self._receive()
        self.more = bool(message.get("more_body", False))
        return message

    async def read_all(self) -> bytes:
        """Return the body. Raises Refused if it is longer than LARGEST or the client is gone."""
        parts, size = [], 0
        while self.more:
            message = await self()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if message["type"] == "http.disconnect" or size > LARGEST:
                raise Refused("large", f"the body is incomplete, or longer than {LARGEST} bytes")
        return b"".join(parts)

    async def drain(self) -> None:
        size = 0
        while self.more and size < LARGEST:
            size += len((await self()).get("body", b""))


def _claimed(scope: Scope, request: Request) -> Scope:
    """A request that may have any signature, or none."""
    with suppress(Refused):
        return _signed(scope, signature_of(request))
    return scope


def _signed(scope: Scope, signature: Signature) -> Scope:
    """A request with its signature, for all that is behind the door.

    A presigned URL gets a header too: the emulator takes the service from it, and would guess it by form and path.
    """
    scope = {**scope, SIGNATURE: signature}
    if signature.valid is None:
        return scope
    credential = f"{ALGORITHM} Credential={signature.key}/{'/'.join(signature.scope)}/aws4_request"
    return {**scope, "headers": [*scope["headers"], (b"authorization", credential.encode())]}


def _bare(scope: Scope, request: Request) -> Scope:
    """Reduce a request to its path: headers would select the service and its answer."""
    return {**scope, "query_string": b"", "headers": [(b"host", request.header("host").encode())]}


def _without_cors(send: Send) -> Send:
    """Remove CORS headers: no page may read an answer, whatever the emulator allows. The server sets the date."""

    async def bare(message: dict[str, Any]) -> None:
        if "headers" in message:
            kept = [pair for pair in message["headers"] if not pair[0].lower().startswith(_OF_OTHERS)]
            message = {**message, "headers": kept}
        await send(message)

    return bare


def _lost_body(request: Request) -> bool:
    """Whether the HTTP/1.1 parser ended a request at its headers because they ask for another protocol."""
    return bool(request.header("upgrade") and (request.header("content-length") or request.header("transfer-encoding")))


def _closing(send: Send, request: Request, receive: _Incoming) -> Send:
    """Close the connection if a client holds back its body, so that its next request is not read as that body."""

    async def closing(message: dict[str, Any]) -> None:
        if "headers" in message and ((request.header("expect") and receive.more) or _lost_body(request)):
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return closing
