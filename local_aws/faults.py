"""Faults on purpose, for tests: a share of the calls is throttled, fails, or loses its answer; or every login expires.

`LOCAL_AWS_FAULTS='{"share": 0.05, "seed": 1}'` in the surroundings of a start switches it on. `expired_after` is the
number of calls after which each is refused as one with an expired token. Calls that this AWS makes of itself are
spared, as those of AWS are no business of a person's.
"""

from __future__ import annotations

import json
import logging
import os
import random
import re
from dataclasses import dataclass
from typing import Any

from local_aws.gateway import AsgiApp, Receive, Scope, Send, read_body

VARIABLE = "LOCAL_AWS_FAULTS"
OWN_CALLS = "local-aws-itself"
"""In the User-Agent of this AWS's own clients."""
KINDS = ("throttled", "failed", "lost")
"""A lost answer is one to a call that was carried out."""
_SERVICE = re.compile(rb"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")
log = logging.getLogger("local_aws.faults")


@dataclass(frozen=True)
class Fault:
    """An answer in the shape of its protocol: an error code, with S3's own words where they differ."""

    status: int
    code: str
    s3_status: int
    s3_code: str
    message: str


FAULTS = {
    "throttled": Fault(400, "ThrottlingException", 503, "SlowDown", "Rate exceeded"),
    "failed": Fault(500, "InternalFailure", 500, "InternalError", "An internal error occurred"),
    "lost": Fault(504, "RequestTimeout", 503, "ServiceUnavailable", "No answer came in time"),
    "expired": Fault(400, "ExpiredTokenException", 400, "ExpiredToken", "The provided token has expired."),
}


def injected(app: AsgiApp) -> AsgiApp:
    """The application, with faults where they are asked for."""
    given = os.environ.get(VARIABLE)
    return Faults(app, **json.loads(given)) if given else app


class Faults:
    """Args:
    share: of the calls that meet a fault, from 0 to 1.
    seed: of the chance that picks them.
    expired_after: the number of calls that are answered before each is refused.
    """

    def __init__(self, app: AsgiApp, *, share: float = 0, seed: int = 1, expired_after: int | None = None) -> None:
        self._app = app
        self._share = share
        self._chance = random.Random(seed)
        self._expired_after = expired_after
        self._calls = 0
        log.warning("faults on purpose: %s of all calls, expired after %s", share, expired_after)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = _service(scope)
        kind = self._kind() if service else ""
        if not kind:
            await self._app(scope, receive, send)
            return
        if kind == "lost":
            await self._app(scope, receive, _nowhere)
        else:
            await read_body(receive)
        await _answer(send, scope, service, FAULTS[kind])

    def _kind(self) -> str:
        self._calls += 1
        if self._expired_after is not None and self._calls > self._expired_after:
            return "expired"
        return self._chance.choice(KINDS) if self._chance.random() < self._share else ""


def _service(scope: Scope) -> str:
    """Of a signed call by somebody else than this AWS; empty for any other request."""
    headers = dict(scope.get("headers", ())) if scope["type"] == "http" else {}
    signed = _SERVICE.search(headers.get(b"authorization", b""))
    if not signed or OWN_CALLS.encode() in headers.get(b"user-agent", b""):
        return ""
    return signed[1].decode()


async def _nowhere(_: dict[str, Any]) -> None:
    pass


async def _answer(send: Send, scope: Scope, service: str, fault: Fault) -> None:
    headers = dict(scope["headers"])
    is_s3, is_json = service == "s3", b"x-amz-target" in headers
    status, code = (fault.s3_status, fault.s3_code) if is_s3 else (fault.status, fault.code)
    if is_json:
        body, kind = json.dumps({"__type": code, "message": fault.message}), b"application/x-amz-json-1.1"
    else:
        error = f"<Error><Code>{code}</Code><Message>{fault.message}</Message></Error>"
        body = error if is_s3 else f"<ErrorResponse>{error}<RequestId>fault</RequestId></ErrorResponse>"
        kind = b"text/xml"
    # A HEAD has no body to say it in.
    content = b"" if scope["method"] == "HEAD" else body.encode()
    sent = [
        (b"content-type", kind),
        (b"content-length", str(len(content)).encode()),
        (b"x-amzn-errortype", code.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": content})
