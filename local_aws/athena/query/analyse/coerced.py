"""Casts of a value to the expected type."""

from __future__ import annotations

from local_aws.athena.query.nodes import Cast, Lambda, Literal, Node
from local_aws.athena.query.types import UNKNOWN, Type


def coerced(node: Node, target: Type) -> Node:
    """Return the node, cast to the expected type if necessary."""
    if node.type == target or isinstance(node, Lambda):
        return node
    if isinstance(node, Literal) and node.value is None:
        return Literal(target, None)
    if same_type(node.type, target):
        return node
    return Cast(target, node)


def same_type(source: Type, target: Type) -> bool:
    """Whether every value of one type is a value of the other without a cast."""
    if source == target:
        return True
    if source == UNKNOWN or source.base != target.base:
        return False
    if source.base == "varchar":
        return target.length is None or (source.length is not None and source.length <= target.length)
    if source.has_precision:
        return source.precision <= target.precision
    if source.base in ("array", "map"):
        return all(map(same_type, source.children, target.children))
    return False
