"""The Fellegi-Sunter model: the weight of each agreement, learnt from the records without labels.

There are three classes of pairs: one thing (match), two things (other), and two things at one place, such as a
household or two shops in one building (neighbour). Neighbours share addresses and codes like matches, and dates like
others. They differ in one of their names and may share the other names, as a family does.

Without that class, a shared place would count once for every column that describes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from lake_etl.match_levels import Level, levels
from lake_etl.match_values import Column, rows_of

Array = npt.NDArray[np.float64]

SAMPLED_PAIRS = 100_000
ROUNDS = 30
FEW_RECORDS = 100  # below this, the expected share of matches does not grow further
OTHERS_BEFORE, MATCHES_BEFORE = 50, 100  # the prior's weight, in pairs, against those of the data
PRIOR_BEFORE = 0.1  # the weight of the expected number of matches, against that of the data
NEIGHBOURS_A_MATCH = 0.2  # expected
CLEAR = 0.5  # minimum probability of a class to learn from a pair: many doubtful pairs would mislead
LEAST_CHANCE = 0.1
FEW_MATCHES = 20  # fewer are not enough to learn from


@dataclass
class Weights:
    """The learnt model. match, other: a column's shares per level. The class shares refer to all pairs."""

    columns: list[Column]
    levels: list[list[Level]]
    match: list[Array]
    other: list[Array]
    neighbour: list[Array]
    family: list[Array]
    matches: float = 0.0  # number of pairs learnt from
    share: float = 0.0
    neighbour_share: float = 0.0
    sampled: list[Array] = field(default_factory=list)
    chance: list[float] = field(default_factory=list)  # share of a column's equal pairs that are two things

    def evidence(self, i: int) -> Array:
        """Return the evidence of each level of column i for a match against two things. Natural logarithm."""
        return np.asarray(np.log(self.match[i] / self.other[i]))

    @property
    def names(self) -> list[int]:
        return [column.number for column in self.columns if column.kind_name == "name"]

    def family_evidence(self, i: int) -> Array:
        """Return the evidence of each level of column i for neighbours, if it is a name that they may share."""
        if self.columns[i].kind.place:
            return self.evidence(i)
        return np.asarray(np.log(self.family[i] / self.other[i])) if i in self.names else np.zeros(len(self.levels[i]))

    def apart(self, i: int) -> Array:
        """Return the extra evidence of each level of name i for neighbours, if it is the name that tells them apart."""
        return np.asarray(np.log(self.neighbour[i] / self.family[i]))


@dataclass(frozen=True)
class Patterns:
    """Pairs grouped by their levels. levels: (patterns, columns), -1 for a null; counts: (patterns,)."""

    levels: npt.NDArray[np.int64]
    counts: Array

    def shares(self, i: int, counts: Array, size: int) -> Array:
        """Return the number of pairs at each level of column i. Shape (size,)."""
        not_null = self.levels[:, i] >= 0
        return np.bincount(self.levels[not_null, i], counts[not_null], minlength=size).astype(np.float64)


def learn(connection: duckdb.DuckDBPyConnection, columns: list[Column]) -> Weights:
    """Learn from `candidates` and a sample of all pairs.

    Creates the table `compared`: id_l, id_r, and the level g of each column.
    """
    weights = _expected(columns)
    connection.execute(f"CREATE TABLE compared AS {_comparing(weights, 'candidates')}")
    things = rows_of(connection, "things")
    connection.execute(f"CREATE TABLE sample AS {SAMPLE.format(per=_per_thing(things))}")
    _learn_others(weights, _patterns(connection, weights, f"({_comparing(weights, 'sample')})"))
    compared = _patterns(connection, weights, "compared")
    _learn_matches(weights, compared, things, rows_of(connection, "alike") - things)
    _learn_chance(connection, weights, compared)
    return weights


# Pair each record with some others; the choice depends only on their order.
SAMPLE = """
WITH numbered AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n, count(*) OVER () AS total FROM things)
SELECT l.id AS id_l, r.id AS id_r FROM numbered l, range(1, {per} + 1) step(k), numbered r
WHERE r.n = (l.n + 1 + (l.n * 7919 + k * 104729) % greatest(l.total - 1, 1)) % l.total AND l.total > 1
"""


def _per_thing(things: int) -> int:
    return max(1, min(things - 1, SAMPLED_PAIRS // max(things, 1)))


def _expected(columns: list[Column]) -> Weights:
    found = [levels(column) for column in columns]
    match, other, neighbour, family = (
        [_normal([getattr(level, part) for level in each]) for each in found]
        for part in ("match", "other", "neighbour", "family")
    )
    return Weights(columns, found, match, other, neighbour, family)


def _comparing(weights: Weights, pairs: str) -> str:
    cases = ", ".join(_case(column.number, each) for column, each in zip(weights.columns, weights.levels, strict=True))
    return f"SELECT id_l, id_r, {cases} FROM {pairs} JOIN things l ON l.id = id_l JOIN things r ON r.id = id_r"


def _case(i: int, found: list[Level]) -> str:
    whens = " ".join(f"WHEN {level.sql} THEN {number}" for number, level in enumerate(found))
    return f"CASE WHEN l.v{i} IS NULL OR r.v{i} IS NULL THEN -1 {whens} END AS g{i}"


def _patterns(connection: duckdb.DuckDBPyConnection, weights: Weights, source: str) -> Patterns:
    names = ", ".join(f"g{column.number}" for column in weights.columns)
    found = connection.execute(f"SELECT {names}, count(*) AS n FROM {source} GROUP BY ALL ORDER BY ALL").fetchnumpy()
    *columns, counts = (np.asarray(values) for values in found.values())
    return Patterns(np.stack(columns, axis=1).astype(np.int64), counts.astype(np.float64))


def _learn_others(weights: Weights, sample: Patterns) -> None:
    """Learn how two things agree by chance: as any two records do, since few of all pairs match."""
    for i, expected in enumerate(weights.other):
        counts = sample.shares(i, sample.counts, len(expected)) + OTHERS_BEFORE * expected
        weights.sampled.append(_normal(counts))
    weights.other = [each.copy() for each in weights.sampled]


def _learn_matches(weights: Weights, compared: Patterns, things: int, alike: int) -> None:
    """Run expectation maximisation over the compared pairs; all other pairs are two things.

    alike: number of pairs that are equal in every column. They are matches and were not compared.
    """
    pairs = max(things * (things - 1) / 2, 1)
    expected, expected_share = list(weights.match), 1 / max(things, FEW_RECORDS)
    places = any(column.kind.place for column in weights.columns)
    neighbours = NEIGHBOURS_A_MATCH if weights.names and places else 0.0
    weights.share, weights.neighbour_share = expected_share, neighbours * expected_share
    for _ in range(ROUNDS):
        before = weights.share
        match, neighbour = (compared.counts * each * (each >= CLEAR) for each in classes(weights, compared.levels))
        _set_shares(weights, expected, compared, match, neighbour, pairs, alike)
        weights.matches = float(match.sum()) + alike
        weights.share = (match.sum() / pairs + PRIOR_BEFORE * expected_share) / (1 + PRIOR_BEFORE)
        if neighbours:
            prior = PRIOR_BEFORE * neighbours * expected_share
            weights.neighbour_share = (neighbour.sum() / pairs + prior) / (1 + PRIOR_BEFORE)
        if abs(weights.share - before) < 1e-6 * before:
            break


def _learn_chance(connection: duckdb.DuckDBPyConnection, weights: Weights, compared: Patterns) -> None:
    """Learn chance agreement: a value of many records is not frequent among things if these records are one thing."""
    match, _ = classes(weights, compared.levels)
    for i, expected in enumerate(weights.match):
        equal = float(connection.execute(f"SELECT coalesce(sum(n{i} - 1) / 2, 0) FROM things").fetchall()[0][0])
        matching = compared.shares(i, compared.counts * match, len(expected))[0]
        weights.chance.append(max(1 - float(matching) / equal, LEAST_CHANCE) if equal else 1.0)


def classes(weights: Weights, found: npt.NDArray[np.int64]) -> tuple[Array, Array]:
    """Return the probabilities that pairs of these levels (pairs, columns) are matches, and neighbours: (pairs,)."""
    match = np.full(len(found), weights.share)
    neighbour = np.full(len(found), weights.neighbour_share)
    apart = [np.exp(_at(weights.apart(i), found[:, i])) for i in weights.names]
    for i in range(len(weights.columns)):
        match *= np.exp(_at(weights.evidence(i), found[:, i]))
        neighbour *= np.exp(_at(weights.family_evidence(i), found[:, i]))
    neighbour *= sum(apart) / len(apart) if apart else 1
    total = match + neighbour + (1 - weights.share - weights.neighbour_share)
    return match / total, neighbour / total


def _at(evidence: Array, level: npt.NDArray[np.int64]) -> Array:
    return np.where(level >= 0, evidence[np.maximum(level, 0)], 0)


def _set_shares(
    weights: Weights,
    expected: list[Array],
    compared: Patterns,
    match: Array,
    neighbour: Array,
    pairs: float,
    alike: int,
) -> None:
    for i, before in enumerate(expected):
        counts = compared.shares(i, match, len(before))
        related = counts + compared.shares(i, neighbour, len(before))
        counts[0] += alike
        sampled = weights.sampled[i]
        weights.match[i] = _normal(counts + MATCHES_BEFORE * before)
        weights.other[i] = _normal(np.maximum(sampled - related / pairs, sampled * LEAST_CHANCE))


def _normal(counts: Any) -> Array:
    found = np.asarray(counts, dtype=np.float64)
    return np.asarray(found / found.sum())


def weighing(weights: Weights) -> str:
    """Return SQL for `compared` with `evidence`: the natural logarithm of the odds that the pair is a match."""
    identity = [_evidence(weights, column) for column in weights.columns if not column.kind.place]
    place = [_evidence(weights, column) for column in weights.columns if column.kind.place]
    names = [_chosen(i, weights.family_evidence(i)) for i in weights.names]
    if names:
        apart = " + ".join(f"exp({_chosen(i, weights.apart(i))})" for i in weights.names)
        names.append(f"ln(({apart}) / {len(names)})")
    sums = {name: " + ".join(parts) or "0" for name, parts in (("own", identity), ("place", place), ("names", names))}
    columns = ", ".join(f"{sql} AS {name}" for name, sql in sums.items())
    rest = float(1 - weights.share - weights.neighbour_share)
    against = f"ln({rest!r} + {float(weights.neighbour_share)!r} * exp(place + names))"
    return (
        f"SELECT id_l, id_r, {float(np.log(weights.share))!r} + own + place - {against} AS evidence "
        f"FROM (SELECT compared.*, {columns} FROM compared JOIN things l ON l.id = id_l JOIN things r ON r.id = id_r)"
    )


def _evidence(weights: Weights, column: Column) -> str:
    """Return SQL for a column's evidence: an equal value counts more the rarer it is, not counting the pair itself."""
    i = column.number
    chosen = _chosen(i, weights.evidence(i))
    if not column.kind.frequencies:
        return chosen
    among = f"{weights.chance[i]!r} * (greatest(l.n{i}, r.n{i}) - 1) - 0.5"
    chance = f"greatest({among}, 0.5) / ((SELECT count(*) FROM things) + {OTHERS_BEFORE})"
    return f"CASE WHEN g{i} = 0 THEN {float(np.log(weights.match[i][0]))!r} - ln({chance}) ELSE {chosen} END"


def _chosen(i: int, evidence: Array) -> str:
    return f"coalesce([{', '.join(repr(float(each)) for each in evidence)}][g{i} + 1], 0)"
