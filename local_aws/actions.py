"""Errors for unknown actions and services name them, in the error format of AWS's services."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from local_aws import refusals
from local_aws.gateway import AsgiApp, Receive, Scope, Send
from local_aws.signature import SIGNATURE, Refused, Request, Signature

_LARGEST = 4096
_NO_SERVICE = re.compile(r'\{"error": "Unsupported service: ([^"]*)"\}')


def named(app: AsgiApp) -> AsgiApp:
    """Wrap the application so that its errors for unknown actions and services have AWS's format."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        signature: Signature | None = scope.get(SIGNATURE)
        if signature is None or signature.in_s3:
            await app(scope, receive, send)
            return
        asked = _RequestBody(receive)
        await app(scope, asked, _Answer(Request.of(scope), signature.service, asked, send))

    return wrapped


class _RequestBody:
    """The body of a request. It keeps the beginning, as a form has the action's name in it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.begin = b""

    async def __call__(self) -> dict[str, Any]:
        message = await self._receive()
        if len(self.begin) < _LARGEST:
            self.begin += message.get("body", b"")[:_LARGEST]
        return message


class _Answer:
    """Receives the emulator's answer, and inspects a small one with an error before passing it on."""

    def __init__(self, request: Request, service: str, asked: _RequestBody, send: Send) -> None:
        self._request, self._service, self._asked, self._send = request, service, asked, send
        self._held: list[dict[str, Any]] = []

    async def __call__(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] in (400, 404):
            self._held = [message]
        elif self._held:
            self._held.append(message)
            if not message.get("more_body") or sum(len(m.get("body", b"")) for m in self._held) > _LARGEST:
                await self._send_held()
        else:
            await self._send(message)

    async def _send_held(self) -> None:
        held, self._held = self._held, []
        body = b"".join(message.get("body", b"") for message in held)
        why = self._missing(body.decode(errors="replace")) if not held[-1].get("more_body") else ""
        if not why:
            for message in held:
                await self._send(message)
            return
        status, kind, text = refusals.answer(self._request, self._service, Refused("absent", why))
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(text)).encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": text})

    def _missing(self, text: str) -> str:
        """Return a message about the missing action or service; empty for any other error."""
        if _NO_SERVICE.fullmatch(text):
            return f"{self._action()}: the embedded AWS has no service {self._service}"
        is_json = self._request.header("x-amz-target") and text.startswith("{")
        if is_json and str(json.loads(text).get("__type", "")).rpartition("#")[2] == "InvalidAction":
            return f"{self._action()}: the embedded AWS has no such action of {self._service}"
        return ""

    def _action(self) -> str:
        if target := self._request.header("x-amz-target"):
            return target.rpartition(".")[2]
        form = dict([*self._request.parameters, *parse_qsl(self._asked.begin.decode(errors="replace"))])
        return form.get("Action") or f"{self._request.method} {self._request.path}"
