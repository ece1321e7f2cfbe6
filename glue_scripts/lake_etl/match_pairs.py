"""Selects the record pairs that find_matches compares (blocking): all of few records, else pairs with rare keys."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import duckdb

from lake_etl.errors import JobError
from lake_etl.match_values import Column, rows_of

ALL_PAIRS = 50_000  # up to this many pairs, all are compared
PAIRS_A_ROW, RARE_PAIRS_A_ROW = 5, 2  # candidates that a rule may add per row
MAX_PAIRS = 20_000_000  # per rule of `blocking`
ENOUGH_RULES = 3


def candidates(connection: duckdb.DuckDBPyConnection, columns: list[Column], blocking: list[list[str]]) -> None:
    """Create the table `candidates`: id_l, id_r of the things to compare, never two that are known.

    blocking: lists of columns; things that agree on all columns of a list are compared. Empty: chosen from the data.
    """
    starts = ", ".join(f"left(v{each.number}, {each.kind.start}) AS s{each.number}" for each in columns)
    connection.execute(f"CREATE TABLE keys AS SELECT *, {starts} FROM things")
    numbers = {column.name: column.number for column in columns}
    if blocking:
        rules = [tuple(f"v{numbers[name]}" for name in rule) for rule in blocking]
        for rule, names in zip(rules, blocking, strict=True):
            _check(_pairs(connection, rule), names)
        queries = [_agreeing(rule) for rule in rules]
    elif _pairs(connection, ()) <= ALL_PAIRS:
        queries = [_agreeing(())]
    else:
        queries = [*map(_agreeing, _rules(connection, columns)), *(_rare(connection, each) for each in columns)]
    connection.execute(f"CREATE TABLE candidates AS {' UNION '.join(queries)}")


def _check(pairs: int, names: list[str]) -> None:
    if pairs > MAX_PAIRS:
        raise JobError(
            f"blocking {names} leaves {pairs} pairs of records to compare: at most {MAX_PAIRS}. "
            "Add a column to the list, or leave `blocking` out"
        )


def _agreeing(keys: tuple[str, ...]) -> str:
    agree = "".join(f" AND l.{key} = r.{key}" for key in keys)
    return f"SELECT l.id AS id_l, r.id AS id_r FROM keys l JOIN keys r ON l.id < r.id AND {NOT_BOTH_KNOWN}{agree}"


NOT_BOTH_KNOWN = "(l.known IS NULL OR r.known IS NULL)"


def _rules(connection: duckdb.DuckDBPyConnection, columns: list[Column]) -> list[tuple[str, ...]]:
    """Return the coarsest sets of columns, or of their prefixes, whose agreement leaves few pairs to compare."""
    limit = _limit(connection, PAIRS_A_ROW)
    rules: list[tuple[str, ...]] = []
    for size in range(1, 4):
        for keys in _keys(columns, size):
            if not any(_covers(rule, keys) for rule in rules) and _pairs(connection, keys) <= limit:
                rules.append(keys)
        if size >= 2 and len(rules) >= ENOUGH_RULES:
            break
    return rules


def _rare(connection: duckdb.DuckDBPyConnection, column: Column) -> str:
    """Return SQL for the pairs that share a word, prefix or suffix that is rare enough to leave few pairs."""
    i, length = column.number, column.kind.start + 1
    word = f"unnest(t{i})" if column.kind.words else f"v{i}"
    parts = (word, f"'^' || left(v{i}, {length})", f"right(v{i}, {length}) || '$'")
    found = " UNION ".join(f"SELECT id, known, {part} AS part FROM things WHERE v{i} IS NOT NULL" for part in parts)
    connection.execute(f"CREATE TABLE parts{i} AS SELECT *, count(*) OVER (PARTITION BY part) AS n FROM ({found})")
    most = connection.execute(
        f"""SELECT coalesce(max(n), 1) FROM (
            SELECT n, sum(pairs) OVER (ORDER BY n) AS total
            FROM (SELECT n, sum(n - 1) / 2 AS pairs FROM parts{i} GROUP BY n)
        ) WHERE total <= {_limit(connection, RARE_PAIRS_A_ROW)}"""
    ).fetchall()[0][0]
    rare = f"(SELECT * FROM parts{i} WHERE n <= {most})"
    return (
        f"SELECT l.id AS id_l, r.id AS id_r FROM {rare} l JOIN {rare} r "
        f"ON l.part = r.part AND l.id < r.id AND {NOT_BOTH_KNOWN}"
    )


def _limit(connection: duckdb.DuckDBPyConnection, pairs_a_row: int) -> int:
    return max(pairs_a_row * rows_of(connection, "things"), ALL_PAIRS)


def _keys(columns: list[Column], size: int) -> Iterator[tuple[str, ...]]:
    for chosen in combinations(columns, size):
        yield from product(*((f"s{column.number}", f"v{column.number}") for column in chosen))


def _covers(rule: tuple[str, ...], keys: tuple[str, ...]) -> bool:
    """Whether things that agree on these keys also agree on the rule's."""
    return all(key in keys or key.replace("s", "v") in keys for key in rule)


def _pairs(connection: duckdb.DuckDBPyConnection, keys: tuple[str, ...]) -> int:
    """Return how many pairs agree on the keys, without pairs of two known records."""
    not_null = " AND ".join(f"{key} IS NOT NULL" for key in keys) or "true"
    groups = f"SELECT count(*) AS n, count(known) AS k FROM keys WHERE {not_null} GROUP BY {', '.join(keys) or '()'}"
    sql = f"SELECT coalesce(sum(n * (n - 1) - k * (k - 1)), 0) / 2 FROM ({groups})"
    return int(connection.execute(sql).fetchall()[0][0])
