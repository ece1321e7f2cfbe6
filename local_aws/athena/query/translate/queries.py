"""Queries as DuckDB's SQL; the columns of each are `c0`, `c1`..."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, cast

from local_aws.athena.query.nodes import (
    Cte,
    Derived,
    Join,
    Node,
    Output,
    Query,
    Relation,
    Scan,
    Select,
    SetOperation,
    Tail,
    Unnest,
    Values,
)
from local_aws.athena.query.translate.expressions import Translation, ordered
from local_aws.athena.query.translate.keys import has_zone, keyed, set_operation

_DEPTH = 10
"""The most steps of a recursive query, as on Athena."""
_TOO_DEEP = (
    f"'NOT_SUPPORTED: Recursion depth limit exceeded ({_DEPTH}). Use ''max_recursion_depth'' session property to "
    "modify the limit.'"
)


def text_of(t: Translation, query: Query) -> str:
    """Return the DuckDB SQL of a query."""
    ctes = getattr(query, "ctes", ())
    body = _BODIES[type(query)](t, query)
    return f"{_with(t, ctes)}{body}"


def _with(t: Translation, ctes: tuple[Cte, ...]) -> str:
    parts = [part for one in ctes for part in (_recursion(t, one) if one.recursive else [_cte(t, one.name, one.query)])]
    return f"WITH {', '.join(parts)} " if parts else ""


def _cte(t: Translation, name: str, query: Query) -> str:
    return f"{name}({_names(query)}) AS ({text_of(t, query)})"


def _names(query: Query) -> str:
    return ", ".join(f"c{i}" for i in range(len(query.outputs)))


def _recursion(t: Translation, cte: Cte) -> Iterator[str]:
    """Write out the steps, as Trino does: an endless recursion fails after the last one."""
    query, names = cast(SetOperation, cte.query), [f"{cte.name}_{depth}" for depth in range(_DEPTH + 2)]
    yield _cte(t, names[0], query.left)
    for before, name in itertools.pairwise(names):
        t.steps[cte.name] = before
        yield f"{name}({_names(query)}) AS MATERIALIZED ({text_of(t, query.right)})"
    del t.steps[cte.name]
    columns = _names(query)
    left = f"SELECT *, count(*) OVER () AS left_over FROM {names[-1]}"
    # The message takes a value of the row, or the optimizer would evaluate it before there is one.
    failing = (
        f"SELECT {columns} FROM ({left}) WHERE athena_fail({_TOO_DEEP} || left(CAST(left_over AS VARCHAR), 0)) = 0"
    )
    rows = " UNION ALL ".join([*(f"SELECT {columns} FROM {name}" for name in names[:-1]), failing])
    yield f"{cte.name}({columns}) AS (SELECT {'DISTINCT ' if query.operator == 'UNION' else ''}* FROM ({rows}))"


def _select(t: Translation, query: Select) -> str:
    source = [] if query.source is None else [f"FROM {_relation(t, query.source)}"]
    where = [] if query.where is None else [f"WHERE {t.of(query.where)}"]
    groups = [] if query.groups is None else [_groups(t, query.groups)]
    with t.grouped_by(_zoned_keys(t, query.groups or ())):
        items = list(map(t.of, query.items))
        having = [] if query.having is None else [f"HAVING {t.of(query.having)}"]
        columns = ", ".join(f"{item} AS c{i}" for i, item in enumerate(items))
        head = f"SELECT {_distinct(t, query, items) if query.distinct else ''}{columns}"
        return _tailed(t, " ".join([head, *source, *where, *groups, *having]), query.tail, query.outputs)


def _distinct(t: Translation, query: Select, items: list[str]) -> str:
    kinds = [output.type for output in query.outputs]
    if not any(map(has_zone, kinds)):
        return "DISTINCT "
    return f"DISTINCT ON ({', '.join(keyed(t, item, kind) for item, kind in zip(items, kinds, strict=True))}) "


def _groups(t: Translation, groups: Any) -> str:
    """Write out all alternatives; a single one is a plain GROUP BY."""
    combined = [tuple(itertools.chain(*chosen)) for chosen in itertools.product(*groups)]
    sets = [", ".join(dict.fromkeys(keyed(t, t.of(node), node.type) for node in one)) for one in combined]
    if len(sets) == 1:
        return f"GROUP BY {sets[0] or '()'}"
    return f"GROUP BY GROUPING SETS ({', '.join(f'({one})' for one in sets)})"


def _zoned_keys(t: Translation, groups: Any) -> dict[Node, str]:
    """Return, for keys that are grouped by their instant, the value that a group shows: that of one of its rows."""
    nodes = {node for sets in groups for one in sets for node in one if has_zone(node.type)}
    texts = {node: t.of(node) for node in nodes}
    return {
        node: f"CASE WHEN grouping({keyed(t, text, node.type)}) = 0 THEN any_value({text}) END"
        for node, text in texts.items()
    }


def _tailed(t: Translation, body: str, tail: Tail, outputs: tuple[Output, ...]) -> str:
    if tail.ties and tail.limit is not None:
        return _with_ties(t, body, tail, outputs)
    parts = [body]
    if tail.order:
        parts.append("ORDER BY " + ", ".join(_order(t, *one) for one in tail.order))
    if tail.limit is not None:
        parts.append(f"LIMIT {t.of(tail.limit)}")
    if tail.offset is not None:
        parts.append(f"OFFSET {t.of(tail.offset)}")
    return " ".join(parts)


def _order(t: Translation, place: Node | int, descending: bool, nulls_first: bool) -> str:
    return ordered(str(place + 1) if isinstance(place, int) else t.of(place), descending, nulls_first)


def _with_ties(t: Translation, body: str, tail: Tail, outputs: tuple[Output, ...]) -> str:
    """OFFSET m FETCH FIRST n ROWS WITH TIES: returns rows m+1 to m+n, and those that rank like the last of them."""
    terms = [(place, t.of(place) if isinstance(place, Node) else f"c{place}", d, n) for place, d, n in tail.order]
    order = ", ".join(
        ordered(f"k{i}" if isinstance(place, Node) else keyed(t, text, outputs[place].type), d, n)
        for i, (place, text, d, n) in enumerate(terms)
    )
    added = "".join(
        f", {keyed(t, text, place.type)} AS k{i}"
        for i, (place, text, _, _) in enumerate(terms)
        if isinstance(place, Node)
    )
    body = body.replace("SELECT ", f"SELECT {added[2:]}, ", 1) if added else body
    ranked = f"SELECT *, rank() OVER (ORDER BY {order}) AS ranked, row_number() OVER (ORDER BY {order}) AS place"
    skipped = t.of(tail.offset) if tail.offset is not None else "0"
    kept = f"SELECT * FROM ({ranked} FROM ({body}) AS b) AS r WHERE place > {skipped}"
    last = f"max(ranked) FILTER (WHERE place <= {skipped} + {t.of(tail.limit)}) OVER ()"  # type: ignore[arg-type]
    names = ", ".join(f"c{i}" for i in range(len(outputs)))
    tied = f"SELECT *, {last} AS last_rank FROM ({kept})"
    return f"SELECT {names} FROM ({tied}) AS t WHERE ranked <= last_rank ORDER BY place"


def _values(t: Translation, query: Values) -> str:
    rows = ", ".join(f"({', '.join(map(t.of, row))})" for row in query.rows)
    return _tailed(t, f"SELECT * FROM (VALUES {rows}) AS v({_names(query)})", query.tail, query.outputs)


def _set_operation(t: Translation, query: SetOperation) -> str:
    names, kinds = _names(query), [output.type for output in query.outputs]
    sides = [f"SELECT {names} FROM ({text_of(t, side)}) AS s" for side in (query.left, query.right)]
    is_zoned = any(map(has_zone, kinds))
    rows = set_operation(t, query.operator, sides, kinds) if is_zoned else f" {query.operator} ".join(sides)
    return _tailed(t, rows, query.tail, query.outputs)


_BODIES: dict[type, Callable[[Translation, Any], str]] = {
    Select: _select, Values: _values, SetOperation: _set_operation,
}  # fmt: skip


def _relation(t: Translation, relation: Relation) -> str:
    return _RELATIONS[type(relation)](t, relation)


def _scan(t: Translation, relation: Scan) -> str:
    return f"{t.steps.get(relation.name, relation.name)} AS {relation.alias}{_sample(relation.sample)}"


def _sample(share: float | None) -> str:
    return "" if share is None else f" TABLESAMPLE BERNOULLI({share} PERCENT)"


def _derived(t: Translation, relation: Derived) -> str:
    lateral = "LATERAL " if relation.lateral else ""
    return f"{lateral}({text_of(t, relation.query)}) AS {relation.alias}{_sample(relation.sample)}"


def _join(t: Translation, relation: Join) -> str:
    left, right = _relation(t, relation.left), _relation(t, relation.right)
    if isinstance(relation.right, Join):
        right = f"({right})"
    if relation.condition is None:
        return f"{left} CROSS JOIN {right}"
    return f"{left} {relation.kind} JOIN {right} ON {t.of(relation.condition)}"


def _unnest(t: Translation, relation: Unnest) -> str:
    items, lengths = [], []
    for value in relation.values:
        text = t.of(value)
        if value.type.base == "map":
            items += [f"unnest(map_keys({text}))", f"unnest(map_values({text}))"]
            lengths.append(f"coalesce(cardinality({text}), 0)")
            continue
        lengths.append(f"coalesce(len({text}), 0)")
        if value.type.item.base == "row":
            x = t.variable()
            items += [
                f"unnest(list_transform({text}, lambda {x}: struct_extract_at({x}, {i})))"
                for i in range(1, len(value.type.item.children) + 1)
            ]
        else:
            items.append(f"unnest({text})")
    if relation.ordinality:
        items.append(f"unnest(range(1, CAST(greatest({', '.join(lengths)}) AS BIGINT) + 1))")
    columns = ", ".join(f"{item} AS c{i}" for i, item in enumerate(items))
    return f"LATERAL (SELECT {columns}) AS {relation.alias}"


_RELATIONS: dict[type, Callable[[Translation, Any], str]] = {
    Scan: _scan, Derived: _derived, Join: _join, Unnest: _unnest,
}  # fmt: skip
