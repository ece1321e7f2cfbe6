"""Faults on purpose, for tests: a share of the calls is throttled, fails, or loses its answer; every login expires; a
bucket is a stranger's.

`LOCAL_AWS_FAULTS='{"share": 0.05, "seed": 1}'` in the surroundings of a start switches it on. `expired_after` is the
number of calls after which each is refused as one with an expired token. `taken` are names of buckets that another
account has. Calls that this AWS makes of itself are spared, as those of AWS are no business of a person's.
"""

from __future__ import annotations

import json
import logging
import os
import random
from collections.abc import Sequence
from typing import Any

from local_aws import refusals
from local_aws.gateway import AsgiApp, Receive, Scope, Send, read_body
from local_aws.signature import Refused, Request, signature_of

VARIABLE = "LOCAL_AWS_FAULTS"
OWN_CALLS = "local-aws-itself"
"""In the User-Agent of this AWS's own clients."""
KINDS = ("throttled", "failed", "lost")
"""A lost answer is one to a call that was carried out."""
_MESSAGES = {
    "throttled": "Rate exceeded",
    "failed": "An internal error occurred",
    "lost": "No answer came in time",
    "late": "The provided token has expired.",
    "stranger": "Access Denied",
    "taken": "The requested bucket name is not available.",
}
log = logging.getLogger("local_aws.faults")


def injected(app: AsgiApp) -> AsgiApp:
    """The application, with faults where they are asked for."""
    given = os.environ.get(VARIABLE)
    return Faults(app, **json.loads(given)) if given else app


class Faults:
    """Args:
    share: of the calls that meet a fault, from 0 to 1.
    seed: of the chance that picks them.
    expired_after: the number of calls that are answered before each is refused.
    taken: names of buckets that are another account's.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        share: float = 0,
        seed: int = 1,
        expired_after: int | None = None,
        taken: Sequence[str] = (),
    ) -> None:
        self._app = app
        self._share = share
        self._chance = random.Random(seed)
        self._expired_after = expired_after
        self._taken = taken
        self._calls = 0
        log.warning("faults on purpose: %s of all calls, expired after %s", share, expired_after)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request.of(scope) if scope["type"] == "http" else None
        service = _service(request) if request else ""
        kind = self._of_a_bucket(request) or self._kind() if request and service else ""
        if not request or not kind:
            await self._app(scope, receive, send)
            return
        if kind == "lost":
            await self._app(scope, receive, _nowhere)
        else:
            await read_body(receive)
        await refusals.refuse(send, request, service, Refused(kind, _MESSAGES[kind]))

    def _of_a_bucket(self, request: Request) -> str:
        """The answer to who asks of a stranger's bucket, or would make one of that name."""
        bucket, _, key = request.path.strip("/").partition("/")
        if bucket not in self._taken:
            return ""
        is_made = request.method == "PUT" and not key and {name for name, _ in request.parameters} <= {"x-id"}
        return "taken" if is_made else "stranger"

    def _kind(self) -> str:
        self._calls += 1
        if self._expired_after is not None and self._calls > self._expired_after:
            return "late"
        return self._chance.choice(KINDS) if self._chance.random() < self._share else ""


def _service(request: Request) -> str:
    """Of a signed call by somebody else than this AWS; empty for any other request."""
    if OWN_CALLS in request.header("user-agent"):
        return ""
    try:
        return signature_of(request).service
    except Refused:
        return ""


async def _nowhere(_: dict[str, Any]) -> None:
    pass
