"""Aggregates over a list of the values of all rows."""

from __future__ import annotations

import math
from typing import Any

from local_aws.athena.query.python.failing import bad
from local_aws.athena.query.python.maps import hashable


def skewness(values: list[float | None]) -> float | None:
    given = [v for v in values if v is not None]
    if len(given) < 3:
        return None
    mean = sum(given) / len(given)
    second, third = (sum((v - mean) ** power for v in given) for power in (2, 3))
    return math.sqrt(len(given)) * third / second**1.5 if second else math.nan


def histogram(values: list[Any]) -> dict[Any, int] | None:
    found: dict[Any, int] = {}
    for value in values:
        if value is not None:
            found[hashable(value)] = found.get(hashable(value), 0) + 1
    return found or None


def map_agg(rows: list[dict[str, Any]]) -> dict[Any, Any] | None:
    found: dict[Any, Any] = {}
    for row in rows:
        if row["a0"] is not None:
            found.setdefault(hashable(row["a0"]), row["a1"])
    return found or None


def multimap_agg(rows: list[dict[str, Any]]) -> dict[Any, list[Any]] | None:
    found: dict[Any, list[Any]] = {}
    for row in rows:
        if row["a0"] is not None:
            found.setdefault(hashable(row["a0"]), []).append(row["a1"])
    return found or None


def map_union(maps: list[dict[Any, Any] | None]) -> dict[Any, Any] | None:
    found: dict[Any, Any] = {}
    for one in maps:
        for key, value in (one or {}).items():
            found.setdefault(key, value)
    return found if any(one is not None for one in maps) else None


def _ranked(pairs: list[tuple[Any, float]], share: float) -> Any:
    if not 0 <= share <= 1:
        raise bad("Percentile must be between 0 and 1")
    pairs = sorted(pairs)
    total, so_far = sum(weight for _, weight in pairs), 0.0
    for value, weight in pairs:
        so_far += weight
        if so_far >= share * total:
            return value
    return pairs[-1][0] if pairs else None


def _weighted(rows: list[dict[str, Any]]) -> list[tuple[Any, float]]:
    kept = [(row["a0"], row["a1"]) for row in rows if row["a0"] is not None and row["a1"] is not None]
    if any(weight < 0 for _, weight in kept):
        raise bad("percentile weight must be > 0")
    return kept


def weighted_percentile(rows: list[dict[str, Any]]) -> Any:
    return _ranked(_weighted(rows), rows[0]["a2"]) if rows else None


def weighted_percentiles(rows: list[dict[str, Any]]) -> list[Any] | None:
    return [_ranked(_weighted(rows), share) for share in rows[0]["a2"]] if rows else None


def most_frequent(rows: list[dict[str, Any]]) -> dict[Any, int] | None:
    found = histogram([row["a1"] for row in rows])
    if not found:
        return None
    count = rows[0]["a0"]
    return dict(sorted(found.items(), key=lambda pair: -pair[1])[:count])


def buckets(rows: list[dict[str, Any]]) -> dict[float, float] | None:
    """Merge the closest centers until the wanted number is left."""
    given = sorted((row["a1"], row.get("a2", 1.0)) for row in rows if row["a1"] is not None)
    if not given:
        return None
    if rows[0]["a0"] < 2:
        raise bad("numeric_histogram bucket count must be greater than one")
    made: list[tuple[float, float]] = []
    for value, weight in given:
        if made and made[-1][0] == value:
            made[-1] = (value, made[-1][1] + weight)
        else:
            made.append((value, weight))
    while len(made) > rows[0]["a0"]:
        i = min(range(len(made) - 1), key=lambda i: made[i + 1][0] - made[i][0])
        (a, m), (b, n) = made[i : i + 2]
        made[i : i + 2] = [((a * m + b * n) / (m + n), m + n)]
    return dict(made)
