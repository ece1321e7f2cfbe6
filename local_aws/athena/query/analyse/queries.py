"""Queries: analyses their columns and types, from the inside out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlglot import exp

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.analyse import grouping, relations
from local_aws.athena.query.analyse.coerced import coerced, same_type
from local_aws.athena.query.analyse.expressions import Expressions
from local_aws.athena.query.analyse.failures import mismatch, spoken, syntax, unsupported
from local_aws.athena.query.analyse.scope import Named, Scope
from local_aws.athena.query.coercion import coerces, common, common_of
from local_aws.athena.query.nodes import (
    Column,
    Cte,
    Derived,
    Field,
    Node,
    Output,
    Query,
    Select,
    SetOperation,
    Special,
    Tail,
    Values,
)
from local_aws.athena.query.types import Type

Tables = Mapping[str, tuple[Field, ...]]
"""The columns of each table, by its name in the statement; nodes refer to these columns."""
_ANYWHERE = frozenset({"aggregate", "window"})


class Statement:
    """One statement: the tables it may read, and the numbers already used in names."""

    def __init__(self, tables: Tables, database: str = "default") -> None:
        self.tables = tables
        self.database = database
        self.ctes: dict[str, Cte] = {}
        self.windows: dict[str, exp.Expr] = {}
        self._numbers = itertools.count()

    def number(self) -> int:
        return next(self._numbers)

    def query(self, tree: exp.Expr, outer: Scope | None = None) -> Query:
        """Return the typed query.

        Raises:
            QueryFailed: for what Trino's analysis refuses.
        """
        with self._with(tree, outer) as ctes:
            made = self._body(tree, outer)
            return replace(made, ctes=ctes + made.ctes)  # type: ignore[call-arg,attr-defined]

    def subquery(self, tree: exp.Expr, outer: Scope) -> Query:
        return self.query(tree.this if type(tree) is exp.Subquery and not _has_tail(tree) else tree, outer)

    @contextmanager
    def _with(self, tree: exp.Expr, outer: Scope | None) -> Any:
        before, made = dict(self.ctes), []
        with_ = tree.args.get("with_")
        recursive = with_ is not None and bool(with_.args.get("recursive"))
        for one in with_.expressions if with_ is not None else []:
            cte = self._cte(one, recursive, outer)
            self.ctes[one.alias.lower()] = cte
            made.append(cte)
        yield tuple(made)
        self.ctes = before

    def _cte(self, tree: exp.CTE, recursive: bool, outer: Scope | None) -> Cte:
        names = [column.name for column in tree.args["alias"].columns]
        name = f"q{self.number()}"
        if not recursive or not isinstance(tree.this, exp.Union):
            return Cte(name, _renamed(self.query(tree.this, outer), names))
        anchor = _renamed(self.query(tree.this.this, outer), names)
        self.ctes[tree.alias.lower()] = Cte(name, anchor)
        step = self.query(tree.this.expression, outer)
        operator = "UNION" if tree.this.args.get("distinct") else "UNION ALL"
        kinds = [output.type for output in anchor.outputs]
        if len(step.outputs) != len(kinds):
            raise mismatch("the parts of a recursive query have different numbers of columns")
        for own, due in zip(step.outputs, kinds, strict=True):
            if not coerces(own.type, due):
                raise mismatch(
                    f"recursion step relation output type ({own.type}) is not coercible to recursion base relation "
                    f"output type ({due})"
                )
        body = SetOperation(anchor.outputs, operator, anchor, self.cast_outputs(step, kinds))
        return Cte(name, body, recursive=True)

    def _body(self, tree: exp.Expr, outer: Scope | None) -> Query:
        if isinstance(tree, exp.Select):
            return _SelectAnalysis(self, tree, outer).made()
        if isinstance(tree, exp.SetOperation):
            return self._set_operation(tree, outer)
        if isinstance(tree, exp.Values):
            return self._values(tree, outer)
        if isinstance(tree, exp.Subquery):
            return self._wrapped(tree, outer)
        if isinstance(tree, exp.Table):
            star = exp.Select(expressions=[exp.Star()], from_=exp.From(this=tree.copy()))
            return _SelectAnalysis(self, star, outer).made()
        raise unsupported(f"the query {tree.key} does not run here")

    def _wrapped(self, tree: exp.Subquery, outer: Scope | None) -> Query:
        inner = self.query(tree.this, outer)
        if not _has_tail(tree):
            return inner
        alias = f"r{self.number()}"
        items = tuple(Column(output.type, alias, f"c{i}") for i, output in enumerate(inner.outputs))
        made = Select(inner.outputs, items, Derived(inner, alias))
        return replace(made, tail=self.tail(tree, inner.outputs, items, outer))

    def _values(self, tree: exp.Values, outer: Scope | None) -> Query:
        expressions = Expressions(self, outer or Scope())
        rows = [self._row(part, expressions) for part in tree.expressions]
        width = len(rows[0])
        if any(len(row) != width for row in rows):
            raise syntax(
                f"Values rows have mismatched sizes: {width} vs {next(len(r) for r in rows if len(r) != width)}"
            )
        kinds = [self._common([row[i].type for row in rows]) for i in range(width)]
        cast = tuple(tuple(coerced(v, kind) for v, kind in zip(row, kinds, strict=True)) for row in rows)
        outputs = tuple(Output(None, kind) for kind in kinds)
        return replace(Values(outputs, cast), tail=self.tail(tree, outputs, None, outer))

    def _row(self, part: exp.Expr, expressions: Expressions) -> list[Node]:
        if isinstance(part, exp.Tuple) and len(part.expressions) == 1 and isinstance(part.expressions[0], exp.Tuple):
            part = part.expressions[0]
        single = part.expressions[0] if isinstance(part, exp.Tuple) and len(part.expressions) == 1 else None
        if single is not None:
            return _columns_of(expressions.of(single))
        return [expressions.of(item) for item in part.expressions]

    def _common(self, kinds: list[Type]) -> Type:
        found = common_of(kinds)
        if found is None:
            raise mismatch(
                "Values rows have mismatched types: " + " vs ".join(sorted({spoken(kind) for kind in kinds}))
            )
        return found

    def _set_operation(self, tree: exp.SetOperation, outer: Scope | None) -> Query:
        left, right = self.query(tree.this, outer), self.query(tree.expression, outer)
        if len(left.outputs) != len(right.outputs):
            raise mismatch("the queries of a set operation have different numbers of columns")
        kinds = []
        for i, (a, b) in enumerate(zip(left.outputs, right.outputs, strict=True)):
            kind = common(a.type, b.type)
            if kind is None:
                raise mismatch(
                    f"column {i + 1} in {tree.key.upper()} query has incompatible types: {spoken(a.type)}, "
                    f"{spoken(b.type)}"
                )
            kinds.append(kind)
        operator = tree.key.upper() + ("" if tree.args.get("distinct") else " ALL")
        outputs = tuple(Output(own.name, kind) for own, kind in zip(left.outputs, kinds, strict=True))
        made = SetOperation(outputs, operator, self.cast_outputs(left, kinds), self.cast_outputs(right, kinds))
        return replace(made, tail=self.tail(tree, outputs, None, outer))

    def cast_outputs(self, query: Query, kinds: list[Type]) -> Query:
        """Return the query with its columns cast to these types."""
        if all(
            output.type == kind or same_type(output.type, kind)
            for output, kind in zip(query.outputs, kinds, strict=True)
        ):
            return query
        alias = f"r{self.number()}"
        columns = [Column(output.type, alias, f"c{i}") for i, output in enumerate(query.outputs)]
        outputs = tuple(Output(o.name, kind) for o, kind in zip(query.outputs, kinds, strict=True))
        items = tuple(coerced(column, kind) for column, kind in zip(columns, kinds, strict=True))
        return Select(outputs, items, Derived(query, alias))

    def tail(
        self,
        tree: exp.Expr,
        outputs: tuple[Output, ...],
        items: tuple[Node, ...] | None,
        outer: Scope | None,
        expressions: Expressions | None = None,
        check: Callable[[Node], None] | None = None,
    ) -> Tail:
        """Return ORDER BY, OFFSET and LIMIT; `items` is the select list, None if only the outputs can be named."""
        order = tree.args.get("order")
        names = [output.name.lower() if output.name else None for output in outputs]
        made = []
        for one in order.expressions if order else []:
            place = self._place(one.this, names, items, expressions, check)
            kind = outputs[place].type if isinstance(place, int) else place.type
            if not kind.is_orderable:
                raise mismatch(f"Type {kind} is not orderable, and therefore cannot be used in ORDER BY")
            made.append((place, bool(one.args.get("desc")), bool(one.args.get("nulls_first"))))
        limit, offset, ties = self._limits(tree, Expressions(self, outer or Scope()))
        if ties and not made:
            raise QueryFailed("MISSING_ORDER_BY: FETCH FIRST WITH TIES clause requires ORDER BY")
        return Tail(tuple(made), limit, offset, ties)

    def _place(
        self,
        tree: exp.Expr,
        names: list[str | None],
        items: tuple[Node, ...] | None,
        expressions: Expressions | None,
        check: Callable[[Node], None] | None,
    ) -> Node | int:
        if isinstance(tree, exp.Literal) and not tree.is_string:
            if not tree.name.isdigit() or not 1 <= int(tree.name) <= len(names):
                raise QueryFailed(
                    f"INVALID_COLUMN_REFERENCE: ORDER BY position is not in the select list, which has {len(names)}"
                )
            return int(tree.name) - 1
        if isinstance(tree, exp.Column) and len(tree.parts) == 1 and tree.name.lower() in names:
            places = [i for i, name in enumerate(names) if name == tree.name.lower()]
            if len(places) > 1 and items is not None and len({items[i] for i in places}) > 1:
                raise QueryFailed(f"AMBIGUOUS_NAME: Column '{tree.name}' is ambiguous")
            return places[0]
        if expressions is None:
            if isinstance(tree, exp.Column):
                raise QueryFailed(f"COLUMN_NOT_FOUND: Column '{tree.name}' cannot be resolved")
            raise unsupported("ORDER BY of a set operation names its columns, by name or position")
        node = expressions.of(tree)
        if items is not None and node in items:
            return items.index(node)
        if check is not None:
            check(node)
        return node

    def _limits(self, tree: exp.Expr, expressions: Expressions) -> tuple[Node | None, Node | None, bool]:
        limit, offset = tree.args.get("limit"), tree.args.get("offset")
        count = limit.args.get("count") or limit.args.get("expression") if limit is not None else None
        if isinstance(limit, exp.Fetch) and count is None:
            count = exp.Literal.number(1)
        options = limit.args.get("limit_options") if isinstance(limit, exp.Fetch) else None
        ties = bool(options and options.args.get("with_ties"))
        wanted = None if count is None or count.name.upper() == "ALL" else self._count(count, expressions)
        skipped = self._count(offset.expression, expressions) if offset is not None else None
        return wanted, skipped, ties

    def _count(self, tree: exp.Expr, expressions: Expressions) -> Node:
        node = expressions.of(tree)
        if not node.type.is_whole or getattr(node, "value", 0) is None or (getattr(node, "value", 0) or 0) < 0:
            raise syntax("LIMIT and OFFSET cannot be negative")
        return node


def _has_tail(tree: exp.Expr) -> bool:
    return any(tree.args.get(part) for part in ("order", "limit", "offset", "with_"))


def _renamed(query: Query, names: list[str]) -> Query:
    if not names:
        return query
    if len(names) != len(query.outputs):
        raise QueryFailed(
            f"COLUMN_ALIASES_MISMATCH: Column alias list has {len(names)} entries but the query has "
            f"{len(query.outputs)} columns"
        )
    return replace(query, outputs=tuple(Output(n, o.type) for n, o in zip(names, query.outputs, strict=True)))


class _SelectAnalysis:
    """Analyses SELECT ... FROM ... WHERE ... GROUP BY ... HAVING ... ORDER BY."""

    def __init__(self, statement: Statement, tree: exp.Select, outer: Scope | None) -> None:
        self.statement = statement
        self.tree = tree
        self.outer = outer

    def made(self) -> Query:
        source, scope = self._from()
        expressions = Expressions(self.statement, scope)
        where = self.tree.args.get("where")
        condition = expressions.condition(where.this, "WHERE") if where else None
        before = self.statement.windows
        self.statement.windows = {**before, **{w.name.lower(): w for w in self.tree.args.get("windows") or []}}
        made = self._grouped(source, expressions, condition)
        self.statement.windows = before
        return made

    def _from(self) -> tuple[Any, Scope]:
        from_ = self.tree.args.get("from_")
        if from_ is None:
            return None, Scope((), self.outer)
        joins = [*(self.tree.args.get("joins") or []), *(self.tree.args.get("laterals") or [])]
        return relations.joined(self.statement, from_.this, joins, self.outer, self.tree.args.get("sample"))

    def _grouped(self, source: Any, expressions: Expressions, condition: Node | None) -> Query:
        anywhere = Expressions(self.statement, expressions.scope, _ANYWHERE)
        outputs, items = self._items(anywhere)
        groups = grouping.of(self.tree.args.get("group"), expressions, outputs, items)
        having = self.tree.args.get("having")
        filtered = Expressions(self.statement, expressions.scope, frozenset({"aggregate"}))
        kept = filtered.condition(having.this, "HAVING") if having else None
        aliased = replace(expressions.scope, aliases=self._aliases(outputs, items))
        ordering = Expressions(self.statement, aliased, _ANYWHERE)
        check = grouping.checker(groups, [*items, *([kept] if kept else [])], expressions.scope, having is not None)
        for item in [*items, *([kept] if kept is not None else [])]:
            check(item)
        distinct = bool(self.tree.args.get("distinct"))
        if distinct:
            _check_distinct(outputs)
        tail = self.statement.tail(self.tree, outputs, items, self.outer, ordering, check)
        if distinct and any(not isinstance(place, int) for place, _, _ in tail.order):
            raise QueryFailed(
                "EXPRESSION_NOT_IN_DISTINCT: For SELECT DISTINCT, ORDER BY expressions must appear in select list"
            )
        return Select(outputs, items, source, condition, groups, kept, distinct, tail)

    def _aliases(self, outputs: tuple[Output, ...], items: tuple[Node, ...]) -> tuple[Field, ...]:
        pairs = zip(self._named, outputs, items, strict=True)
        return tuple(Field(output.name, output.type, item) for named, output, item in pairs if named)

    def _items(self, expressions: Expressions) -> tuple[tuple[Output, ...], tuple[Node, ...]]:
        found: list[tuple[str | None, Node]] = []
        self._named: list[bool] = []
        for tree in self.tree.expressions:
            made = self._item(tree, expressions)
            found += made
            self._named += [isinstance(tree, exp.Alias)] * len(made)
        if not found:
            raise syntax("SELECT * not allowed from relation that has no columns")
        return tuple(Output(name, node.type) for name, node in found), tuple(node for _, node in found)

    def _item(self, tree: exp.Expr, expressions: Expressions) -> list[tuple[str | None, Node]]:
        if isinstance(tree, exp.Star):
            return [(one.name, one.node) for one in expressions.scope.star(None)]
        if isinstance(tree, exp.Column) and isinstance(tree.this, exp.Star):
            return self._star_of(tree, expressions)
        if isinstance(tree, exp.Dot) and isinstance(tree.expression, exp.Star):
            return _fields(expressions.of(tree.this))
        if isinstance(tree, exp.Aliases):
            names = [part.name for part in tree.expressions]
            made = self._item(tree.this, expressions)
            if len(made) != len(names):
                raise QueryFailed(f"MISMATCHED_COLUMN_ALIASES: {len(names)} aliases for {len(made)} columns")
            return [(name, node) for name, (_, node) in zip(names, made, strict=True)]
        node = expressions.of(tree)
        if isinstance(tree, exp.Column | exp.Alias | exp.Dot):
            return [(tree.alias_or_name if not isinstance(tree, exp.Dot) else tree.expression.name, node)]
        return [(None, node)]

    def _star_of(self, tree: exp.Column, expressions: Expressions) -> list[tuple[str | None, Node]]:
        parts = [part.name for part in tree.parts[:-1]]
        if len(parts) == 1 and any(r.name == parts[0].lower() for r in expressions.scope.relations):
            return [(one.name, one.node) for one in expressions.scope.star(parts[0])]
        try:
            node = expressions.scope.resolve(parts)
        except QueryFailed:
            return [(one.name, one.node) for one in expressions.scope.star(parts[-1])]
        return _fields(node)


def _fields(node: Node) -> list[tuple[str | None, Node]]:
    if node.type.base != "row":
        raise mismatch(f"an expression before .* must be a row, and this is a {spoken(node.type)}")
    kinds = zip(node.type.names, node.type.children, strict=True)
    return [(name, Special(kind, "field", (node,), i)) for i, (name, kind) in enumerate(kinds)]


def _columns_of(node: Node) -> list[Node]:
    """A row is as many columns as it has fields, any other value is one."""
    if isinstance(node, Special) and node.name == "row":
        return list(node.arguments)
    if node.type.base == "row":
        return [Special(kind, "field", (node,), i) for i, kind in enumerate(node.type.children)]
    return [node]


def _check_distinct(outputs: tuple[Output, ...]) -> None:
    for output in outputs:
        if not output.type.is_comparable:
            raise mismatch(f"DISTINCT can only be applied to comparable types (actual: {output.type})")


__all__ = ["Named", "Statement"]
