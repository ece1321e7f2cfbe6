"""Refuses the parts of a parsed statement that the analysis does not read, so that none is ignored."""

from __future__ import annotations

from sqlglot import exp

from local_aws.athena.errors import QueryFailed

_TAIL = {"order", "limit", "offset", "with_"}
_READ: dict[type[exp.Expr], set[str]] = {
    exp.Select: _TAIL | {
        "expressions", "from_", "joins", "laterals", "where", "group", "having", "distinct", "windows", "sample",
    },
    exp.Between: {"this", "low", "high"},
    exp.Bracket: {"this", "expressions"},
    exp.CTE: {"this", "alias"},
    exp.Distinct: {"expressions"},
    exp.Fetch: {"direction", "count", "limit_options"},
    exp.Filter: {"this", "expression"},
    exp.From: {"this"},
    exp.Group: {"expressions", "all"},
    exp.In: {"this", "expressions", "query"},
    exp.Join: {"this", "side", "kind", "method", "on", "using"},
    exp.Lateral: {"this", "alias"},
    exp.Limit: {"expression"},
    exp.LimitOptions: {"rows", "with_ties"},
    exp.Offset: {"expression"},
    exp.Order: {"this", "expressions"},
    exp.Ordered: {"this", "desc", "nulls_first"},
    exp.SetOperation: _TAIL | {"this", "expression", "distinct"},
    exp.Star: set(),
    exp.Subquery: _TAIL | {"this", "alias", "joins", "sample"},
    exp.Table: {"this", "alias", "db", "catalog", "joins", "sample"},
    exp.TableAlias: {"this", "columns"},
    exp.TableSample: {"method", "percent"},
    exp.Trim: {"this", "expression", "position"},
    exp.Unnest: {"expressions", "alias", "offset"},
    exp.Values: _TAIL | {"expressions", "alias", "sample"},
    exp.Window: {"this", "alias", "first", "over", "partition_by", "order", "spec"},
    exp.WindowSpec: {"kind", "start", "start_side", "end", "end_side"},
    exp.With: {"expressions", "recursive"},
}  # fmt: skip
"""The parts of each kind of node that the analysis reads."""
_JOINS = {
    ("", ""),
    ("", "INNER"),
    ("", "CROSS"),
    *((side, k) for side in ("LEFT", "RIGHT", "FULL") for k in ("", "OUTER")),
}
_OF_TRINO = {"match": "MATCH", "version": "FOR TIMESTAMP AS OF"}
"""Parts that Athena has and that are not implemented here."""
_OWNERS = {
    "CTE": "WITH", "GROUP": "GROUP BY", "LIMITOPTIONS": "FETCH", "ORDERED": "ORDER BY", "STAR": "*",
    "SUBQUERY": "a query in brackets", "WINDOWSPEC": "a window frame",
}  # fmt: skip
_WORDS = {
    "except_": "EXCEPT or EXCLUDE", "expressions": "BY", "limit_options": "PERCENT or WITH TIES", "pivots": "PIVOT",
    "seed": "REPEATABLE", "this": "values",
}  # fmt: skip


def refuse_leftovers(tree: exp.Expr) -> None:
    """Refuse what the analysis would ignore.

    Raises:
        QueryFailed: SYNTAX_ERROR for what Athena's grammar does not have, NOT_SUPPORTED for what is missing here.
    """
    for node in tree.walk():
        read = next((_READ[kind] for kind in type(node).__mro__ if kind in _READ), None)
        for name, value in node.args.items() if read is not None else ():
            if value and read is not None and name not in read:
                raise _refused(name, type(node).__name__.upper())
        _refuse_misplaced(node)


def _refused(name: str, owner: str) -> QueryFailed:
    if name in _OF_TRINO:
        return QueryFailed(f"NOT_SUPPORTED: the clause {_OF_TRINO[name]} does not run here")
    word = _WORDS.get(name, name.strip("_").replace("_", " ").upper())
    return QueryFailed(f"SYNTAX_ERROR: mismatched input: {_OWNERS.get(owner, owner)} takes no {word} in Athena")


def _refuse_misplaced(node: exp.Expr) -> None:
    """Raises QueryFailed for a part where Athena's grammar has another, or none."""
    if isinstance(node, exp.IgnoreNulls | exp.RespectNulls) and not isinstance(node.parent, exp.Window):
        raise _misplaced("IGNORE NULLS or RESPECT NULLS", "OVER")
    if isinstance(node, exp.Join) and (str(node.side), str(node.kind)) not in _JOINS:
        raise QueryFailed(f"SYNTAX_ERROR: mismatched input '{node.kind or node.side}': Athena has no such JOIN")
    if isinstance(node, exp.SetOperation):
        for side in (node.this, node.expression):
            if isinstance(side, exp.Select) and any(side.args.get(name) for name in ("order", "limit", "offset")):
                raise _misplaced(f"ORDER BY, OFFSET or LIMIT before {node.key.upper()}", "brackets around its query")
    if isinstance(node, exp.Bracket) and len(node.expressions) != 1:
        raise _misplaced("a subscript", "one index")
    if isinstance(node, exp.Group) and not node.expressions:
        raise _misplaced("GROUP BY", "an expression")


def _misplaced(what: str, needed: str) -> QueryFailed:
    return QueryFailed(f"SYNTAX_ERROR: mismatched input: {what} needs {needed}")
