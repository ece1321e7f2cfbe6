"""The JSON protocol of most AWS data services: one call in, one document or one error out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from local_aws.permissions.principals import ROOT, Principal

Document = dict[str, Any]


class AwsError(Exception):
    """An error response of an AWS service, for example `AwsError("EntityNotFoundException", "...")`."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class Time(float):
    """A time in an answer, in seconds since 1970: a number in JSON, a tagged value in CBOR."""

    __slots__ = ()


class Json(bytes):
    """A part of an answer that is JSON already, from a handler with so many records that each step for one counts."""

    __slots__ = ()


@dataclass(frozen=True)
class Call:
    """One API call.

    `forward` sends a payload on to the emulator and returns its answer, or raises the `AwsError` it answers.
    `session` is the caller's session token, if it has one: a job run has its id. `caller`: who made it. `is_cbor`: the
    answer is encoded as CBOR, where bytes are bytes.
    """

    service: str
    action: str
    payload: Document
    region: str
    forward: Callable[[Document], Document]
    session: str = ""
    caller: Principal = ROOT
    is_cbor: bool = False

    def forward_unchanged(self) -> Document:
        """Return the emulator's own answer to this call."""
        return self.forward(self.payload)

    def required(self, field: str) -> Any:
        """Return the payload's `field`. Raises a ValidationException that names it if it is missing."""
        if self.payload.get(field) in (None, ""):
            raise AwsError("ValidationException", f"{self.action}: the field {field} is required.")
        return self.payload[field]


Handler = Callable[[Call], Document]
Handlers = dict[tuple[str, str], Handler]
"""Handlers by (service, action), for example `("glue", "StartCrawler")`."""


def stacked(*layers: Handlers) -> Handlers:
    """Merge the tables; if two layers handle a call, `call.forward_unchanged()` in the later one calls the earlier."""
    table: Handlers = {}
    for layer in layers:
        table |= {key: _over(table[key], handler) if key in table else handler for key, handler in layer.items()}
    return table


def _over(inner: Handler, outer: Handler) -> Handler:
    return lambda call: outer(replace(call, forward=lambda payload: inner(replace(call, payload=payload))))
