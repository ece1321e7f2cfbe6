"""The table of Athena's functions: signature, result type and DuckDB SQL."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

from local_aws.athena.query.functions.signatures import Function

SPECIAL = {
    "coalesce": None, "nullif": 2, "if": 3, "try": 1, "greatest": None, "least": None, "typeof": 1, "row": None,
    "grouping": None, "extract": 2, "concat": None, "format": None, "zip": None, "at_timezone": 2, "cast": 1,
    "try_cast": 1, "map": 2, "mod": 2, "map_concat": None, "current_timestamp": 1, "localtimestamp": 1,
    "current_time": 1, "localtime": 1, "json_value": None, "json_query": None, "json_exists": None,
    "json_object": None, "json_array": None, "now": 0, "current_timezone": 0, "current_date": 0,
}  # fmt: skip
"""Functions that are analysed by special rules, and their maximum number of arguments."""


@cache
def table() -> dict[str, list[Function]]:
    """All functions by name."""
    from local_aws.athena.query.functions import (
        aggregates,
        arrays,
        binary,
        digests,
        json,
        maps,
        math,
        moments,
        regexps,
        texts,
        windows,
    )

    found: dict[str, list[Function]] = defaultdict(list)
    for module in (math, texts, regexps, arrays, maps, moments, json, binary, aggregates, windows, digests):
        for one in module.FUNCTIONS:
            found[one.name].append(one)
    return dict(found)


def takes_at_most(name: str) -> int | None:
    """Return the maximum number of arguments of a function; None if unlimited or unknown."""
    overloads = table().get(name.lower(), [])
    if name.lower() in SPECIAL or not overloads or any(one.variadic for one in overloads):
        return None
    return max(len(one.parameters) for one in overloads)


def names() -> set[str]:
    """Return every function that a query may call."""
    return {*table(), *SPECIAL}
