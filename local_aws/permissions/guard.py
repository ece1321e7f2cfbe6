"""The guard behind the door: it knows who calls, and lets through what is allowed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from local_aws.gateway import AsgiApp, Receive, Scope, Send, again, read_body
from local_aws.permissions import calls, needs, s3_actions
from local_aws.permissions.access import Access
from local_aws.permissions.decision import Ask
from local_aws.permissions.principals import AWS, CALLER, Principal
from local_aws.signature import Refused, Request, Signature, signature_of

_OWN = "local"
"""The service that requests for the embedded AWS itself are signed for."""
_READS = re.compile("Get|List|Describe|Head|Batch|Search|Decode|Simulate|Send|Receive|Publish|Encrypt|Decrypt|Invoke")
"""How the actions begin that change no policy."""
_HOLD_POLICIES = ("iam", "kms", "sqs", "sns", "secretsmanager", "lambda", "cloudformation")
_OF_STREAMS = re.compile("Create|Delete|Encryption")
_THREADS = 8


class Guard:
    """An ASGI application in front of the gateway.

    Args:
        caller: who has signed a request.
        access: evaluates; None lets everything through.
    """

    def __init__(self, app: AsgiApp, caller: Callable[[Signature], Principal], access: Access | None) -> None:
        self._app, self._caller, self._access = app, caller, access
        # What is checked may call this AWS in turn, to read a policy, but those calls are not checked.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="guard")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Refused: the caller may not."""
        request = Request.of(scope) if scope["type"] == "http" else None
        if request is None or not (request.header("authorization") or "X-Amz-Credential" in request.query):
            await self._app(scope, receive, send)
            return
        signature = signature_of(request)
        caller = self._caller(signature)
        scope = {**scope, CALLER: caller}
        if self._access is None or caller == AWS or signature.service == _OWN:
            await self._app(scope, receive, send)
            return
        body = b""
        if not signature.in_s3 or (request.method == "POST" and not s3_actions.place(request)[1]):
            body = await read_body(receive)
            receive = again(body, receive)
        loop = asyncio.get_running_loop()
        work = (self._access, request, signature, caller, body)
        changes = await loop.run_in_executor(self._threads, self._checked, *work)
        try:
            await self._app(scope, receive, send)
        finally:
            if changes:
                self._access.holdings.forget()

    def _checked(self, access: Access, request: Request, signature: Signature, caller: Principal, body: bytes) -> bool:
        """Whether the call may change a policy. Raises Refused."""
        _, region, _ = signature.scope
        if signature.in_s3:
            asks = list(needs.of_s3(request, body, access.holdings, region))
            changes = request.method not in ("GET", "HEAD") and not s3_actions.place(request)[1]
        else:
            call = calls.asked(request, signature, body)
            asks = list(needs.of_call(call, access.holdings))
            changes = call.service in _HOLD_POLICIES and not _READS.match(call.action)
            changes = changes or (call.service == "kinesis" and bool(_OF_STREAMS.search(call.action)))
        if caller.is_root and _is_free(asks):
            access.remember(caller, asks)
        elif why := access.refusal(caller, asks, region):
            raise Refused("unauthorized", why)
        return changes


def _is_free(asks: list[Ask]) -> bool:
    """The account's root is let through unread, but where a policy alone decides: whose role one may take."""
    return all(ask.action != "sts:AssumeRole" for ask in asks)
