"""The types of expressions, and statements that are refused before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from local_aws.athena.errors import QueryFailed
from local_aws.athena.executions import MAY_RUN_ON_AWS
from local_aws.athena.query import analysed, functions
from local_aws.athena.query.differences import DIFFERENCES, refusing, used_by
from local_aws.athena.query.parse import parse
from local_aws.athena.query.types import of_catalog
from tests.test_house import ROOT

from .conftest import Ask

TYPES = {
    "DECIMAL '1.2345'": "decimal(5,4)",
    "1.5 + 1.25": "decimal(4,2)",
    "DECIMAL '1.5' * DECIMAL '1.25'": "decimal(5,3)",
    "1 + DECIMAL '1.5'": "decimal(12,1)",
    "1 / 2e0": "double",
    "'abc'": "varchar(3)",
    "CAST('a' AS char(3))": "char(3)",
    "TIMESTAMP '2020-01-01 00:00:00.12'": "timestamp(2)",
    "TIMESTAMP '2020-01-01 00:00:00 UTC'": "timestamp(0) with time zone",
    "DATE '2020-01-02' - DATE '2020-01-01'": "interval day to second",
    "ARRAY[1, 2.5]": "array(decimal(11,1))",
    "MAP(ARRAY['a'], ARRAY[NULL])": "map(varchar(1), unknown)",
    "ROW(1, 'a')": "row(integer, varchar(1))",
    "sum(1)": "bigint",
    "avg(DECIMAL '1.50')": "decimal(3,2)",
    "X'65'": "varbinary",
}
REFUSED = {
    "SELECT MAP(ARRAY[1, 1], ARRAY[2, 3])": "INVALID_FUNCTION_ARGUMENT: Duplicate map keys are not allowed",
    "SELECT abs(CAST(-128 AS tinyint))": "NUMERIC_VALUE_OUT_OF_RANGE: Value -128 is out of range for abs",
    "SELECT CAST('12.5' AS decimal(2,1))": "INVALID_CAST_ARGUMENT: Cannot cast '12.5' to DECIMAL(2,1)",
    "SELECT * FROM (VALUES 1) t(n) MATCH_RECOGNIZE (PATTERN (A))": "NOT_SUPPORTED: the clause MATCH does not run here",
    "SELECT listagg(x, ',') FROM (VALUES 'a') t(x)": (
        "SYNTAX_ERROR: listagg needs an order: listagg(x, ',') WITHIN GROUP (ORDER BY x)"
    ),
    "SELECT * FROM (VALUES 1) a(x) JOIN (VALUES 1) b(y)": (
        "SYNTAX_ERROR: line 1:50: mismatched input ')'. Expecting: 'ON'"
    ),
    "SELECT lag(x) OVER () FROM (VALUES 1) t(x)": ("MISSING_ORDER_BY: lag function requires an ORDER BY window clause"),
    "SELECT sum(x) IGNORE NULLS OVER () FROM (VALUES 1) t(x)": (
        "NULL_TREATMENT_NOT_ALLOWED: Cannot specify null treatment clause for sum function"
    ),
    "SELECT x FROM (VALUES 1) t(x) FETCH FIRST ROW WITH TIES": (
        "MISSING_ORDER_BY: FETCH FIRST WITH TIES clause requires ORDER BY"
    ),
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t": (
        "NOT_SUPPORTED: Recursion depth limit exceeded (10). Use 'max_recursion_depth' session property to modify the "
        "limit."
    ),
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 12) SELECT sum(n) FROM t": (
        "NOT_SUPPORTED: Recursion depth limit exceeded (10). Use 'max_recursion_depth' session property to modify the "
        "limit."
    ),
    "SELECT 1 = 'a'": "TYPE_MISMATCH: Cannot apply operator: integer = varchar",
    "SELECT nothing(1)": "FUNCTION_NOT_FOUND: Function nothing not registered",
    "SELECT checksum(1)": "FUNCTION_NOT_FOUND: Function checksum not registered",
    "SELECT spooky_hash_v2_32(to_utf8(rpad('', 192, 'a')))": (
        "NOT_SUPPORTED: spooky_hash_v2 of 192 bytes; at most 191 here"
    ),
    "SELECT n FROM (VALUES 1) a(n), (VALUES 1) b(n)": "AMBIGUOUS_NAME: Column 'n' is ambiguous",
    "SELECT a, sum(b) FROM (VALUES (1, 2)) t(a, b)": (
        "EXPRESSION_NOT_AGGREGATE: 'a' must be an aggregate expression or appear in GROUP BY clause"
    ),
    "SELECT 1 WHERE sum(1) > 0": (
        "EXPRESSION_NOT_SCALAR: WHERE clause cannot contain aggregations, window functions or grouping operations: sum"
    ),
    "SELECT DATE '2020-13-01'": "INVALID_LITERAL: '2020-13-01' is not a valid DATE literal",
    "SELECT CAST(DATE '2020-01-01' AS integer)": "TYPE_MISMATCH: Cannot cast date to integer",
    "SELECT rank()": (
        "MISSING_OVER: a window function must have an OVER clause, and stands in the select list or in ORDER BY: rank"
    ),
    "SELECT json_value('{}', '$.a')": "INVALID_PATH: the JSON path '$.a' is not understood",
    "SELECT word_stem('haus', 'de')": "NOT_SUPPORTED: word_stem knows the language 'en' here; given is 'de'",
}
NAMES = {
    "SELECT order FROM t": "line 1:8: mismatched input 'order'. Expecting: a name; order is a reserved word and stands "
    'in double quotes: "order"',
    "SELECT 1\n AS end": "line 2:5: mismatched input 'end'. Expecting: a name; end is a reserved word",
    "SELECT 'it`s' FROM `t`": "line 1:20: backquoted identifiers are not supported; use double quotes",
}
MACHINE = [
    "SELECT * FROM read_text('notes.txt')",
    "SELECT * FROM read_csv('notes.csv')",
    "SELECT * FROM glob('*')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM 'notes.csv'",
    "SELECT getenv('HOME')",
    "SELECT current_setting('threads')",
    "SELECT getvariable('scan_0')",
    "SELECT athena_fail('x')",
    "SELECT py_json_0('x')",
]
QUERIES = {
    "SELECT x, y FROM UNNEST(ARRAY[ROW(1, 'a'), ROW(2, 'b')]) t(x, y) ORDER BY x DESC": [("2", "b"), ("1", "a")],
    "SELECT k, n FROM UNNEST(MAP(ARRAY['a'], ARRAY[1])) WITH ORDINALITY t(k, v, n)": [("a", "1")],
    "SELECT * FROM (VALUES (1, 2)) a(x, y) JOIN (VALUES (1, 3)) b(x, z) USING (x)": [("1", "2", "3")],
    "SELECT x FROM (VALUES 1, 2, 2) t(x) ORDER BY x FETCH FIRST 2 ROWS WITH TIES": [("1",), ("2",), ("2",)],
    "SELECT x % 2 AS r, count(*) FROM (VALUES 1, 2, 3) t(x) GROUP BY x % 2 ORDER BY r": [("0", "1"), ("1", "2")],
    "SELECT a, grouping(a) FROM (VALUES 1) t(a) GROUP BY ROLLUP (a) ORDER BY 2": [("1", "0"), (None, "1")],
    "SELECT 1 UNION SELECT 2.5 ORDER BY 1": [("1.0",), ("2.5",)],
    "SELECT 2 > ALL (SELECT x FROM (VALUES 1, 3) t(x))": [("false",)],
    "SELECT (SELECT max(y) FROM (VALUES 1, 5) u(y) WHERE y > x) FROM (VALUES 2) t(x)": [("5",)],
    "SELECT r.* FROM (SELECT CAST(ROW(1, 2) AS ROW(a integer, b integer)) AS r) t": [("1", "2")],
    "SELECT listagg(x, ',') WITHIN GROUP (ORDER BY x DESC) FROM (VALUES 'a', 'b') t(x)": [("b,a",)],
    "SELECT sum(x) OVER (ORDER BY x ROWS 1 PRECEDING) FROM (VALUES 1, 2, 3) t(x)": [("1",), ("3",), ("5",)],
}


@pytest.mark.parametrize(("expression", "kind"), TYPES.items())
def test_an_expression_has_trinos_type(types: Callable[[str], list[str]], expression: str, kind: str) -> None:
    assert types(f"SELECT {expression}") == [kind]


@pytest.mark.parametrize(("sql", "reason"), REFUSED.items(), ids=REFUSED)
def test_a_statement_that_trino_refuses_is_refused_with_its_message(ask: Ask, sql: str, reason: str) -> None:
    assert ask(sql) == [(reason,)]


@pytest.mark.parametrize(("sql", "reason"), NAMES.items(), ids=NAMES)
def test_a_name_that_is_none_is_refused_at_its_place(ask: Ask, sql: str, reason: str) -> None:
    assert str(ask(sql)[0][0]).startswith(f"SYNTAX_ERROR: {reason}")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM 't'",
        "SELECT * FROM 'd'.'t'",
        "SELECT 1 AS 'a'",
        "SELECT 1 'a'",
        "SELECT * FROM (VALUES 1) 't'",
        "SELECT * FROM (VALUES 1) AS t('a')",
        "WITH 'a' AS (SELECT 1) SELECT 1",
        "SELECT * FROM (VALUES 1) t(a) JOIN (VALUES 1) u(a) USING ('a')",
    ],
)
def test_a_text_in_single_quotes_is_no_name(ask: Ask, sql: str) -> None:
    assert re.match(r"SYNTAX_ERROR: .*mismatched input '", str(ask(sql)[0][0]))


@pytest.mark.parametrize("kind", ["string", "float", "binary", "struct<a:int>", "array<string>"])
def test_types_of_ddl_are_none_of_sql(ask: Ask, kind: str) -> None:
    assert "Unknown type" in str(ask(f"SELECT CAST(NULL AS {kind})")[0][0])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("decimal", "decimal(10,0)"),
        ("timestamp", "timestamp(3)"),
        ("struct<`a b`:int,c:array<map<string,float>>>", 'row("a b" integer, c array(map(varchar, real)))'),
        ("struct<user.id:binary>", 'row("user.id" varbinary)'),
        ("char(3)", "char(3)"),
    ],
)
def test_a_type_of_the_catalog_has_its_trino_type(text: str, kind: str) -> None:
    assert str(of_catalog(text)) == kind


@pytest.mark.parametrize("text", ["map<int>", "array<int,int>", "struct<>", "uniontype<int,string>", "text"])
def test_what_is_no_type_of_the_catalog_is_refused(text: str) -> None:
    with pytest.raises(QueryFailed, match=r"is no type of the catalog|Unknown type"):
        of_catalog(text)


@pytest.mark.parametrize("sql", MACHINE)
def test_sql_that_accesses_the_machine_is_refused_by_the_analysis(ask: Ask, sql: str) -> None:
    assert str(ask(sql)[0][0]).partition(":")[0] in (
        "PERMISSION_DENIED",
        "FUNCTION_NOT_FOUND",
        "SYNTAX_ERROR",
        "TABLE_NOT_FOUND",
    )


@pytest.mark.parametrize(("sql", "rows"), QUERIES.items(), ids=QUERIES)
def test_a_query_has_trinos_rows(ask: Ask, sql: str, rows: list[tuple[str | None, ...]]) -> None:
    assert ask(sql) == rows


def test_a_text_with_our_own_marks_stays_unchanged(ask: Ask) -> None:
    text = "a\x01count\x02*\x03<<sum|1>>b"
    assert ask(f"SELECT count('{text}') FILTER (WHERE '{text}' <> 'x'), max('{text}')") == [("1", text)]


def test_every_function_without_special_syntax_is_in_the_table() -> None:
    assert len(functions.names()) > 310
    assert all(one.name == name for name, many in functions.table().items() for one in many)


def test_the_page_of_differences_matches_the_list_in_code() -> None:
    page = (ROOT / "docs/reference/athena-differences.md").read_text()

    assert [one.title for one in DIFFERENCES if f"| {one.title} | {one.here} |" not in page] == []


USED = {
    "SELECT approx_distinct(x) FROM (VALUES 1) t(x)": ["Estimates are exact"],
    "WITH a AS (SELECT approx_percentile(x, 0.5) AS p FROM (VALUES 1) t(x)) SELECT p FROM a": ["Estimates are exact"],
    "SELECT greatest(nan(), 1)": ["NaN"],
    "SELECT CAST(x AS varchar) FROM (VALUES 1.5E0) t(x)": ["Text of a double"],
    "SELECT (SELECT max(y) FROM (VALUES 1) u(y) WHERE y > x) FROM (VALUES 2) t(x)": ["Correlated subqueries"],
    "SELECT x FROM (VALUES 2) t(x) WHERE x IN (SELECT y FROM (VALUES 1) u(y) WHERE y < x)": ["Correlated subqueries"],
    "SELECT x FROM (VALUES 2) t(x) WHERE EXISTS (SELECT 1 FROM (VALUES 1) u(y) WHERE y < x)": [],
    "SELECT (SELECT max(y) FROM (VALUES 1) u(y)) FROM (VALUES 2) t(x)": [],
    "SELECT 'approx_distinct(x)', CAST(1.5 AS varchar), 'nan()'": [],
}


@pytest.mark.parametrize(("sql", "titles"), USED.items(), ids=USED)
def test_a_difference_is_found_where_a_statement_uses_it_and_not_in_its_texts(sql: str, titles: list[str]) -> None:
    assert [one.title for one in used_by(analysed(parse(sql), {}, "default"))] == titles


REFUSING = {
    "Digits of a second": "SELECT TIMESTAMP '2024-01-31 10:00:00.1234567'",
    "Years": "SELECT DATE '12345-01-31'",
    "Stems of words": "SELECT word_stem('haus', 'de')",
    "Checksums": "SELECT checksum(1)",
    "Hashes": "SELECT spooky_hash_v2_32(to_utf8(rpad('', 192, 'a')))",
    "Units of time": "SELECT date_add(u, 1, DATE '2024-01-31') FROM (VALUES 'day') t(u)",
    "Row patterns": "SELECT * FROM (VALUES 1) t(n) MATCH_RECOGNIZE (PATTERN (A) DEFINE A AS true)",
    "Places on the globe": "SELECT st_point(1, 2)",
    "Regular expressions": "SELECT regexp_like('b', '[a-f&&[^b]]')",
    "NATURAL JOIN": "SELECT * FROM (VALUES 1) a(n) NATURAL JOIN (VALUES 1) b(n)",
}


@pytest.mark.parametrize(("title", "sql"), REFUSING.items(), ids=REFUSING)
def test_what_is_refused_here_alone_is_refused_and_known_for_it(ask: Ask, title: str, sql: str) -> None:
    assert title in [one.title for one in refusing(sql)]
    assert str(ask(sql)[0][0]).startswith(MAY_RUN_ON_AWS)


def test_every_difference_is_told_of() -> None:
    assert {one.title for one in DIFFERENCES} == {*REFUSING, *(title for titles in USED.values() for title in titles)}


FOREIGN = [
    "SELECT x FROM t GROUP BY x WITH ROLLUP",
    "SELECT x FROM t GROUP BY ALL",
    "SELECT DISTINCT ON (x) x, y FROM t",
    "SELECT * EXCEPT (x) FROM t",
    "SELECT * EXCLUDE (x) FROM t",
    "SELECT * REPLACE (1 AS x) FROM t",
    "SELECT * RENAME (x AS z) FROM t",
    "SELECT t.* EXCLUDE (x) FROM t",
    "SELECT x FROM t LIMIT 50 PERCENT",
    "SELECT x FROM t FETCH FIRST 50 PERCENT ROWS ONLY",
    "SELECT x FROM t LIMIT 2 WITH TIES",
    "SELECT x FROM t LIMIT 1 BY x",
    "SELECT x FROM t LIMIT 1 OFFSET 1",
    "SELECT x FROM t LIMIT 1, 1",
    "SELECT x FROM t ORDER BY x WHERE x = 1",
    "SELECT x FROM t ORDER BY x UNION SELECT 1",
    "SELECT x FROM t QUALIFY row_number() OVER (ORDER BY x) = 1",
    "SELECT x, FROM t",
    "SELECT x FROM t GROUP BY x,",
    "SELECT * FROM t LEFT SEMI JOIN t AS u ON t.x = u.x",
    "SELECT * FROM t CROSS JOIN t AS u ON t.x = u.x",
    "SELECT * FROM t LEFT JOIN t AS u",
    "SELECT * FROM (SELECT x, y FROM t) PIVOT(sum(x) FOR y IN (1))",
    "SELECT x BETWEEN SYMMETRIC 2 AND 0 FROM t",
    "SELECT sum(x) OVER (ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) FROM t",
    "SELECT x FROM t UNION BY NAME SELECT 1 AS x",
    "SELECT x == 1 FROM t",
    "SELECT x <=> 1 FROM t",
    "SELECT x::varchar FROM t",
    "SELECT array_agg(x) IGNORE NULLS FROM t",
    "SELECT array_agg(x IGNORE NULLS) FROM t",
    "SELECT array_agg(x ORDER BY x LIMIT 1) FROM t",
    "SELECT ARRAY[1, 2][1, 2] FROM t",
    "SELECT x FROM t TABLESAMPLE BERNOULLI (50) REPEATABLE (1)",
    "WITH q AS MATERIALIZED (SELECT 1 AS a) SELECT * FROM q",
]


@pytest.mark.parametrize("sql", FOREIGN)
def test_a_clause_of_another_engine_is_refused(ask: Ask, sql: str) -> None:
    rows = "WITH t(x, y) AS (VALUES (1, 2), (1, 3))"
    ((reason, *_), *_) = ask(sql if sql.startswith("WITH") else f"{rows} {sql}")
    assert str(reason).startswith("SYNTAX_ERROR: "), reason


def test_clauses_in_trinos_order_run(ask: Ask) -> None:
    rows = "(VALUES (1, 2), (1, 3), (2, 4)) t(x, y)"
    sql = "SELECT x, sum(y) FROM {} WHERE y > 0 GROUP BY x HAVING sum(y) > 0 ORDER BY x OFFSET 1 LIMIT 1"
    assert ask(sql.format(rows)) == [("2", "4")]
    assert ask(f"SELECT x FROM {rows} ORDER BY x OFFSET 2 ROWS FETCH NEXT ROW ONLY") == [("2",)]


def test_a_recursion_of_ten_steps_runs(ask: Ask) -> None:
    steps = "WITH RECURSIVE t(n) AS (SELECT 1 {} SELECT n + 1 FROM t WHERE n < 11) SELECT sum(n), count(*) FROM t"
    assert ask(steps.format("UNION ALL")) == ask(steps.format("UNION")) == [("66", "11")]


TIES = {
    "ORDER BY x OFFSET 1 ROW FETCH FIRST 1 ROW WITH TIES": ["2", "2"],
    "ORDER BY x OFFSET 2 ROWS FETCH FIRST 1 ROW WITH TIES": ["2"],
    "ORDER BY x OFFSET 9 ROWS FETCH FIRST 1 ROW WITH TIES": [],
    "ORDER BY -x FETCH FIRST 1 ROW WITH TIES": ["3", "3"],
    "GROUP BY x ORDER BY count(*), x + 0 FETCH FIRST 1 ROW WITH TIES": ["1"],
}


@pytest.mark.parametrize("tail", TIES)
def test_ties_are_of_the_rows_after_the_offset(ask: Ask, tail: str) -> None:
    assert ask(f"SELECT x FROM (VALUES 1, 2, 2, 3, 3) t(x) {tail}") == [(x,) for x in TIES[tail]]


BRACKETS = {
    "((SELECT 5) t1(m) JOIN (SELECT 6) t2(n) ON true)": ("5", "6"),
    "((SELECT 5) t1(m) CROSS JOIN (SELECT 6) t2(n)) t(a, b)": ("5", "6"),
    "((VALUES 1, 2) t(a) JOIN (VALUES 2) u(b) ON a = b)": ("2", "2"),
    "(VALUES 2) t(a) JOIN ((VALUES 2) u(b) JOIN (VALUES 2) w(c) ON b = c) ON a = b": ("2", "2", "2"),
    "((VALUES (1, 2)) AS t(a, b)) AS u(x, y)": ("1", "2"),
}


@pytest.mark.parametrize("source", BRACKETS)
def test_relations_in_brackets_are_all_read(ask: Ask, source: str) -> None:
    assert ask(f"SELECT * FROM {source}") == [BRACKETS[source]]
