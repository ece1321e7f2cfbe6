"""TRY: DuckDB takes no aggregate, window, subquery or random value within it, so they are computed before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from local_aws.athena.query.nodes import Aggregate, Call, Node, Subquery, Window
from local_aws.athena.types import bound

if TYPE_CHECKING:
    from local_aws.athena.query.translate.expressions import Translation

_RANDOM = {"rand", "random", "shuffle", "uuid"}


def tried(t: Translation, node: Node, text: Callable[[], str]) -> str:
    """Return TRY of a text that is made from a node."""
    before = list(dict.fromkeys(_before(node)))
    if not before:
        return f"TRY({text()})"
    row = t.variable()
    values = ", ".join(f"'f{i}': {t.of(one)}" for i, one in enumerate(before))
    with t.showing({one: f"struct_extract_at({row}, {i})" for i, one in enumerate(before, 1)}):
        return bound(row, f"{{{values}}}", f"TRY({text()})")


def _before(node: Any) -> Iterator[Node]:
    """Yield the parts that are computed before, each as a whole."""
    if isinstance(node, tuple):
        for part in node:
            yield from _before(part)
    elif isinstance(node, Aggregate | Window | Subquery) or (isinstance(node, Call) and node.function.name in _RANDOM):
        yield node
    elif isinstance(node, Node):
        for one in fields(node):
            if one.name not in ("type", "function"):
                yield from _before(getattr(node, one.name))
