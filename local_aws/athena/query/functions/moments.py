"""Dates, times and intervals; values with a zone are read as local time."""

from __future__ import annotations

from typing import Any

from sqlglot.errors import UnsupportedError

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.functions.signatures import Function, Python, function
from local_aws.athena.query.python import calendars, durations
from local_aws.athena.query.translate.casts import rounded
from local_aws.athena.query.types import DAYS, MONTHS, ZONED, ZONED_TIME, Type, zoned

_DATES = ("date", "timestamp", ZONED)
_TIMES = ("timestamp", ZONED, "time", ZONED_TIME)
_FIELDS = {
    "year": "year", "quarter": "quarter", "month": "month", "week": "week", "week_of_year": "week", "day": "day",
    "day_of_month": "day", "day_of_week": "isodow", "dow": "isodow", "day_of_year": "doy", "doy": "doy",
    "year_of_week": "isoyear", "yow": "isoyear",
}  # fmt: skip
_CLOCK = {"hour": "hour", "minute": "minute", "second": "second"}
_MILLIS = {"day": (86400000, None), "hour": (3600000, 24), "minute": (60000, 60), "second": (1000, 60)}
_SHORT = {"millisecond": 1000, "second": 1000000, "minute": 60000000, "hour": 3600000000}
_LONG = {"day": "to_days", "week": "to_weeks", "month": "to_months", "quarter": "3", "year": "to_years"}


def local(kind: str, text: str = "{0}") -> str:
    """Return the value without its zone."""
    return {ZONED: f"athena_local({text})", ZONED_TIME: f"athena_local_time({text})"}.get(kind, text)


def _fields() -> list[Function]:
    found = [
        function(f"{name}({kind}) -> bigint", f"CAST(extract('{part}' FROM {local(kind)}) AS BIGINT)")
        for name, part in _FIELDS.items()
        for kind in _DATES
    ]
    found += [
        function(f"{name}({kind}) -> bigint", f"CAST(extract('{part}' FROM {local(kind)}) AS BIGINT)")
        for name, part in _CLOCK.items()
        for kind in _TIMES
    ]
    found += [
        function(
            f"millisecond({kind}) -> bigint", f"(CAST(extract('millisecond' FROM {local(kind)}) AS BIGINT) % 1000)"
        )
        for kind in _TIMES
    ]
    for name, (size, most) in _MILLIS.items():
        rest = f" % {most}" if most else ""
        found.append(function(f"{name}({DAYS}) -> bigint", f"(({{0}} // {size}){rest})"))
    return [
        *found,
        function(f"millisecond({DAYS}) -> bigint", "({0} % 1000)"),
        function(f"year({MONTHS}) -> bigint", "CAST({0} // 12 AS BIGINT)"),
        function(f"month({MONTHS}) -> bigint", "CAST({0} % 12 AS BIGINT)"),
        *[
            function(f"timezone_{name}({kind}) -> bigint", f"athena_zone_{name}(athena_zone_minutes({{0}}))")
            for name in ("hour", "minute")
            for kind in (ZONED,)
        ],
        *[
            function(f"timezone_{name}({ZONED_TIME}) -> bigint", f"athena_zone_{name}(CAST({{0}}.z AS BIGINT))")
            for name in ("hour", "minute")
        ],
    ]


def _unit(text: str, allowed: tuple[str, ...], kind: Type) -> str:
    if not text.startswith("'"):
        raise UnsupportedError("a unit of time must be a literal here: 'day'")
    unit = text.strip("'").lower()
    if unit not in allowed:
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: '{unit}' is not a valid {kind.base} field")
    return unit


def _units(kind: Type) -> tuple[str, ...]:
    if kind.base == "date":
        return tuple(_LONG)
    return tuple(_SHORT) if "time" in (kind.base, kind.base.partition(" ")[0]) else (*_SHORT, *_LONG)


def _zoned(kind: Type, text: str, value: str) -> str:
    return f"athena_moved({text}, {value})" if kind.base == ZONED else text


def _truncated(_: Any, texts: list[str], kinds: list[Type], result: Type) -> str:
    unit, kind, value = _unit(texts[0], _units(kinds[1]), kinds[1]), kinds[1], texts[1]
    if kind.base in ("time", ZONED_TIME):
        text = f"athena_time({local(kind.base, value)}, {_SHORT[unit]})"
        return text if kind.base == "time" else f"athena_zoned_time({text}, {value}.z)"
    text = f"date_trunc('{unit}', {local(kind.base, value)})"
    if kind.base == ZONED and unit in _SHORT:
        return f"athena_truncated({value}, {text})"
    return f"CAST({text} AS DATE)" if kind.base == "date" else _zoned(kind, text, value)


def _added(translation: Any, texts: list[str], kinds: list[Type], result: Type) -> str:
    unit, number, value, kind = _unit(texts[0], _units(kinds[2]), kinds[2]), texts[1], texts[2], kinds[2]
    if unit in _SHORT:
        return rounded(str(translation.plus_micros(value, kind, f"{number} * {_SHORT[unit]}")), kind)
    step = (
        f"to_months(CAST(3 * {number} AS INTEGER))"
        if unit == "quarter"
        else f"{_LONG[unit]}(CAST({number} AS INTEGER))"
    )
    text = f"({local(kind.base, value)} + {step})"
    return f"CAST({text} AS DATE)" if kind.base == "date" else _zoned(kind, text, value)


def _difference(_: Any, texts: list[str], kinds: list[Type], result: Type) -> str:
    unit = _unit(texts[0], _units(kinds[1]), kinds[1])
    kind = kinds[1].base
    a, b = texts[1:]
    if kind == ZONED and unit in _SHORT:
        a, b = f"{a}.i", f"{b}.i"
    elif kind == ZONED:
        a, b = local(kind, a), f"athena_at({b}, {a}.z)"
    elif kind == ZONED_TIME:
        a, b = f"make_time_utc({a})", f"make_time_utc({b})"
        return f"CAST(({texts[2]}.i - {texts[1]}.i) // {_SHORT[unit]} AS BIGINT)"
    return f"date_sub('{unit}', {a}, {b})"


def _by_unit(name: str, kinds: tuple[str, ...], template: str, emit: Any, result: str) -> list[Function]:
    return [function(f"{name}({template.format(kind)}) -> {result}", emit) for kind in kinds]


_ALL = ("date", "timestamp", ZONED, "time", ZONED_TIME)
_SECONDS = "make_timestamp(CAST(round({0} * 1000) AS BIGINT) * 1000)"
FUNCTIONS = [
    *_fields(),
    *_by_unit("date_trunc", _ALL, "varchar, {}", _truncated, "@1"),
    *_by_unit("date_add", _ALL, "varchar, bigint, {}", _added, "@2"),
    *_by_unit("date_diff", _ALL, "varchar, {0}, {0}", _difference, "bigint"),
    function("date(date) -> date", "{0}"),
    function("date(timestamp) -> date", "CAST({0} AS DATE)"),
    function(f"date({ZONED}) -> date", "CAST(athena_local({0}) AS DATE)"),
    function("date(varchar) -> date", "athena_date({0})"),
    function("last_day_of_month(date) -> date", "last_day({0})"),
    function("last_day_of_month(timestamp) -> date", "last_day({0})"),
    function(f"last_day_of_month({ZONED}) -> date", "last_day(athena_local({0}))"),
    function(f"from_unixtime(double) -> {ZONED}", f"{{'i': {_SECONDS}, 'z': 'UTC'}}"),
    function(f"from_unixtime(double, varchar) -> {ZONED}", f"{{'i': {_SECONDS}, 'z': athena_zone({{1}})}}"),
    function(
        f"from_unixtime(double, bigint, bigint) -> {ZONED}",
        f"{{'i': {_SECONDS}, 'z': athena_zone_name({{1}} * 60 + {{2}})}}",
    ),
    *[
        function(
            f"from_unixtime_nanos({kind}) -> timestamp(6) with time zone",
            "{'i': make_timestamp(CAST(floor(CAST({0} AS HUGEINT) // 1000) AS BIGINT)), 'z': 'UTC'}",
        )
        for kind in ("bigint", "decimal")
    ],
    function("to_unixtime(timestamp) -> double", "(epoch_us({0}) / 1e6)"),
    function(f"to_unixtime({ZONED}) -> double", "(epoch_us({0}.i) / 1e6)"),
    function(f"to_milliseconds({DAYS}) -> bigint", "{0}"),
    function("to_iso8601(date) -> varchar(16)", "CAST({0} AS VARCHAR)"),
    function("to_iso8601(timestamp) -> varchar", Python(calendars.to_iso8601, typed=True)),
    function(f"to_iso8601({ZONED}) -> varchar", Python(calendars.to_iso8601_zoned, typed=True)),
    function("from_iso8601_date(varchar) -> date", Python(calendars.from_iso8601_date)),
    function(f"from_iso8601_timestamp(varchar) -> {ZONED}", Python(calendars.from_iso8601)),
    function("from_iso8601_timestamp_nanos(varchar) -> timestamp(6) with time zone", Python(calendars.from_iso8601_us)),
    function("date_format(timestamp, varchar) -> varchar", Python(calendars.date_format)),
    function(f"date_format({ZONED}, varchar) -> varchar", Python(calendars.date_format_zoned)),
    function("date_parse(varchar, varchar) -> timestamp(3)", Python(calendars.date_parse)),
    function("format_datetime(timestamp, varchar) -> varchar", Python(calendars.format_datetime)),
    function(f"format_datetime({ZONED}, varchar) -> varchar", Python(calendars.format_datetime_zoned)),
    function(f"parse_datetime(varchar, varchar) -> {ZONED}", Python(calendars.parse_datetime)),
    function(
        "with_timezone(timestamp, varchar)",
        "athena_zoned({0}, athena_zone({1}))",
        lambda kinds: zoned(kinds[0].precision),
    ),
    function("human_readable_seconds(double) -> varchar", Python(durations.human_readable)),
    function(f"parse_duration(varchar) -> {DAYS}", Python(durations.parse)),
]
