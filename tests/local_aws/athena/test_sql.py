"""The meaning of statements: expected values come from Trino's documentation, not from this engine."""

from __future__ import annotations

import pytest

from .conftest import Lake

NULL = None

VALUES = [
    # numbers
    ("7 / 2", "3"),
    ("-7 / 2", "-3"),
    ("-7 % 3", "-1"),
    ("7 / 2e0", "3.5"),
    ("1.0 / 3", "0.3"),
    ("2 * 100.0 / 3", "66.7"),
    ("CAST(2.5e0 AS bigint)", "3"),
    ("CAST(true AS integer)", "1"),
    ("try_cast('1.7' AS integer)", NULL),
    ("try_cast('17' AS integer)", "17"),
    ("round(2.5)", "3"),
    ("round(2.345e0, 1)", "2.3"),
    ("greatest(1, NULL)", NULL),
    ("try(1 / 0)", NULL),
    ("nan()", "NaN"),
    ("infinity()", "Infinity"),
    # doubles are formatted as in Java
    ("1e10", "1.0E10"),
    ("1e7", "1.0E7"),
    ("9999999e0", "9999999.0"),
    ("1e-3", "0.001"),
    ("1.2e-4", "1.2E-4"),
    ("123456789.125e0", "1.23456789125E8"),
    ("CAST(1e10 AS varchar)", "1.0E10"),
    ("CAST(0.1 AS real)", "0.1"),
    # text
    ("'a' || NULL", NULL),
    ("concat('a', 'b')", "ab"),
    ("substr('abc', 0)", ""),
    ("substr('abc', -2)", "bc"),
    ("substr('abc', 2, 1)", "b"),
    ("split_part('a,b', ',', 3)", NULL),
    ("split_part('a,b', ',', 2)", "b"),
    ("strpos('abc', 'c')", "3"),
    ("regexp_extract('abc', 'x')", NULL),
    ("regexp_extract('abc', '(b)(c)', 2)", "c"),
    ("regexp_replace('abc', '(b)', '<$1>')", "a<b>c"),
    ("regexp_like('abc', 'b')", "true"),
    ("CAST('abcdef' AS varchar(3))", "abc"),
    ("lpad('7', 3, '0')", "007"),
    # dates and times
    ("date_diff('day', timestamp '2020-01-01 12:00:00', timestamp '2020-01-03 11:00:00')", "1"),
    ("date_diff('hour', timestamp '2020-01-01 10:59:00', timestamp '2020-01-01 11:01:00')", "0"),
    ("date_diff('year', date '2019-12-31', date '2020-01-01')", "0"),
    ("date_add('month', 1, date '2020-01-31')", "2020-02-29"),
    ("date '2020-01-01' + interval '1' day", "2020-01-02"),
    ("date_trunc('month', date '2020-05-05')", "2020-05-01"),
    ("timestamp '2013-01-01 05:00:00'", "2013-01-01 05:00:00.000"),
    ("CAST(timestamp '2013-01-01 05:00:00' AS varchar)", "2013-01-01 05:00:00.000"),
    ("from_unixtime(0)", "1970-01-01 00:00:00.000 UTC"),
    ("to_unixtime(timestamp '1970-01-02 00:00:00')", "86400.0"),
    ("date_format(timestamp '2020-01-02 03:04:05', '%Y-%m-%d %H:%i:%s')", "2020-01-02 03:04:05"),
    ("date_parse('2020-01-02 03', '%Y-%m-%d %H')", "2020-01-02 03:00:00.000"),
    ("format_datetime(timestamp '2020-01-02 03:04:05', 'yyyy/MM/dd HH')", "2020/01/02 03"),
    ("day_of_week(date '2020-01-05')", "7"),
    ("hour(timestamp '2020-07-01 12:00:00' AT TIME ZONE 'America/New_York')", "8"),
    ("last_day_of_month(date '2020-02-01')", "2020-02-29"),
    # arrays, maps, rows
    ("ARRAY[1, NULL]", "[1, null]"),
    ("ARRAY[5, 6][1]", "5"),
    ("element_at(ARRAY[5, 6], 3)", NULL),
    ("element_at(MAP(ARRAY['a'], ARRAY[1]), 'b')", NULL),
    ("MAP(ARRAY['a'], ARRAY[1])", "{a=1}"),
    ("CAST(ROW(1, 'x') AS ROW(a integer, b varchar))", "{a=1, b=x}"),
    ("cardinality(ARRAY[1, 2])", "2"),
    ("cardinality(MAP(ARRAY[1, 2], ARRAY[3, 4]))", "2"),
    ("slice(ARRAY[1, 2, 3], 2, 2)", "[2, 3]"),
    ("array_position(ARRAY[1, 2], 3)", "0"),
    ("array_join(ARRAY['a', NULL], ',', 'x')", "a,x"),
    ("contains(ARRAY[1, 2], 2)", "true"),
    ("sequence(3, 1)", "[3, 2, 1]"),
    ("sequence(date '2020-01-01', date '2020-01-02')", "[2020-01-01, 2020-01-02]"),
    ("transform(ARRAY[1, 2], x -> x * 2)", "[2, 4]"),
    ("filter(ARRAY[1, 2], x -> x > 1)", "[2]"),
    ("reduce(ARRAY[1, 2, 3], 0, (s, x) -> s + x, s -> s * 2)", "12"),
    ("any_match(ARRAY[1, 2], x -> x > 1)", "true"),
    # JSON
    ("""json_extract_scalar('{"a": {"b": [1, 2]}}', '$.a.b[1]')""", "2"),
    ("""json_extract_scalar('{"a": {"b": 1}}', '$.a')""", NULL),
    ("""json_extract_scalar('{"a": "x"}', '$.a') = 'x'""", "true"),
    ("""json_extract('{"a": {"b":1}}', '$.a')""", '{"b":1}'),
    ("""CAST(json_extract('{"a": "x"}', '$.a') AS varchar)""", "x"),
    ("CAST(json_parse('[1, 2]') AS array<integer>)", "[1, 2]"),
]

FAILURES = [
    ("1 / 0", "DIVISION_BY_ZERO: Division by zero"),
    ("1 % 0", "DIVISION_BY_ZERO: Division by zero"),
    ("ARRAY[1, 2][3]", "INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: 3 > 2"),
    ("MAP(ARRAY['a'], ARRAY[1])['b']", "INVALID_FUNCTION_ARGUMENT: Key not present in map: b"),
    ("CAST('1.7' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast '1.7' to INT"),
    ("no_such_function(1)", "FUNCTION_NOT_FOUND: Function no_such_function not registered"),
]

QUERIES = [
    ("SELECT a FROM (VALUES 1, NULL, 2) t(a) ORDER BY a DESC", [["2"], ["1"], [NULL]]),
    ("SELECT a FROM (VALUES 1, NULL, 2) t(a) ORDER BY a", [["1"], ["2"], [NULL]]),
    ("SELECT a, b FROM (VALUES (1, 2)) t(a, b), (VALUES 3) u(c)", [["1", "2"]]),
    ("SELECT x, n FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t(x, n) ORDER BY n", [["a", "1"], ["b", "2"]]),
    (
        "SELECT i, x, y FROM (VALUES (1, ARRAY[1], ARRAY['a', 'b'])) t(i, p, q) "
        "CROSS JOIN UNNEST(p, q) WITH ORDINALITY AS u(x, y, n) ORDER BY n",
        [["1", "1", "a"], ["1", NULL, "b"]],
    ),
    ("SELECT k, v FROM UNNEST(MAP(ARRAY['a', 'b'], ARRAY[1, 2])) AS t(k, v) ORDER BY k", [["a", "1"], ["b", "2"]]),
    (
        "SELECT a, sum(b) FROM (VALUES ('x', 1), ('y', 2)) t(a, b) GROUP BY GROUPING SETS ((a), ()) ORDER BY a",
        [["x", "1"], ["y", "2"], [NULL, "3"]],
    ),
    (
        "SELECT max_by(a, b), min_by(a, b), count_if(a > 1), approx_distinct(a), array_agg(a ORDER BY b), "
        "map_agg(a, b) FROM (VALUES (1, 5), (2, 3)) t(a, b)",
        [["1", "2", "1", "2", "[2, 1]", "{1=5, 2=3}"]],
    ),
    (
        "SELECT a, row_number() OVER (ORDER BY a DESC), lag(a) OVER (ORDER BY a) FROM (VALUES 1, 2) t(a) ORDER BY a",
        [["1", "2", NULL], ["2", "1", "1"]],
    ),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT sum(n) FROM r", [["6"]]),
    ("SELECT sum(a) / count(*) FROM (VALUES 3, 4) t(a)", [["3"]]),
    ("SELECT IF(a > 1, 'many'), coalesce(nullif(a, 1), 0) FROM (VALUES 1) t(a)", [[NULL, "0"]]),
    ("VALUES (1, 'a')", [["1", "a"]]),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=[e for e, _ in VALUES])
def test_an_expression_has_trinos_documented_value(lake: Lake, expression: str, expected: str | None) -> None:
    assert lake.rows(f"SELECT {expression}") == [[expected]]


@pytest.mark.parametrize(("expression", "reason"), FAILURES, ids=[e for e, _ in FAILURES])
def test_an_expression_fails_as_in_trino(lake: Lake, expression: str, reason: str) -> None:
    ran = lake.run(f"SELECT {expression}")
    assert (ran.state, ran.reason) == ("FAILED", reason)


@pytest.mark.parametrize(("sql", "rows"), QUERIES, ids=[sql for sql, _ in QUERIES])
def test_a_query_returns_trinos_documented_rows(lake: Lake, sql: str, rows: list[list[str | None]]) -> None:
    assert lake.rows(sql) == rows


def test_columns_have_athenas_names_and_types(lake: Lake) -> None:
    ran = lake.run(
        "SELECT 1, CAST(1 AS bigint) AS big, 'a' s, 1.50 d, 1e0 f, true b, date '2020-01-01' day, "
        "timestamp '2020-01-01 00:00:00' ts, ARRAY[1] a, CAST(ROW(1) AS ROW(x integer)) r, "
        "MAP(ARRAY[1], ARRAY[2]) m, sum(1)"
    )
    assert [(column["Name"], column["Type"]) for column in ran.columns] == [
        ("_col0", "integer"),
        ("big", "bigint"),
        ("s", "varchar"),
        ("d", "decimal"),
        ("f", "double"),
        ("b", "boolean"),
        ("day", "date"),
        ("ts", "timestamp"),
        ("a", "array"),
        ("r", "row"),
        ("m", "map"),
        ("_col11", "bigint"),
    ]


def test_sql_can_access_only_the_files_of_its_tables(lake: Lake) -> None:
    ran = lake.run("SELECT * FROM read_text('/etc/hostname')")
    assert ran.state == "FAILED"
