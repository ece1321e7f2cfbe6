"""GROUP BY: its grouping sets, and which expressions are allowed besides them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from sqlglot import exp

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.analyse.expressions import Expressions
from local_aws.athena.query.analyse.failures import mismatch
from local_aws.athena.query.analyse.scope import Scope
from local_aws.athena.query.nodes import Aggregate, Column, Literal, Node, Output, Query, Special, Subquery, Window

Sets = tuple[tuple[Node, ...], ...]
Groups = tuple[Sets, ...] | None
"""Elements that are combined with each other, each a list of alternatives; None without GROUP BY."""


def of(tree: exp.Expr | None, expressions: Expressions, outputs: tuple[Output, ...], items: tuple[Node, ...]) -> Groups:
    """Analyse GROUP BY.

    Raises:
        QueryFailed: for an invalid position, or a type that cannot be compared.
    """
    if tree is None:
        return None

    def value(part: exp.Expr) -> Node:
        node = _value(part, expressions, items)
        if not node.type.is_comparable:
            raise mismatch(f"{node.type} is not comparable, and therefore cannot be used in GROUP BY")
        return node

    found = tuple(_element(part, value) for part in tree.expressions)
    return (_distinct(found),) if tree.args.get("all") is False else found


def _distinct(elements: tuple[Sets, ...]) -> Sets:
    """Return every combination once, for GROUP BY DISTINCT."""
    combined = [tuple(itertools.chain(*chosen)) for chosen in itertools.product(*elements)]
    return tuple({frozenset(one): one for one in combined}.values())


def _element(part: exp.Expr, value: Callable[[exp.Expr], Node]) -> Sets:
    """Return the alternatives of one element of GROUP BY."""
    if isinstance(part, exp.GroupingSets):
        return tuple(chosen for one in part.expressions for chosen in _element(one, value))
    if isinstance(part, exp.Rollup):
        return tuple(_flat(part.expressions[:size], value) for size in range(len(part.expressions), -1, -1))
    if isinstance(part, exp.Cube):
        kept = itertools.product((True, False), repeat=len(part.expressions))
        return tuple(_flat(list(itertools.compress(part.expressions, mask)), value) for mask in kept)
    return (_sets(part, value),)


def _sets(part: exp.Expr, value: Callable[[exp.Expr], Node]) -> tuple[Node, ...]:
    if isinstance(part, exp.Tuple):
        return tuple(value(one) for one in part.expressions)
    return (value(part.this if isinstance(part, exp.Paren) else part),)


def _flat(parts: list[exp.Expr], value: Callable[[exp.Expr], Node]) -> tuple[Node, ...]:
    return tuple(node for part in parts for node in _sets(part, value))


def _value(part: exp.Expr, expressions: Expressions, items: tuple[Node, ...]) -> Node:
    if isinstance(part, exp.Literal) and not part.is_string and part.name.isdigit():
        place = int(part.name)
        if not 1 <= place <= len(items):
            raise QueryFailed(f"INVALID_COLUMN_REFERENCE: GROUP BY position {place} is not in select list")
        if any(isinstance(node, Aggregate | Window) for node in walk(items[place - 1])):
            raise QueryFailed("EXPRESSION_NOT_SCALAR: GROUP BY clause cannot contain aggregations or window functions")
        return items[place - 1]
    return expressions.of(part)


def walk(node: Any, into_queries: bool = False) -> Iterator[Node]:
    """Yield the node and all nodes in it, without entering queries."""
    if isinstance(node, tuple):
        for part in node:
            yield from walk(part)
    elif is_dataclass(node) and not isinstance(node, Query):
        if isinstance(node, Node):
            yield node
        for one in fields(node):
            if one.name not in ("type", "function"):
                yield from walk(getattr(node, one.name))


def checker(groups: Groups, nodes: list[Node], scope: Scope, has_having: bool) -> Callable[[Node], None]:
    """Return a check that refuses expressions that are neither aggregates nor derived from the grouping."""
    is_grouped = groups is not None or has_having or any(_aggregates(node) for node in nodes)
    if not is_grouped:
        return lambda node: None
    keys = {node for sets in groups or () for one in sets for node in one}
    mine = {id_of(one.node) for one in scope.fields}

    def check(node: Any) -> None:
        if isinstance(node, Aggregate) or (isinstance(node, Node) and node in keys):
            return
        if isinstance(node, Column) and id_of(node) in mine:
            raise QueryFailed(
                f"EXPRESSION_NOT_AGGREGATE: '{_name(node, scope)}' must be an aggregate expression or appear in GROUP "
                "BY clause"
            )
        if isinstance(node, Special) and node.name == "grouping":
            return
        for part in _parts(node):
            check(part)

    return check


def id_of(node: Node) -> object:
    return (node.relation, node.name) if isinstance(node, Column) else node


def _name(node: Column, scope: Scope) -> str:
    return next((one.name for one in scope.fields if one.node == node and one.name), node.name)


def _aggregates(node: Node) -> bool:
    """Whether it contains an aggregate that does not belong to a window."""
    if isinstance(node, Aggregate):
        return True
    if isinstance(node, Special) and node.name == "grouping":
        return True
    if isinstance(node, Window):
        inner = node.inner
        parts = [inner.arguments, node.partition, node.order, node.bounds]  # type: ignore[attr-defined]
        return any(_aggregates(one) for part in parts for one in walk(part) if isinstance(one, Aggregate | Window))
    return any(_aggregates(part) for part in _parts(node))


def _parts(node: Any) -> Iterator[Any]:
    if isinstance(node, tuple):
        yield from node
    elif isinstance(node, Window):
        yield from node.inner.arguments  # type: ignore[attr-defined]
        yield from node.partition
        yield from node.order
        yield from node.bounds
    elif is_dataclass(node) and not isinstance(node, Query | Literal):
        if isinstance(node, Subquery):
            yield node.value
        else:
            for one in fields(node):
                if one.name not in ("type", "function"):
                    yield getattr(node, one.name)
