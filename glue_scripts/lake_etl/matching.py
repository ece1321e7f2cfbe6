"""Matches records of the same thing though no field is equal: Fellegi-Sunter model in DuckDB, no labels, no Spark.

match_values normalizes the values, match_pairs selects the pairs to compare, match_levels defines how two values can
agree, and match_weights learns the weight of each agreement.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, fields
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from lake_etl.errors import JobError, check_options, missing_column, unknown
from lake_etl.match_pairs import candidates
from lake_etl.match_values import KINDS, columns_of, load
from lake_etl.match_weights import FEW_MATCHES, Weights, learn, weighing

MAX_ROWS = 200_000  # new and known records together: they are matched in the driver's memory


@dataclass(frozen=True)
class Matching:
    """The step's options.

    columns    column -> its kind: name, date, address or code
    id         the column that identifies a record: never null, and unique
    threshold  the minimum probability of a match
    blocking   lists of columns: two records are compared if they agree on all columns of a list. Without it, records
               are compared that share something rare: a set of columns, their first characters, or a word
    compare    column -> edit distances that count as near, instead of its kind's
    """

    columns: dict[str, str]
    id: str
    threshold: float = 0.9
    blocking: list[list[str]] = field(default_factory=list)
    compare: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """Records and their compared pairs: the tables `records`, `alike` and `pairs` of the connection."""

    connection: duckdb.DuckDBPyConnection
    threshold: float
    weights: Weights
    warnings: list[str]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()


def read_options(options: dict[str, Any]) -> Matching:
    """Return the step's options as Matching. Raises JobError for an unknown, missing or wrong option."""
    check_options(options, ("columns", "id"), tuple(each.name for each in fields(Matching)))
    matching = Matching(**options)
    if not matching.columns:
        raise JobError("columns: at least one column with its kind is needed, such as {surname: name}")
    for kind in matching.columns.values():
        if kind not in KINDS:
            raise unknown("kind", kind, KINDS)
    for name in (*(name for rule in matching.blocking for name in rule), *matching.compare):
        if name not in matching.columns:
            raise missing_column(name, matching.columns, "columns")
    if not 0 < matching.threshold < 1:
        raise JobError(f"threshold: {matching.threshold} is not a probability. Allowed: between 0 and 1")
    return matching


def match_with_known(new: pa.Table, old: pa.Table | None, matching: Matching) -> pa.Table:
    """Return _id, match_id, match_confidence_score of new records (as in `match`) and of known ones, which keep theirs.

    old: the known records, with match_confidence_score as text. A new record with a known _id is the known record.
    """
    if old is None:
        return match(new, matching)
    new = new.filter(pc.invert(pc.is_in(new["_id"], old["_id"])))
    matches = match(pa.concat_tables([new, old.select(new.column_names)]), matching)
    id_, _, score = matches.column_names
    kept = old.select([id_, "_known", score]).rename_columns(matches.column_names)
    return pa.concat_tables([matches, kept.cast(matches.schema)])


def match(records: pa.Table, matching: Matching) -> pa.Table:
    """Find the records of the same thing.

    Args:
        records: the columns of `matching`, `_id` and `_known`, all text. `_known` is the match_id of a known record,
            else null.

    Records that are equal in every column, with no value missing, always match: nothing tells them apart.

    Returns:
        _id, match_id, match_confidence_score of the records without `_known`. match_id is that of the best-matching
        known record, else the smallest id of the records that match each other. The score is the probability that a
        record is in the right group: that of its best match, or for a single record, that it has no match.

    Raises:
        JobError: an id is missing or duplicated, or there are more than MAX_ROWS records.
    """
    scored = score(records, matching, least=0.01)
    for warning in scored.warnings:
        logging.getLogger(__name__).warning("find_matches: %s", warning)
    cluster(scored, matching.threshold)
    return scored.connection.sql(MATCHES).to_arrow_table()


def score(records: pa.Table, matching: Matching, least: float = 0.0) -> Scored:
    """Compare the records (as in `match`); keep the pairs whose match probability is at least `least`."""
    connection = duckdb.connect()
    columns = columns_of(matching.columns, matching.compare)
    _check(connection, records, matching)
    load(connection, columns)
    candidates(connection, columns, matching.blocking)
    weights = learn(connection, columns)
    scored = Scored(connection, matching.threshold, weights, _warnings(weights, len(columns), records.num_rows))
    scored.rows(f"SET VARIABLE threshold = {matching.threshold}")
    values = ", ".join(f"v{column.number}" for column in columns)
    pairs = PAIRS.format(weighed=weighing(weights), values=values, least=least, alike=ALIKE_WEIGHT)
    scored.rows(f"CREATE TABLE pairs AS {pairs}")
    scored.rows("CREATE TABLE fresh AS SELECT id FROM records WHERE known IS NULL")
    scored.rows(
        "CREATE TABLE fresh_pairs AS SELECT pairs.* FROM pairs JOIN fresh l ON l.id = id_l JOIN fresh r ON r.id = id_r"
    )
    return scored


def _warnings(weights: Weights, columns: int, records: int) -> list[str]:
    """Return warnings about records that are too few to learn from."""
    found = []
    if records > 1 and weights.matches < FEW_MATCHES:
        found.append(
            f"{records} records show {weights.matches:.0f} clear matches, fewer than the {FEW_MATCHES} needed to learn "
            "from: the weights are those expected of the kinds. Look at the matches before you trust them"
        )
    if columns == 1:
        found.append("one column is little evidence: equal values match, similar ones rarely. Compare more columns")
    return found


def cluster(scored: Scored, threshold: float) -> None:
    """Create the table `clusters`: new records that match, directly or through others, share a cluster_id."""
    ids = [id_ for (id_,) in scored.rows("SELECT id FROM fresh ORDER BY id")]
    root = {id_: id_ for id_ in ids}
    for left, right in scored.rows(f"SELECT id_l, id_r FROM fresh_pairs WHERE match_probability >= {threshold}"):
        first, second = sorted((_root(root, left), _root(root, right)))
        root[second] = first
    clusters = pa.table({"id": ids, "cluster_id": [_root(root, id_) for id_ in ids]}, CLUSTERS)
    scored.connection.register("found_clusters", clusters)
    scored.rows("CREATE OR REPLACE TABLE clusters AS SELECT * FROM found_clusters")


def _root(root: dict[str, str], id_: str) -> str:
    while root[id_] != id_:
        root[id_] = root[root[id_]]
        id_ = root[id_]
    return id_


CLUSTERS = pa.schema([("id", pa.string()), ("cluster_id", pa.string())])

# Records that are alike always match: each with its thing, and a known thing with an equal new one.
ALIKE_WEIGHT = 50
PAIRS = """
WITH same AS (
    SELECT thing AS id_l, id AS id_r FROM alike WHERE id <> thing
    UNION ALL SELECT least(l.id, r.id), greatest(l.id, r.id) FROM things l JOIN things r USING ({values})
    WHERE l.known IS NULL AND r.known IS NOT NULL
)
SELECT id_l, id_r, 1 / (1 + exp(-evidence)) AS match_probability, evidence / ln(2) AS match_weight
FROM ({weighed}) ANTI JOIN same USING (id_l, id_r) WHERE match_probability >= {least}
UNION ALL SELECT id_l, id_r, 1, {alike} FROM same
"""

MATCHES = """
WITH found AS (
    SELECT id_l AS id, id_r AS other, match_probability AS p FROM pairs
    UNION ALL SELECT id_r, id_l, match_probability FROM pairs
), joined AS (
    SELECT cluster_id, arg_max(known.known, (p, known.known)) AS match_id
    FROM clusters JOIN found USING (id) JOIN records known ON known.id = other
    WHERE known.known IS NOT NULL AND p >= getvariable('threshold') GROUP BY cluster_id
), named AS (
    SELECT id, coalesce(match_id, min(id) OVER (PARTITION BY cluster_id)) AS match_id
    FROM clusters LEFT JOIN joined USING (cluster_id)
    UNION ALL SELECT id, known FROM records WHERE known IS NOT NULL
), judged AS (
    SELECT named.id, max(p) FILTER (named.match_id = others.match_id) AS inside, max(p) AS any_pair
    FROM named JOIN found USING (id) JOIN named others ON others.id = other GROUP BY named.id
)
SELECT named.id AS _id, named.match_id, coalesce(inside, 1 - any_pair, 1) AS match_confidence_score
FROM named JOIN records USING (id) LEFT JOIN judged USING (id) WHERE known IS NULL ORDER BY _id
"""


def _check(connection: duckdb.DuckDBPyConnection, records: pa.Table, matching: Matching) -> None:
    if records.num_rows > MAX_ROWS:
        raise JobError(
            f"{records.num_rows} records are too many: at most {MAX_ROWS} are matched in one job. "
            "Filter them first, or split them by a column that no match crosses, such as a country"
        )
    connection.register("given", records)
    for wrong, sql in (("null", "_id IS NULL"), ("a duplicate", "true GROUP BY _id HAVING count(*) > 1")):
        found = connection.execute(f"SELECT _id FROM given WHERE {sql} ORDER BY _id LIMIT 1").fetchall()
        if found:
            raise JobError(f"id {matching.id}: {found[0][0]!r} is {wrong}. Every record needs an id of its own")
