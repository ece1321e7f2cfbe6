"""The definition of a function in the table: its signature, its result type, and its DuckDB SQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_aws.athena.query.types import Type, parsed

Result = Callable[[list[Type]], Type]


@dataclass(frozen=True)
class Python:
    """A function without a DuckDB counterpart; it takes Python values and raises QueryFailed.

    `nulls`: it is also called with nulls. `typed`: its first arguments are the types of the values and the result.
    """

    call: Callable[..., Any]
    nulls: bool = False
    typed: bool = False


Emit = str | Python | Callable[..., str]
"""`lower({0})`, with `{r}` for the result's DuckDB type; or a function of texts, types and result type."""


@dataclass(frozen=True, eq=False)
class Function:
    """`parameters` may contain type variables (`T`); the last one repeats if `variadic`."""

    name: str
    parameters: tuple[Type, ...]
    result: Type | Result
    emit: Emit
    variadic: bool = False
    kind: str = "scalar"

    @property
    def at_most(self) -> int | None:
        return None if self.variadic else len(self.parameters)


def function(signature: str, emit: Emit, result: Result | None = None, kind: str = "scalar") -> Function:
    """
    >>> function("lower(varchar) -> varchar", "lower({0})").name
    'lower'
    """
    head, _, returned = signature.partition(" -> ")
    name, _, inside = head.partition("(")
    inside = inside.rstrip()[:-1]
    variadic = inside.endswith("...")
    parameters = tuple(parsed(part) for part in _split(inside.removesuffix("...")))
    return Function(name, parameters, result or _result(returned), emit, variadic, kind)


def aggregate(signature: str, emit: Emit, result: Result | None = None) -> Function:
    return function(signature, emit, result, "aggregate")


OPEN, BAR, CLOSE = "\x01", "\x02", "\x03"


def aggregated(name: str, inside: str) -> str:
    """Return the marked call of an aggregate, which DISTINCT, ORDER BY, FILTER and OVER complete later.

    A template writes it as `<<name|inside>>`.
    """
    return f"{OPEN}{name}{BAR}{inside}{CLOSE}"


def window(signature: str, emit: Emit) -> Function:
    return function(signature, emit, None, "window")


def _result(text: str) -> Type | Result:
    if found := re.fullmatch(r"@(\d)", text):
        place = int(found[1])
        return lambda kinds: kinds[place]
    return parsed(text)


def _split(text: str) -> list[str]:
    parts, depth, begin = [], 0, 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            parts.append(text[begin:at])
            begin = at + 1
    return [*parts, text[begin:]] if text.strip() else []
