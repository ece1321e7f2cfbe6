"""Expressions have the values in Trino's documentation, by family of types."""

from __future__ import annotations

import time

import pytest

from local_aws.athena.query.python import regexp_process

from .conftest import Ask

NULL = None
NUMBERS = [
    ("DECIMAL '1.2345' + 1", "2.2345"),
    ("DECIMAL '10' / 3", "3"),
    ("DECIMAL '10.000' / 3", "3.333"),
    ("DECIMAL '99999999999999999999999999999999999999' + 1", "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow"),
    ("DECIMAL '0.1'", "0.1"),
    ("DECIMAL '12345678901234567' * DECIMAL '123456789012345670'", "1524157875323883455265967556774890"),
    ("1 / 0", "DIVISION_BY_ZERO: Division by zero"),
    ("DECIMAL '1' / 0", "DIVISION_BY_ZERO: Division by zero"),
    ("1e0 / 0", "Infinity"),
    ("0e0 / 0", "NaN"),
    ("nan() = nan()", "false"),
    ("nan() > 1", "false"),
    ("9223372036854775807 + 1", "NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow: 9223372036854775807 + 1"),
    ("CAST(1.5E0 AS varchar)", "1.5E0"),
    ("CAST(DECIMAL '1.005' AS decimal(3,2))", "1.01"),
    ("round(DECIMAL '-2.5')", "-3"),
    ("from_base('ff', 16)", "255"),
    ("width_bucket(3.14e0, 0e0, 4e0, 3)", "3"),
    ("bitwise_right_shift(-1, 1)", "2147483647"),
]
ONE, SAME = "FROM (VALUES (1e0, 2e0)) t(x, y)", "FROM (VALUES (1e0, 2e0), (1e0, 3e0)) t(x, y)"
SPREADS = [
    *[(f"{name}(y, x) {rows}", NULL) for name in ("corr", "regr_slope", "regr_intercept") for rows in (ONE, SAME)],
    (f"regr_slope(CAST(y AS real), CAST(x AS real)) {ONE}", NULL),
    (f"covar_samp(y, x) {ONE}", NULL),
    (f"covar_pop(y, x) {ONE}", "0.0"),
    (f"stddev(x) {ONE}", NULL),
    (f"var_pop(x) {ONE}", "0.0"),
    (f"kurtosis(x) {SAME}", NULL),
    ("kurtosis(x) FROM UNNEST(ARRAY[1e0, 1e0, 1e0, 1e0]) t(x)", "NaN"),
    ("regr_slope(y, x) FROM (VALUES (1e0, 2e0), (2e0, 4e0)) t(x, y)", "2.0"),
]
TEXTS = [
    ("CAST('ab' AS char(4)) || 'c'", "ab  c"),
    ("CAST('ab ' AS char(3)) = 'ab'", "true"),
    ("length(CAST('ab' AS char(4)))", "4"),
    ("regexp_replace('abc', '(?<x>b)', '<${x}>')", "a<b>c"),
    ("regexp_replace('new york', '(\\w)(\\w*)', x -> upper(x[1]) || lower(x[2]))", "New York"),
    ("regexp_replace('Zoë 1!', '[^\\p{L}\\p{N} ]', '')", "Zoë 1"),
    ("regexp_replace('Zoë 1!', '\\P{L}', '_')", "Zoë___"),
    ("regexp_replace('a.b*c', '\\Q.b*\\E', '-')", "a-c"),
    ("regexp_like('ABC', '^(?i)abc')", "true"),
    ("regexp_extract('XABC', 'x(?i)abc')", NULL),
    ("regexp_extract('xC', 'x(?:(?i)a|c)')", "xC"),
    ("regexp_extract('aab', '(?<n>a)\\k<n>(b)', 2)", "b"),
    ("regexp_replace('hello big world and more', '(\\w+\\s*)+', '<$1>')", "<more>"),
    (
        "regexp_like('b', '[a-f&&[^ab]]')",
        "NOT_SUPPORTED: the regular expression '[a-f&&[^ab]]' has a class within a class, such as [[:digit:]] or "
        "[a-f&&[^b]], which does not run here",
    ),
    ("split_to_map('a:1,b:2', ',', ':')", "{a=1, b=2}"),
    ("format('%,d and %.2f', 1234567, 1.5e0)", "1,234,567 and 1.50"),
    ("url_extract_parameter('http://x/?a=1&b=2', 'b')", "2"),
    ("'50%' LIKE '50!%' ESCAPE '!'", "true"),
    ("'monkey' NOT LIKE 'mon%'", "false"),
    ("to_hex(sha256(to_utf8('a')))", "CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB"),
    ("to_hex(xxhash64(to_utf8('')))", "EF46DB3751D8E999"),
    ("X'65 66'", "65 66"),
    ("word_stem('generalization')", "general"),
]
MOMENTS = [
    (
        "with_timezone(TIMESTAMP '2020-05-01 12:34:56.1234', 'America/Los_Angeles')",
        "2020-05-01 12:34:56.1234 America/Los_Angeles",
    ),
    ("TIMESTAMP '2020-03-08 12:00:00 America/New_York'", "2020-03-08 12:00:00.000 America/New_York"),
    ("TIMESTAMP '2020-07-01 12:00:00 UTC' AT TIME ZONE '+02:00'", "2020-07-01 14:00:00.000 +02:00"),
    ("TIMESTAMP '2020-07-01 12:00:00 UTC' = TIMESTAMP '2020-07-01 14:00:00 +02:00'", "true"),
    ("CAST(TIMESTAMP '2020-01-01 00:00:00.5555' AS timestamp(3))", "2020-01-01 00:00:00.556"),
    ("TIMESTAMP '2020-01-01 00:00:00.123456'", "2020-01-01 00:00:00.123456"),
    ("TIME '01:02:03' + INTERVAL '23' HOUR", "00:02:03.000"),
    ("TIME '10:00:00+02:00'", "10:00:00.000+02:00"),
    ("INTERVAL '2 03:04:05.678' DAY TO SECOND", "2 03:04:05.678"),
    ("INTERVAL '1-2' YEAR TO MONTH * 2", "2-4"),
    ("EXTRACT(YOW FROM DATE '2021-01-01')", "2020"),
    ("EXTRACT(TIMEZONE_HOUR FROM TIMESTAMP '2020-01-01 00:00:00 -08:00')", "-8"),
    ("date_trunc('hour', TIMESTAMP '2020-01-01 01:59:00 +05:45')", "2020-01-01 01:00:00.000 +05:45"),
    ("from_iso8601_timestamp('2020-01-01T10:00:00+01:00')", "2020-01-01 10:00:00.000 +01:00"),
    ("date_parse('31/12/20 7 PM', '%d/%m/%y %l %p')", "2020-12-31 19:00:00.000"),
    ("parse_duration('1.5h')", "0 01:30:00.000"),
    ("human_readable_seconds(96)", "1 minute, 36 seconds"),
]
TWICE, SECOND = "2024-11-03 01:30:00", "from_unixtime(1730615400, 'America/New_York')"
CLOCKS = [
    (f"to_unixtime(TIMESTAMP '{TWICE} America/New_York')", "1.7306118E9"),
    (f"to_unixtime(with_timezone(TIMESTAMP '{TWICE}', 'America/New_York'))", "1.7306118E9"),
    (f"to_unixtime(CAST('{TWICE} America/New_York' AS timestamp with time zone))", "1.7306118E9"),
    ("to_unixtime(TIMESTAMP '2024-10-27 02:30:00 Europe/Berlin')", "1.729989E9"),
    ("to_unixtime(TIMESTAMP '2024-03-10 02:30:00 America/New_York')", "1.7100558E9"),
    ("to_unixtime(date_trunc('hour', from_unixtime(1730611800, 'America/New_York')))", "1.73061E9"),
    (f"to_unixtime(date_trunc('hour', {SECOND}))", "1.7306136E9"),
    (f"to_unixtime(date_trunc('day', {SECOND}))", "1.7306064E9"),
    (f"to_unixtime(date_add('day', 0, {SECOND}))", "1.7306154E9"),
    (f"to_unixtime({SECOND} + INTERVAL '0' MONTH)", "1.7306154E9"),
    (f"to_unixtime(date_add('day', 1, {SECOND}))", "1.7307018E9"),
]
COLLECTIONS = [
    (
        "sequence(DATE '2024-01-31', DATE '2024-04-30', INTERVAL '1' MONTH)",
        "[2024-01-31, 2024-02-29, 2024-03-31, 2024-04-30]",
    ),
    ("sequence(DATE '2024-01-31', DATE '2024-03-30', INTERVAL '1' MONTH)", "[2024-01-31, 2024-02-29]"),
    ("sequence(DATE '2024-04-30', DATE '2024-01-01', INTERVAL '-2' MONTH)", "[2024-04-30, 2024-02-29]"),
    ("sequence(DATE '2024-02-29', DATE '2026-02-28', INTERVAL '1' YEAR)", "[2024-02-29, 2025-02-28, 2026-02-28]"),
    (
        "sequence(TIMESTAMP '2024-01-31 10:00:00', TIMESTAMP '2024-04-30 09:00:00', INTERVAL '2' MONTH)",
        "[2024-01-31 10:00:00.000, 2024-03-31 10:00:00.000]",
    ),
    ("ARRAY[1, NULL] = ARRAY[1, NULL]", NULL),
    ("ARRAY[1, NULL] = ARRAY[2, NULL]", "false"),
    ("ROW(1, 'a')[2]", "a"),
    ("ROW(1, NULL) = ROW(1, NULL)", NULL),
    ("CAST(ROW(1, 'x') AS ROW(a bigint, b varchar)).b", "x"),
    ("array_distinct(ARRAY[2, 1, NULL, 2, NULL])", "[2, 1, null]"),
    ("array_sort(ARRAY[3, NULL, 1])", "[1, 3, null]"),
    ("array_sort(ARRAY[1, 3, 2], (a, b) -> IF(a < b, 1, IF(a = b, 0, -1)))", "[3, 2, 1]"),
    ("contains(ARRAY[1, NULL], 2)", NULL),
    ("ARRAY[1] || 2", "[1, 2]"),
    ("MAP(ARRAY[1, 2], ARRAY['a', 'b']) = MAP(ARRAY[2, 1], ARRAY['b', 'a'])", "true"),
    ("transform_values(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> k || CAST(v AS varchar))", "{a=a1}"),
    ("reduce(ARRAY[1, 2], '', (s, x) -> s || CAST(x AS varchar), s -> s)", "12"),
    ("transform(ARRAY[1, 2], x -> transform(ARRAY[10], y -> x * y))", "[[10], [20]]"),
    ("zip_with(ARRAY[1, 2], ARRAY['a'], (x, y) -> (x, y))", "[{field0=1, field1=a}, {field0=2, field1=null}]"),
    ("element_at(MAP(ARRAY[1], ARRAY[2]), 3)", NULL),
    ("CAST(UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59' AS varchar)", "12151fd2-7586-11e9-8f9e-2a86e4085a59"),
    ("IPADDRESS '::ffff:1.2.3.4'", "1.2.3.4"),
    ("contains('10.0.0.0/8', IPADDRESS '10.1.2.3')", "true"),
]
MARKS = [
    ("array_join(ARRAY['a', 'b'], ' >> ')", "a >> b"),
    ("array_join(ARRAY['a', 'b'], '<<sum|')", "a<<sum|b"),
    ("regexp_like('a >> b', '>>')", "true"),
    ("transform(ARRAY['p'], x -> x || ' >> ')", "[p >> ]"),
    ("reduce(ARRAY['a', 'b'], '', (s, x) -> s || x || '>>', s -> s)", "a>>b>>"),
    ("map_filter(MAP(ARRAY['>>', 'a'], ARRAY[1, 2]), (k, v) -> k = '>>')", "{>>=1}"),
    ("listagg(x, ' >> ') WITHIN GROUP (ORDER BY x) FROM (VALUES 'a', 'b') t(x)", "a >> b"),
    ("map_agg(x, '<<list|') FROM (VALUES 'a >> b') t(x)", "{a >> b=<<list|}"),
    ("avg(CASE WHEN x = '>>' THEN DECIMAL '1.0' END) FROM (VALUES '>>') t(x)", "1.0"),
    ("max_by(x, 'a >> b') OVER () FROM (VALUES 'c') t(x)", "c"),
    ("map_filter(MAP(ARRAY['v0', 'v1'], ARRAY[1, 2]), (k, v) -> k <> 'v1')", "{v0=1}"),
    ("transform_values(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> 'it''s v1')", "{a=it's v1}"),
    ("zip_with(ARRAY['a'], ARRAY['b'], (x, y) -> x || 'v0' || y)", "[av0b]"),
    ("reduce(ARRAY['a', 'b'], '', (s, x) -> s || x || 'v0', s -> s)", "av0bv0"),
    ("transform_keys(MAP(ARRAY['k'], ARRAY[1]), (k, v) -> concat('v0', k))", "{v0k=1}"),
    ('map_filter(MAP(ARRAY[1], ARRAY[2]), (k, v) -> "v0" = k + v - 2) FROM (VALUES 1) t(v0)', "{1=2}"),
    ("regexp_replace('new', '(n)', x -> upper(x[1]) || 'v0')", "Nv0ew"),
]
PAIRS = "FROM (VALUES ('a', 0), ('b', 1), ('b', 2)) t(g, x)"
TRIES = [
    (f"TRY(sum(x) / (count(*) - 3)) {PAIRS}", NULL),
    (f"TRY(sum(x) / count(*)) {PAIRS}", "1"),
    (f"TRY_CAST(max(g) AS integer) {PAIRS}", NULL),
    (f"sum(TRY(2 / x)) {PAIRS}", "3"),
    (f"array_agg(r ORDER BY g) FROM (SELECT g, TRY(6 / max(x)) r {PAIRS} GROUP BY g)", "[null, 3]"),
    (f"g {PAIRS} GROUP BY g HAVING TRY(1 / max(x)) IS NULL", "a"),
    (f"array_agg(r) FROM (SELECT TRY(x / lag(x) OVER (ORDER BY x)) r {PAIRS})", "[null, null, 2]"),
    ("TRY(1 / (SELECT 0))", NULL),
    ("TRY(4 / (SELECT 2))", "2"),
    ("TRY(1 / CAST(rand() * 0 AS integer))", NULL),
    ("transform(ARRAY[1, 0], v -> TRY(6 / v))", "[6, null]"),
]
UTC, PARIS = "TIMESTAMP '2024-01-01 00:00:00 UTC'", "TIMESTAMP '2024-01-01 01:00:00 +01:00'"
ROWS = f"FROM (VALUES ({UTC}, 1), ({PARIS}, 1)) t(x, y)"
INSTANTS = [
    (f"count(DISTINCT x) {ROWS}", "1"),
    (f"approx_distinct(x) {ROWS}", "1"),
    (f"count(DISTINCT ROW(x, y)) {ROWS}", "1"),
    (f"count(*) {ROWS} GROUP BY x, y HAVING max(x) = x", "2"),
    (f"to_unixtime(x) {ROWS} GROUP BY x", "1.7040672E9"),
    (f"array_agg(n ORDER BY n) FROM (SELECT count(*) n {ROWS} GROUP BY ROLLUP(x))", "[2, 2]"),
    (f"count(*) FROM (SELECT DISTINCT x {ROWS})", "1"),
    (f"array_agg(r) FROM (SELECT rank() OVER (ORDER BY x) r {ROWS})", "[1, 1]"),
    (f"array_agg(n) FROM (SELECT count(*) OVER (PARTITION BY x) n {ROWS})", "[2, 2]"),
    (f"cardinality(array_agg(DISTINCT x)) {ROWS}", "1"),
    (f"count(*) FROM (SELECT {UTC} UNION SELECT {PARIS})", "1"),
    (f"count(*) FROM (SELECT {UTC} INTERSECT SELECT {PARIS})", "1"),
    (f"count(*) FROM (SELECT {UTC} EXCEPT SELECT {PARIS})", "0"),
    (f"cardinality(array_distinct(ARRAY[{UTC}, {PARIS}]))", "1"),
    (f"cardinality(array_union(ARRAY[{UTC}], ARRAY[{PARIS}]))", "1"),
    (f"cardinality(array_remove(ARRAY[{UTC}], {PARIS}))", "0"),
    (f"contains(ARRAY[{UTC}], {PARIS})", "true"),
    (f"array_position(ARRAY[{UTC}], {PARIS})", "1"),
    (f"arrays_overlap(ARRAY[{UTC}], ARRAY[{PARIS}])", "true"),
    (f"({UTC}, 1) IN (SELECT {PARIS}, 1)", "true"),
    (f"{UTC} >= ALL (SELECT {PARIS})", "true"),
    (f"ROW({UTC}) IS DISTINCT FROM ROW({PARIS})", "false"),
]
JSONS = [
    ('json_parse(\'{"b":1,"a":[1.0,null]}\')', '{"a":[1.0,null],"b":1}'),
    ("json_extract('{\"b\":1.10}', '$.b')", "1.10"),
    ("CAST(JSON '{\"a\":1}' AS MAP(varchar, integer))", "{a=1}"),
    ("CAST(ROW(1, 'x') AS json)", '{"":1,"":"x"}'),
    ("CAST(JSON '[1, \"x\"]' AS ROW(a integer, b varchar))", "{a=1, b=x}"),
    ("json_value('{\"a\": [1, 2]}', 'lax $.a[last]')", "2"),
    ("json_value('{}', 'strict $.a' DEFAULT 'none' ON ERROR)", "none"),
    ("json_query('[1, 2]', 'lax $[*] ? (@ > 1)' WITH ARRAY WRAPPER)", "[2]"),
    ("json_exists('{\"a\": null}', 'lax $.a')", "true"),
    ("json_object('a' : 1, 'b' : NULL ABSENT ON NULL)", '{"a":1}'),
    ("json_array(1, NULL, '[2]' FORMAT JSON)", "[1,[2]]"),
]
ALL = [*NUMBERS, *SPREADS, *TEXTS, *MOMENTS, *CLOCKS, *COLLECTIONS, *MARKS, *TRIES, *INSTANTS, *JSONS]


@pytest.mark.parametrize(("expression", "expected"), ALL, ids=[expression for expression, _ in ALL])
def test_an_expression_has_trinos_value(ask: Ask, expression: str, expected: str | None) -> None:
    assert ask(f"SELECT {expression}") == [(expected,)]


def test_a_regular_expression_that_takes_for_ever_fails_and_stops_no_other_thread(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regexp_process, "SECONDS", 0.5)
    begin = time.monotonic()
    ((reason,),) = ask(f"SELECT regexp_extract('{'a' * 60}!', '^(a+)+$')")
    assert str(reason).startswith("NOT_SUPPORTED: the regular expression '^(a+)+$' takes more than 0.5 seconds")
    assert time.monotonic() - begin < 20
    assert ask(f"SELECT length(regexp_extract('{'a' * 60}', '^(a+)+$'))") == [("60",)]
