"""Error messages for bad statements: Athena's words, and none of the engine behind it."""

from __future__ import annotations

import re

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.athena.conftest import Lake

REFUSED = {
    "SELECT FROM WHERE": "line 1:13: mismatched input 'WHERE'",
    "SELECT (1": "line 1:9: mismatched input '1'. Expecting: ')'",
    "SELECT 1,\n'abc": "line 2:1: a quotation mark is not closed",
    "SELECT 1 +": "line 1:11: mismatched input '<EOF>'. Expecting: <expression>",
    "SELECT CAST(1 AS nonsense)": "line 1:18: Unknown type: nonsense",
    "SELECT avg(n, n) FROM t": "line 1:16: Unexpected number of arguments: 2 are given, the function takes 1",
    "SELECT X'ZZ'": "a text is not understood",
    "SELECT " + "(" * 3000 + "1" + ")" * 3000: "line 1:1: statement is too large",
}
FAILED = {
    "SELECT 1 + 'a'": "TYPE_MISMATCH: Cannot apply operator: integer + varchar",
    "SELECT lower(1)": "FUNCTION_NOT_FOUND: Unexpected parameters (integer) for function lower",
    "SELECT ST_Point(1, 2)": "FUNCTION_NOT_FOUND: Function st_point not registered. The embedded AWS differs from AWS "
    "here. Places on the globe: Geospatial functions are refused, all but `great_circle_distance`",
    "SELECT CAST('x' AS date)": "INVALID_CAST_ARGUMENT: Value cannot be cast to date: x",
    "SELECT CAST(300 AS tinyint)": "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for tinyint: 300",
    "SELECT 9223372036854775807 + 1": "NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow: 9223372036854775807 + 1",
    "SELECT n FROM (VALUES 1) a(n), (VALUES 1) b(n)": "AMBIGUOUS_NAME: Column 'n' is ambiguous",
    "SELECT a.z FROM (VALUES 1) a(n)": "COLUMN_NOT_FOUND: Column 'z' cannot be resolved",
    "SELECT 1 UNION SELECT 1, 2": "TYPE_MISMATCH: the queries of a set operation have different numbers of columns",
    "SELECT 1 ORDER BY 7": "INVALID_COLUMN_REFERENCE: ORDER BY position is not in the select list, which has 1",
    "SELECT 1\nFROM TABLE(sequence(1, 2))": "SYNTAX_ERROR: line 2:6: mismatched input 'TABLE'",
    "SELECT at_timezone(now(), 'Mars/X')": "INVALID_FUNCTION_ARGUMENT: 'Mars/X' is not a valid time zone",
    "SELECT * FROM read_csv('/etc/passwd')": "PERMISSION_DENIED: Athena reads tables of the catalog, and no other file",
    "SELECT CAST(ROW(1, 2) AS ROW(a integer))": "TYPE_MISMATCH: Cannot cast a row to one with other fields",
    "CREATE TABLE x AS SELECT FROM": "SYNTAX_ERROR: line 1:30: mismatched input '<EOF>'. Expecting: <expression>",
    "EXPLAIN SELEC": "SYNTAX_ERROR: line 1:9: mismatched input 'SELEC'",
    "SELECT " + "1+" * 3000 + "1": "STACK_OVERFLOW: Statement is too large",
}
UNKNOWN = [
    "SELECT * FROM (VALUES 1) t(n) MATCH_RECOGNIZE (PATTERN (A))",
    "SELECT count(*) OVER (ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING)",
    "SELECT regexp_like('a', '(')",
    "SELECT to_unixtime('a')",
    "SELECT sum(DISTINCT)",
]
"""Statements whose reasons no rule translates."""
INNER = re.compile(
    r"sqlglot|duckdb|<class|Token|Traceback|NoneType|_LITERAL|\bINT\d+|LINE \d|explicit type|epoch|[a-z] Error:"
)


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT " + "(" * 150 + "1" + ")" * 150, "1"),
        ("SELECT " + "1 + " * 299 + "1", "300"),
        ("SELECT length(" + "'a' || " * 299 + "'a')", "300"),
        ("SELECT count(*) FROM (VALUES 7) t(x) WHERE " + " OR ".join(f"x = {i}" for i in range(2000)), "1"),
        (f"SELECT count(*) FROM (VALUES 7) t(x) WHERE x IN ({', '.join(map(str, range(30_000)))})", "1"),
    ],
    ids=["parentheses", "sum", "text", "2,000 ORs", "a list of 200 kB"],
)
def test_a_statement_as_deep_as_tools_write_them_runs(lake: Lake, sql: str, value: str) -> None:
    assert lake.rows(sql) == [[value]]


@pytest.mark.parametrize(("sql", "reason"), REFUSED.items(), ids=[sql[:40] for sql in REFUSED])
def test_invalid_sql_is_refused_with_line_and_column(lake: Lake, sql: str, reason: str) -> None:
    with pytest.raises(ClientError) as refused:
        lake.start(sql)
    assert refused.value.response["Error"]["Message"] == reason


def test_a_failed_statement_has_trinos_error_name_and_no_engine_text(lake: Lake) -> None:
    started = {sql: lake.start(sql) for sql in [*FAILED, *UNKNOWN]}
    reasons = {sql: lake.wait(query)["Status"].get("StateChangeReason", "") for sql, query in started.items()}

    assert {sql: reasons[sql] for sql in FAILED} == FAILED
    for reason in reasons.values():
        assert re.match(r"[A-Z_]+: \S", reason), reason
        assert not INNER.search(reason), reason
