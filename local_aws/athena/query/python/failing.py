"""Errors for arguments that a Python function refuses."""

from __future__ import annotations

from local_aws.athena.errors import QueryFailed


def bad(reason: str) -> QueryFailed:
    return QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {reason}")


def bad_cast(value: object, kind: str) -> QueryFailed:
    return QueryFailed(f"INVALID_CAST_ARGUMENT: Cannot cast '{value}' to {kind}")


def out_of_range(reason: str) -> QueryFailed:
    return QueryFailed(f"NUMERIC_VALUE_OUT_OF_RANGE: {reason}")
