"""How a statement ends when it does not succeed."""

from __future__ import annotations

import re

import duckdb
from sqlglot.errors import ParseError, SqlglotError, TokenError, UnsupportedError

USER_ERROR, DATA_ERROR = 1000, 1001
"""Error types of Athena's error catalog."""


class QueryFailed(Exception):
    """The query ends FAILED with this reason, which begins with Trino's name of the error."""

    def __init__(self, reason: str, error_type: int = USER_ERROR) -> None:
        super().__init__(reason)
        self.error_type = error_type


class QueryCancelled(Exception):
    """The query ends CANCELLED with this reason."""


_NAMED = re.compile(r"([A-Z][A-Z_]+: .*)")
_OWN = re.compile(r"Could not convert string '([A-Z][A-Z_]+: .*)' to INT\d+")
_REASONS: list[tuple[str, str]] = [
    (r"Division by zero", "DIVISION_BY_ZERO: Division by zero"),
    (r'Referenced column "([^"]+)"', "COLUMN_NOT_FOUND: Column '{0}' cannot be resolved"),
    (r'Referenced table "([^"]+)" not found', "TABLE_NOT_FOUND: Relation '{0}' cannot be resolved"),
    (r"Function with name (\S+) does not exist", "FUNCTION_NOT_FOUND: Function {0} not registered"),
    (r"JSON transform error .* in line (\d+): (.*)", "HIVE_BAD_DATA: Error parsing field value in line {0}: {1}"),
    (r"Malformed JSON", "HIVE_BAD_DATA: Row is not a valid JSON Object"),
    (r'column "(\S+)" must appear in the GROUP BY', "EXPRESSION_NOT_AGGREGATE: '{0}' must be an aggregate expression "
     "or appear in GROUP BY clause"),
    (r"More than one row returned by a subquery",
     "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows"),
]  # fmt: skip
_CLASSES: list[tuple[type[Exception], str]] = [
    (duckdb.ConversionException, "INVALID_CAST_ARGUMENT"),
    (duckdb.OutOfRangeException, "NUMERIC_VALUE_OUT_OF_RANGE"),
    (duckdb.BinderException, "TYPE_MISMATCH"),
    (duckdb.ParserException, "SYNTAX_ERROR"),
    (duckdb.CatalogException, "SYNTAX_ERROR"),
    (duckdb.PermissionException, "PERMISSION_DENIED"),
    (duckdb.OutOfMemoryException, "EXCEEDED_LOCAL_MEMORY_LIMIT"),
    (duckdb.InvalidInputException, "INVALID_FUNCTION_ARGUMENT"),
    (duckdb.Error, "GENERIC_INTERNAL_ERROR"),
    (UnsupportedError, "NOT_SUPPORTED"),
    (ParseError, "SYNTAX_ERROR"),
    (TokenError, "SYNTAX_ERROR"),
    (SqlglotError, "SYNTAX_ERROR"),
]


def reason_of(error: Exception) -> str:
    """The StateChangeReason for an error of the engine, in Trino's words where it has them."""
    text = str(error)
    message = re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", text).split("\n")[0]
    own = _OWN.search(text) or _NAMED.search(message)
    if own:
        return own[1]
    for pattern, reason in _REASONS:
        found = re.search(pattern, text)
        if found:
            return reason.format(*found.groups() or ("",))
    name = next((name for kind, name in _CLASSES if isinstance(error, kind)), "GENERIC_INTERNAL_ERROR")
    return f"{name}: {message}"
