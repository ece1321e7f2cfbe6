"""How two values of a column can agree, from equal to not at all, and the prior probability of each level."""

from __future__ import annotations

from dataclasses import dataclass

from lake_etl.match_values import Column

LONG = 100  # longer values are compared by their words only
MOST, SOME = 0.7, 0.4  # share of the weight of the words of the lighter value


@dataclass(frozen=True)
class Level:
    """One way to agree.

    sql        condition over the tables l and r; the level is the first one that holds
    match      its share of the pairs that are the same thing
    other      its share of the pairs that are two things
    neighbour  its share of the pairs that are two things at one place, in the name that tells them apart
    family     the same in any other name
    """

    label: str
    sql: str
    match: float
    other: float
    neighbour: float
    family: float


EXPECTED = {
    # label: (match by kind, other, neighbour, family)
    "equal": ({"name": 0.7, "address": 0.6, "code": 0.7, "date": 0.8}, 0.01, 0.002, 0.5),
    "in another column": ({"name": 0.03, "address": 0.02}, 0.003, 0.002, 0.01),
    "day and month swapped": ({"date": 0.02}, 0.003, 0.002, 0.01),
    "one ends in the other": ({"code": 0.02}, 0.001, 0.001, 0.01),
    "all words of one in the other": ({"name": 0.06, "address": 0.05}, 0.01, 0.01, 0.03),
    "most words": ({"name": 0.02, "address": 0.04}, 0.01, 0.03, 0.03),
    "some words": ({"name": 0.03, "address": 0.05}, 0.03, 0.06, 0.05),
    "different": ({"name": 0.03, "address": 0.1, "code": 0.13, "date": 0.06}, 0.95, 0.89, 0.35),
}
# Half as many at each greater distance.
NEAR = (
    {"name": 0.1, "address": 0.1, "code": 0.1, "date": 0.08},
    0.01,
    0.003,
    0.02,
)


def levels(column: Column) -> list[Level]:
    """Return the levels of agreement of this column, best first. A null on either side has no level."""
    found = [_level(column, "equal", "l.v# = r.v# OR l.k# = r.k#")]
    if column.kind_name == "code":
        ends = "ends_with(l.v#, r.v#) OR ends_with(r.v#, l.v#)"
        found.append(_level(column, "one ends in the other", f"least(len(l.v#), len(r.v#)) >= 6 AND ({ends})"))
    if column.kind_name == "date":
        swapped = "substr(r.v#, 1, 4) || substr(r.v#, 7, 2) || substr(r.v#, 5, 2)"
        found.append(_level(column, "day and month swapped", f"len(r.v#) = 8 AND l.v# = {swapped}"))
    found += [_near(column, number, distance) for number, distance in enumerate(column.near)]
    if column.kind.words:
        found += _word_levels(column)
    return [*found, _level(column, "different", "true")]


def _word_levels(column: Column) -> list[Level]:
    shared = "weight(list_intersect(l.x#, r.x#))"
    found = [
        _level(column, "all words of one in the other", "list_has_all(l.x#, r.x#) OR list_has_all(r.x#, l.x#)"),
        _level(column, "most words", _if("list_has_any(l.x#, r.x#)", f"{shared} >= {MOST} * least(l.s#, r.s#)")),
        _level(column, "some words", _if("list_has_any(l.x#, r.x#)", f"{shared} >= {SOME} * least(l.s#, r.s#)")),
    ]
    if column.others:
        swapped = " OR ".join(f"l.v{other} = r.v# OR l.v# = r.v{other}" for other in column.others)
        found.insert(0, _level(column, "in another column", swapped))
    return found


def _near(column: Column, number: int, distance: int) -> Level:
    """Return the level of few edits; fewer for a short, mostly different word, and with equal numbers in an address.

    A transposition of two letters is one edit.
    """
    limit = f"{distance}"
    if column.kind.words and column.compare is None:
        limit = f"least({distance}, greatest(len(l.v#), len(r.v#)) // 3)"
    if number == 0:
        limit = f"CASE WHEN l.a# = r.a# THEN greatest(2, {limit}) ELSE {limit} END"
    same = " AND l.d# = r.d#" if column.kind_name == "address" else ""
    alike = f"abs(len(l.v#) - len(r.v#)) <= {distance} AND len(l.v#) <= {LONG}{same}"
    sql = _if(alike, f"levenshtein(l.v#, r.v#) <= {limit}")
    match, *others = NEAR
    share = match[column.kind_name] / 2**number
    return Level(f"{distance} edits or fewer", sql.replace("#", str(column.number)), share, *others)


def _if(first: str, then: str) -> str:
    """Both conditions. DuckDB's AND evaluates both; the second is expensive, so it runs only if the first holds."""
    return f"CASE WHEN {first} THEN {then} ELSE false END"


def _level(column: Column, label: str, sql: str) -> Level:
    match, *others = EXPECTED[label]
    return Level(label, sql.replace("#", str(column.number)), match[column.kind_name], *others)
