"""Aggregates; `<<sum|{0}>>` marks where DISTINCT, ORDER BY, FILTER and OVER go."""

from __future__ import annotations

from typing import Any

from local_aws.athena.query.functions.signatures import Function, Python, aggregate, aggregated
from local_aws.athena.query.python import groups
from local_aws.athena.query.types import DAYS, MONTHS, Type, array, row

_WHOLE = ("tinyint", "smallint", "integer", "bigint")
_DOUBLES = {
    **{
        name: f"<<{name}|{{0}}>>"
        for name in ("stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp")
    },
    "kurtosis": "CASE WHEN <<count|{0}>> > 3 THEN coalesce(<<kurtosis|{0}>>, CAST('nan' AS DOUBLE)) END",
}  # fmt: skip
_PAIRS = {
    **{name: f"<<{name}|{{0}}, {{1}}>>" for name in ("covar_pop", "covar_samp")},
    **{
        name: f"CASE WHEN isfinite(<<{name}|{{0}}, {{1}}>>) THEN <<{name}|{{0}}, {{1}}>> END"
        for name in ("corr", "regr_intercept", "regr_slope")
    },
}
"""A line through one point, or through points of one x, has no slope: null in Trino, NaN in DuckDB."""


def over_rows(python: Python) -> Any:
    """Pass the values of all rows as one array (of rows, if there are several arguments) to a Python function."""

    def emit(translation: Any, texts: list[str], kinds: list[Type], result: Type) -> str:
        item = kinds[0] if len(kinds) == 1 else row(*((f"a{i}", kind) for i, kind in enumerate(kinds)))
        value = texts[0] if len(kinds) == 1 else translation.packed(item, texts)
        return str(translation.python("rows", python, [aggregated("list", value)], [array(item)], result))

    return emit


def _reduced(translation: Any, texts: list[Any], kinds: list[Type], result: Type) -> str:
    """Reduce the rows in order; the state travels with each row."""
    state, item = (translation.physical(kind) for kind in (kinds[1], kinds[0]))
    a, b, pair = translation.variable(), translation.variable(), f"STRUCT(s {state}, x {item})"
    items = aggregated("list", f"CAST({{'s': {texts[1]}, 'x': {texts[0]}}} AS {pair})")
    kept = f"list_filter({items}, lambda {a}: {a}.x IS NOT NULL)"
    step = f"CAST({{'s': {texts[2].apply(f'{a}.s', f'{b}.x')}, 'x': NULL}} AS {pair})"
    return f"list_reduce({kept}, lambda {a}, {b}: {step}, {kept}[1]).s"


def _top(count: str) -> str:
    """How many of the first are asked for."""
    return f"athena_at_least({count}, 1, 'the number of values must be positive')"


def _extreme(name: str, order: str) -> list[Function]:
    best = f"list_sort(list_filter(<<list|{{0}}>>, lambda e: e IS NOT NULL), '{order}')[1:{_top('{1}')}]"
    pairs = "<<list|{'k': {1}, 'v': {0}}>>"
    by = f"list_sort(list_filter({pairs}, lambda e: e.k IS NOT NULL), '{order}')[1:{_top('{2}')}]"
    return [
        aggregate(f"{name}(T) -> T", f"<<{name}|{{0}}>>"),
        aggregate(f"{name}(T, bigint) -> array(T)", best),
        aggregate(f"{name}_by(T, U) -> T", f"<<arg_{name}_null|{{0}}, {{1}}>>"),
        aggregate(f"{name}_by(T, U, bigint) -> array(T)", f"list_transform({by}, lambda e: e.v)"),
    ]


def _percentile(_: Any, texts: list[str], *__: Any) -> str:
    return aggregated("quantile_disc", f"{texts[0]}, athena_share({texts[1]})")


def _percentiles(_: Any, texts: list[str], *__: Any) -> str:
    return aggregated("quantile_disc", f"{texts[0]}, athena_shares({texts[1]})")


_NUMBERS = ("bigint", "double", "real")
FUNCTIONS = [
    aggregate("count() -> bigint", "<<count|*>>"),
    aggregate("count(T) -> bigint", "<<count|{0}>>"),
    aggregate("count_if(boolean) -> bigint", "<<count|CASE WHEN {0} THEN 1 END>>"),
    *[aggregate(f"sum({kind}) -> bigint", "athena_sum(<<sum|{0}>>)") for kind in _WHOLE],
    aggregate("sum(decimal) -> T", "CAST(<<sum|{0}>> AS {r})", lambda kinds: Type("decimal", (38, kinds[0].scale))),
    *[aggregate(f"sum({kind}) -> {kind}", "CAST(<<sum|{0}>> AS {r})") for kind in ("real", "double", DAYS, MONTHS)],
    *[aggregate(f"avg({kind}) -> double", "<<avg|{0}>>") for kind in _WHOLE],
    aggregate("avg(decimal) -> @0", lambda t, texts, kinds, result: t.average(texts[0], result)),
    aggregate("avg(real) -> real", "CAST(<<avg|{0}>> AS {r})"),
    aggregate("avg(double) -> double", "<<avg|{0}>>"),
    *[aggregate(f"avg({kind}) -> {kind}", "CAST(round(<<avg|{0}>>) AS {r})") for kind in (DAYS, MONTHS)],
    aggregate("any_value(T) -> T", "<<any_value|{0}>>"),
    aggregate("arbitrary(T) -> T", "<<any_value|{0}>>"),
    aggregate("array_agg(T) -> array(T)", "<<list|{0}>>"),
    aggregate("bool_and(boolean) -> boolean", "<<bool_and|{0}>>"),
    aggregate("every(boolean) -> boolean", "<<bool_and|{0}>>"),
    aggregate("bool_or(boolean) -> boolean", "<<bool_or|{0}>>"),
    aggregate("bitwise_and_agg(bigint) -> bigint", "<<bit_and|{0}>>"),
    aggregate("bitwise_or_agg(bigint) -> bigint", "<<bit_or|{0}>>"),
    aggregate("bitwise_xor_agg(bigint) -> bigint", "<<bit_xor|{0}>>"),
    *[aggregate(f"{name}(double) -> double", call) for name, call in _DOUBLES.items()],
    aggregate("skewness(double) -> double", over_rows(Python(groups.skewness))),
    *[aggregate(f"{name}(real, real) -> real", f"CAST({call} AS {{r}})") for name, call in _PAIRS.items()],
    *[aggregate(f"{name}(double, double) -> double", call) for name, call in _PAIRS.items()],
    *[aggregate(f"geometric_mean({kind}) -> double", "<<geomean|{0}>>") for kind in ("bigint", "double")],
    aggregate("geometric_mean(real) -> real", "CAST(<<geomean|{0}>> AS {r})"),
    *_extreme("max", "DESC"),
    *_extreme("min", "ASC"),
    aggregate("histogram(T) -> map(T,bigint)", over_rows(Python(groups.histogram))),
    aggregate("map_agg(K, V) -> map(K,V)", over_rows(Python(groups.map_agg))),
    aggregate("multimap_agg(K, V) -> map(K,array(V))", over_rows(Python(groups.multimap_agg))),
    aggregate("map_union(map(K,V)) -> map(K,V)", over_rows(Python(groups.map_union))),
    aggregate("reduce_agg(T, S, function(S,T,S), function(S,S,S)) -> S", _reduced),
    aggregate("approx_distinct(T) -> bigint", "<<count|DISTINCT {0}>>"),
    aggregate("approx_distinct(T, double) -> bigint", "<<count|DISTINCT {0}>>"),
    *[aggregate(f"approx_percentile({kind}, double) -> {kind}", _percentile) for kind in _NUMBERS],
    *[aggregate(f"approx_percentile({kind}, array(double)) -> array({kind})", _percentiles) for kind in _NUMBERS],
    *[
        aggregate(f"approx_percentile({kind}, double, {last}) -> {kind}", over_rows(Python(groups.weighted_percentile)))
        for kind in _NUMBERS
        for last in ("double",)
    ],
    *[
        aggregate(
            f"approx_percentile({kind}, double, array(double)) -> array({kind})",
            over_rows(Python(groups.weighted_percentiles)),
        )
        for kind in _NUMBERS
    ],
    aggregate("approx_most_frequent(bigint, T, bigint) -> map(T,bigint)", over_rows(Python(groups.most_frequent))),
    *[
        aggregate(f"numeric_histogram(bigint, {kind}) -> map({kind},{kind})", over_rows(Python(groups.buckets)))
        for kind in ("double", "real")
    ],
    *[
        aggregate(f"numeric_histogram(bigint, {k}, double) -> map({k},{k})", over_rows(Python(groups.buckets)))
        for k in ("double", "real")
    ],
    aggregate("listagg(varchar) -> varchar", "<<string_agg|{0}, ''>>"),
    aggregate("listagg(varchar, varchar) -> varchar", "<<string_agg|{0}, {1}>>"),
]
