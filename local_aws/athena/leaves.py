"""SQL that changes the plain values of a catalog type, also inside arrays, maps and structs."""

from __future__ import annotations

from collections.abc import Callable

from local_aws.athena.hive_types import HiveType
from local_aws.athena.types import bound, sql_name

Leaf = Callable[[str, HiveType], str]
"""Returns the SQL for a plain value from its SQL and its type; the same SQL if the value stays as it is."""


def changed(value: str, kind: HiveType, leaf: Leaf, depth: int = 0) -> str:
    """Return SQL for a value of this type with its leaves changed."""
    if not kind.children:
        return leaf(value, kind)
    return _NESTED[kind.name](value, kind, leaf, depth) if _has_changes(kind, leaf) else value


def _has_changes(kind: HiveType, leaf: Leaf) -> bool:
    if not kind.children:
        return leaf("x", kind) != "x"
    return any(_has_changes(child, leaf) for child in kind.children)


def _items(value: str, kind: HiveType, leaf: Leaf, depth: int) -> str:
    item = f"y{depth}"
    return f"list_transform({value}, lambda {item}: {changed(item, kind.children[0], leaf, depth + 1)})"


def _entries(value: str, kind: HiveType, leaf: Leaf, depth: int) -> str:
    entry = f"y{depth}"
    key, own = (
        changed(f"{entry}.{part}", child, leaf, depth + 1)
        for part, child in zip(("key", "value"), kind.children, strict=True)
    )
    pairs = f"list_transform(map_entries({value}), lambda {entry}: {{'key': {key}, 'value': {own}}})"
    return f"map_from_entries({pairs})"


def _fields(value: str, kind: HiveType, leaf: Leaf, depth: int) -> str:
    """The row is bound to a name, since its SQL may be long and its fields are many."""
    row = f"y{depth}"
    parts = [
        f"{sql_name(name)} := {changed(f'{row}.{sql_name(name)}', child, leaf, depth + 1)}"
        for name, child in kind.fields
    ]
    return bound(row, value, f"CASE WHEN {row} IS NOT NULL THEN struct_pack({', '.join(parts)}) END")


_NESTED: dict[str, Callable[[str, HiveType, Leaf, int], str]] = {"array": _items, "map": _entries, "struct": _fields}
