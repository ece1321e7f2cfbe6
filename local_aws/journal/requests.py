"""Determines a request's effect on the emulator's state before it is executed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

from local_aws.gateway import Scope


class Effect(Enum):
    """Where a call's changes have to be before the call is answered."""

    NOTHING = auto()
    """It changes nothing."""
    OBJECTS = auto()
    """Objects of S3: the emulator writes them to disk itself."""
    STATE = auto()
    """The state of its service, in its file."""
    LINE = auto()
    """A line in its service's journal."""
    SOON = auto()
    """The state of its service, a moment later: the service's contract allows losing it."""
    EVERYTHING = auto()
    """The state of every service: it affects others, or its effect is not known."""


@dataclass(frozen=True)
class Request:
    """One request as it arrived.

    Attributes:
        service: the emulator's name, for example `glue` or `monitoring`.
        action: for example `CreateTable`; empty in the REST protocols.
        protocol: `json`, `query`, `s3` or `rest`.
    """

    service: str
    action: str
    protocol: str
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]

    @property
    def effect(self) -> Effect:
        if self.action:
            return _effect_of_action(self.service, self.action)
        if self.method in ("GET", "HEAD", "OPTIONS"):
            return Effect.NOTHING
        if self.path.startswith(("/_", "/iceberg")):
            return Effect.EVERYTHING
        if self.service == "s3":
            return Effect.OBJECTS if self._is_about_objects else Effect.STATE
        return Effect.STATE

    @property
    def gives_room(self) -> bool:
        """Whether it deletes or ends something, so that it is accepted on a full disk."""
        return self.method == "DELETE" or "delete" in self.query or bool(_GIVES_ROOM.match(self.action))

    @property
    def region(self) -> str:
        return str(_router().extract_region(self.headers, self.query))

    @property
    def has_plain_json(self) -> bool:
        """Whether its body can be parsed as it came."""
        return "json" in self.headers.get("content-type", "") and "content-encoding" not in self.headers

    @property
    def body_size(self) -> int:
        return int(self.headers.get("content-length") or 0)

    @property
    def _is_about_objects(self) -> bool:
        key = self.path.lstrip("/").partition("/")[2]
        return not self.path.startswith("/v20180820/") and (bool(key) or "delete" in self.query)


_READS = re.compile(
    "(Get|List|Describe|BatchGet|Head|Search|Lookup|Filter|Test|Validate|Check|Simulate|Decode|Select|Scan|Query)"
    "(?![a-z])"
)
_GIVES_ROOM = re.compile(
    "(Delete|BatchDelete|Remove|Untag|Abort|Stop|BatchStop|Cancel|Detach|Deregister|Purge|Receive|ChangeMessage"
    "|ScheduleKeyDeletion)"
)
_KEYS_AT_WORK = re.compile("(Encrypt|Decrypt|ReEncrypt|GenerateDataKey|GenerateRandom|Sign|Verify|GenerateMac)")
_LINES = {("logs", "PutLogEvents"), ("logs", "CreateLogStream")}
_SOON = {
    # SQS may deliver a message twice, so a receipt may be lost.
    *(("sqs", action) for action in ("ReceiveMessage", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch")),
    *(("sqs", action) for action in ("DeleteMessage", "DeleteMessageBatch")),
    # For destinations other than S3, the emulator's state only counts the records.
    *(("firehose", action) for action in ("PutRecord", "PutRecordBatch")),
    ("monitoring", "PutMetricData"),
    ("logs", "StartQuery"),
}
_REACH_OTHERS = {"tagging", "cloudformation", "cloudcontrol", "states", "lambda"}


def _effect_of_action(service: str, action: str) -> Effect:
    if _READS.match(action) or (service == "kms" and _KEYS_AT_WORK.match(action)):
        return Effect.NOTHING
    if (service, action) in _LINES:
        return Effect.LINE
    if (service, action) in _SOON:
        return Effect.SOON
    return Effect.EVERYTHING if service in _REACH_OTHERS else Effect.STATE


def headers_of(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def has_form(scope: Scope) -> bool:
    """Whether the action is in the body, which has to be read first."""
    form = "application/x-www-form-urlencoded"
    return scope["method"] == "POST" and headers_of(scope).get("content-type", "").startswith(form)


def request_of(scope: Scope, form: bytes = b"") -> Request:
    """Read a request. `form` is its body where `has_form`."""
    headers = headers_of(scope)
    query = parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
    parameters = {**parse_qs(form.decode("utf-8", "replace"), keep_blank_values=True), **query}
    target = headers.get("x-amz-target", "").rpartition(".")[2]
    service: str = _router().detect_service(scope["method"], scope["path"], headers, parameters)
    named = "" if service == "s3" else parameters.get("Action", [""])[0]
    action = target or _operation(scope["path"]) or named
    protocol = "json" if target else "query" if action else "s3" if service == "s3" else "rest"
    return Request(service, action, protocol, scope["method"], scope["path"], query, headers)


def _operation(path: str) -> str:
    """Return the action of a call in Smithy's RPC protocol: `/service/Name/operation/Action`."""
    found = re.fullmatch(r"/service/[^/]+/operation/([^/]+)", path)
    return found[1] if found else ""


@cache
def _router() -> Any:
    """Import the emulator, which is only allowed after its settings are set."""
    return import_module("ministack.core.router")
