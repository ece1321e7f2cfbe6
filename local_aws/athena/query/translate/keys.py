"""What makes two values one: a moment with a zone is its instant, in whatever zone it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.types import Type, in_tree
from local_aws.athena.types import bound

if TYPE_CHECKING:
    from local_aws.athena.query.translate.expressions import Translation

_COMPARING = {"approx_distinct", "array_position", "arrays_overlap", "contains", "count"}
"""Functions that compare their arguments and return none of them."""


def has_zone(kind: Type) -> bool:
    return any(part.is_zoned for part in in_tree(kind)) and kind.base != "map"


def keyed(t: Translation, text: str, kind: Type) -> str:
    """Return SQL that is equal for equal values; a type without zones has its values as they are."""
    if not has_zone(kind):
        return text
    if kind.is_zoned:
        return f"struct_extract_at({text}, 1)"
    if kind.base == "array":
        item = t.variable()
        return f"list_transform({text}, lambda {item}: {keyed(t, item, kind.item)})"
    row = t.variable()
    parts = [keyed(t, f"struct_extract_at({row}, {i})", child) for i, child in enumerate(kind.children, 1)]
    made = f"CASE WHEN {row} IS NOT NULL THEN {t.packed(kind, parts)} END"
    return bound(row, text, made)


def arguments(t: Translation, name: str, texts: list[str], kinds: Sequence[Type]) -> list[str]:
    """Return the arguments of a function; if it only compares them, as what they are compared by."""
    return [keyed(t, text, kind) for text, kind in zip(texts, kinds, strict=True)] if name in _COMPARING else texts


def set_operation(t: Translation, operator: str, sides: Sequence[str], kinds: Sequence[Type]) -> str:
    """Return a set operation of two queries, of which a column has a zone."""
    if operator.endswith(" ALL") and operator != "UNION ALL":
        raise QueryFailed(
            f"NOT_SUPPORTED: {operator} of timestamps with time zone does not run here; cast them to timestamp"
        )
    keys = ", ".join(keyed(t, f"s.c{i}", kind) for i, kind in enumerate(kinds))
    head = "SELECT *" if operator == "UNION ALL" else f"SELECT DISTINCT ON ({keys}) *"
    if operator.startswith("UNION"):
        return f"{head} FROM ({' UNION ALL '.join(sides)}) AS s"
    same = " AND ".join(
        f"{keyed(t, f's.c{i}', kind)} IS NOT DISTINCT FROM {keyed(t, f'o.c{i}', kind)}" for i, kind in enumerate(kinds)
    )
    negated = "NOT " if operator == "EXCEPT" else ""
    return f"{head} FROM ({sides[0]}) AS s WHERE {negated}EXISTS (SELECT 1 FROM ({sides[1]}) AS o WHERE {same})"
