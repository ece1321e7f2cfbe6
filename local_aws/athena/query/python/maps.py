"""Maps on their way between DuckDB and Python.

DuckDB takes `{'key': [...], 'value': [...]}` for the entries of a map, so that a plain dictionary with just these two
keys would be another map. Keys that Python cannot hash come from it in that form.
"""

from __future__ import annotations

from typing import Any

from local_aws.athena.query.translate.physical import field_names
from local_aws.athena.query.types import Type, in_tree


class Key:
    """A list or row as the key of a dictionary."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self._same = same_key(value)

    def __hash__(self) -> int:
        return hash(self._same)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self._same == other._same

    def __str__(self) -> str:
        return str(self.value)


def same_key(value: Any) -> Any:
    """What is the same for values that are the same."""
    if isinstance(value, list):
        return ("list", *map(same_key, value))
    if isinstance(value, dict):
        if set(value) == {"i", "z"}:
            return ("moment", value["i"])
        return ("dict", *((key, same_key(own)) for key, own in value.items()))
    return ("nan",) if value != value else value


def hashable(value: Any) -> Any:
    return Key(value) if isinstance(value, list | dict) else value


def has_map(kind: Type) -> bool:
    return any(part.base == "map" for part in in_tree(kind))


def to_engine(kind: Type, value: Any) -> Any:
    """A value of Python's with each map as its entries."""
    if value is None or not has_map(kind):
        return value
    if kind.base == "map":
        keys = [key.value if isinstance(key, Key) else key for key in value]
        values = [to_engine(kind.children[1], own) for own in value.values()]
        return {"key": [to_engine(kind.children[0], key) for key in keys], "value": values}
    if kind.base == "array":
        return [to_engine(kind.item, item) for item in value]
    names = zip(field_names(kind), kind.children, strict=True)
    return {name: to_engine(child, value[name]) for name, child in names}


def to_python(kind: Type, value: Any) -> Any:
    """A value of DuckDB's with each map as a dictionary."""
    if value is None or not has_map(kind):
        return value
    if kind.base == "map":
        key, own = kind.children
        entries = zip(value["key"], value["value"], strict=True) if key.children or key.is_zoned else value.items()
        return {hashable(to_python(key, k)): to_python(own, v) for k, v in entries}
    if kind.base == "array":
        return [to_python(kind.item, item) for item in value]
    names = zip(field_names(kind), kind.children, strict=True)
    return {name: to_python(child, value[name]) for name, child in names}
