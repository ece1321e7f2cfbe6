"""EXPLAIN: prints a plan in Trino's layout, derived from the query itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlglot import exp

from local_aws.athena import results
from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.ddl.statement import Run
from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.parse import parse
from local_aws.athena.results import Answer
from local_aws.athena.session import Session

_OPTIONS = {"TYPE": ("LOGICAL", "DISTRIBUTED", "VALIDATE"), "FORMAT": ("TEXT",)}


def explain(cursor: Cursor) -> Run:
    """Parse `[(TYPE name, FORMAT name)] query`."""
    cursor.of_trino = True
    if cursor.take("ANALYZE"):
        raise QueryFailed("NOT_SUPPORTED: the embedded AWS does not run this statement: EXPLAIN ANALYZE; say EXPLAIN")
    given = dict(cursor.listed(lambda: _option(cursor))) if cursor.next.is_word("(") and _has_options(cursor) else {}
    begin = f"{cursor.place()}: mismatched input '{cursor.next.raw}'"
    text = cursor.rest()

    def run(session: Session, file: Path) -> Answer:
        query = parse(text)
        if not isinstance(query, exp.Query):
            raise QueryFailed(f"SYNTAX_ERROR: {begin}")
        session.translated(query)  # Refuse a query that could not run.
        session.scanned = 0
        if given.get("TYPE") == "VALIDATE":
            return results.of_lines(["true"], ["Valid"], file)
        return results.of_lines(_plan(query, session.database), ["Query Plan"], file)

    return run


def _has_options(cursor: Cursor) -> bool:
    return any(cursor.looks_at(1).is_word(word) for word in _OPTIONS)


def _option(cursor: Cursor) -> tuple[str, str]:
    name = cursor.one_of(*_OPTIONS)
    return name, cursor.one_of(*_OPTIONS[name])


def _plan(query: exp.Query, database: str) -> list[str]:
    names = ", ".join(query.named_selects)
    return [
        "Fragment 0 [SINGLE]",
        f"    Output layout: [{names}]",
        "    Output partitioning: SINGLE []",
        f"    Output[columnNames = [{names}]]",
        *(f"    {line}" for line in _steps(query, database)),
    ]


def _steps(query: exp.Expr, database: str) -> Iterator[str]:
    """Yield the steps of a query, each below the step that takes its rows."""
    above = _above(query)
    for depth, step in enumerate(above):
        yield f"{'   ' * depth}└─ {step}"
    for source in _sources(query):
        head, *others = _source(source, database)
        yield f"{'   ' * len(above)}└─ {head}"
        yield from (f"{'   ' * (len(above) + 1)}{line}" for line in others)


def _above(query: exp.Expr) -> list[str]:
    found = []
    if isinstance(query, exp.SetOperation):
        return [type(query).__name__]
    if limit := query.args.get("limit"):
        found.append(f"Limit[count = {limit.expression.sql('athena')}]")
    if order := query.args.get("order"):
        found.append(f"Sort[orderBy = [{', '.join(item.sql('athena') for item in order.expressions)}]]")
    if query.args.get("group") or any(isinstance(e, exp.AggFunc) for e in query.find_all(exp.AggFunc)):
        keys = query.args["group"].expressions if query.args.get("group") else []
        found.append(f"Aggregate[keys = [{', '.join(key.sql('athena') for key in keys)}]]")
    if where := query.args.get("where"):
        found.append(f"Filter[filterPredicate = {where.this.sql('athena')}]")
    joins = query.args.get("joins") or []
    return [*found, *(f"{join.side.title() or join.kind.title() or 'Inner'}Join" for join in joins)]


def _sources(query: exp.Expr) -> list[exp.Expr]:
    if isinstance(query, exp.SetOperation):
        return [query.left, query.right]
    begin = query.args.get("from_") or query.args.get("from")
    return [*([begin.this] if begin else []), *(join.this for join in query.args.get("joins") or [])]


def _source(source: exp.Expr, database: str) -> list[str]:
    if isinstance(source, exp.Table):
        name = f"awsdatacatalog:{source.db or database}:{source.name}"
        return [f"TableScan[table = {name.lower()}]"]
    if isinstance(source, exp.Query):
        inner = source.this if isinstance(source, exp.Subquery) else source
        return [f"Project[columnNames = [{', '.join(inner.named_selects)}]]", *_steps(inner, database)]
    return [type(source).__name__]
