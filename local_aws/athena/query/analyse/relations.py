"""FROM: tables, subqueries, UNNEST, and the joins between them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.analyse.coerced import coerced
from local_aws.athena.query.analyse.expressions import Expressions
from local_aws.athena.query.analyse.failures import mismatch, spoken, syntax, unsupported
from local_aws.athena.query.analyse.operators import comparison
from local_aws.athena.query.analyse.scope import Named, Scope
from local_aws.athena.query.coercion import common
from local_aws.athena.query.nodes import Cast, Column, Derived, Field, Join, Node, Relation, Scan, Special, Unnest
from local_aws.athena.query.types import BIGINT, BOOLEAN, Type

if TYPE_CHECKING:
    from local_aws.athena.query.analyse.queries import Statement

Found = tuple[Relation, Scope]


def joined(
    statement: Statement, first: exp.Expr, joins: list[exp.Expr], outer: Scope | None, sample: exp.Expr | None = None
) -> Found:
    """Return the relation of FROM, and the scope of its names."""
    relation, scope = _relation(statement, first, Scope((), outer))
    joins = [*(first.args.get("joins") or []), *joins]
    for i, join in enumerate(joins):
        relation, scope = _join(statement, relation, scope, join)
        if sample is not None and i == len(joins) - 1 and isinstance(relation, Join):
            relation = replace(relation, right=_sampled(relation.right, sample))
    if sample is not None and not joins:
        relation = _sampled(relation, sample)
    return relation, scope


def _sampled(relation: Relation, sample: exp.Expr) -> Relation:
    percent = sample.args.get("percent")
    try:
        share = float(percent.name) if percent is not None else -1.0
    except ValueError:
        share = -1.0
    if not 0 <= share <= 100:
        raise QueryFailed("INVALID_ARGUMENTS: Sample percentage must be between 0 and 100")
    return replace(relation, sample=share) if isinstance(relation, Scan | Derived) else relation


def _join(statement: Statement, left: Relation, scope: Scope, tree: exp.Expr) -> Found:
    if isinstance(tree, exp.Lateral):
        right, found = _relation(statement, tree, scope)
        return Join(left, right, "CROSS"), scope.joined(found)
    kind = str(tree.args.get("side") or tree.args.get("kind") or "").upper()
    kind = {"": "INNER", "OUTER": "INNER"}.get(kind, kind)
    right, found = _relation(statement, tree.this, scope)
    for inner in tree.this.args.get("joins") or []:
        right, found = _join(statement, right, found, inner)
    using, on = tree.args.get("using"), tree.args.get("on")
    if tree.args.get("method"):
        raise unsupported("NATURAL JOIN and other joins of this kind do not run here")
    if using:
        if texts := [part.name for part in using if isinstance(part, exp.Literal)]:
            raise syntax(f"mismatched input ''{texts[0]}''. Expecting: the name of a column")
        return _using(left, right, kind, [part.name for part in using], scope, found)
    both = scope.joined(found)
    if on is None:
        return Join(left, right, "CROSS"), both
    condition = Expressions(statement, both).condition(on, "JOIN ON")
    return Join(left, right, kind, condition), both


def _using(left: Relation, right: Relation, kind: str, names: list[str], a: Scope, b: Scope) -> Found:
    """Join with USING: its columns come once, before all others."""
    merged, conditions = [], []
    for name in names:
        x, y = _side(a, name, "left"), _side(b, name, "right")
        target = common(x.type, y.type)
        if target is None:
            raise mismatch(f"Cannot apply operator: {spoken(x.type)} = {spoken(y.type)}")
        x, y = coerced(x, target), coerced(y, target)
        conditions.append(comparison("=", x, y))
        value = {"RIGHT": y, "FULL": Special(target, "coalesce", (x, y))}.get(kind, x)
        merged.append(Field(name, target, value))
    folded = {name.lower() for name in names}
    rest = tuple(
        Named(one.name, tuple(replace(f, hidden=True, name=None) if _is(f, folded) else f for f in one.fields))
        for one in (*a.relations, *b.relations)
    )
    scope = Scope((Named(None, tuple(merged)), *rest), a.parent)
    condition = conditions[0] if len(conditions) == 1 else Special(BOOLEAN, "and", tuple(conditions))
    return Join(left, right, kind, condition), scope


def _is(field: Field, names: set[str]) -> bool:
    return bool(field.name and field.name.lower() in names)


def _side(scope: Scope, name: str, side: str) -> Node:
    found = [one for one in scope.fields if one.name and one.name.lower() == name.lower()]
    if not found:
        raise QueryFailed(f"COLUMN_NOT_FOUND: Column '{name}' is missing from {side} side of join")
    if len(found) > 1:
        raise QueryFailed(f"AMBIGUOUS_NAME: Column '{name}' is ambiguous")
    return found[0].node


def _relation(statement: Statement, tree: exp.Expr, scope: Scope) -> Found:
    if isinstance(tree, exp.Table) and isinstance(tree.this, exp.Values):
        return _derived(statement, _with_alias(tree.this, tree.args.get("alias")), scope)
    if isinstance(tree, exp.Table):
        return _table(statement, tree, scope)
    if isinstance(tree, exp.Unnest):
        return _unnest(statement, tree, scope)
    if isinstance(tree, exp.Lateral):
        return _lateral(statement, tree, scope)
    if isinstance(tree, exp.Paren | exp.Subquery) and _is_relation(tree.this):
        return _bracketed(statement, tree, scope)
    if isinstance(tree, exp.Subquery | exp.Values | exp.Query):
        return _derived(statement, tree, scope)
    raise unsupported(f"{tree.key} in FROM does not run here")


def _is_relation(tree: exp.Expr) -> bool:
    """Whether what is in brackets are relations, and not a query."""
    is_named = isinstance(tree, exp.Subquery) and bool(tree.args.get("alias") or tree.args.get("joins"))
    return is_named or isinstance(tree, exp.Table | exp.Unnest | exp.Lateral)


def _with_alias(tree: exp.Expr, alias: exp.Expr | None) -> exp.Expr:
    copy = tree.copy()
    copy.set("alias", alias.copy() if alias else None)
    return copy


def _bracketed(statement: Statement, tree: exp.Expr, scope: Scope) -> Found:
    """Return relations in brackets; an alias after them names all their columns."""
    relation, found = joined(statement, tree.this, tree.args.get("joins") or [], scope.parent)
    alias = tree.args.get("alias")
    if alias is None:
        return relation, found
    return relation, _named(tree, alias.name, tuple(found.fields), scope)


def _table(statement: Statement, tree: exp.Table, scope: Scope) -> Found:
    if not isinstance(tree.this, exp.Identifier):
        raise _no_table(tree.this)
    alias = f"r{statement.number()}"
    name = tree.alias or tree.name
    cte = statement.ctes.get(tree.name.lower()) if not tree.args.get("db") else None
    if cte is not None:
        fields = tuple(
            Field(output.name, output.type, Column(output.type, alias, f"c{i}"))
            for i, output in enumerate(cte.query.outputs)
        )
        relation = Scan(cte.name, alias)
    elif (columns := statement.tables.get(tree.name)) is not None:
        fields = tuple(replace(one, node=of_relation(one.node, alias)) for one in columns)
        relation = Scan(tree.name, alias)
    else:
        raise QueryFailed(f"TABLE_NOT_FOUND: Relation '{tree.name}' cannot be resolved")
    made: Relation = relation
    if (sample := tree.args.get("sample")) is not None:
        made = _sampled(relation, sample)
    return made, _named(tree, name, fields, scope)


def _no_table(function: exp.Expr) -> QueryFailed:
    if function.name.upper() == "TABLE":
        place = f"line {function.meta.get('line', 1)}:{function.meta.get('col', 5) - 4}"
        return QueryFailed(f"SYNTAX_ERROR: {place}: mismatched input 'TABLE'")
    return QueryFailed("PERMISSION_DENIED: Athena reads tables of the catalog, and no other file")


def of_relation(node: Node, alias: str) -> Node:
    """Return a column of a table, which may be cast, under the table's alias."""
    if isinstance(node, Cast):
        return replace(node, value=of_relation(node.value, alias))
    return replace(node, relation=alias)  # type: ignore[call-arg]


def _named(tree: exp.Expr, name: str | None, fields: tuple[Field, ...], scope: Scope) -> Scope:
    alias = tree.args.get("alias")
    names = [part.name for part in alias.columns] if isinstance(alias, exp.TableAlias) else []
    visible = [one for one in fields if not one.hidden]
    if names and len(names) != len(visible):
        raise QueryFailed(
            f"COLUMN_ALIASES_MISMATCH: Column alias list has {len(names)} entries but '{name}' has {len(visible)} "
            "columns available"
        )
    if names:
        fields = tuple(replace(one, name=given) for one, given in zip(fields, names, strict=False))
    return Scope((Named(name.lower() if name else None, fields),), scope.parent)


def _derived(statement: Statement, tree: exp.Expr, scope: Scope, lateral: bool = False) -> Found:
    own = tree.args.get("alias")
    body: exp.Expr = tree
    if type(tree) is exp.Subquery:
        body = tree.this if not any(tree.args.get(p) for p in ("order", "limit", "offset", "with_")) else tree
    query = statement.query(body, scope if lateral else scope.parent)
    alias = f"r{statement.number()}"
    fields = tuple(Field(o.name, o.type, Column(o.type, alias, f"c{i}")) for i, o in enumerate(query.outputs))
    name = own.this.name if isinstance(own, exp.TableAlias) and own.this else None
    made: Relation = Derived(query, alias, lateral)
    if (sample := tree.args.get("sample")) is not None:
        made = _sampled(made, sample)
    return made, _named(tree, name, fields, scope)


def _lateral(statement: Statement, tree: exp.Lateral, scope: Scope) -> Found:
    inner = tree.this
    if isinstance(inner, exp.Unnest):
        return _unnest(statement, inner, scope)
    if not isinstance(inner, exp.Subquery):
        raise unsupported("LATERAL takes a query in parentheses")
    return _derived(statement, _with_alias(inner, tree.args.get("alias")), scope, lateral=True)


def _unnest(statement: Statement, tree: exp.Unnest, scope: Scope) -> Found:
    expressions = Expressions(statement, scope)
    values = tuple(expressions.of(part) for part in tree.expressions)
    alias = f"r{statement.number()}"
    kinds = [kind for value in values for kind in unnested(value.type)]
    offset = tree.args.get("offset")
    kinds += [(None, BIGINT)] if offset else []
    fields = tuple(Field(name, kind, Column(kind, alias, f"c{i}")) for i, (name, kind) in enumerate(kinds))
    names = tree.args.get("alias")
    if names is not None and isinstance(offset, exp.Expr) and names.columns:
        copy = tree.copy()
        copy.args["alias"].append("columns", offset.copy())
        tree = copy
    name = names.this.name if names is not None and names.this else None
    return Unnest(values, alias, bool(offset)), _named(tree, name, fields, scope)


def unnested(kind: Type) -> list[tuple[str | None, Type]]:
    """Return the columns that UNNEST makes from one value."""
    if kind.base == "map":
        return [(None, kind.children[0]), (None, kind.children[1])]
    if kind.base != "array":
        raise mismatch(f"Cannot unnest type: {spoken(kind)}")
    if kind.item.base == "row":
        return list(zip(kind.item.names, kind.item.children, strict=True))
    return [(None, kind.item)]


__all__: list[Any] = ["joined", "unnested"]
