"""Error messages of the analysis."""

from __future__ import annotations

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.types import Type


def spoken(kind: Type) -> str:
    """Return a type as named in errors: texts without their length."""
    return kind.base if kind.is_text else str(kind)


def mismatch(reason: str) -> QueryFailed:
    return QueryFailed(f"TYPE_MISMATCH: {reason}")


def operator_mismatch(operator: str, a: Type, b: Type) -> QueryFailed:
    return mismatch(f"Cannot apply operator: {spoken(a)} {operator} {spoken(b)}")


def unsupported(reason: str) -> QueryFailed:
    return QueryFailed(f"NOT_SUPPORTED: {reason}")


def syntax(reason: str) -> QueryFailed:
    return QueryFailed(f"SYNTAX_ERROR: {reason}")
