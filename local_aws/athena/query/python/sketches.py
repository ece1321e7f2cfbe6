"""Sketches that hold their values: a sorted JSON list of `[value, weight]`."""

from __future__ import annotations

import json
from typing import Any

from local_aws.athena.query.python import hashes
from local_aws.athena.query.python.failing import bad


def _packed(pairs: dict[Any, float]) -> bytes:
    return json.dumps(sorted(pairs.items(), key=lambda pair: (str(type(pair[0])), pair[0])), default=str).encode()


def _pairs(data: bytes) -> list[tuple[Any, float]]:
    return [(value, weight) for value, weight in json.loads(data)]


def _added(pairs: dict[Any, float], value: Any, weight: float) -> None:
    key = value if isinstance(value, int | float | str) and not isinstance(value, bool) else str(value)
    pairs[key] = pairs.get(key, 0) + weight


def sketch(values: list[Any]) -> bytes | None:
    pairs: dict[Any, float] = {}
    for value in values:
        if value is not None:
            _added(pairs, value, 1)
    return _packed(pairs) if pairs else None


def weighted(rows: list[dict[str, Any]]) -> bytes | None:
    pairs: dict[Any, float] = {}
    for row in rows:
        if row["a0"] is not None:
            if row["a1"] <= 0:
                raise bad("weight must be > 0")
            _added(pairs, row["a0"], row["a1"])
    return _packed(pairs) if pairs else None


def merged(many: list[bytes | None]) -> bytes | None:
    pairs: dict[Any, float] = {}
    for one in many:
        for value, weight in _pairs(one) if one is not None else []:
            _added(pairs, value, weight)
    return _packed(pairs) if any(one is not None for one in many) else None


def empty() -> bytes:
    return b"[]"


def cardinality(data: bytes) -> int:
    return len(_pairs(data))


def _values(data: bytes) -> set[Any]:
    return {value for value, _ in _pairs(data)}


def intersection_cardinality(a: bytes, b: bytes) -> int:
    return len(_values(a) & _values(b))


def jaccard_index(a: bytes, b: bytes) -> float:
    return len(_values(a) & _values(b)) / len(_values(a) | _values(b))


def hash_counts(data: bytes) -> dict[int, int]:
    def number(value: Any) -> int:
        raw = hashes.murmur64(value if isinstance(value, int) else str(value))
        return raw - 2**64 if raw >= 2**63 else raw

    return {number(value): int(weight) for value, weight in _pairs(data)}


def value_at_quantile(data: bytes, share: float) -> Any:
    if not 0 <= share <= 1:
        raise bad("Quantile should be within bounds [0, 1], was: " + str(share))
    pairs = _pairs(data)
    total, so_far = sum(weight for _, weight in pairs), 0.0
    for value, weight in pairs:
        so_far += weight
        if so_far > share * total:
            return value
    return pairs[-1][0] if pairs else None


def values_at_quantiles(data: bytes, shares: list[float]) -> list[Any]:
    if shares != sorted(shares):
        raise bad("percentiles must be sorted in increasing order")
    return [value_at_quantile(data, share) for share in shares]


def quantile_at_value(data: bytes, value: Any) -> float | None:
    pairs = _pairs(data)
    if not pairs or not pairs[0][0] <= value <= pairs[-1][0]:
        return None
    total = sum(weight for _, weight in pairs)
    return sum(weight for own, weight in pairs if own <= value) / total
