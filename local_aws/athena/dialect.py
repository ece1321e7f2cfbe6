"""Athena's SQL as DuckDB's: what sqlglot leaves to us, function by function.

sqlglot translates the grammar. Where both engines know a name but mean different things (a silent
difference), a macro with the prefix `athena_` says what Athena means. A macro fails by casting its message to
a number: error() would do, but DuckDB takes it for volatile and refuses it within TRY.

Known differences: a double divided by zero fails (Trino: Infinity); the quotient of decimals is a double that is
rounded to Trino's scale; a value AT TIME ZONE is the local time without its zone; `a[i]` with an `i` that is not
a literal is null out of bounds; operands of different types are cast where Trino says TYPE_MISMATCH.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection

import duckdb
from sqlglot import ErrorLevel, exp

from local_aws.athena.functions import rewritten

UNNAMED = "_col?"
"""The name of an output column that the statement does not name; its place gives the final one."""

logging.getLogger("sqlglot").setLevel(logging.ERROR)

_MACROS = r"""
athena_mantissa(digits) AS digits[1] || '.' || CASE WHEN len(digits) > 1 THEN digits[2:] ELSE '0' END
athena_plain_double(s) AS CASE
    WHEN contains(s, 'e') THEN
        CASE WHEN contains(split_part(s, 'e', 1), '.') THEN split_part(s, 'e', 1)
            ELSE split_part(s, 'e', 1) || '.0' END
        || 'E' || CAST(CAST(split_part(s, 'e', 2) AS INTEGER) AS VARCHAR)
    WHEN len(split_part(s, '.', 1)) > 7 THEN
        athena_mantissa(rtrim(split_part(s, '.', 1) || split_part(s, '.', 2), '0'))
        || 'E' || (len(split_part(s, '.', 1)) - 1)
    WHEN s LIKE '0.000%' THEN
        athena_mantissa(ltrim(s[3:], '0')) || 'E-' || (len(s) - 1 - len(ltrim(s[3:], '0')))
    ELSE s END
athena_timestamp_text(s) AS strftime(CAST(left(s, 19) AS TIMESTAMP), '%Y-%m-%d %H:%M:%S') || '.'
    || rpad(regexp_extract(s, '\.(\d{1,3})', 1), 3, '0') || CASE WHEN s LIKE '%+00' THEN ' UTC' ELSE '' END
athena_double_text(s) AS CASE
    WHEN s IS NULL THEN NULL
    WHEN s = 'nan' THEN 'NaN'
    WHEN s = 'inf' THEN 'Infinity'
    WHEN s = '-inf' THEN '-Infinity'
    WHEN s LIKE '-%' THEN '-' || athena_plain_double(s[2:])
    ELSE athena_plain_double(s) END
athena_text(x) AS CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN athena_double_text(CAST(x AS VARCHAR))
    WHEN typeof(x) LIKE 'TIMESTAMP%' THEN athena_timestamp_text(CAST(x AS VARCHAR))
    ELSE CAST(x AS VARCHAR) END
athena_varchar(x) AS CASE
    WHEN typeof(x) = 'JSON' THEN json_extract_string(CAST(x AS VARCHAR), '$')
    ELSE athena_text(x) END
athena_whole(x) AS CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CAST(round(CAST(CAST(x AS VARCHAR) AS DOUBLE)) AS VARCHAR)
    WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '[+-]?\d+')
        THEN CAST(CAST(
            'INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(x AS VARCHAR) || ''' to INT' AS BIGINT) AS VARCHAR)
    WHEN typeof(x) = 'BOOLEAN' THEN CAST(CAST(CAST(x AS VARCHAR) = 'true' AS INTEGER) AS VARCHAR)
    WHEN typeof(x) = 'JSON' THEN json_extract_string(CAST(x AS VARCHAR), '$')
    ELSE CAST(x AS VARCHAR) END
athena_plus(x DATE, i INTERVAL) AS CAST(x + i AS DATE), (x, i) AS x + i
athena_minus(x DATE, i INTERVAL) AS CAST(x - i AS DATE), (x, i) AS x - i
athena_trunc(u VARCHAR, x DATE) AS CAST(date_trunc(u, x) AS DATE), (u, x) AS date_trunc(u, x)
athena_scale(x) AS CAST(nullif(regexp_extract(typeof(x), '^DECIMAL.*,(\d+)', 1), '') AS INTEGER)
athena_divide(a, b) AS CASE
    WHEN typeof(a) NOT IN ('DOUBLE', 'FLOAT') AND typeof(b) NOT IN ('DOUBLE', 'FLOAT')
        AND coalesce(athena_scale(a), athena_scale(b)) IS NOT NULL
    THEN round(a / b, coalesce(greatest(athena_scale(a), athena_scale(b)), 0))
    ELSE a / b END
athena_at_timezone(x TIMESTAMP, z) AS timezone(z, CAST(x AS TIMESTAMPTZ)), (x TIMESTAMPTZ, z) AS timezone(z, x)
athena_substr(s, i) AS CASE WHEN i = 0 OR -i > length(s) THEN '' ELSE substr(s, i) END,
    (s, i, n) AS CASE WHEN i = 0 OR -i > length(s) OR n <= 0 THEN '' ELSE substr(s, i, n) END
athena_split_part(s, d, n) AS CASE WHEN n <= len(str_split(s, d)) THEN split_part(s, d, n) END
athena_regexp_extract(s, p, g) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END
athena_json_scalar(j, p) AS CASE
    WHEN json_valid(CAST(j AS VARCHAR)) AND json_type(CAST(j AS VARCHAR), p) NOT IN ('OBJECT', 'ARRAY', 'NULL')
    THEN json_extract_string(CAST(j AS VARCHAR), p) END
athena_json_extract(j, p) AS CASE WHEN json_valid(CAST(j AS VARCHAR)) THEN json_extract(CAST(j AS VARCHAR), p) END
athena_item(a, i) AS a[CASE
    WHEN i = 0 THEN CAST('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1' AS BIGINT)
    WHEN i < 0 THEN CAST('INVALID_FUNCTION_ARGUMENT: Array subscript is negative: ' || i AS BIGINT)
    WHEN i > len(a) THEN CAST('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to '
        || 'array length: ' || i || ' > ' || len(a) AS BIGINT)
    ELSE i END]
athena_entry(m, k) AS map_extract(m, k)[CASE
    WHEN m IS NULL OR map_contains(m, k) THEN 1
    ELSE CAST('INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || k AS BIGINT) END]
athena_position(a, x) AS CASE WHEN a IS NOT NULL AND x IS NOT NULL THEN coalesce(list_position(a, x), 0) END
athena_sequence(a DATE, b DATE) AS list_transform(
        generate_series(a, b, CASE WHEN b < a THEN INTERVAL '-1' DAY ELSE INTERVAL '1' DAY END),
        lambda x: CAST(x AS DATE)),
    (a DATE, b DATE, i) AS list_transform(generate_series(a, b, i), lambda x: CAST(x AS DATE)),
    (a BIGINT, b BIGINT) AS generate_series(a, b, CASE WHEN b < a THEN -1 ELSE 1 END),
    (a BIGINT, b BIGINT, i) AS generate_series(a, b, i),
    (a TIMESTAMP, b TIMESTAMP, i) AS generate_series(a, b, i)
athena_cardinality(a) AS CASE
    WHEN typeof(a) LIKE 'MAP%' THEN len(json_keys(to_json(a))) ELSE json_array_length(to_json(a)) END
athena_iso8601(x) AS CASE
    WHEN typeof(x) = 'DATE' THEN CAST(x AS VARCHAR)
    ELSE replace(replace(athena_text(x), ' UTC', 'Z'), ' ', 'T') END
athena_map_agg(k, v) AS map(list(k) FILTER (WHERE k IS NOT NULL), list(v) FILTER (WHERE k IS NOT NULL))
"""


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make a connection speak Athena: its settings and its macros."""
    con.execute(
        "SET TimeZone = 'UTC'; SET integer_division = true; SET default_null_order = 'nulls_last'; "
        "SET parquet_metadata_cache = true"
    )
    for macro in re.split(r"\n(?=athena_)", _MACROS.strip()):
        signature, body = macro.split(" AS ", 1)
        con.execute(f"CREATE OR REPLACE TEMP MACRO {signature} AS {body}")


def to_duckdb(statement: exp.Expr, maps: Collection[str] = ()) -> str:
    """The DuckDB text of a statement parsed as Athena's; `maps` are the names of columns of type map.

    Raises:
        sqlglot.errors.UnsupportedError: when DuckDB has no counterpart.
    """
    tree = statement.copy()
    for node in reversed(list(tree.walk())):
        new = rewritten(node, maps)
        if new is not node:
            tree = new if node is tree else tree
            node.replace(new)
    return tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)


def name_outputs(query: exp.Query) -> None:
    """Mark the output columns that have no name; Athena calls them `_col0`, `_col1`..."""
    select = query
    while not isinstance(select, exp.Select | exp.Values) and isinstance(select.this, exp.Query):
        select = select.this
    if not isinstance(select, exp.Select):
        return
    named = (exp.Alias, exp.Column, exp.Star, exp.Dot, exp.Aliases)
    select.set(
        "expressions",
        [item if isinstance(item, named) else exp.alias_(item, UNNAMED, quoted=True) for item in select.expressions],
    )
