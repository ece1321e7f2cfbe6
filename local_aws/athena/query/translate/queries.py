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
    items = ", ".join(f"{t.of(item)} AS c{i}" for i, item in enumerate(query.items))
    parts = [f"SELECT {'DISTINCT ' if query.distinct else ''}{items}"]
    if query.source is not None:
        parts.append(f"FROM {_relation(t, query.source)}")
    if query.where is not None:
        parts.append(f"WHERE {t.of(query.where)}")
    if query.groups is not None:
        parts.append(_groups(t, query.groups))
    if query.having is not None:
        parts.append(f"HAVING {t.of(query.having)}")
    return _tailed(t, " ".join(parts), query.tail, len(query.items))


def _groups(t: Translation, groups: Any) -> str:
    """Write out all alternatives; a single one is a plain GROUP BY."""
    combined = [tuple(itertools.chain(*chosen)) for chosen in itertools.product(*groups)]
    sets = [", ".join(dict.fromkeys(map(t.of, one))) for one in combined]
    if len(sets) == 1:
        return f"GROUP BY {sets[0] or '()'}"
    return f"GROUP BY GROUPING SETS ({', '.join(f'({one})' for one in sets)})"


def _tailed(t: Translation, body: str, tail: Tail, width: int) -> str:
    if tail.ties and tail.limit is not None:
        return _with_ties(t, body, tail, width)
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


def _with_ties(t: Translation, body: str, tail: Tail, width: int) -> str:
    """FETCH FIRST n ROWS WITH TIES: returns every row that ranks up to n."""
    terms = ", ".join(
        ordered(f"c{place}" if isinstance(place, int) else t.of(place), d, n) for place, d, n in tail.order
    )
    names = ", ".join(f"c{i}" for i in range(width))
    ranked = f"SELECT *, rank() OVER (ORDER BY {terms}) AS ranked FROM ({body}) AS b"
    return f"SELECT {names} FROM ({ranked}) AS t WHERE ranked <= {t.of(tail.limit)} ORDER BY ranked"  # type: ignore[arg-type]


def _values(t: Translation, query: Values) -> str:
    rows = ", ".join(f"({', '.join(map(t.of, row))})" for row in query.rows)
    names = ", ".join(f"c{i}" for i in range(len(query.outputs)))
    return _tailed(t, f"SELECT * FROM (VALUES {rows}) AS v({names})", query.tail, len(query.outputs))


def _set_operation(t: Translation, query: SetOperation) -> str:
    width = len(query.outputs)
    names = ", ".join(f"c{i}" for i in range(width))
    sides = [f"SELECT {names} FROM ({text_of(t, side)}) AS s" for side in (query.left, query.right)]
    return _tailed(t, f" {query.operator} ".join(sides), query.tail, width)


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
