"""Failures of a statement, in Athena's words, never in those of the engine behind it."""

from __future__ import annotations

import re
from typing import Any

import duckdb
from botocore.exceptions import ClientError
from sqlglot.errors import ParseError, SqlglotError, UnsupportedError

USER_ERROR, DATA_ERROR = 1000, 1001
"""Error types of Athena's error catalog."""


class QueryFailed(Exception):
    """The query fails with this reason, which begins with Trino's error name."""

    def __init__(self, reason: str, error_type: int = USER_ERROR) -> None:
        super().__init__(reason)
        self.error_type = error_type


class QueryCancelled(Exception):
    """The query is cancelled with this reason."""


_NAMED = re.compile(r"([A-Z]+_[A-Z_]+: .*)")
_OWN = re.compile(r"Could not convert string '([A-Z][A-Z_]+: .*)' to INT\d+")
_REASONS: list[tuple[str, str]] = [
    (r"Division by zero", "DIVISION_BY_ZERO: Division by zero"),
    (r"Type (\w+) with value (\S+) can't be cast .* destination type (\w+)",
     "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for {2}: {1}"),
    (r"Casting value \"([^\"]*)\" to type (DECIMAL\([\d,]+\)) failed",
     "INVALID_CAST_ARGUMENT: Cannot cast '{0}' to {1}"),
    (r"Could not cast value (\S+) to (DECIMAL\([\d,]+\))", "INVALID_CAST_ARGUMENT: Cannot cast '{0}' to {1}"),
    (r"Overflow in \w+ of DECIMAL", "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow"),
    (r"Overflow in HUGEINT", "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow"),
    (r"Overflow on abs\((.*)\)", "NUMERIC_VALUE_OUT_OF_RANGE: Value {0} is out of range for abs"),
    (r"Overflow in negation", "NUMERIC_VALUE_OUT_OF_RANGE: negation overflow"),
    (r"Overflow in (\w+) of (\w+) \((.*)\)", "NUMERIC_VALUE_OUT_OF_RANGE: {1} {0} overflow: {2}"),
    (r"Map keys must be unique", "INVALID_FUNCTION_ARGUMENT: Duplicate map keys are not allowed"),
    (r"Map keys can not be NULL", "INVALID_FUNCTION_ARGUMENT: map key cannot be null"),
    (r"Python exception", "INVALID_FUNCTION_ARGUMENT: a function of this statement cannot take one of its values"),
    (r"Could not convert string ['\"]([^'\"]*)['\"] to ([\w(),]+)", "INVALID_CAST_ARGUMENT: Cannot cast '{0}' to {1}"),
    (r"Unknown TimeZone '([^']*)'", "INVALID_FUNCTION_ARGUMENT: '{0}' is not a valid time zone"),
    (r"Invalid RANGE \w+ value|Window \w+ \w+ expression cannot be negative",
     "INVALID_WINDOW_FRAME: Window frame offset value must not be negative or null"),
    (r"must be a constant expression", "NOT_SUPPORTED: a percentage is a constant here, and no column"),
    (r"[Ee]xpression depth|recursion depth|[Ss]tack", "STACK_OVERFLOW: Statement is too large"),
    (r"JSON transform error .* in line (\d+): (.*)", "HIVE_BAD_DATA: Error parsing field value in line {0}: {1}"),
    (r"Invalid string encoding found in Parquet", "HIVE_BAD_DATA: a Parquet file has a text that is not UTF-8"),
    (r"Invalid unicode|not utf-8", "HIVE_BAD_DATA: a file is not UTF-8, the encoding that is read here"),
    (r"Malformed JSON", "HIVE_BAD_DATA: Row is not a valid JSON Object"),
    (r"More than one row returned by a subquery",
     "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows"),
]  # fmt: skip
"""What only the run of a statement tells; all else is refused by its analysis."""
_CLASSES: list[tuple[type[Exception], str]] = [
    (duckdb.ConversionException, "INVALID_CAST_ARGUMENT"),
    (duckdb.OutOfRangeException, "NUMERIC_VALUE_OUT_OF_RANGE"),
    (duckdb.OutOfMemoryException, "EXCEEDED_LOCAL_MEMORY_LIMIT"),
    (duckdb.InvalidInputException, "INVALID_FUNCTION_ARGUMENT"),
]
_TYPES = {
    "VARCHAR": "varchar",
    "INT8": "tinyint",
    "INT16": "smallint",
    "INT32": "integer",
    "INT64": "bigint",
    "INT128": "decimal(38,0)",
    "HUGEINT": "decimal(38,0)",
    "BOOL": "boolean",
    "TIMESTAMPTZ": "timestamp with time zone",
    "BLOB": "varbinary",
    **{name.upper(): name for name in ("integer", "bigint", "smallint", "tinyint", "double", "boolean", "date")},
    **{name.upper(): name for name in ("timestamp", "interval", "time")},
}
"""Type names: the engine's -> Trino's."""
_NOISE = re.compile(
    r"(?: In order to select one,.*| You might need to.*| Use \"SET.*|\s*Candidate functions.*|\s*LINE \d+:.*"
    r"| when casting from source column.*|!$)",
    re.S,
)
WITHOUT_REASON = "GENERIC_INTERNAL_ERROR: the embedded AWS could not run this statement; its log says why"


def reason_of(error: BaseException, sql: str = "") -> str:
    """Return the StateChangeReason for an engine error, in Trino's words. `sql` is the statement, to find positions in.

    >>> reason_of(duckdb.BinderException("Binder Error: LIMIT/OFFSET cannot be negative"))
    'SYNTAX_ERROR: LIMIT and OFFSET cannot be negative'
    """
    if isinstance(error, QueryFailed):
        return str(error)
    if isinstance(error, UnsupportedError):
        return f"NOT_SUPPORTED: {str(error).splitlines()[0]}"
    if isinstance(error, SqlglotError):
        return f"SYNTAX_ERROR: {syntax(error, sql)}"
    if isinstance(error, ClientError) and error.response["Error"]["Code"].startswith("AccessDenied"):
        return f"Insufficient permissions to execute the query. {error.response['Error']['Message']}"
    if isinstance(error, ClientError):
        return f"GENERIC_INTERNAL_ERROR: {error.response.get('Error', {}).get('Message', 'S3 or Glue refused')}"
    if isinstance(error, RecursionError):
        return "STACK_OVERFLOW: Statement is too large"
    return _of_engine(error) if isinstance(error, duckdb.Error) else _own(error) or WITHOUT_REASON


def syntax(error: SqlglotError, sql: str) -> str:
    """Return where a statement is not valid SQL: `line 1:13: mismatched input 'WHERE'`."""
    first: dict[str, Any] = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    description, word = str(first.get("description") or ""), str(first.get("highlight") or "")
    if not first:
        at = _unclosed(sql)
        return f"{_position(sql, at)}: a quotation mark is not closed" if at >= 0 else "a text is not understood"
    if (at := _outside_quotes(sql).find("`")) >= 0:
        return f"{_position(sql, at)}: backquoted identifiers are not supported; use double quotes to quote identifiers"
    line = first.get("line") or 1
    if "Required keyword" in description or "SENTINEL" in description:
        return f"line {line}:{(first.get('col') or 0) + 1}: mismatched input '<EOF>'. Expecting: <expression>"
    where = f"line {line}:{max(1, (first.get('col') or 1) - len(word) + 1)}: "
    if description == "Reserved word":
        how = f'a name; {word} is a reserved word and stands in double quotes: "{word}"'
        return f"{where}mismatched input '{word}'. Expecting: {how}"
    if "Expected TYPE" in description:
        return f"{where}Unknown type: {word}"
    if found := re.search(r"arguments \((\d+)\) is (?:greater|less) .* arguments \((\d+)\)", description):
        return f"{where}Unexpected number of arguments: {found[1]} are given, the function takes {found[2]}"
    expecting = re.match(r"Expecting (\S+)", description)
    return f"{where}mismatched input '{word or '<EOF>'}'" + (f". Expecting: '{expecting[1]}'" if expecting else "")


def _of_engine(error: BaseException) -> str:
    text = str(error)
    message = re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", text).split("\n")[0]
    if own := _own(error):
        return own
    for pattern, reason in _REASONS:
        if found := re.search(pattern, text):
            return reason.format(*map(_trino, found.groups() or ("",)))
    name = next((name for kind, name in _CLASSES if isinstance(error, kind)), None)
    return f"{name}: {_trino(_NOISE.sub('', message))}" if name else WITHOUT_REASON


def _own(error: BaseException) -> str:
    """Return the reason, if this package or one of its macros raised the error."""
    text = str(error).rpartition("QueryFailed: ")[2]
    found = _OWN.search(text) or _NAMED.search(re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", text).split("\n")[0])
    return found[1] if found else ""


def _trino(text: str) -> str:
    return re.sub(r"\b[A-Z][A-Z0-9_]+\b", lambda found: _TYPES.get(found[0], found[0]), text)


def _unclosed(sql: str) -> int:
    """Where the quotation mark is that nothing closes; -1 where all are closed."""
    rest = _outside_quotes(sql)
    return max(rest.find(mark) for mark in "'\"`")


def _outside_quotes(sql: str) -> str:
    """The statement with blanks for its texts, quoted names and comments."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|--[^\n]*", lambda found: re.sub(r"[^\n]", " ", found[0]), sql)


def _position(sql: str, at: int) -> str:
    """Return `line 1:8`, both from 1."""
    return f"line {sql.count(chr(10), 0, at) + 1}:{at - sql.rfind(chr(10), 0, at)}"
