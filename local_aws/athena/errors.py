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


_NAMED = re.compile(r"([A-Z][A-Z_]+: .*)")
_OWN = re.compile(r"Could not convert string '([A-Z][A-Z_]+: .*)' to INT\d+")
_REASONS: list[tuple[str, str]] = [
    (r"Division by zero", "DIVISION_BY_ZERO: Division by zero"),
    (r'Referenced column "([^"]+)"', "COLUMN_NOT_FOUND: Column '{0}' cannot be resolved"),
    (r'does not have a column named "([^"]+)"', "COLUMN_NOT_FOUND: Column '{0}' cannot be resolved"),
    (r'Column "([^"]+)" does not exist on (\w+) side',
     "COLUMN_NOT_FOUND: Column '{0}' is missing from {1} side of join"),
    (r'Referenced table "([^"]+)" not found', "TABLE_NOT_FOUND: Relation '{0}' cannot be resolved"),
    (r'Table with name "?([^"\s]+)"? does not exist', "TABLE_NOT_FOUND: Table '{0}' does not exist"),
    (r"Function with name \"?([^\"\s]+)\"? (?:does not exist|is not in)",
     "FUNCTION_NOT_FOUND: Function {0} not registered"),
    (r"function call \"?([^\w\s(]+)\((\w.*?), (\w.*?)\)", "TYPE_MISMATCH: Cannot apply operator: {1} {0} {2}"),
    (r"argument types '([^\w\s(]+)\((\w.*?), (\w.*?)\)'", "TYPE_MISMATCH: Cannot apply operator: {1} {0} {2}"),
    (r"(?:function call \"|argument types ')(\w+)\((.*?)\)[\"']\.",
     "FUNCTION_NOT_FOUND: Unexpected parameters ({1}) for function {0}"),
    (r"Cannot compare values of type (.+?) and (?:type )?(.+?)(?: -|$)",
     "TYPE_MISMATCH: Cannot apply operator: {0} = {1}"),
    (r'Ambiguous reference to column name "([^"]+)"', "AMBIGUOUS_NAME: Column '{0}' is ambiguous"),
    (r'Ambiguous reference to table "([^"]+)"', "AMBIGUOUS_NAME: Table '{0}' is there twice. Give each an alias"),
    (r"WHERE clause cannot contain", "EXPRESSION_NOT_SCALAR: WHERE clause cannot contain aggregations, "
     "window functions or grouping operations"),
    (r"Set operations can only apply",
     "TYPE_MISMATCH: the queries of a set operation have different numbers of columns"),
    (r"Type (?:TUPLE|STRUCT)\(.*does not match", "TYPE_MISMATCH: Cannot cast a row to one with other fields"),
    (r"Sample sample_size \S+ out of range", "INVALID_ARGUMENTS: Sample percentage must be between 0 and 100"),
    (r"ORDER term out of range - should be between 1 and (\d+)",
     "INVALID_COLUMN_REFERENCE: ORDER BY position is not in the select list, which has {0}"),
    (r"Subquery returns (\d+) columns", "TYPE_MISMATCH: Multiple columns returned by subquery are not yet supported. "
     "Found {0}"),
    (r"Cannot extract field '(\w+)' from expression \"([^\"]+)\"",
     "TYPE_MISMATCH: Expression {1} is not of type ROW, and has no field {0}"),
    (r"Window functions are not supported here", "MISSING_OVER: a window function must have an OVER clause, and stands "
     "in the select list or in ORDER BY"),
    (r"invalid (date|timestamp) field format: \"([^\"]*)\"",
     "INVALID_CAST_ARGUMENT: Value cannot be cast to {0}: {1}"),
    (r"Type (\w+) with value (\S+) can't be cast .* destination type (\w+)",
     "INVALID_CAST_ARGUMENT: Out of range for {2}: {1}"),
    (r"Overflow in \w+ of DECIMAL|Could not cast value .* to DECIMAL", "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow"),
    (r"Overflow on abs\((.*)\)", "NUMERIC_VALUE_OUT_OF_RANGE: Value {0} is out of range for abs"),
    (r"Map keys must be unique", "INVALID_FUNCTION_ARGUMENT: Duplicate map keys are not allowed"),
    (r"Map keys can not be NULL", "INVALID_FUNCTION_ARGUMENT: map key cannot be null"),
    (r"Python exception", "INVALID_FUNCTION_ARGUMENT: a function of this statement cannot take one of its values"),
    (r"Overflow in (\w+) of (\w+) \((.*)\)", "NUMERIC_VALUE_OUT_OF_RANGE: {1} {0} overflow: {2}"),
    (r"Could not convert string ['\"]([^'\"]*)['\"] to ([\w(),]+)", "INVALID_CAST_ARGUMENT: Cannot cast '{0}' to {1}"),
    (r"DECIMAL type width", "NOT_SUPPORTED: DECIMAL precision must be in range [1, 38]"),
    (r"Could not parse string \"([^\"]*)\" according to format specifier \"([^\"]*)\"",
     "INVALID_FUNCTION_ARGUMENT: Invalid format: '{0}' is not of the form '{1}'"),
    (r"extract specifier \"([^\"]*)\" not", "INVALID_FUNCTION_ARGUMENT: '{0}' is not a valid field of a time"),
    (r"Unknown TimeZone '([^']*)'", "INVALID_FUNCTION_ARGUMENT: '{0}' is not a valid time zone"),
    (r"LIMIT/OFFSET cannot be negative", "SYNTAX_ERROR: LIMIT and OFFSET cannot be negative"),
    (r"VALUES lists must all be the same length", "SYNTAX_ERROR: Values rows have mismatched sizes"),
    (r"SELECT clause without selection list", "SYNTAX_ERROR: the select list is empty"),
    (r"key list does not align", "INVALID_FUNCTION_ARGUMENT: Key and value arrays must be the same length"),
    (r"(?:range \[0, 1\]|between 0 and 1\b)", "INVALID_FUNCTION_ARGUMENT: Percentile must be between 0 and 1"),
    (r"UNNEST requires|Invalid LIST argument", "TYPE_MISMATCH: an array is needed here, and another type is given"),
    (r"[Ee]xpression depth|recursion depth|[Ss]tack", "STACK_OVERFLOW: Statement is too large"),
    (r"Cannot access file|disabled by configuration|is disabled", "PERMISSION_DENIED: Athena reads tables of the "
     "catalog, and no other file"),
    (r"JSON transform error .* in line (\d+): (.*)", "HIVE_BAD_DATA: Error parsing field value in line {0}: {1}"),
    (r"Invalid string encoding found in Parquet", "HIVE_BAD_DATA: a Parquet file has a text that is not UTF-8"),
    (r"Invalid unicode|not utf-8", "HIVE_BAD_DATA: a file is not UTF-8, the encoding that is read here"),
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
]
_TYPES = {
    "INTEGER_LITERAL": "integer",
    "STRING_LITERAL": "varchar",
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
_WITHOUT_REASON = "GENERIC_INTERNAL_ERROR: the embedded AWS could not run this statement; its log says why"


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
    if isinstance(error, ClientError):
        return f"GENERIC_INTERNAL_ERROR: {error.response.get('Error', {}).get('Message', 'S3 or Glue refused')}"
    if isinstance(error, RecursionError):
        return "STACK_OVERFLOW: Statement is too large"
    return _of_engine(error, sql) if isinstance(error, duckdb.Error) else _own(error) or _WITHOUT_REASON


def syntax(error: SqlglotError, sql: str) -> str:
    """Return where a statement is not valid SQL: `line 1:13: mismatched input 'WHERE'`."""
    first: dict[str, Any] = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    description, word = str(first.get("description") or ""), str(first.get("highlight") or "")
    if not first:
        at = _unclosed(sql)
        return f"{_position(sql, at)}: a quotation mark is not closed" if at >= 0 else "a text is not understood"
    line = first.get("line") or 1
    if "Required keyword" in description or "SENTINEL" in description:
        return f"line {line}:{(first.get('col') or 0) + 1}: mismatched input '<EOF>'. Expecting: <expression>"
    where = f"line {line}:{max(1, (first.get('col') or 1) - len(word) + 1)}: "
    if "Expected TYPE" in description:
        return f"{where}Unknown type: {word}"
    if found := re.search(r"arguments \((\d+)\) is (?:greater|less) .* arguments \((\d+)\)", description):
        return f"{where}Unexpected number of arguments: {found[1]} are given, the function takes {found[2]}"
    expecting = re.match(r"Expecting (\S+)", description)
    return f"{where}mismatched input '{word or '<EOF>'}'" + (f". Expecting: '{expecting[1]}'" if expecting else "")


def _of_engine(error: BaseException, sql: str) -> str:
    text = str(error)
    message = re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", text).split("\n")[0]
    if own := _own(error):
        return own
    for pattern, reason in _REASONS:
        if found := re.search(pattern, text):
            return _spoken(reason.format(*map(_trino, found.groups() or ("",))), sql)
    if found := re.search(r'syntax error at (?:or near "(.*?)"|end of input)', text):
        return f"SYNTAX_ERROR: {_mismatched(found[1], sql)}"
    name = next((name for kind, name in _CLASSES if isinstance(error, kind)), "GENERIC_INTERNAL_ERROR")
    return f"{name}: {_trino(_NOISE.sub('', message))}"


def _spoken(reason: str, sql: str) -> str:
    """Remove the name of a function that the translation added."""
    found = re.search(r"for function (\w+)$", reason)
    return f"{reason[: found.start()]}for a function" if found and found[1] not in sql.lower() else reason


def _own(error: BaseException) -> str:
    """Return the reason, if this package or one of its macros raised the error."""
    text = str(error).rpartition("QueryFailed: ")[2]
    found = _OWN.search(text) or _NAMED.search(re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", text).split("\n")[0])
    return found[1] if found else ""


def _mismatched(word: str | None, sql: str) -> str:
    """Return the message for a word that is not understood; a word that the translation added has no position."""
    at = sql.lower().find(word.lower()) if word else len(sql)
    if at < 0:
        return "a part of the statement is not understood"
    return (
        f"line {sql.count(chr(10), 0, at) + 1}:{at - sql.rfind(chr(10), 0, at)}: mismatched input '{word or '<EOF>'}'"
    )


def _trino(text: str) -> str:
    return re.sub(r"\b[A-Z][A-Z0-9_]+\b", lambda found: _TYPES.get(found[0], found[0]), text)


def _unclosed(sql: str) -> int:
    """Return the position of a quotation mark that is not closed; -1 if all are closed."""
    rest = re.sub(r"'[^']*'|\"[^\"]*\"|--[^\n]*", lambda found: re.sub(r"[^\n]", " ", found[0]), sql)
    return max(rest.find(mark) for mark in "'\"`")


def _position(sql: str, at: int) -> str:
    """Return `line 1:8`, both from 1."""
    return f"line {sql.count(chr(10), 0, at) + 1}:{at - sql.rfind(chr(10), 0, at)}"
