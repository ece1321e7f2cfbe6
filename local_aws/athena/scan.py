"""Determines what a query needs of each table: its columns, and the partitions that can contribute rows.

The analysis works on a copy of the query. If it does not understand a query, it requests everything: the answer is
the same, and only more bytes are read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.pushdown_predicates import pushdown_predicates
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from local_aws.athena.tables import HIDDEN, Table

MOST_CONNECTORS = 200
"""ANDs and ORs with which conditions are still moved into subqueries and views: each is compared with every other."""
log = logging.getLogger("local_aws.athena")


@dataclass
class Need:
    """`columns` are lower-case names; each of `conditions` refers only to partition keys of this table."""

    columns: set[str] = field(default_factory=set)
    conditions: list[exp.Expr] = field(default_factory=list)


def needs_of(query: exp.Expr, tables: Mapping[str, Table]) -> dict[str, Need]:
    """Return what `query` needs of each of `tables`, by its name in the query."""
    try:
        return _analysed(query, tables)
    except Exception as error:
        log.info("reads whole tables, as this query was not understood (%s): %s", error, query.sql("athena"))
        return {name: Need({column.name for column in table.columns}) for name, table in tables.items()}


def _analysed(query: exp.Expr, tables: Mapping[str, Table]) -> dict[str, Need]:
    schema: dict[str, object] = {name: _schema(table) for name, table in tables.items()}
    tree = normalize_identifiers(_balanced(query.copy()), dialect="athena")
    tree = qualify(tree, schema=schema, dialect="athena", validate_qualify_columns=False, identify=False)
    if any(table.keys for table in tables.values()) and _connectors(tree) <= MOST_CONNECTORS:
        tree = pushdown_predicates(tree, dialect="trino")
    tree = pushdown_projections(tree)
    needs = {name: Need() for name in tables}
    for scope in traverse_scope(tree):
        _add_columns(scope, needs, tables)
        for source, condition in _conditions(scope):
            table = _table(scope, source)
            if table in tables and _speaks_of_keys(condition, source, tables[table]):
                needs[table].conditions.append(_unqualified(condition))
    return needs


def _balanced(tree: exp.Expr) -> exp.Expr:
    """The query with chains of ANDs and ORs as flat trees, since each name in them looks at all that is above it."""
    for chain in list(tree.find_all(exp.And, exp.Or)):
        if type(chain.parent) is not type(chain):
            operands = list(chain.flatten(unnest=False))
            if len(operands) > 2:
                chain.replace(_halved(type(chain), operands))
    return tree


def _halved(kind: type[exp.Expr], operands: list[exp.Expr]) -> exp.Expr:
    if len(operands) == 1:
        return operands[0]
    middle = len(operands) // 2
    return kind(this=_halved(kind, operands[:middle]), expression=_halved(kind, operands[middle:]))


def _connectors(tree: exp.Expr) -> int:
    return sum(1 for _ in tree.find_all(exp.Connector))


def _schema(table: Table) -> dict[str, str]:
    return {
        **{column.name: "unknown" for column in [*table.columns, *table.keys]},
        **HIDDEN,
    }


def _table(scope: Scope, source: str) -> str:
    node = scope.sources.get(source)
    return node.name.lower() if isinstance(node, exp.Table) else ""


def _add_columns(scope: Scope, needs: dict[str, Need], tables: Mapping[str, Table]) -> None:
    for column in scope.columns:
        named = _table(scope, column.table)
        for name in [named] if column.table else tables:
            if name in needs:
                needs[name].columns.add(column.name.lower())


def _conditions(scope: Scope) -> Iterator[tuple[str, exp.Expr]]:
    """Yield (source, condition) that rows of the source must meet to contribute; outer joins are respected."""
    select = scope.expression
    joins = {join.alias_or_name: join.side for join in select.args.get("joins") or []}
    where = select.args.get("where")
    if where and not {"RIGHT", "FULL"} & set(joins.values()):
        for condition in where.this.flatten() if isinstance(where.this, exp.And) else [where.this]:
            for source in _sources_of(condition):
                if joins.get(source) != "LEFT":
                    yield source, condition
    for join in select.args.get("joins") or []:
        on = join.args.get("on")
        if on and join.side not in ("RIGHT", "FULL") and not {"RIGHT", "FULL"} & set(joins.values()):
            for condition in on.flatten() if isinstance(on, exp.And) else [on]:
                if _sources_of(condition) == {join.alias_or_name}:
                    yield join.alias_or_name, condition


def _sources_of(condition: exp.Expr) -> set[str]:
    return {column.table for column in condition.find_all(exp.Column)}


def _speaks_of_keys(condition: exp.Expr, source: str, table: Table) -> bool:
    keys = {column.name for column in table.keys}
    return (
        _sources_of(condition) == {source}
        and all(column.name in keys for column in condition.find_all(exp.Column))
        and not condition.find(exp.Query, exp.Rand)
    )


def _unqualified(condition: exp.Expr) -> exp.Expr:
    copy = condition.copy()
    for column in copy.find_all(exp.Column):
        column.set("table", None)
    return copy
