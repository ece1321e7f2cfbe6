"""Arrays and maps as Python lists and dictionaries."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

from local_aws.athena.query.python.failing import bad
from local_aws.athena.query.python.maps import hashable, same_key
from local_aws.athena.query.translate.physical import field_names
from local_aws.athena.query.types import Type


def _unique(values: list[Any]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for value in values:
        found.setdefault(same_key(value), value)
    return found


def distinct(values: list[Any]) -> list[Any]:
    return list(_unique(values).values())


def union(a: list[Any], b: list[Any]) -> list[Any]:
    return distinct([*a, *b])


def removed(values: list[Any], value: Any) -> list[Any]:
    return [one for one in values if one is None or same_key(one) != same_key(value)]


def intersect(a: list[Any], b: list[Any]) -> list[Any]:
    other = _unique(b)
    return [value for key, value in _unique(a).items() if key in other]


def difference(a: list[Any], b: list[Any]) -> list[Any]:
    other = _unique(b)
    return [value for key, value in _unique(a).items() if key not in other]


def contains_sequence(a: list[Any], b: list[Any]) -> bool | None:
    keys, wanted = [same_key(v) for v in a], [same_key(v) for v in b]
    return any(keys[i : i + len(wanted)] == wanted for i in range(len(keys) - len(wanted) + 1))


def position(values: list[Any], value: Any, instance: int) -> int:
    if instance == 0:
        raise bad("array_position cannot take a 0-valued instance argument.")
    places = [i for i, one in enumerate(values, 1) if one is not None and same_key(one) == same_key(value)]
    if abs(instance) > len(places):
        return 0
    return places[instance - 1] if instance > 0 else places[instance]


def histogram(values: list[Any]) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for value in values:
        if value is not None:
            key = hashable(value)
            found[key] = found.get(key, 0) + 1
    return found


def combinations(values: list[Any], size: int) -> list[list[Any]]:
    if size < 0 or size > 5:
        raise bad(f"combination size must {'not be negative' if size < 0 else 'not exceed 5'}: {size}")
    if size == 0:
        return [[]]
    if math.comb(len(values), size) > 100000:
        raise bad("combinations exceed max size")
    places = sorted(itertools.combinations(range(len(values)), size), key=lambda places: places[::-1])
    return [[values[i] for i in chosen] for chosen in places]


def ngrams(values: list[Any], size: int) -> list[list[Any]]:
    if size <= 0:
        raise bad("N must be positive")
    if size >= len(values):
        return [values]
    return [values[i : i + size] for i in range(len(values) - size + 1)]


def shuffle(values: list[Any]) -> list[Any]:
    return random.sample(values, len(values))


def _pairs(kinds: tuple[Type, ...], entries: list[Any]) -> list[tuple[Any, Any]]:
    key, value = field_names(kinds[0].item)
    pairs = []
    for entry in entries:
        if entry is None:
            raise bad("map entry cannot be null")
        if entry[key] is None:
            raise bad("map key cannot be null")
        pairs.append((hashable(entry[key]), entry[value]))
    return pairs


def map_from_entries(kinds: tuple[Type, ...], _: Type, entries: list[Any]) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    for key, value in _pairs(kinds, entries):
        if key in made:
            raise bad(f"Duplicate keys ({key}) are not allowed")
        made[key] = value
    return made


def multimap(kinds: tuple[Type, ...], _: Type, entries: list[Any]) -> dict[Any, list[Any]]:
    made: dict[Any, list[Any]] = {}
    for key, value in _pairs(kinds, entries):
        made.setdefault(key, []).append(value)
    return made
