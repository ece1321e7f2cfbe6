"""Expressions: converts each syntax node into a typed node."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local_aws.athena.query.analyse import calls, literals, operators
from local_aws.athena.query.analyse.coerced import coerced, same_type
from local_aws.athena.query.analyse.failures import mismatch, operator_mismatch, spoken, syntax, unsupported
from local_aws.athena.query.analyse.scope import Scope, field_of
from local_aws.athena.query.coercion import common, common_of
from local_aws.athena.query.nodes import Cast, Lambda, Literal, Node, Query, Special, Subquery, Variable
from local_aws.athena.query.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    ZONED,
    Type,
    array,
    map_of,
    parsed,
    row,
    varchar,
    zoned,
)
from local_aws.context import ACCOUNT

if TYPE_CHECKING:
    from local_aws.athena.query.analyse.queries import Statement

COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM", exp.NullSafeNEQ: "IS DISTINCT FROM",
}  # fmt: skip
_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}


class Expressions:
    """Analyses expressions in a scope; `allows` says whether aggregates and windows are allowed."""

    def __init__(self, statement: Statement, scope: Scope, allows: frozenset[str] = frozenset()) -> None:
        self.statement = statement
        self.scope = scope
        self.allows = allows

    def within(self, scope: Scope) -> Expressions:
        return Expressions(self.statement, scope, self.allows)

    def without(self, *kinds: str) -> Expressions:
        return Expressions(self.statement, self.scope, self.allows - set(kinds))

    def of(self, tree: exp.Expr) -> Node:
        """Return the typed expression.

        Raises:
            QueryFailed: for what Trino's analysis refuses.
        """
        for kind in type(tree).__mro__:
            if kind in _RULES:
                return _RULES[kind](self, tree)
        raise unsupported(f"{tree.key} expressions do not run here")

    def condition(self, tree: exp.Expr, where: str) -> Node:
        node = self.of(tree)
        if not same_type(node.type, BOOLEAN) and node.type != UNKNOWN:
            raise mismatch(f"{where} clause must evaluate to a boolean: actual type {spoken(node.type)}")
        return coerced(node, BOOLEAN)

    def lambda_of(self, tree: exp.Lambda, kinds: list[Type]) -> Lambda:
        names = [part.name.lower() for part in tree.expressions]
        if len(names) != len(kinds):
            raise mismatch(f"a lambda of {len(kinds)} arguments is due, and this one has {len(names)}")
        # Named by depth, so that two identical lambdas have identical nodes.
        depth = self.scope.depth
        variables = [Variable(kind, f"v{depth + i}") for i, kind in enumerate(kinds)]
        scope = self.scope.with_variables(dict(zip(names, variables, strict=True)))
        body = Expressions(self.statement, scope).of(tree.this)
        return Lambda(Type("function", (*kinds, body.type)), tuple(variables), body)

    def column(self, tree: exp.Column) -> Node:
        if isinstance(tree.this, exp.Star):
            raise syntax("* stands in the select list and in count(*)")
        return self.scope.resolve([part.name for part in tree.parts])

    def compare(self, tree: exp.Binary) -> Node:
        operator, right = COMPARISONS[type(tree)], tree.expression
        if isinstance(right, exp.Any | exp.All) and isinstance(right.this, exp.Query | exp.Subquery):
            return self._quantified(tree.this, right.this, operator, "any" if isinstance(right, exp.Any) else "all")
        if isinstance(right, exp.Anonymous) and right.name.lower() in ("all", "any", "some"):
            return self._quantified(
                tree.this, right.expressions[0], operator, right.name.lower().replace("some", "any")
            )
        return operators.comparison(operator, self.of(tree.this), self.of(right))

    def _quantified(self, left: exp.Expr, right: exp.Expr, operator: str, kind: str) -> Node:
        query = self.statement.subquery(right, self.scope)
        value = _unpacked(self.of(left), query)
        target = common(value.type, query.outputs[0].type)
        if target is None or len(query.outputs) != 1:
            raise operator_mismatch(operator, value.type, query.outputs[0].type)
        return Subquery(
            BOOLEAN, self.statement.cast_outputs(query, [target]), f"{operator} {kind}", coerced(value, target)
        )

    def arithmetic(self, tree: exp.Binary) -> Node:
        return operators.arithmetic(_ARITHMETIC[type(tree)], self.of(tree.this), self.of(tree.expression))

    def negation(self, tree: exp.Neg) -> Node:
        inner = tree.this.this if isinstance(tree.this, exp.Paren) else tree.this
        if isinstance(inner, exp.Literal) and not inner.is_string:
            if inner.name == "2147483648":
                return Literal(Type("integer"), -(2**31))
            found = literals.negative(literals.number(inner.name))
            if found is not None:
                return found
        return operators.negative(self.of(tree.this))

    def logic(self, tree: exp.Connector) -> Node:
        name = "and" if isinstance(tree, exp.And) else "or"
        parts = [self.condition(part, "Logical expression") for part in tree.flatten()]
        return Special(BOOLEAN, name, tuple(parts))

    def within_list(self, tree: exp.In) -> Node:
        value = self.of(tree.this)
        if (query := tree.args.get("query")) is not None:
            return self._in_query(value, query)
        if len(tree.expressions) == 1 and isinstance(tree.expressions[0], exp.Query | exp.Values):
            return self._in_query(value, tree.expressions[0])
        items = [self.of(item) for item in tree.expressions]
        target = common_of([value.type, *(item.type for item in items)])
        if target is None:
            other = next(item for item in items if common(value.type, item.type) is None)
            raise mismatch(f"IN value and list items must be the same type: {spoken(value.type)}, {spoken(other.type)}")
        parts = tuple(coerced(part, target) for part in (value, *items))
        return Special(BOOLEAN, "in", parts)

    def _in_query(self, value: Node, tree: exp.Expr) -> Node:
        query = self.statement.subquery(tree, self.scope)
        value = _unpacked(value, query)
        kinds = [output.type for output in query.outputs]
        due = list(value.type.children) if value.type.base == "row" and len(kinds) > 1 else [value.type]
        if len(due) != len(kinds):
            raise mismatch(f"Multiple columns returned by subquery are not yet supported. Found {len(kinds)}")
        targets = [common(a, b) for a, b in zip(due, kinds, strict=True)]
        if None in targets:
            raise mismatch(
                f"value and result of subquery must be of the same type for IN expression: {spoken(value.type)} vs "
                f"{spoken(kinds[0])}"
            )
        query = self.statement.cast_outputs(query, [kind for kind in targets if kind])
        target = targets[0] if len(kinds) == 1 else row(*((None, kind) for kind in targets if kind))
        return Subquery(BOOLEAN, query, "in", coerced(value, target or UNKNOWN))

    def scalar(self, tree: exp.Expr) -> Node:
        query = self.statement.subquery(tree, self.scope)
        if len(query.outputs) == 1:
            return Subquery(query.outputs[0].type, query)
        kind = row(*((output.name, output.type) for output in query.outputs))
        return Subquery(kind, query, "row")

    def case(self, tree: exp.Case) -> Node:
        whens = tree.args["ifs"]
        if tree.this is None:
            conditions = [self.condition(when.this, "CASE WHEN") for when in whens]
        else:
            conditions = [operators.comparison("=", self.of(tree.this), self.of(when.this)) for when in whens]
        default = tree.args.get("default")
        values = [self.of(when.args["true"]) for when in whens]
        values.append(self.of(default) if default is not None else Literal(UNKNOWN, None))
        return self._chosen(conditions, values)

    def choice(self, tree: exp.If) -> Node:
        otherwise = tree.args.get("false")
        values = [self.of(tree.args["true"]), self.of(otherwise) if otherwise else Literal(UNKNOWN, None)]
        return self._chosen([self.condition(tree.this, "IF condition")], values)

    def _chosen(self, conditions: list[Node], values: list[Node]) -> Node:
        target = common_of([value.type for value in values])
        if target is None:
            names = ", ".join(sorted({spoken(value.type) for value in values}))
            raise mismatch(f"All CASE results must be the same type or coercible to a common type: {names}")
        pairs = zip(conditions, [coerced(value, target) for value in values], strict=False)
        parts = [part for pair in pairs for part in pair]
        return Special(target, "case", (*parts, coerced(values[-1], target)))

    def between(self, tree: exp.Between) -> Node:
        value = self.of(tree.this)
        low = operators.comparison(">=", value, self.of(tree.args["low"]))
        return Special(BOOLEAN, "and", (low, operators.comparison("<=", value, self.of(tree.args["high"]))))

    def like(self, tree: exp.Expr) -> Node:
        escape = tree.expression if isinstance(tree, exp.Escape) else None
        inner = tree.this if escape is not None else tree
        parts = [self.of(inner.this), self.of(inner.expression)]
        parts += [self.of(escape)] if escape is not None else []
        for part in parts:
            if not part.type.is_text and part.type != UNKNOWN:
                raise mismatch(f"Left side of LIKE expression must evaluate to a varchar (actual: {spoken(part.type)})")
        node = Special(BOOLEAN, "like", tuple(parts))
        return Special(BOOLEAN, "not", (node,)) if inner.args.get("negate") else node

    def is_null(self, tree: exp.Is) -> Node:
        value = self.of(tree.this)
        if isinstance(tree.expression, exp.Null):
            return Special(BOOLEAN, "is null", (value,))
        return operators.comparison("IS NOT DISTINCT FROM", value, self.of(tree.expression))

    def row_of(self, tree: exp.Tuple) -> Node:
        values = tuple(self.of(part) for part in tree.expressions)
        return Special(row(*((None, value.type) for value in values)), "row", values)

    def array_of(self, tree: exp.Array) -> Node:
        values = [self.of(part) for part in tree.expressions]
        item = common_of([value.type for value in values])
        if item is None:
            raise mismatch("All ARRAY elements must be the same type: " + ", ".join(spoken(v.type) for v in values))
        return Special(array(item), "array", tuple(coerced(value, item) for value in values))

    def subscript(self, tree: exp.Bracket) -> Node:
        return operators.subscript(self.of(tree.this), self.of(tree.expressions[0]))

    def dot(self, tree: exp.Dot) -> Node:
        if isinstance(tree.expression, exp.Star):
            raise unsupported("the fields of a row by .* in an expression")
        return field_of(self.of(tree.this), tree.expression.name)

    def cast(self, tree: exp.Cast) -> Node:
        target = parsed(tree.args["to"].args["kind"])
        value = self.of(tree.this)
        operators.check_cast(value.type, target)
        if value.type == target:
            return value
        return Cast(target, value, isinstance(tree, exp.TryCast))

    def at_time_zone(self, tree: exp.AtTimeZone) -> Node:
        return calls.at_time_zone(self.of(tree.this), self.of(tree.args["zone"]))

    def concatenation(self, tree: exp.DPipe) -> Node:
        return operators.concatenated([self.of(tree.this), self.of(tree.expression)])

    def hexadecimal(self, tree: exp.HexString) -> Node:
        digits = "".join(tree.name.split())
        try:
            return Literal(VARBINARY, bytes.fromhex(digits))
        except ValueError as error:
            raise syntax(f"Binary literal must contain an even number of digits of [0-9a-fA-F]: {digits}") from error

    def trim(self, tree: exp.Trim) -> Node:
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(tree.args.get("position") or "").upper(), "trim")
        parts = [self.of(part) for part in (tree.this, tree.expression) if part is not None]
        return calls.resolved(self, name, parts)

    def part_of_text(self, tree: exp.Substring) -> Node:
        parts = [tree.this, tree.args.get("start"), tree.args.get("length")]
        return calls.resolved(self, "substring", [self.of(part) for part in parts if part is not None])


def _unpacked(value: Node, query: Query) -> Node:
    """Return the field of a one-column row, if the query's only column is not a row."""
    kind = value.type
    if kind.base == "row" and len(kind.children) == len(query.outputs) == 1 and query.outputs[0].type.base != "row":
        return Special(kind.children[0], "field", (value,), 0)
    return value


def _unicode(tree: exp.UnicodeString) -> Literal:
    import re

    escape = tree.args.get("escape")
    mark = re.escape(escape.name if isinstance(escape, exp.Expr) else "\\")
    text = re.sub(
        rf"{mark}\+([0-9A-Fa-f]{{6}})|{mark}([0-9A-Fa-f]{{4}})", lambda m: chr(int(m[1] or m[2], 16)), tree.name
    )
    return literals.text(text)


def _literal(tree: exp.Literal) -> Literal:
    return literals.text(tree.name) if tree.is_string else literals.number(tree.name)


_RULES: dict[type, Callable[[Any, Any], Node]] = {
    exp.Literal: lambda e, t: _literal(t),
    exp.Introducer: lambda e, t: literals.typed(str(t.this), t.expression.name),
    exp.Interval: lambda e, t: literals.interval(t.this.name, t.args["unit"].name.lower()),
    exp.HexString: Expressions.hexadecimal,
    exp.UnicodeString: lambda e, t: _unicode(t),
    exp.National: lambda e, t: literals.text(t.name),
    exp.Null: lambda e, t: Literal(UNKNOWN, None),
    exp.Boolean: lambda e, t: Literal(BOOLEAN, bool(t.this)),
    exp.Paren: lambda e, t: e.of(t.this),
    exp.Alias: lambda e, t: e.of(t.this),
    exp.Column: Expressions.column,
    exp.Identifier: lambda e, t: e.scope.resolve([t.name]),
    exp.Not: lambda e, t: Special(BOOLEAN, "not", (e.condition(t.this, "NOT"),)),
    exp.Neg: Expressions.negation,
    exp.And: Expressions.logic,
    exp.Or: Expressions.logic,
    exp.In: Expressions.within_list,
    exp.Subquery: lambda e, t: e.scalar(t),
    exp.Query: lambda e, t: e.scalar(t),
    exp.Exists: lambda e, t: Subquery(BOOLEAN, e.statement.subquery(t.this, e.scope), "exists"),
    exp.Case: Expressions.case,
    exp.If: Expressions.choice,
    exp.Between: Expressions.between,
    exp.Like: Expressions.like,
    exp.Escape: Expressions.like,
    exp.Is: Expressions.is_null,
    exp.Tuple: Expressions.row_of,
    exp.Array: Expressions.array_of,
    exp.Bracket: Expressions.subscript,
    exp.Dot: Expressions.dot,
    exp.Cast: Expressions.cast,
    exp.AtTimeZone: Expressions.at_time_zone,
    exp.DPipe: Expressions.concatenation,
    exp.Trim: Expressions.trim,
    exp.Substring: Expressions.part_of_text,
    exp.StrPosition: lambda e, t: calls.resolved(e, "strpos", [e.of(t.this), e.of(t.args["substr"])]),
    exp.CurrentDate: lambda e, t: Special(DATE, "now", ()),
    exp.CurrentTimestamp: lambda e, t: Special(zoned(3), "now", ()),
    exp.Localtimestamp: lambda e, t: Special(Type("timestamp", (3,)), "now", ()),
    exp.CurrentTime: lambda e, t: Special(Type("time with time zone", (3,)), "now", ()),
    exp.Localtime: lambda e, t: Special(Type("time", (3,)), "now", ()),
    exp.CurrentUser: lambda e, t: literals.text(ACCOUNT),
    exp.CurrentCatalog: lambda e, t: literals.text("awsdatacatalog"),
    exp.CurrentSchema: lambda e, t: literals.text(e.statement.database),
    **dict.fromkeys(COMPARISONS, Expressions.compare),
    **dict.fromkeys(_ARITHMETIC, Expressions.arithmetic),
}
for _kind in (exp.Anonymous, exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls, exp.Window):
    _RULES[_kind] = lambda e, t: calls.call(e, t)
_RULES[exp.Func] = lambda e, t: calls.call(e, t)
__all__ = ["BIGINT", "VARCHAR", "ZONED", "Expressions", "map_of", "varchar"]
