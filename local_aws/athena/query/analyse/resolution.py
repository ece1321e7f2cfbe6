"""Overload resolution: chooses the closest overload for the arguments, as Trino does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query import functions
from local_aws.athena.query.analyse.coerced import coerced
from local_aws.athena.query.analyse.failures import spoken
from local_aws.athena.query.coercion import as_decimal, coerces, common
from local_aws.athena.query.functions.signatures import Function
from local_aws.athena.query.nodes import Node
from local_aws.athena.query.types import DIGITS, UNKNOWN, Type

if TYPE_CHECKING:
    from local_aws.athena.query.analyse.expressions import Expressions

_GENERIC = ("varchar", "char", "decimal", "timestamp", "time", "timestamp with time zone", "time with time zone")
_WIDTH = {**{base: i for i, base in enumerate(DIGITS)}, "decimal": 5, "real": 7, "double": 8}
Bindings = dict[str, Type]


@dataclass
class Fit:
    function: Function
    result: Type
    arguments: tuple[Node, ...]


def fitting(within: Expressions, name: str, arguments: list[exp.Expr] | list[Node]) -> Fit:
    """Return the overload, with the arguments cast to its parameter types.

    Raises:
        QueryFailed: FUNCTION_NOT_FOUND.
    """
    overloads = functions.table().get(name)
    if overloads is None:
        raise QueryFailed(f"FUNCTION_NOT_FOUND: Function {name} not registered")
    given = [
        None if isinstance(one, exp.Lambda) else one if isinstance(one, Node) else within.of(one) for one in arguments
    ]
    chosen = _chosen(overloads, given)
    if chosen is None:
        raise _unexpected(name, given)
    return _filled(within, *chosen, given, arguments)


def _unexpected(name: str, given: list[Node | None]) -> QueryFailed:
    kinds = ", ".join("function" if one is None else spoken(one.type) for one in given)
    return QueryFailed(f"FUNCTION_NOT_FOUND: Unexpected parameters ({kinds}) for function {name}")


def _chosen(overloads: list[Function], given: list[Node | None]) -> tuple[Function, list[Type], Bindings] | None:
    best = None
    for one in overloads:
        patterns = _patterns(one, len(given))
        if patterns is None:
            continue
        bindings: Bindings = {}
        costs = [_cost(pattern, node, bindings) for pattern, node in zip(patterns, given, strict=True)]
        if None in costs:
            continue
        cost = sum(cost for cost in costs if cost)
        if best is None or cost < best[0]:
            best = (cost, one, patterns, bindings)
    return best[1:] if best else None


def _patterns(one: Function, count: int) -> list[Type] | None:
    patterns = list(one.parameters)
    if one.variadic and count >= len(patterns) - 1:
        return patterns[:-1] + [patterns[-1]] * (count - len(patterns) + 1)
    return patterns if len(patterns) == count else None


def _cost(pattern: Type, node: Node | None, bindings: Bindings) -> int | None:
    """Return the distance of an argument from the parameter type; None if it does not fit."""
    if (node is None) != (pattern.base == "function"):
        return None
    return 0 if node is None else _bound(pattern, node.type, bindings)


def _bound(pattern: Type, kind: Type, bindings: Bindings) -> int | None:
    if _is_variable(pattern):
        known = bindings.get(pattern.base)
        wider = common(known, kind) if known else kind
        if wider is None:
            return None
        bindings[pattern.base] = wider
        return 0
    if kind == UNKNOWN:
        return 1
    if pattern.children and pattern.base == kind.base and len(pattern.children) == len(kind.children):
        costs = [_bound(own, other, bindings) for own, other in zip(pattern.children, kind.children, strict=True)]
        return None if None in costs else sum(cost for cost in costs if cost)
    if pattern.children:
        return None
    if pattern.base == kind.base and (pattern.base in _GENERIC or pattern == kind):
        return 0
    return _distance(pattern, kind)


def _distance(pattern: Type, kind: Type) -> int | None:
    if pattern.base == "decimal":
        return 6 - _WIDTH[kind.base] if kind.is_whole else None
    if pattern.base in _GENERIC and pattern.args:
        pattern = Type(pattern.base, (6,))
    if not coerces(kind, pattern):
        return None
    return max(1, _WIDTH.get(pattern.base, 1) - _WIDTH.get(kind.base, 0))


def _is_variable(kind: Type) -> bool:
    return len(kind.base) == 1 and kind.base.isupper()


def _due(pattern: Type, kind: Type | None, bindings: Bindings) -> Type:
    """Return the type that an argument is cast to."""
    if _is_variable(pattern):
        return bindings.get(pattern.base, UNKNOWN)
    if pattern.children:
        children = (
            kind.children if kind and len(kind.children) == len(pattern.children) else (None,) * len(pattern.args)
        )
        inner = tuple(_due(own, other, bindings) for own, other in zip(pattern.children, children, strict=True))
        return Type(pattern.base, inner, kind.names if kind and kind.names else pattern.names)
    if kind is None or kind == UNKNOWN:
        return pattern
    if pattern.base == "decimal":
        return as_decimal(kind)
    if pattern.base in _GENERIC and pattern.base == kind.base:
        return kind
    if pattern.base in _GENERIC and pattern.args and pattern.base not in ("varchar", "char"):
        return Type(pattern.base, kind.args or (0,))
    return pattern


def _filled(
    within: Expressions,
    one: Function,
    patterns: list[Type],
    bindings: Bindings,
    given: list[Node | None],
    arguments: list[exp.Expr] | list[Node],
) -> Fit:
    made: list[Node] = []
    for pattern, node, tree in zip(patterns, given, arguments, strict=True):
        if node is not None:
            made.append(node)
        else:
            made.append(_lambda(within, one.name, pattern, tree, bindings))  # type: ignore[arg-type]
    dues = [_due(p, n.type if n else None, bindings) for p, n in zip(patterns, given, strict=True)]
    final = tuple(coerced(node, due) if n is not None else node for node, due, n in zip(made, dues, given, strict=True))
    kinds = [n.type if _is_same(due, n.type) else due for due, n in zip(dues, final, strict=True)]
    result = one.result(kinds) if callable(one.result) else _due(one.result, None, bindings)
    return Fit(one, result, final)


def _is_same(due: Type, kind: Type) -> bool:
    return due.base == kind.base and not due.children


def _lambda(within: Expressions, name: str, pattern: Type, tree: exp.Lambda, bindings: Bindings) -> Node:
    """Analyse the lambda, whose result binds a type variable of the signature; widen that if it is too narrow."""
    for _ in range(3):
        kinds = [_due(part, None, bindings) for part in pattern.children[:-1]]
        node = within.lambda_of(tree, kinds)
        due, own = pattern.children[-1], node.body.type
        if not _is_variable(due):
            return _returning(name, node, _due(due, None, bindings))
        known = bindings.get(due.base)
        wider = common(known, own) if known else own
        if wider is None:
            raise _unexpected(name, [None])
        taken = [part.base for part in pattern.children[:-1]]
        if known is None or wider == known or (own == wider and due.base not in taken):
            bindings[due.base] = wider
            return _returning(name, node, wider)
        bindings[due.base] = wider
    return _returning(name, node, bindings[due.base])


def _returning(name: str, node: Node, due: Type) -> Node:
    from dataclasses import replace

    body = node.body  # type: ignore[attr-defined]
    if not coerces(body.type, due):
        raise _unexpected(name, [None])
    return replace(node, body=coerced(body, due))  # type: ignore[call-arg]
