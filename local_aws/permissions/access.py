"""Decides calls: what they need, who makes them, and the policies that count."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from local_aws.permissions import needs
from local_aws.permissions.calls import Asked
from local_aws.permissions.conditions import NotEvaluatedError
from local_aws.permissions.decision import Ask, Policies, refusal
from local_aws.permissions.holdings import Holdings, NoSuchPrincipalError
from local_aws.permissions.principals import ACCOUNT, Principal, role_arn

Remember = Callable[[Principal, Iterable[Ask]], None]
_REMEMBERED = 100_000
"""Different permissions, at most."""
_REGION = "us-east-1"
"""Of buckets, where no call names one."""


class Access:
    """Who may do what in this AWS.

    Args:
        client: makes a boto3 client that may do everything: `client("iam", "us-east-1")`.
    """

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self.holdings = Holdings(client)
        self._called: dict[tuple[str, str, str], tuple[Ask, int]] = {}
        self._lock = threading.Lock()

    def remember(self, caller: Principal, asks: Iterable[Ask]) -> None:
        """Write down what was asked for."""
        with self._lock:
            for ask in asks:
                key = (caller.identity or caller.arn, ask.action, ask.resource)
                if key in self._called or len(self._called) < _REMEMBERED:
                    self._called[key] = (ask, self._called.get(key, (ask, 0))[1] + 1)

    def called(self) -> dict[str, Any]:
        """Every permission that calls have asked for, by the caller, and how often."""
        with self._lock:
            found = sorted(self._called.items())
        return {
            "Calls": [
                {"Caller": caller, "Action": action, "Resource": resource, "Keys": dict(ask.keys), "Times": times}
                for (caller, action, resource), (ask, times) in found
            ]
        }

    def refusal(self, caller: Principal, asks: Iterable[Ask], region: str) -> str:
        """Why a call is refused, in AWS's words: the first of what it needs and has not; empty where it has all.

        What it asks for is remembered.
        """
        return self._first_refusal(caller, asks, region, self.remember)

    def foreseen(self, caller: Principal, asks: Iterable[Ask], region: str) -> str:
        """As `refusal`, of a call that nobody has made: nothing is remembered."""
        return self._first_refusal(caller, asks, region, lambda *_: None)

    def _first_refusal(self, caller: Principal, asks: Iterable[Ask], region: str, remember: Remember) -> str:
        try:
            return next(filter(None, (self._refusal(caller, ask, region, remember) for ask in asks)), "")
        except NoSuchPrincipalError as error:
            return f"User: {caller.arn} is not authorized: {error} is not there any more"
        except NotEvaluatedError as error:
            return f"User: {caller.arn} is not authorized: {error}"

    def _refusal(self, caller: Principal, ask: Ask, region: str, remember: Remember) -> str:
        own = self.holdings.of(caller)
        of_role = ask.action == "sts:AssumeRole"
        resource = self.holdings.trust(ask.resource) if of_role else self.holdings.on(ask.resource, region)
        known = Ask(ask.action, ask.resource, {**_about(caller, region), **ask.keys})
        remember(caller, [known])
        session = json.loads(caller.policy) if caller.policy else None
        return refusal(known, caller, replace(own, session=session, resource=resource))

    def refused_role(self, role: str, service: str, source: str = "") -> str:
        """Why a service may not take a role; empty where it may.

        Args:
            service: for example `glue`.
            source: the ARN of the resource for which it takes it.
        """
        arn = role_arn(role)
        keys = {"aws:sourceaccount": (ACCOUNT,), "aws:sourcearn": (source,) if source else ()}
        try:
            trust = self.holdings.trust(arn) or {}
        except NoSuchPrincipalError:
            return f"the role {arn} is not there"
        caller = Principal(f"{service}.amazonaws.com")
        if refusal(Ask("sts:AssumeRole", arn, keys), caller, Policies(resource=trust)):
            return f"{service}.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: {arn}"
        return ""

    def check_object(self, caller: Principal, action: str, bucket: str, key: str) -> None:
        """As if a call had asked for an object. Raises ClientError."""
        if why := self.refusal(caller, self._of_object(action, bucket, key), _REGION):
            raise denied(why, action)

    def foreseen_object(self, caller: Principal, action: str, bucket: str, key: str) -> str:
        """Why a call for an object would be refused; empty where it would not."""
        return self.foreseen(caller, self._of_object(action, bucket, key), _REGION)

    def check_listing(self, caller: Principal, bucket: str, prefix: str) -> None:
        """As if a call had asked for the objects under a prefix. Raises ClientError."""
        if why := self.refusal(caller, [_listing(bucket, prefix)], _REGION):
            raise denied(why, "ListObjectsV2")

    def foreseen_listing(self, caller: Principal, bucket: str, prefix: str) -> str:
        """Why a call for the objects under a prefix would be refused; empty where it would not."""
        return self.foreseen(caller, [_listing(bucket, prefix)], _REGION)

    def check(self, caller: Principal, action: str, resources: Iterable[str], region: str) -> None:
        """As if a call had asked for these resources. Raises ClientError."""
        if why := self.refusal(caller, (Ask(action, arn) for arn in resources), region):
            raise denied(why, action)

    def check_call(self, caller: Principal, call: Asked) -> None:
        """As if a call of any service but S3 had been made. Raises ClientError."""
        if why := self.refusal(caller, needs.of_call(call, self.holdings), call.region):
            raise denied(why, call.action)

    def _of_object(self, action: str, bucket: str, key: str) -> Iterator[Ask]:
        ask = Ask(f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}")
        yield ask
        yield from needs.of_object(ask, self.holdings, _REGION)


def _listing(bucket: str, prefix: str) -> Ask:
    return Ask("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": (prefix,)})


def denied(why: str, action: str) -> ClientError:
    """The error that a client would have raised."""
    error: Any = {"Error": {"Code": "AccessDenied", "Message": why}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    return ClientError(error, action)


def _about(caller: Principal, region: str) -> dict[str, tuple[str, ...]]:
    user = caller.identity.partition(":user/")[2]
    return {
        # Loopback stands for TLS here.
        "aws:securetransport": ("true",),
        "aws:sourceip": ("127.0.0.1",),
        "aws:requestedregion": (region,),
        "aws:principalarn": (caller.identity or caller.arn,),
        "aws:principalaccount": (ACCOUNT,),
        **({"aws:username": (user.rpartition("/")[2],)} if user else {}),
    }
