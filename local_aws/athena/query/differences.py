"""The differences between the embedded Athena's SQL and AWS's, in one list."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """`words` is a pattern that matches statements that use it."""

    title: str
    words: str
    here: str


NEVER = r"(?!)"
"""For differences that affect too many statements: documented, but not reported per statement."""
_SKETCHES = (
    "approx_set|approx_distinct|approx_percentile|approx_most_frequent|qdigest_agg|tdigest_agg|make_set_digest|merge"
    "|merge_set_digest|numeric_histogram"
)
DIFFERENCES = (
    Difference("Estimates are exact", rf"\b(?:{_SKETCHES})\s*\(", "Sketches hold all their values, in a form of ours."),
    Difference(
        "Digits of a second", r"\b(?:time|timestamp)\s*\(\s*(?:[7-9]|1[0-2])\s*\)", "At most 6; more are refused."
    ),
    Difference("Years", r"'[+-]?\d{5,}-\d", "From 1 to 9999; others are refused."),
    Difference("Stems of words", r"\bword_stem\s*\(", "English alone; other languages are refused."),
    Difference("Checksums", r"\bchecksum\s*\(", "Refused: AWS does not document how it is computed."),
    Difference(
        "Units of time", r"\bdate_(?:add|diff|trunc)\s*\(\s*[^'\s]", "A literal: `'day'`; a column of units is refused."
    ),
    Difference("Hashes", r"\bspooky_hash_v2_\w+\s*\(", "Of at most 191 bytes; longer values are refused."),
    Difference("Correlated subqueries", NEVER, "Some run here that AWS refuses as too complex."),
    Difference(
        "Row patterns", r"\bmatch_recognize\b", "MATCH_RECOGNIZE is refused, as are JSON_TABLE and functions of places."
    ),
    Difference(
        "Places on the globe",
        r"\b(?:st_\w+|to_geometry|bing_tile\w*)\s*\(",
        "Geospatial functions are refused, all but `great_circle_distance`.",
    ),
    Difference("NATURAL JOIN", r"\bnatural\b", "Refused."),
    Difference(
        "NaN",
        r"\bnan\s*\(",
        "In arrays and in greatest(), least(), NaN sorts as the greatest number; AWS differs by type.",
    ),
    Difference(
        "Text of a double",
        NEVER,
        "`CAST(1.5E0 AS varchar)` is `1.5E0`, as in Trino since 2022.",
    ),
)


def used_by(sql: str) -> list[Difference]:
    """Return the differences that may affect a statement.

    >>> [one.title for one in used_by("SELECT word_stem('houses')")]
    ['Stems of words']
    """
    return [one for one in DIFFERENCES if re.search(one.words, sql, re.I | re.S)]
