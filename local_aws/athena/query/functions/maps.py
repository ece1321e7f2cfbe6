"""Maps: entries, filters and merges."""

from __future__ import annotations

from typing import Any

from local_aws.athena.query.functions.signatures import Python, function
from local_aws.athena.query.python import lists
from local_aws.athena.query.types import Type


def _over_entries(translation: Any, call: str, texts: list[Any]) -> str:
    entry = translation.variable()
    body = texts[1].apply(f"{entry}.key", f"{entry}.value")
    return f"{call}(map_entries({texts[0]}), lambda {entry}: {body})"


def _filtered(translation: Any, texts: list[Any], *_: Any) -> str:
    return f"map_from_entries({_over_entries(translation, 'list_filter', texts)})"


def _values(translation: Any, texts: list[Any], *_: Any) -> str:
    return f"athena_map(map_keys({texts[0]}), {_over_entries(translation, 'list_transform', texts)})"


def _keys(translation: Any, texts: list[Any], *_: Any) -> str:
    return f"athena_map({_over_entries(translation, 'list_transform', texts)}, map_values({texts[0]}))"


def _zipped(translation: Any, texts: list[Any], *_: Any) -> str:
    keys = f"athena_distinct(list_concat(map_keys({texts[0]}), map_keys({texts[1]})))"
    key = translation.variable()
    body = texts[2].apply(key, f"map_extract({texts[0]}, {key})[1]", f"map_extract({texts[1]}, {key})[1]")
    return f"athena_map({keys}, list_transform({keys}, lambda {key}: {body}))"


def _entries(translation: Any, texts: list[str], kinds: list[Type], result: Type) -> str:
    entry = translation.variable()
    fields = translation.packed(result.item, [f"{entry}.key", f"{entry}.value"])
    return f"list_transform(map_entries({texts[0]}), lambda {entry}: {fields})"


def _joined(_: Any, texts: list[str], *__: Any) -> str:
    not_null = " AND ".join(f"{text} IS NOT NULL" for text in texts)
    return f"CASE WHEN {not_null} THEN map_concat({', '.join(texts)}) END"


FUNCTIONS = [
    function("map() -> map(unknown,unknown)", "map(CAST([] AS INTEGER[]), CAST([] AS INTEGER[]))"),
    function("map(array(K), array(V)) -> map(K,V)", "athena_map({0}, {1})"),
    function("cardinality(map(K,V)) -> bigint", "CAST(cardinality({0}) AS BIGINT)"),
    function("element_at(map(K,V), K) -> V", "map_extract({0}, {1})[1]"),
    function("map_keys(map(K,V)) -> array(K)", "map_keys({0})"),
    function("map_values(map(K,V)) -> array(V)", "map_values({0})"),
    function("map_entries(map(K,V)) -> array(row(K,V))", _entries),
    function("map_filter(map(K,V), function(K,V,boolean)) -> map(K,V)", _filtered),
    function("transform_values(map(K,V), function(K,V,W)) -> map(K,W)", _values),
    function("transform_keys(map(K,V), function(K,V,W)) -> map(W,V)", _keys),
    function("map_zip_with(map(K,V), map(K,W), function(K,V,W,R)) -> map(K,R)", _zipped),
    function("map_from_entries(array(row(K,V))) -> map(K,V)", Python(lists.map_from_entries, typed=True)),
    function("multimap_from_entries(array(row(K,V))) -> map(K,array(V))", Python(lists.multimap, typed=True)),
    function("map_concat(map(K,V), map(K,V)...) -> map(K,V)", _joined),
]
