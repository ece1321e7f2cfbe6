"""Records that name the same thing though no field is equal: a Splink model in DuckDB, no labels needed. No Spark here.

Splink weighs each column's agreement (Fellegi and Sunter's model) and learns the weights from the records themselves.
A column's kind says what is ignored in its values, and which edit distances count as near.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from itertools import combinations, product
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import splink.comparison_level_library as level
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.blocking_rule_library import CustomRule
from splink.clustering import cluster_pairwise_predictions_at_threshold
from splink.comparison_library import CustomComparison
from splink.internals.exceptions import EMTrainingException

from lake_etl.errors import JobError, check_options, missing_column, unknown

MAX_ROWS = 200_000  # of the records and those known: they are matched in the driver's memory
PAIRS_A_ROW, FEW_PAIRS = 5, 50_000  # a blocking rule may bring this many candidates
ENOUGH_RULES = 3
SAMPLED_PAIRS = 1_000_000
TRAININGS = 3
LETTERS = r"[^\p{L}\p{N}]"


@dataclass(frozen=True)
class Kind:
    """What is ignored in a value (SQL), the edit distances that are near, and how many characters begin it."""

    clean: str
    near: tuple[int, ...]
    start: int
    swaps: bool = False
    frequencies: bool = True


KINDS = {
    "name": Kind(f"regexp_replace(strip_accents(lower(@)), '{LETTERS}', '', 'g')", (1, 2), 3, swaps=True),
    "date": Kind("regexp_replace(@, '[^0-9]', '', 'g')", (1, 2), 6, frequencies=False),
    "address": Kind(f"trim(regexp_replace(strip_accents(lower(@)), '{LETTERS}+', ' ', 'g'))", (2, 5), 4, swaps=True),
    "code": Kind(f"regexp_replace(lower(@), '{LETTERS}', '', 'g')", (1, 2), 3),
}


@dataclass(frozen=True)
class Matching:
    """What the step says.

    columns    column -> its kind: name, date, address or code
    id         the column that names a record: there in every record, and no two alike
    threshold  the probability from which two records are a match
    blocking   lists of columns: two records are compared if they agree on all columns of one list. Without it, lists
               are chosen that bring few pairs, of columns and of their first characters
    compare    column -> edit distances that are near, in place of its kind's
    """

    columns: dict[str, str]
    id: str
    threshold: float = 0.9
    blocking: list[list[str]] = field(default_factory=list)
    compare: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """Records and the pairs of them that were compared: tables `records` and `pairs` of the connection."""

    connection: duckdb.DuckDBPyConnection
    api: DuckDBAPI
    threshold: float

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()


def read_options(options: dict[str, Any]) -> Matching:
    """The step's options as Matching. Raises JobError for one that is unknown, missing or wrong."""
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
    """_id, match_id, match_confidence_score of new records (as in `match`) and of those known, which keep theirs.

    old: the known ones, with their match_confidence_score as text. A new record with the _id of a known one is that.
    """
    if old is None:
        return match(new, matching)
    new = new.filter(pc.invert(pc.is_in(new["_id"], old["_id"])))
    matches = match(pa.concat_tables([new, old.select(new.column_names)]), matching)
    id_, _, score = matches.column_names
    kept = old.select([id_, "_known", score]).rename_columns(matches.column_names)
    return pa.concat_tables([matches, kept.cast(matches.schema)])


def match(records: pa.Table, matching: Matching) -> pa.Table:
    """Find the records that name the same thing.

    Args:
        records: the columns of `matching`, `_id` and `_known`, all text. `_known` is the match_id of a record that
            has one already, else null.

    Returns:
        _id, match_id, match_confidence_score of the records without `_known`. match_id is that of the known record they
        match best, else the smallest id of those that match each other. The score is the probability that a record
        is right where it is: of its best match, or for a record alone, of no match.

    Raises:
        JobError: an id is missing or there twice, or there are more than MAX_ROWS records.
    """
    scored = score(records, matching, least=0.01)
    cluster(scored, matching.threshold)
    return scored.connection.sql(MATCHES).to_arrow_table()


def score(records: pa.Table, matching: Matching, least: float = 0.0) -> Scored:
    """Compare the records (as in `match`); keep the pairs whose probability of a match is at least this."""
    connection = duckdb.connect()
    logging.getLogger("splink").setLevel(logging.ERROR)
    scored = Scored(connection, DuckDBAPI(connection), matching.threshold)
    _load(scored, records, matching)
    linker = _train(scored, matching)
    if linker is None:
        scored.rows(f"CREATE TABLE pairs ({PAIR_COLUMNS})")
    else:
        found = linker.inference.predict(threshold_match_probability=least or None)
        columns = "id_l, id_r, match_probability, match_weight"
        scored.rows(f"CREATE VIEW pairs AS SELECT {columns} FROM {found.physical_name}")
    scored.rows("CREATE TABLE fresh AS SELECT id FROM records WHERE known IS NULL")
    scored.rows(
        "CREATE TABLE fresh_pairs AS SELECT pairs.* FROM pairs JOIN fresh l ON l.id = id_l JOIN fresh r ON r.id = id_r"
    )
    return scored


def cluster(scored: Scored, threshold: float) -> None:
    """Make the view `clusters`: new records that match each other, directly or over others, share a cluster_id."""
    nodes, edges = scored.api.register("fresh"), scored.api.register("fresh_pairs")
    found = cluster_pairwise_predictions_at_threshold(
        nodes, edges, scored.api, "id", threshold_match_probability=threshold
    )
    scored.rows(f"CREATE OR REPLACE VIEW clusters AS SELECT id, cluster_id FROM {found.physical_name}")


PAIR_COLUMNS = "id_l VARCHAR, id_r VARCHAR, match_probability DOUBLE, match_weight DOUBLE"

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


def _load(scored: Scored, records: pa.Table, matching: Matching) -> None:
    if records.num_rows > MAX_ROWS:
        raise JobError(
            f"{records.num_rows} records are too many: at most {MAX_ROWS} are matched in one job. "
            "Filter them first, or split them by a column that no match crosses, such as a country"
        )
    cleaned = [
        f"nullif({KINDS[kind].clean.replace('@', _quoted(name))}, '') AS {_value(name)}"
        for name, kind in matching.columns.items()
    ]
    starts = [f"left({_value(name)}, {KINDS[kind].start}) AS {_start(name)}" for name, kind in matching.columns.items()]
    scored.connection.register("given", records)
    scored.rows(
        f"CREATE TABLE records AS SELECT _id AS id, _known AS known, {', '.join(cleaned)} FROM given ORDER BY _id"
    )
    scored.rows(f"CREATE OR REPLACE TABLE records AS SELECT *, {', '.join(starts)} FROM records")
    scored.rows(f"SET VARIABLE threshold = {matching.threshold}")
    for wrong, sql in (("null", "id IS NULL"), ("there twice", "true GROUP BY id HAVING count(*) > 1")):
        found = scored.rows(f"SELECT id FROM records WHERE {sql} ORDER BY id LIMIT 1")
        if found:
            raise JobError(f"id {matching.id}: {found[0][0]!r} is {wrong}. Every record needs an id of its own")


def _train(scored: Scored, matching: Matching) -> Linker | None:
    """A model whose weights are learnt; None when there is nothing to compare."""
    rules = [tuple(map(_value, rule)) for rule in matching.blocking] or _blocking(scored, list(matching.columns))
    if not any(_pairs(scored, rule) for rule in rules):
        return None
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="id",
        comparisons=[_comparison(name, matching) for name in matching.columns],
        blocking_rules_to_generate_predictions=[CustomRule(_rule_sql(rule)) for rule in rules],
        probability_two_random_records_match=1 / scored.rows("SELECT count(*) FROM records")[0][0],
        retain_matching_columns=False,
    )
    linker = Linker(scored.api.register("records"), settings, log_level=None)
    linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLED_PAIRS, seed=1)
    _learn(scored, linker, matching)
    return linker


def _learn(scored: Scored, linker: Linker, matching: Matching) -> None:
    """Learn how matches agree from records equal in one column: those columns in which equality is rarest."""
    distinct = {
        name: scored.rows(f"SELECT count(DISTINCT {_value(name)}) FROM records")[0] for name in matching.columns
    }
    trained = 0
    for name in sorted(matching.columns, key=lambda name: distinct[name], reverse=True):
        if trained < TRAININGS and _pairs(scored, (_value(name),)):
            trained += _learned(linker, name)


def _learned(linker: Linker, name: str) -> bool:
    try:
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(f"v_{name}"), estimate_without_term_frequencies=True, max_pairs=SAMPLED_PAIRS
        )
    # ValueError: a weight went below what a float can hold. Splink's own weights then stand for these columns.
    except (EMTrainingException, ValueError) as error:
        logging.getLogger(__name__).warning("no weights learnt from records equal in %s: %s", name, error)
        return False
    return True


def _comparison(name: str, matching: Matching) -> CustomComparison:
    kind, column = KINDS[matching.columns[name]], f"v_{name}"
    near = sorted(matching.compare.get(name, kind.near))
    others = [f"v_{other}" for other in _of_kind(matching, matching.columns[name]) if other != name and kind.swaps]
    swapped = " OR ".join(f'"{column}_l" = "{o}_r" OR "{o}_l" = "{column}_r"' for o in others)
    return CustomComparison(
        output_column_name=name,
        comparison_levels=[
            level.NullLevel(column),
            level.ExactMatchLevel(column, term_frequency_adjustments=kind.frequencies),
            *[level.LevenshteinLevel(column, distance) for distance in near],
            *([level.CustomLevel(swapped, "in another column")] if swapped else []),
            level.ElseLevel(),
        ],
    )


def _of_kind(matching: Matching, kind: str) -> list[str]:
    return [name for name, other in matching.columns.items() if other == kind]


def _blocking(scored: Scored, names: list[str]) -> list[tuple[str, ...]]:
    """The coarsest sets of columns, or of their beginnings, whose agreement leaves few pairs to compare."""
    limit = max(PAIRS_A_ROW * scored.rows("SELECT count(*) FROM records")[0][0], FEW_PAIRS)
    rules: list[tuple[str, ...]] = []
    for size in range(4):
        for keys in _keys(names, size):
            if not any(_covers(rule, keys) for rule in rules) and _pairs(scored, keys) <= limit:
                rules.append(keys)
        if size >= 2 and len(rules) >= ENOUGH_RULES:
            break
    if not rules:
        raise JobError("no blocking leaves few enough pairs to compare. Give more columns, or name some by `blocking`")
    return rules


def _keys(names: list[str], size: int) -> Iterator[tuple[str, ...]]:
    for chosen in combinations(names, size):
        yield from product(*((_start(name), _value(name)) for name in chosen))


def _covers(rule: tuple[str, ...], keys: tuple[str, ...]) -> bool:
    """Whether records that agree on these keys agree on the rule's as well."""
    return all(key in keys or key.replace('"s_', '"v_', 1) in keys for key in rule)


def _pairs(scored: Scored, keys: tuple[str, ...]) -> int:
    """How many pairs agree on the keys, those of two known records left out."""
    there = " AND ".join(f"{key} IS NOT NULL" for key in keys) or "true"
    groups = f"SELECT count(*) AS n, count(known) AS k FROM records WHERE {there} GROUP BY {', '.join(keys) or '()'}"
    return int(scored.rows(f"SELECT coalesce(sum(n * (n - 1) - k * (k - 1)), 0) / 2 FROM ({groups})")[0][0])


def _rule_sql(keys: tuple[str, ...]) -> str:
    agree = [f"l.{key} = r.{key}" for key in keys]
    return " AND ".join([*agree, "(l.known IS NULL OR r.known IS NULL)"])


def _value(name: str) -> str:
    return _quoted(f"v_{name}")


def _start(name: str) -> str:
    return _quoted(f"s_{name}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
