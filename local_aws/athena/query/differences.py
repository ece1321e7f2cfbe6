"""The differences between the embedded Athena's SQL and AWS's, in one list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from local_aws.athena.query import nodes
from local_aws.athena.query.nodes import Aggregate, Call, Cast, Column, Subquery


@dataclass(frozen=True)
class Difference:
    """What differs, and how.

    Attributes:
        here: what the embedded Athena does.
        used: whether a node of an analysed statement uses it, and so has a result that may be another on AWS.
        words: a pattern of statements that are refused because of it, though AWS runs them.
    """

    title: str
    here: str
    used: Callable[[Any], bool] = lambda node: False
    words: str = ""


SKETCHES = {
    "approx_distinct", "approx_most_frequent", "approx_percentile", "approx_set", "make_set_digest", "merge",
    "merge_set_digest", "numeric_histogram", "qdigest_agg", "tdigest_agg",
}  # fmt: skip


def _calls(*names: str) -> Callable[[Any], bool]:
    return lambda node: isinstance(node, Call | Aggregate) and node.function.name in names


def _is_text_of_a_double(node: Any) -> bool:
    return isinstance(node, Cast) and node.type.base == "varchar" and node.value.type.base in ("double", "real")


def _is_correlated(node: Any) -> bool:
    """Whether a subquery reads columns of the query around it. An EXISTS may do so on AWS too."""
    if not isinstance(node, Subquery) or node.kind == "exists":
        return False
    inside = list(_nodes(node.query))
    own = {alias for one in inside if (alias := getattr(one, "alias", None))}
    return any(one.relation not in own for one in inside if isinstance(one, Column) and one.relation)


DIFFERENCES = (
    Difference("Estimates are exact", "Sketches hold all their values, in a form of ours.", _calls(*SKETCHES)),
    Difference(
        "Digits of a second",
        "At most 6; more are refused.",
        words=r"\b(?:time|timestamp)\s*\(\s*(?:[7-9]|1[0-2])\s*\)|:\d\d\.\d{7,}",
    ),
    Difference("Years", "From 1 to 9999; others are refused.", words=r"'[+-]?\d{5,}-\d"),
    Difference("Stems of words", "English alone; other languages are refused.", words=r"\bword_stem\s*\("),
    Difference("Checksums", "Refused: AWS does not document how it is computed.", words=r"\bchecksum\s*\("),
    Difference("Hashes", "Of at most 191 bytes; longer values are refused.", words=r"\bspooky_hash_v2_\w+\s*\("),
    Difference(
        "Units of time",
        "A literal: `'day'`; a column of units is refused.",
        words=r"\bdate_(?:add|diff|trunc)\s*\(\s*[^'\s]",
    ),
    Difference("Correlated subqueries", "Some run here that AWS refuses as too complex.", _is_correlated),
    Difference(
        "Row patterns",
        "MATCH_RECOGNIZE is refused, as are JSON_TABLE and functions of places.",
        words=r"\bmatch_recognize\b|\bjson_table\b",
    ),
    Difference(
        "Places on the globe",
        "Geospatial functions are refused, all but `great_circle_distance`.",
        words=r"\b(?:st_\w+|to_geometry|to_spherical_geography|geometry_\w+|bing_tile\w*)\s*\(",
    ),
    Difference(
        "Regular expressions",
        "Classes within classes and names of scripts are refused: `[a-f&&[^b]]`, `[[:digit:]]`, `\\p{IsGreek}`.",
        words=r"\bregexp_\w+\s*\(.*(?:&&|\[\[|\\p\{)",
    ),
    Difference("NATURAL JOIN", "Refused.", words=r"\bnatural\b"),
    Difference(
        "NaN",
        "In arrays and in greatest(), least(), NaN sorts as the greatest number; AWS differs by type.",
        _calls("nan"),
    ),
    Difference(
        "Text of a double", "`CAST(1.5E0 AS varchar)` is `1.5E0`, as in Trino since 2022.", _is_text_of_a_double
    ),
)


def used_by(query: Any) -> list[Difference]:
    """The differences that may show in the result of an analysed query."""
    found = list(_nodes(query))
    return [one for one in DIFFERENCES if any(map(one.used, found))]


def refusing(sql: str) -> list[Difference]:
    """The differences because of which a statement that failed may have failed here alone.

    >>> [one.title for one in refusing("SELECT checksum(x) FROM t")]
    ['Checksums']
    """
    return [one for one in DIFFERENCES if one.words and re.search(one.words, sql, re.I | re.S)]


def note_of(found: list[Difference]) -> str:
    """A note of differences; empty where there are none."""
    shown = "; ".join(f"{one.title}: {one.here.rstrip('.')}" for one in found)
    return f"The embedded AWS differs from AWS here. {shown}" if shown else ""


def _nodes(tree: Any) -> Iterator[Any]:
    """Everything of an analysed query: queries, relations, expressions."""
    rest = [tree]
    while rest:
        one = rest.pop()
        if isinstance(one, tuple):
            rest += one
        elif type(one).__module__ == nodes.__name__:
            yield one
            rest += [getattr(one, part.name) for part in fields(one)]
