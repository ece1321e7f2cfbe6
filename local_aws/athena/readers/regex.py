"""RegexSerDe: one column per group of a pattern. A line that does not match completely is a row of nulls."""

from __future__ import annotations

import re

from local_aws.athena.errors import QueryFailed
from local_aws.athena.hive_types import HiveType, parsed
from local_aws.athena.query.python.java_patterns import python_pattern
from local_aws.athena.readers import lazy_simple
from local_aws.athena.readers.source import Scope, Source, value_of

_TEXTS = HiveType("array", (), (HiveType("string"),))


def sources(scope: Scope) -> list[Source]:
    """Return the rows of a table's files.

    Raises:
        QueryFailed: the pattern is invalid, or its number of groups is not the number of columns.
    """
    pattern = _pattern(scope)
    groups = scope.function("groups", lambda line: _groups(pattern, line), 1, _TEXTS, once=True)
    sql = f"SELECT filename, {groups}(line) AS parts FROM ({scope.lines('lines', scope.files)})"
    return [Source(sql, [_value(scope, number) for number in range(len(scope.table.columns))])]


def _groups(pattern: re.Pattern[str], line: str) -> list[str | None] | None:
    found = pattern.fullmatch(line)
    return list(found.groups()) if found else None


def _value(scope: Scope, number: int) -> str:
    kind, part = parsed(scope.table.columns[number].type), f"f.parts[{number + 1}]"
    convert = lazy_simple.nullable(kind, lazy_simple.Marks(null="\0"), 1)
    if kind.name == "string":
        return part
    return value_of(scope, number, kind, part, lambda text, path: None if text is None else convert(text))


def _pattern(scope: Scope) -> re.Pattern[str]:
    given, name = scope.options.get("input.regex", ""), f"{scope.table.database}.{scope.table.name}"
    flags = re.I if scope.options.get("input.regex.case.insensitive", "").lower() == "true" else 0
    if posix := re.search(r"\\[pP]\{(?![A-Z][a-z]?\})", given):  # ASCII in a SerDe, as Java has it, and not in SQL.
        raise QueryFailed(
            f"NOT_SUPPORTED: table {name}: input.regex is not understood here at character {posix.start()}: {given}"
        )
    try:
        pattern = re.compile(python_pattern(given), flags)
    except re.error as error:
        raise QueryFailed(
            f"NOT_SUPPORTED: table {name}: input.regex is not understood here at character {error.pos}: {given}"
        ) from error
    if not given or pattern.groups != len(scope.table.columns):
        raise QueryFailed(
            f"INVALID_TABLE_PROPERTY: table {name} has {len(scope.table.columns)} columns and its input.regex "
            f"{pattern.groups} groups: {given!r}. There must be a group for each column"
        )
    return pattern
