"""The guard behind the door: it knows who calls, and lets through what is allowed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

from local_aws.gateway import AsgiApp, Receive, Scope, Send, again, read_body
from local_aws.permissions import calls, needs, s3_actions
from local_aws.permissions.access import Access
from local_aws.permissions.decision import Ask
from local_aws.permissions.holdings import Holdings
from local_aws.permissions.principals import AWS, CALLER, Principal
from local_aws.signature import SIGNATURE, Refused, Request, Signature

_OWN = re.compile("/_|/iceberg")
"""The paths of the embedded AWS and its emulator, whose answers go by no policy. No bucket's name begins with `_`."""
_CONTROL = "/v20180820/"
"""S3's calls that are about no bucket's objects, as the other services' are."""
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
        """Raises Refused: the caller may not. What the door lets in unsigned has no caller."""
        signature: Signature | None = scope.get(SIGNATURE)
        if signature is None:
            await self._app(scope, receive, send)
            return
        caller = self._caller(signature)
        scope = {**scope, CALLER: caller}
        if self._access is None or caller == AWS:
            await self._app(scope, receive, send)
            return
        request, body = Request.of(scope), b""
        if not _is_about_objects(request, signature):
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
        try:
            asks, changes = _asks(request, signature, body, access.holdings)
        except Refused:
            if caller.is_root:  # What is no call for the guard may be one for the emulator.
                return True
            raise
        if caller.is_root and _is_free(asks):
            access.remember(caller, asks)
        elif why := access.refusal(caller, asks, signature.scope[1]):
            raise Refused("unauthorized", why)
        return changes


def _is_about_objects(request: Request, signature: Signature) -> bool:
    """Whether a call is one of S3 that needs no look at its body."""
    return _is_of_s3(request, signature) and not (request.method == "POST" and not s3_actions.place(request)[1])


def _is_of_s3(request: Request, signature: Signature) -> bool:
    return signature.in_s3 and not request.path.startswith(_CONTROL)


def _asks(request: Request, signature: Signature, body: bytes, holdings: Holdings) -> tuple[list[Ask], bool]:
    """What a call needs, and whether it may change a policy. Raises Refused."""
    if _OWN.match(unquote(request.path)):
        raise Refused("unauthorized", f"{request.path}: the account's root alone may ask for it")
    if _is_of_s3(request, signature):
        changes = request.method not in ("GET", "HEAD") and not s3_actions.place(request)[1]
        return list(needs.of_s3(request, body, holdings, signature.scope[1])), changes
    call = calls.asked(request, signature, body)
    changes = call.service in _HOLD_POLICIES and not _READS.match(call.action)
    changes = changes or (call.service == "kinesis" and bool(_OF_STREAMS.search(call.action)))
    return list(needs.of_call(call, holdings)), changes


def _is_free(asks: list[Ask]) -> bool:
    """The account's root is let through unread, but where a policy alone decides: whose role one may take."""
    return all(ask.action != "sts:AssumeRole" for ask in asks)
