"""Sketches that hold all their values, so that Trino's estimates are exact here."""

from __future__ import annotations

from local_aws.athena.query.functions.aggregates import over_rows
from local_aws.athena.query.functions.signatures import Function, Python, aggregate, function
from local_aws.athena.query.python import sketches

_NUMBERS = ("bigint", "double", "real")


def _digest(name: str, kind: str, base: str) -> list[Function]:
    return [
        function(f"value_at_quantile({base}, double) -> {kind}", Python(sketches.value_at_quantile)),
        function(f"values_at_quantiles({base}, array(double)) -> array({kind})", Python(sketches.values_at_quantiles)),
        function(f"quantile_at_value({base}, {kind}) -> double", Python(sketches.quantile_at_value)),
    ]


FUNCTIONS = [
    aggregate("approx_set(T) -> hyperloglog", over_rows(Python(sketches.sketch))),
    function("empty_approx_set() -> hyperloglog", Python(sketches.empty)),
    function("cardinality(hyperloglog) -> bigint", Python(sketches.cardinality)),
    function("cardinality(setdigest) -> bigint", Python(sketches.cardinality)),
    *[
        aggregate(f"merge({kind}) -> {kind}", over_rows(Python(sketches.merged)))
        for kind in ("hyperloglog", "setdigest", "tdigest", "qdigest(bigint)", "qdigest(double)", "qdigest(real)")
    ],
    aggregate("make_set_digest(T) -> setdigest", over_rows(Python(sketches.sketch))),
    aggregate("merge_set_digest(setdigest) -> setdigest", over_rows(Python(sketches.merged))),
    function("intersection_cardinality(setdigest, setdigest) -> bigint", Python(sketches.intersection_cardinality)),
    function("jaccard_index(setdigest, setdigest) -> double", Python(sketches.jaccard_index)),
    function("hash_counts(setdigest) -> map(bigint,smallint)", Python(sketches.hash_counts)),
    *[
        one
        for kind in _NUMBERS
        for one in (
            aggregate(f"qdigest_agg({kind}) -> qdigest({kind})", over_rows(Python(sketches.sketch))),
            aggregate(f"qdigest_agg({kind}, bigint) -> qdigest({kind})", over_rows(Python(sketches.weighted))),
            aggregate(f"qdigest_agg({kind}, bigint, double) -> qdigest({kind})", over_rows(Python(sketches.weighted))),
            *_digest("qdigest", kind, f"qdigest({kind})"),
        )
    ],
    aggregate("tdigest_agg(double) -> tdigest", over_rows(Python(sketches.sketch))),
    aggregate("tdigest_agg(double, double) -> tdigest", over_rows(Python(sketches.weighted))),
    *_digest("tdigest", "double", "tdigest"),
]
