"""SQL macros for functions that DuckDB lacks; a connection gets those that a statement uses.

A macro raises an error by casting its message to a number. error() would be simpler, but DuckDB treats it as volatile
and refuses it inside TRY.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TEXT = r"""
athena_fail(message) AS CAST(message AS BIGINT)
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
athena_decimal_text(s) AS CASE WHEN s LIKE '-.%' THEN '-0' || s[2:] WHEN s LIKE '.%' THEN '0' || s ELSE s END
athena_double_text(s) AS CASE
    WHEN s IS NULL THEN NULL
    WHEN s IN ('nan', '-nan') THEN 'NaN'
    WHEN s = 'inf' THEN 'Infinity'
    WHEN s = '-inf' THEN '-Infinity'
    WHEN s LIKE '-%' THEN '-' || athena_plain_double(s[2:])
    ELSE athena_plain_double(s) END
athena_days_text(x) AS CASE WHEN x < 0 THEN '-' ELSE '' END || CAST(abs(x) // 86400000 AS VARCHAR) || ' '
    || lpad(CAST(abs(x) // 3600000 % 24 AS VARCHAR), 2, '0') || ':'
    || lpad(CAST(abs(x) // 60000 % 60 AS VARCHAR), 2, '0') || ':'
    || lpad(CAST(abs(x) // 1000 % 60 AS VARCHAR), 2, '0') || '.' || lpad(CAST(abs(x) % 1000 AS VARCHAR), 3, '0')
athena_months_text(x) AS CASE WHEN x < 0 THEN '-' ELSE '' END || CAST(abs(x) // 12 AS VARCHAR) || '-'
    || CAST(abs(x) % 12 AS VARCHAR)
athena_offset(z) AS CASE WHEN z[1] = '-' THEN -1 ELSE 1 END
    * (CAST(z[2:3] AS BIGINT) * 60 + CAST(z[5:6] AS BIGINT))
athena_offset_text(m) AS CASE WHEN m < 0 THEN '-' ELSE '+' END || lpad(CAST(abs(m) // 60 AS VARCHAR), 2, '0') || ':'
    || lpad(CAST(abs(m) % 60 AS VARCHAR), 2, '0')
athena_zone(z) AS CASE
    WHEN z IS NULL THEN NULL
    WHEN lower(z) IN ('z', 'utc', '+00:00', '-00:00', '+00', 'gmt', 'ut') THEN 'UTC'
    WHEN regexp_full_match(z, '[+-]\d\d:\d\d') THEN z
    WHEN regexp_full_match(z, '[+-]\d\d\d\d') THEN z[1:3] || ':' || z[4:5]
    WHEN regexp_full_match(z, '[+-]\d\d') THEN z || ':00'
    WHEN regexp_full_match(z, '[+-]\d') THEN z[1] || '0' || z[2] || ':00'
    WHEN timezone(z, TIMESTAMPTZ '1970-01-01 00:00:00+00') IS NULL THEN NULL
    ELSE z END
athena_zone_name(m) AS CASE WHEN m = 0 THEN 'UTC'
    WHEN abs(m) > 840 THEN CAST(athena_fail('INVALID_FUNCTION_ARGUMENT: Invalid offset minutes ' || m) AS VARCHAR)
    ELSE athena_offset_text(m) END
athena_local(x) AS CASE
    WHEN x.z = 'UTC' THEN x.i
    WHEN x.z[1] IN ('+', '-') THEN x.i + to_minutes(athena_offset(x.z))
    ELSE timezone(x.z, CAST(x.i AS TIMESTAMPTZ)) END
athena_at(x, zone) AS athena_local({'i': x.i, 'z': zone})
athena_zoned(t, zone) AS CASE WHEN t IS NOT NULL AND zone IS NOT NULL THEN {'i': CASE
    WHEN zone = 'UTC' THEN t
    WHEN zone[1] IN ('+', '-') THEN t - to_minutes(athena_offset(zone))
    ELSE athena_instant(t, zone, CAST(timezone(zone, t) AS TIMESTAMP)) END, 'z': zone} END
athena_in_zone(i, zone) AS timezone(zone, CAST(i AS TIMESTAMPTZ))
athena_instant(t, zone, i) AS CASE  -- A local time that occurs twice is the earlier; one left out is later by the gap.
    WHEN athena_in_zone(athena_before(t, zone, i), zone) = t THEN athena_before(t, zone, i)
    WHEN athena_in_zone(i, zone) <> t THEN athena_before(t, zone, i)
    ELSE i END
athena_before(t, zone, i) AS t - (athena_in_zone(i - to_days(1), zone) - (i - to_days(1)))
athena_moved(t, x) AS CASE  -- The local time t in the zone of x, with its offset if that is valid then.
    WHEN x.z = 'UTC' OR x.z[1] IN ('+', '-') THEN athena_zoned(t, x.z)
    WHEN athena_in_zone(t - (athena_local(x) - x.i), x.z) = t THEN {'i': t - (athena_local(x) - x.i), 'z': x.z}
    ELSE athena_zoned(t, x.z) END
athena_truncated(x, t) AS CASE WHEN x IS NOT NULL THEN {'i': x.i - (athena_local(x) - t), 'z': x.z} END
athena_zone_minutes(x) AS date_diff('minute', x.i, athena_local(x))
athena_zone_hour(m) AS m // 60
athena_zone_minute(m) AS m % 60
athena_micros(t) AS epoch_us(DATE '1970-01-01' + t)
athena_clock(us) AS CAST(make_timestamp(us) AS TIME)
athena_local_time(x) AS athena_clock((x.i + CAST(x.z AS BIGINT) * 60000000 + 172800000000) % 86400000000)
athena_zoned_time(t, m) AS CASE WHEN t IS NOT NULL AND m IS NOT NULL
    THEN {'i': (athena_micros(t) - CAST(m AS BIGINT) * 60000000 + 172800000000) % 86400000000,
        'z': CAST(m AS INTEGER)} END
athena_shifted_time(x, us) AS CASE WHEN x IS NOT NULL
    THEN {'i': ((x.i + us) % 86400000000 + 86400000000) % 86400000000, 'z': x.z} END
athena_time(t, size) AS athena_clock(athena_micros(t) // size * size)
athena_round_us(us, size) AS us + size // 2 - ((us + size // 2) % size + size) % size
athena_round_time(t, size) AS athena_clock(athena_round_us(athena_micros(t), size) % 86400000000)
athena_round_timestamp(t, size) AS make_timestamp(athena_round_us(epoch_us(t), size))
athena_date(s) AS CASE
    WHEN s IS NULL THEN NULL
    WHEN regexp_full_match(s, '\s*[+-]?\d+-\d{1,2}-\d{1,2}\s*') AND TRY_CAST(s AS DATE) IS NOT NULL
        THEN CAST(s AS DATE)
    ELSE DATE '1970-01-01' + CAST(athena_fail('INVALID_CAST_ARGUMENT: Value cannot be cast to date: ' || s) AS INTEGER)
    END
athena_timestamp(s) AS CASE
    WHEN s IS NULL THEN NULL
    WHEN regexp_full_match(s, '\s*[+-]?\d{4,}-\d{1,2}-\d{1,2}'
            || '( \d{1,2}:\d{1,2}(:\d{1,2}(\.\d*)?)?( ?([+-]\d[\d:]*|[A-Z]\w*(/[\w/+-]+)?))?)?\s*')
        AND TRY_CAST(regexp_extract(trim(s), '^\S+( \d[\d:.]*)?') AS TIMESTAMP) IS NOT NULL
        THEN CAST(regexp_extract(trim(s), '^\S+( \d[\d:.]*)?') AS TIMESTAMP)
    ELSE make_timestamp(athena_fail('INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: ' || s)) END
athena_whole(s, kind) AS CASE
    WHEN s IS NULL OR regexp_full_match(s, '[+-]?\d+') THEN s
    ELSE CAST(athena_fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to ' || kind) AS VARCHAR) END
athena_floating(s, kind) AS CASE
    WHEN s IS NULL THEN NULL
    WHEN regexp_full_match(trim(s), '[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?)')
        THEN rtrim(trim(s), 'fFdD')
    ELSE CAST(athena_fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to ' || kind) AS VARCHAR) END
athena_boolean(s) AS CASE
    WHEN s IS NULL THEN NULL
    WHEN lower(s) IN ('t', 'true', '1') THEN true
    WHEN lower(s) IN ('f', 'false', '0') THEN false
    ELSE athena_fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to BOOLEAN') = 0 END
athena_rounded(x, kind) AS CASE
    WHEN isnan(x) THEN athena_fail('INVALID_CAST_ARGUMENT: Cannot cast double NaN to ' || kind)
    WHEN isinf(x) THEN athena_fail('NUMERIC_VALUE_OUT_OF_RANGE: Out of range for ' || kind || ': '
        || CAST(x AS VARCHAR))
    ELSE round(x) END
athena_bounded(s, n, kind) AS CASE WHEN length(s) <= n THEN s
    ELSE CAST(athena_fail('INVALID_CAST_ARGUMENT: Value ' || s || ' cannot be represented as ' || kind) AS VARCHAR) END
athena_share(p) AS CASE WHEN p BETWEEN 0 AND 1 THEN CAST(p AS DOUBLE)
    ELSE CAST(athena_fail('INVALID_FUNCTION_ARGUMENT: Percentile must be between 0 and 1') AS DOUBLE) END
athena_shares(p) AS CASE WHEN list_min(p) >= 0 AND list_max(p) <= 1 THEN CAST(p AS DOUBLE[])
    ELSE [CAST(athena_fail('INVALID_FUNCTION_ARGUMENT: Percentile must be between 0 and 1') AS DOUBLE)] END
athena_at_least(n, least, reason) AS CASE WHEN n < least THEN athena_fail('INVALID_FUNCTION_ARGUMENT: ' || reason)
    ELSE n END
athena_upper(s) AS CASE WHEN contains(s, 'ß')  -- which has no upper case of one character
    THEN array_to_string(list_transform(string_split(s, 'ß'), lambda part: upper(part)), 'ß') ELSE upper(s) END
athena_uncut(s, n, kinds) AS CASE WHEN s IS NULL OR length(rtrim(s, ' ')) <= n THEN s
    ELSE CAST(athena_fail('INVALID_CAST_ARGUMENT: Cannot truncate non-space characters when casting from ' || kinds
        || ' on INSERT: ' || s) AS VARCHAR) END
athena_divide(n, d) AS CASE
    WHEN d = 0 THEN athena_fail('DIVISION_BY_ZERO: Division by zero')
    ELSE n // d + CASE WHEN 2 * abs(n % d) >= abs(d) THEN sign(n) * sign(d) ELSE 0 END END
athena_sum(x) AS CASE WHEN x BETWEEN -9223372036854775808 AND 9223372036854775807 THEN CAST(x AS BIGINT)
    WHEN x IS NULL THEN NULL
    ELSE athena_fail('NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow') END
athena_day_step(ms) AS CASE WHEN ms % 86400000 = 0 THEN CAST(ms // 86400000 AS INTEGER)
    ELSE CAST(athena_fail('INVALID_FUNCTION_ARGUMENT: Cannot add hour, minutes or seconds to a date') AS INTEGER) END
athena_random(low, high) AS CASE
    WHEN high <= low THEN athena_fail('INVALID_FUNCTION_ARGUMENT: bound must be positive')
    ELSE low + CAST(floor(random() * (high - low)) AS BIGINT) END
athena_substr(s, i) AS CASE WHEN i = 0 OR -i > length(s) THEN '' ELSE substr(s, i) END,
    (s, i, n) AS CASE WHEN i = 0 OR -i > length(s) OR n <= 0 THEN '' ELSE substr(s, i, n) END
athena_split_part(s, d, n) AS CASE
    WHEN n <= 0 THEN CAST(athena_fail('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero') AS VARCHAR)
    WHEN d = '' THEN CASE WHEN n > length(s) THEN NULL ELSE substr(s, n, 1) END
    WHEN n <= len(str_split(s, d)) THEN split_part(s, d, n) END
athena_item(a, i) AS a[CASE
    WHEN i = 0 THEN athena_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1')
    WHEN i < 0 THEN athena_fail('INVALID_FUNCTION_ARGUMENT: Array subscript is negative: ' || i)
    WHEN i > len(a) THEN athena_fail('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to '
        || 'array length: ' || i || ' > ' || len(a))
    ELSE i END]
athena_element(a, i) AS a[CASE
    WHEN i = 0 THEN athena_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1')
    WHEN abs(i) > len(a) THEN NULL ELSE i END]
athena_entry(m, k, t) AS map_extract(m, k)[CASE
    WHEN m IS NULL OR map_contains(m, k) THEN 1
    ELSE athena_fail('INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || t) END]
athena_has_null(a) AS len(list_filter(a, lambda m_e: m_e IS NULL)) > 0
athena_none_null(a, x) AS CASE WHEN athena_has_null(a) THEN NULL ELSE x END
athena_contains(a, x) AS CASE
    WHEN a IS NULL OR x IS NULL THEN NULL
    WHEN list_contains(a, x) THEN true
    WHEN athena_has_null(a) THEN NULL ELSE false END
athena_any(a) AS CASE
    WHEN a IS NULL THEN NULL
    WHEN list_contains(a, true) THEN true
    WHEN athena_has_null(a) THEN NULL ELSE false END
athena_all(a) AS CASE
    WHEN a IS NULL THEN NULL
    WHEN list_contains(a, false) THEN false
    WHEN athena_has_null(a) THEN NULL ELSE true END
athena_position(a, x) AS CASE WHEN a IS NOT NULL AND x IS NOT NULL THEN CAST(coalesce(list_position(a, x), 0) AS BIGINT)
    END
athena_distinct(a) AS list_filter(a, lambda m_e, m_i:
    len(list_filter(a[1:m_i - 1], lambda m_f: m_f IS NOT DISTINCT FROM m_e)) = 0)
athena_overlap(a, b) AS CASE
    WHEN a IS NULL OR b IS NULL THEN NULL
    WHEN list_has_any(list_filter(a, lambda m_e: m_e IS NOT NULL),
        list_filter(b, lambda m_e: m_e IS NOT NULL)) THEN true
    WHEN len(a) > 0 AND len(b) > 0 AND (athena_has_null(a) OR athena_has_null(b)) THEN NULL
    ELSE false END
athena_removed(a, x) AS CASE WHEN x IS NULL THEN NULL
    ELSE list_filter(a, lambda m_e: m_e IS NULL OR m_e IS DISTINCT FROM x) END
athena_repeat(x, n) AS CASE
    WHEN n < 0 THEN list_transform(range(0, athena_fail('INVALID_FUNCTION_ARGUMENT: count argument of repeat function '
        || 'must be greater than or equal to 0')), lambda m_e: x)
    WHEN n > 10000 THEN list_transform(range(0, athena_fail('INVALID_FUNCTION_ARGUMENT: count argument of repeat '
        || 'function must be less than or equal to 10000')), lambda m_e: x)
    ELSE list_transform(range(0, n), lambda m_e: x) END
athena_slice(a, i, n) AS CASE
    WHEN a IS NULL OR i IS NULL OR n IS NULL THEN NULL
    WHEN i = 0 THEN a[athena_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1'):1]
    WHEN n < 0 THEN a[athena_fail('INVALID_FUNCTION_ARGUMENT: length must be greater than or equal to 0'):1]
    WHEN n = 0 OR abs(i) > len(a) THEN a[2:1]
    WHEN i > 0 THEN a[i:i + n - 1]
    ELSE a[len(a) + i + 1:len(a) + i + n] END
athena_trim(a, n) AS CASE
    WHEN n < 0 THEN a[athena_fail('INVALID_FUNCTION_ARGUMENT: size must not be negative: ' || n):1]
    WHEN n > len(a) THEN a[athena_fail('INVALID_FUNCTION_ARGUMENT: size must not exceed array cardinality '
        || len(a) || ': ' || n):1]
    ELSE a[1:len(a) - n] END
athena_step(a, b, i) AS CASE
    WHEN i = 0 THEN athena_fail('INVALID_FUNCTION_ARGUMENT: step must not be zero')
    WHEN (i > 0 AND b < a) OR (i < 0 AND b > a)
    THEN athena_fail('INVALID_FUNCTION_ARGUMENT: sequence stop value should '
        || 'be greater than or equal to start value if step is greater than zero otherwise stop should be less than '
        || 'or equal to start')
    ELSE i END
athena_checked_step(a, b, i) AS CASE
    WHEN (CAST(b AS HUGEINT) - a) // athena_step(a, b, i) >= 10000
    THEN athena_fail('INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries')
    ELSE i END
athena_sequence(a, b) AS generate_series(a, b, CASE WHEN b < a THEN athena_checked_step(a, b, -1)
        ELSE athena_checked_step(a, b, 1) END),
    (a, b, i) AS generate_series(a, b, athena_checked_step(a, b, i))
athena_days(a, b) AS list_transform(athena_sequence(CAST(a - DATE '1970-01-01' AS BIGINT),
    CAST(b - DATE '1970-01-01' AS BIGINT)), lambda m_e: DATE '1970-01-01' + CAST(m_e AS INTEGER))
athena_moments(a, b, i, step) AS generate_series(CAST(a AS TIMESTAMP), CAST(b AS TIMESTAMP),
    CASE WHEN athena_step(epoch_us(CAST(a AS TIMESTAMP)), epoch_us(CAST(b AS TIMESTAMP)), i) IS NULL THEN NULL
        WHEN (epoch_us(CAST(b AS TIMESTAMP)) - epoch_us(CAST(a AS TIMESTAMP)))
            // epoch_us(TIMESTAMP '1970-01-01' + step)
            >= 10000 THEN to_months(CAST(athena_fail('INVALID_FUNCTION_ARGUMENT: result of sequence function must not '
            || 'have more than 10000 entries') AS INTEGER))
        ELSE step END)
athena_months(a, b, i) AS list_transform(range(0, CASE
    WHEN athena_step(epoch_us(CAST(a AS TIMESTAMP)), epoch_us(CAST(b AS TIMESTAMP)), i) IS NULL THEN NULL
    WHEN date_sub('month', a, b) // i >= 10000
    THEN athena_fail('INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries')
    ELSE date_sub('month', a, b) // i + 1 END), lambda m_e: a + to_months(CAST(m_e * i AS INTEGER)))
athena_map(k, v) AS CASE
    WHEN k IS NULL OR v IS NULL THEN NULL
    WHEN len(k) <> len(v) THEN map(k, v[athena_fail('INVALID_FUNCTION_ARGUMENT: Key and value arrays must be the same '
        || 'length'):1])
    ELSE map(k, v) END
"""


def _macros() -> dict[str, tuple[str, str]]:
    found = {}
    for macro in re.split(r"\n(?=athena_)", _TEXT.strip()):
        signature, body = macro.split(" AS ", 1)
        found[signature.partition("(")[0]] = (signature, body)
    return found


_MACROS = _macros()
_NAME = re.compile(r"\bathena_\w+")


def needed(sql: str) -> list[str]:
    """Return the statements that create the macros used in a text, after the macros that these use themselves."""
    return [f"CREATE OR REPLACE TEMP MACRO {_MACROS[name][0]} AS {_MACROS[name][1]}" for name in _ordered(sql, set())]


def _ordered(sql: str, seen: set[str]) -> Iterator[str]:
    for name in dict.fromkeys(_NAME.findall(sql)):
        if name in _MACROS and name not in seen:
            seen.add(name)
            yield from _ordered(_MACROS[name][1], seen)
            yield name
