"""Function calls: choosing the overload, and functions with special rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query import functions
from local_aws.athena.query.analyse import literals, operators, sqljson
from local_aws.athena.query.analyse.coerced import coerced
from local_aws.athena.query.analyse.failures import mismatch, spoken, syntax, unsupported
from local_aws.athena.query.analyse.resolution import Fit, fitting
from local_aws.athena.query.coercion import common_of
from local_aws.athena.query.functions.signatures import Function
from local_aws.athena.query.nodes import Aggregate, Call, Lambda, Literal, Node, Order, Special, Window
from local_aws.athena.query.types import (
    BIGINT,
    BOOLEAN,
    DAYS,
    UNKNOWN,
    VARCHAR,
    ZONED,
    ZONED_TIME,
    Type,
    array,
    row,
    zoned,
)

if TYPE_CHECKING:
    from local_aws.athena.query.analyse.expressions import Expressions

_FIELDS = {
    "year", "quarter", "month", "week", "day", "day_of_month", "day_of_week", "dow", "day_of_year", "doy",
    "year_of_week", "yow", "hour", "minute", "second", "timezone_hour", "timezone_minute",
}  # fmt: skip
_VALUES = {"first_value", "last_value", "nth_value", "lag", "lead"}
"""Window functions that take IGNORE NULLS."""


def call(within: Expressions, tree: exp.Expr) -> Node:
    """Analyse a call of a function, an aggregate or a window function."""
    if isinstance(tree, exp.Window):
        return _window(within, tree)
    condition, order, inner, ignores = None, [], tree, False
    while not isinstance(inner, exp.Func) or isinstance(inner, exp.Filter | exp.WithinGroup):
        if isinstance(inner, exp.Filter):
            condition = inner.expression.this
        elif isinstance(inner, exp.WithinGroup):
            order = inner.expression.expressions
        elif isinstance(inner, exp.IgnoreNulls | exp.RespectNulls):
            ignores = isinstance(inner, exp.IgnoreNulls)
        else:
            raise unsupported(f"{inner.key} does not run here")
        inner = inner.this
    name = inner.name.lower() if isinstance(inner, exp.Anonymous) else str(inner.this).lower()
    if isinstance(inner, exp.Anonymous):
        kinds = {one.kind for one in functions.table().get(name, [])}
        if name == "listagg" and not order:
            raise syntax("listagg needs an order: listagg(x, ',') WITHIN GROUP (ORDER BY x)")
        if "aggregate" in kinds:
            return _aggregate(within, inner, name, condition, order)
        if "window" in kinds:
            raise QueryFailed(
                f"MISSING_OVER: a window function must have an OVER clause, and stands in the select list or in "
                f"ORDER BY: {name}"
            )
        if condition is not None or order or ignores:
            raise QueryFailed(f"FUNCTION_NOT_AGGREGATE: {name} is no aggregate, and takes no FILTER, ORDER BY or NULLS")
        if name in _OWN:
            return _OWN[name](within, inner.expressions)
        return _overload(within, name, inner.expressions)
    if type(inner).__name__ == "Clauses":
        return sqljson.of(within, inner)
    raise QueryFailed(f"FUNCTION_NOT_FOUND: Function {inner.sql_name().lower()} not registered")


def _overload(within: Expressions, name: str, arguments: list[exp.Expr]) -> Node:
    fit = fitting(within, name, arguments)
    return Call(fit.result, fit.function, fit.arguments)


def resolved(within: Expressions, name: str, arguments: list[Node]) -> Node:
    """Return the call of a function whose arguments are already analysed."""
    fit = fitting(within, name, arguments)
    return Call(fit.result, fit.function, fit.arguments)


def _aggregate(
    within: Expressions, tree: exp.Anonymous, name: str, condition: exp.Expr | None, given: list[exp.Expr]
) -> Node:
    if "aggregate" not in within.allows:
        raise QueryFailed(
            "EXPRESSION_NOT_SCALAR: WHERE clause cannot contain aggregations, window functions or grouping operations: "
            f"{name}"
        )
    inside = within.without("aggregate", "window")
    arguments, distinct, order = _modifiers(tree.expressions, given)
    fit = fitting(inside, name, arguments)
    filtered = inside.condition(condition, "FILTER") if condition is not None else None
    return Aggregate(fit.result, fit.function, fit.arguments, distinct, _orders(inside, order), filtered)


def _modifiers(given: list[exp.Expr], order: list[exp.Expr]) -> tuple[list[exp.Expr], bool, list[exp.Expr]]:
    arguments, distinct = list(given), False
    if arguments and isinstance(arguments[-1], exp.Order):
        last = arguments.pop()
        order, inner = last.expressions, last.this
        arguments += [inner] if inner is not None else []
    if arguments and isinstance(arguments[0], exp.Distinct):
        distinct, arguments = True, [*arguments[0].expressions, *arguments[1:]]
        if arguments and isinstance(arguments[-1], exp.Order):
            return _modifiers_distinct(arguments)
    return [part for part in arguments if not isinstance(part, exp.Star)], distinct, order


def _modifiers_distinct(arguments: list[exp.Expr]) -> tuple[list[exp.Expr], bool, list[exp.Expr]]:
    last = arguments.pop()
    return [*arguments, last.this], True, last.expressions


def _orders(within: Expressions, given: list[exp.Expr]) -> tuple[Order, ...]:
    return tuple(order_of(within, one) for one in given)


def order_of(within: Expressions, tree: exp.Expr) -> Order:
    value = within.of(tree.this)
    if not value.type.is_orderable:
        raise mismatch(f"Type {value.type} is not orderable, and therefore cannot be used in ORDER BY")
    return Order(value, bool(tree.args.get("desc")), bool(tree.args.get("nulls_first")))


def _window(within: Expressions, tree: exp.Window) -> Node:
    if "window" not in within.allows:
        raise QueryFailed("NESTED_WINDOW: a window function stands in the select list or in ORDER BY, and in no other")
    has_nulls, ignores = (
        isinstance(tree.this, exp.IgnoreNulls | exp.RespectNulls),
        isinstance(tree.this, exp.IgnoreNulls),
    )
    inner, spec = tree.this.this if has_nulls else tree.this, _named(within, tree)
    _check_window(inner.name.lower(), spec, has_nulls)
    inside = within.without("window")
    partition = tuple(inside.of(part) for part in spec.args.get("partition_by") or [])
    order = spec.args.get("order")
    orders = _orders(inside, order.expressions if order else [])
    frame, bounds = _frame(inside, spec.args.get("spec"), orders)
    return Window(_type_of(inner := _inner(inside, inner)), inner, partition, orders, frame, bounds, ignores)


def _check_window(name: str, spec: exp.Expr, has_nulls: bool) -> None:
    """Raises QueryFailed for a part of OVER that the function does not take."""
    if has_nulls and name not in _VALUES:
        raise QueryFailed(f"NULL_TREATMENT_NOT_ALLOWED: Cannot specify null treatment clause for {name} function")
    if name in ("lag", "lead") and not spec.args.get("order"):
        raise QueryFailed(f"MISSING_ORDER_BY: {name} function requires an ORDER BY window clause")
    if name in ("lag", "lead") and spec.args.get("spec"):
        raise QueryFailed(f"INVALID_WINDOW_FRAME: Cannot specify window frame for {name} function")


def _type_of(node: Node) -> Type:
    return node.type


def _named(within: Expressions, tree: exp.Window) -> exp.Expr:
    """Return the window itself, or the named one of the WINDOW clause."""
    alias = tree.args.get("alias") or (tree.args.get("first") if isinstance(tree.args.get("first"), exp.Expr) else None)
    if alias is None or tree.args.get("over") is None:
        return tree
    found = within.statement.windows.get(alias.name.lower())
    if found is None:
        raise QueryFailed(f"INVALID_WINDOW_REFERENCE: Cannot resolve WINDOW name {alias.name}")
    merged = found.copy()
    for part in ("partition_by", "order", "spec"):
        if tree.args.get(part):
            merged.set(part, tree.args[part])
    return merged


def _inner(within: Expressions, tree: exp.Expr) -> Node:
    inner = tree.this if isinstance(tree, exp.Filter) else tree
    if not isinstance(inner, exp.Anonymous):
        raise QueryFailed(f"FUNCTION_NOT_FOUND: Function {inner.key} not registered")
    name = inner.name.lower()
    kinds = {one.kind for one in functions.table().get(name, [])}
    if "window" in kinds:
        fit = fitting(within, name, inner.expressions)
        return Call(fit.result, fit.function, fit.arguments)
    if any(isinstance(part, exp.Order) for part in inner.expressions):
        raise unsupported("Window function with ORDER BY is not supported")
    if "aggregate" not in kinds:
        known = "FUNCTION_NOT_WINDOW" if kinds else "FUNCTION_NOT_FOUND"
        raise QueryFailed(f"{known}: Function {name} " + ("is no window function" if kinds else "not registered"))
    condition = tree.expression.this if isinstance(tree, exp.Filter) else None
    allowed = type(within)(within.statement, within.scope, within.allows | {"aggregate"})
    return _aggregate(_Nested(allowed), inner, name, condition, [])  # type: ignore[arg-type]


class _Nested:
    """Analyses an aggregate over a window, which may contain the aggregates of the groups."""

    def __init__(self, within: Expressions) -> None:
        self._within = within
        self.allows = within.allows

    def without(self, *kinds: str) -> Expressions:
        return self._within.without(*[kind for kind in kinds if kind != "aggregate"])


def _frame(within: Expressions, spec: exp.Expr | None, orders: tuple[Order, ...]) -> tuple[str, tuple[Node, ...]]:
    if spec is None:
        return "", ()
    bounds: list[Node] = []
    kind = spec.text("kind").upper()
    texts = [_bound(within, spec, side, bounds, kind, orders) for side in ("start", "end")]
    texts[1] = texts[1] or "CURRENT ROW"
    if texts[0].startswith("UNBOUNDED FOLLOWING") or texts[1].startswith("UNBOUNDED PRECEDING"):
        raise QueryFailed(f"INVALID_WINDOW_FRAME: Window frame cannot go from {texts[0]} to {texts[1]}")
    ranks = [_rank(text) for text in texts]
    if ranks[0] > ranks[1]:
        raise QueryFailed(
            f"INVALID_WINDOW_FRAME: Window frame cannot go from {texts[0]} to {texts[1]}".replace("{}", "n")
        )
    return f"{kind} BETWEEN {texts[0]} AND {texts[1]}", tuple(bounds)


def _rank(text: str) -> int:
    return 0 if text.endswith("PRECEDING") else 2 if text.endswith("FOLLOWING") else 1


def _bound(
    within: Expressions, spec: exp.Expr, side: str, bounds: list[Node], kind: str, orders: tuple[Order, ...]
) -> str:
    value = spec.args.get(side)
    if value is None:
        return ""
    if isinstance(value, str):
        return f"{value} {spec.args.get(f'{side}_side') or ''}".strip().upper()
    node = within.of(value)
    if kind in ("ROWS", "GROUPS"):
        if node.type.base == "decimal" and node.type.scale == 0:
            node = coerced(node, BIGINT)
        if not node.type.is_whole:
            raise mismatch(
                f"Window frame {kind} value type must be exact numeric type with scale 0: {spoken(node.type)}"
            )
        if isinstance(node, Literal) and node.value is None:
            raise QueryFailed("INVALID_WINDOW_FRAME: Window frame offset must not be null")
        if isinstance(node, Literal) and int(node.value) < 0:
            raise QueryFailed("INVALID_WINDOW_FRAME: Window frame offset must not be negative")
    elif len(orders) != 1:
        raise QueryFailed("INVALID_ORDER_BY: Window frame of type RANGE PRECEDING or FOLLOWING requires one sort item")
    bounds.append(node)
    return f"{{}} {str(spec.args.get(f'{side}_side')).upper()}"


def at_time_zone(value: Node, zone: Node) -> Node:
    kind = value.type
    if kind.base not in ("timestamp", ZONED, "time", ZONED_TIME):
        raise mismatch(f"Type of value must be a time or timestamp with or without time zone (actual {spoken(kind)})")
    if not zone.type.is_text and zone.type.base != DAYS:
        raise mismatch(f"Type of time zone must be varchar or interval day to second (actual {spoken(zone.type)})")
    target = Type(ZONED if kind.base in ("timestamp", ZONED) else ZONED_TIME, kind.args)
    return Special(target, "at time zone", (coerced(value, target), zone))


def _extract(within: Expressions, parts: list[exp.Expr]) -> Node:
    name, value = parts[0].name.lower(), within.of(parts[1])
    if name not in _FIELDS:
        raise QueryFailed(f"SYNTAX_ERROR: Invalid EXTRACT field: {name}")
    return resolved(within, name, [value])


def _same_kind(name: str) -> Callable[[Expressions, list[exp.Expr]], Node]:
    def made(within: Expressions, parts: list[exp.Expr]) -> Node:
        values = [within.of(part) for part in parts]
        target = common_of([value.type for value in values])
        if target is None or not values:
            raise mismatch(
                f"All {name.upper()} operands must be the same type: " + ", ".join(spoken(v.type) for v in values)
            )
        if name != "coalesce" and not target.is_orderable:
            raise _no_overload(name, values)
        return Special(target, name, tuple(coerced(value, target) for value in values))

    return made


def _no_overload(name: str, values: list[Node]) -> QueryFailed:
    kinds = ", ".join(spoken(value.type) for value in values)
    return QueryFailed(f"FUNCTION_NOT_FOUND: Unexpected parameters ({kinds}) for function {name}")


def _nullif(within: Expressions, parts: list[exp.Expr]) -> Node:
    first, second = map(within.of, parts)
    same = operators.comparison("=", first, second)
    return Special(first.type, "case", (same, Literal(first.type, None), first))


def _try(within: Expressions, parts: list[exp.Expr]) -> Node:
    value = within.of(parts[0])
    return Special(value.type, "try", (value,))


def _typeof(within: Expressions, parts: list[exp.Expr]) -> Node:
    return literals.text(str(within.of(parts[0]).type))


def _row(within: Expressions, parts: list[exp.Expr]) -> Node:
    values = tuple(within.of(part) for part in parts)
    return Special(row(*((None, value.type) for value in values)), "row", values)


def _concat(within: Expressions, parts: list[exp.Expr]) -> Node:
    values = [within.of(part) for part in parts]
    if len(values) < 2 and not (values and values[0].type.base == "array"):
        raise QueryFailed("FUNCTION_NOT_FOUND: There must be two or more concatenation arguments")
    return operators.concatenated(values)


def _format(within: Expressions, parts: list[exp.Expr]) -> Node:
    values = [within.of(part) for part in parts]
    if len(values) < 2 or not values[0].type.is_text:
        raise _no_overload("format", values)
    return Special(VARCHAR, "format", tuple(values))


def _zip(within: Expressions, parts: list[exp.Expr]) -> Node:
    values = [within.of(part) for part in parts]
    if len(values) < 2 or any(value.type.base != "array" for value in values):
        raise _no_overload("zip", values)
    return Special(array(row(*((None, value.type.item) for value in values))), "zip", tuple(values))


def _mod(within: Expressions, parts: list[exp.Expr]) -> Node:
    return operators.arithmetic("%", within.of(parts[0]), within.of(parts[1]))


def _at_timezone(within: Expressions, parts: list[exp.Expr]) -> Node:
    value = within.of(parts[0])
    if value.type.base == "timestamp":
        raise _no_overload("at_timezone", [value])
    return at_time_zone(value, within.of(parts[1]))


def _now(base: str) -> Callable[[Expressions, list[exp.Expr]], Node]:
    def made(_: Expressions, parts: list[exp.Expr]) -> Node:
        return Special(Type(base, (int(parts[0].name) if parts else 3,)), "now", ())

    return made


def _grouping(within: Expressions, parts: list[exp.Expr]) -> Node:
    if "aggregate" not in within.allows:
        raise QueryFailed("EXPRESSION_NOT_SCALAR: GROUPING stands in a query with GROUP BY")
    values = tuple(within.without("aggregate").of(part) for part in parts)
    return Special(BIGINT if len(parts) > 31 else Type("integer"), "grouping", values)


_OWN: dict[str, Callable[[Any, list[exp.Expr]], Node]] = {
    "at_timezone": _at_timezone,
    "coalesce": _same_kind("coalesce"),
    "concat": _concat,
    "current_timestamp": _now(ZONED),
    "current_timezone": lambda w, p: literals.text("UTC"),
    "current_time": _now(ZONED_TIME),
    "extract": _extract,
    "format": _format,
    "greatest": _same_kind("greatest"),
    "grouping": _grouping,
    "least": _same_kind("least"),
    "localtime": _now("time"),
    "localtimestamp": _now("timestamp"),
    "mod": _mod,
    "now": lambda w, p: Special(zoned(3), "now", ()),
    "nullif": _nullif,
    "row": _row,
    "try": _try,
    "typeof": _typeof,
    "zip": _zip,
}
__all__ = ["BOOLEAN", "UNKNOWN", "Fit", "Function", "Lambda"]
