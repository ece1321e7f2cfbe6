"""Arrays: parts, sets, searches, and functions that take a lambda."""

from __future__ import annotations

from typing import Any

from local_aws.athena.query.functions.signatures import Function, Python, function
from local_aws.athena.query.python import lists, rare
from local_aws.athena.query.types import Type, array, in_tree

_DAYS, _MONTHS = "interval day to second", "interval year to month"


def _joined(translation: Any, texts: list[str], kinds: list[Type], _: Type) -> str:
    item = translation.variable()
    text = translation.text_cast(item, kinds[0].item)
    text = f"coalesce({text}, {texts[2]})" if len(texts) > 2 else text
    joined = f"array_to_string(list_transform({texts[0]}, lambda {item}: {text}), {texts[1]})"
    return f"CASE WHEN {texts[0]} IS NOT NULL AND {texts[1]} IS NOT NULL THEN coalesce({joined}, '') END"


def _transformed(_: Any, texts: list[Any], *__: Any) -> str:
    return f"list_transform({texts[0]}, {texts[1]})"


def _reduced(translation: Any, texts: list[Any], kinds: list[Type], result: Type) -> str:
    """Pair the state with each item, since the two have different types."""
    state, item = (translation.physical(kind) for kind in (kinds[1], kinds[0].item))
    pair = f"STRUCT(s {state}, x {item})"
    a, b = translation.variable(), translation.variable()
    items = f"list_transform({texts[0]}, lambda {a}: CAST({{'s': NULL, 'x': {a}}} AS {pair}))"
    first = f"CAST({{'s': {texts[1]}, 'x': NULL}} AS {pair})"
    step = f"CAST({{'s': {texts[2].apply(f'{a}.s', f'{b}.x')}, 'x': NULL}} AS {pair})"
    end = f"list_reduce({items}, lambda {a}, {b}: {step}, {first}).s"
    return end if len(texts) == 3 else f"list_transform([{end}], {texts[3]})[1]"


def _sorted_by(translation: Any, texts: list[Any], *_: Any) -> str:
    """Sort by counting, for every item, the items that come before it."""
    i, j, places = translation.variable(), translation.variable(), f"range(1, len({texts[0]}) + 1)"
    order = texts[1].apply(f"{texts[0]}[{j}]", f"{texts[0]}[{i}]")
    before = f"{j} <> {i} AND (({order}) < 0 OR (({order}) = 0 AND {j} < {i}))"
    ranks = f"list_transform({places}, lambda {i}: {{'r': len(list_filter({places}, lambda {j}: {before})), 'i': {i}}})"
    return f"list_transform(list_sort({ranks}), lambda {i}: {texts[0]}[{i}.i])"


def _zipped(translation: Any, texts: list[Any], *_: Any) -> str:
    i = translation.variable()
    body = texts[2].apply(f"{texts[0]}[{i}]", f"{texts[1]}[{i}]")
    return f"list_transform(range(1, greatest(len({texts[0]}), len({texts[1]})) + 1), lambda {i}: {body})"


def _by_instant(template: str, python: Python) -> Any:
    """Moments with a zone are compared by their instant, which only Python does."""

    def emit(translation: Any, texts: list[str], kinds: list[Type], result: Type) -> str:
        if any(part.is_zoned for part in in_tree(result)):
            return str(translation.python("array", python, texts, kinds, result))
        return template.format(*texts)

    return emit


def _sequence(kind: str, step: str) -> Function:
    def emit(translation: Any, texts: list[str], kinds: list[Type], result: Type) -> str:
        series = f"athena_months({', '.join(texts)})"
        if step == _DAYS:
            length = (
                f"to_days(athena_day_step({texts[2]}))" if kind == "date" else f"to_microseconds({texts[2]} * 1000)"
            )
            series = f"athena_moments({', '.join(texts)}, {length})"
        return f"CAST({series} AS {translation.physical(result)})"

    return function(f"sequence({kind}, {kind}, {step}) -> T", emit, lambda kinds: array(kinds[0]))


FUNCTIONS = [
    function("cardinality(array(T)) -> bigint", "CAST(len({0}) AS BIGINT)"),
    function("element_at(array(T), bigint) -> T", "athena_element({0}, {1})"),
    function("contains(array(T), T) -> boolean", "athena_contains({0}, {1})"),
    function("contains_sequence(array(T), array(T)) -> boolean", Python(lists.contains_sequence)),
    function("contains(varchar, ipaddress) -> boolean", Python(rare.network_contains)),
    function("array_position(array(T), T) -> bigint", "athena_position({0}, {1})"),
    function("array_position(array(T), T, bigint) -> bigint", Python(lists.position)),
    function("array_distinct(array(T)) -> array(T)", _by_instant("athena_distinct({0})", Python(lists.distinct))),
    function("array_intersect(array(T), array(T)) -> array(T)", Python(lists.intersect)),
    function(
        "array_union(array(T), array(T)) -> array(T)",
        _by_instant("athena_distinct(list_concat({0}, {1}))", Python(lists.union)),
    ),
    function("array_except(array(T), array(T)) -> array(T)", Python(lists.difference)),
    function("arrays_overlap(array(T), array(T)) -> boolean", "athena_overlap({0}, {1})"),
    function("array_max(array(T)) -> T", "athena_none_null({0}, list_max({0}))"),
    function("array_min(array(T)) -> T", "athena_none_null({0}, list_min({0}))"),
    function("array_remove(array(T), T) -> array(T)", _by_instant("athena_removed({0}, {1})", Python(lists.removed))),
    function("array_sort(array(T)) -> array(T)", "list_sort({0}, 'ASC', 'NULLS LAST')"),
    function("array_sort(array(T), function(T,T,integer)) -> array(T)", _sorted_by),
    function("array_join(array(T), varchar) -> varchar", _joined),
    function("array_join(array(T), varchar, varchar) -> varchar", _joined),
    function("array_histogram(array(T)) -> map(T,bigint)", Python(lists.histogram)),
    function("combinations(array(T), bigint) -> array(array(T))", Python(lists.combinations)),
    function("ngrams(array(T), bigint) -> array(array(T))", Python(lists.ngrams)),
    function("filter(array(T), function(T,boolean)) -> array(T)", "list_filter({0}, {1})"),
    function("transform(array(T), function(T,U)) -> array(U)", _transformed),
    function("reduce(array(T), S, function(S,T,S), function(S,R)) -> R", _reduced),
    function("any_match(array(T), function(T,boolean)) -> boolean", "athena_any(list_transform({0}, {1}))"),
    function("all_match(array(T), function(T,boolean)) -> boolean", "athena_all(list_transform({0}, {1}))"),
    function("none_match(array(T), function(T,boolean)) -> boolean", "(NOT athena_any(list_transform({0}, {1})))"),
    function("zip_with(array(T), array(U), function(T,U,R)) -> array(R)", _zipped),
    function("flatten(array(array(T))) -> array(T)", "flatten({0})"),
    function("repeat(T, bigint) -> array(T)", "athena_repeat({0}, {1})"),
    function("reverse(array(T)) -> array(T)", "list_reverse({0})"),
    function("shuffle(array(T)) -> array(T)", Python(lists.shuffle)),
    function("slice(array(T), bigint, bigint) -> array(T)", "athena_slice({0}, {1}, {2})"),
    function("trim_array(array(T), bigint) -> array(T)", "athena_trim({0}, {1})"),
    function("sequence(bigint, bigint) -> array(bigint)", "athena_sequence({0}, {1})"),
    function("sequence(bigint, bigint, bigint) -> array(bigint)", "athena_sequence({0}, {1}, {2})"),
    function("sequence(date, date) -> array(date)", "athena_days({0}, {1})"),
    *[_sequence("date", step) for step in (_DAYS, _MONTHS)],
    *[_sequence("timestamp", step) for step in (_DAYS, _MONTHS)],
]
