"""Measures find_matches on records with known truth: precision, recall and F1 over pairs, and a plot of the weights.

`python -m lake_etl.evaluation` reads a request (JSON) on stdin and prints the result (JSON): see `main`.
"""

from __future__ import annotations

import json
import sys
from math import log2
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from lake_etl.errors import JobError, missing_column
from lake_etl.match_weights import Weights
from lake_etl.matching import Matching, Scored, cluster, read_options, score
from lake_etl.names import double_quoted

LABEL_COLUMNS = ("labeling_set_id", "label")
LOST_PAIRS = 20
THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)


def main() -> None:
    """Evaluate the request; its fields are the arguments of `evaluate`."""
    request = json.load(sys.stdin)
    try:
        result = evaluate(**request)
    except JobError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    sys.stdout.write(json.dumps(result))


def evaluate(
    *, rows: str, step: dict[str, Any], truth: str | None = None, labels: str | None = None, plot: str | None = None
) -> dict[str, Any]:
    """Match the records of a file and compare the result with the truth.

    Args:
        rows: a CSV, JSON or Parquet file of all records.
        step: the options of find_matches, without `known`.
        truth: the column whose equal values mark the same thing.
        labels: instead of truth, a CSV file in the format of AWS Glue's FindMatches: labeling_set_id, label, then the
            table's columns. Records of one set and label are the same thing; pairs across sets are not judged.
        plot: where to write the distribution of match weights, a PNG.

    Returns:
        records; true_pairs, found_pairs, right_pairs (true and found), precision, recall, f1 at the step's threshold;
        by_threshold: precision, recall, f1 at other thresholds. A rate over no pairs is null.
        lost: up to LOST_PAIRS true pairs that were not found, `left`, `right` and `because`; lost_because: the number
        of pairs lost per reason; warnings: where the records are too few to learn from.
    """
    matching = read_options({name: value for name, value in step.items() if name != "known"})
    table = _read(rows)
    _check(table, [matching.id, *matching.columns, *([truth] if truth else [])], rows)
    scored = score(_records(table, matching), matching)
    scored.connection.register("labelled", _labelled(table, matching, truth, labels))
    figures = {threshold: _counts(scored, threshold) for threshold in sorted({*THRESHOLDS, matching.threshold})}
    if plot:
        plot_weights(scored, Path(plot))
    chosen = figures[matching.threshold]
    by_threshold = [{"threshold": threshold, **_rates(**counts)} for threshold, counts in figures.items()]
    summary = {"records": table.num_rows, "threshold": matching.threshold, **chosen, **_rates(**chosen)}
    return {**summary, "by_threshold": by_threshold, **_lost(scored), "warnings": scored.warnings}


def plot_weights(scored: Scored, file: Path) -> None:
    """Plot how many judged pairs have each match weight (log2 of the odds), for pairs of one thing and of two."""
    from matplotlib.figure import Figure

    weights: dict[bool, list[float]] = {True: [], False: []}
    for same, weight in scored.rows(
        "SELECT l.label = r.label, match_weight FROM pairs JOIN labelled l ON l.id = id_l "
        "JOIN labelled r ON r.id = id_r AND r.scope = l.scope"
    ):
        weights[same].append(weight)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    names = [f"{len(weights[False])} pairs of two things", f"{len(weights[True])} pairs of one thing"]
    axes.hist([weights[False], weights[True]], bins=60, stacked=True, label=names, color=["tab:orange", "tab:blue"])
    odds = scored.threshold / (1 - scored.threshold)
    axes.axvline(log2(odds), color="black", linestyle="--", label=f"threshold {scored.threshold}")
    axes.set(xlabel="match weight", ylabel="pairs", yscale="log", title="Weights of the pairs that were compared")
    axes.legend()
    figure.savefig(file, format="png")


def _read(file: str) -> pa.Table:
    """Return the rows, with every column as text."""
    format_, read = _READERS.get(Path(file).suffix, ("JSON", _json))
    try:
        return read(file)
    except duckdb.Error:
        raise JobError(f"{file}: cannot be read as {format_}. It has to end in .csv, .json or .parquet") from None


def _csv(file: str) -> pa.Table:
    # DuckDB's guesses would take rows that begin with # for comments.
    dialect = "header=true, skip=0, delim=',', quote='\"', escape='\"', comment='', all_varchar=true"
    return duckdb.connect().sql(f"FROM read_csv(?, {dialect})", params=[file]).to_arrow_table()


def _parquet(file: str) -> pa.Table:
    return duckdb.connect().sql("SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?)", params=[file]).to_arrow_table()


def _json(file: str) -> pa.Table:
    """Integers keep all their digits, so that long ids stay apart; DuckDB's own numbers would round them."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE objects AS SELECT json FROM read_json_objects(?, format='auto')", [file])
        keys = connection.execute("SELECT DISTINCT json_keys(json) FROM objects").fetchall()
        names = dict.fromkeys(name for (object_,) in keys for name in object_)
        texts = ", ".join(f"json ->> ? AS {double_quoted(name)}" for name in names)
        return connection.sql(f"SELECT {texts} FROM objects", params=[*map(_pointer, names)]).to_arrow_table()


_READERS = {".csv": ("CSV with a header", _csv), ".parquet": ("Parquet", _parquet)}


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _check(table: pa.Table, names: list[str], where: str) -> None:
    for name in names:
        if name not in table.column_names:
            raise missing_column(name, table.column_names, where)


def _records(table: pa.Table, matching: Matching) -> pa.Table:
    columns = {name: table[name] for name in matching.columns}
    return pa.table({"_id": table[matching.id], "_known": pa.nulls(len(table), pa.string()), **columns})


def _labelled(table: pa.Table, matching: Matching, truth: str | None, labels: str | None) -> pa.Table:
    """Return id, scope, label: two records of one scope are the same thing if they have the same label."""
    if truth:
        rows = pa.table({"id": table[matching.id], "scope": ["all"] * len(table), "label": table[truth]})
    elif labels:
        given = _read(labels)
        if tuple(given.column_names[:2]) != LABEL_COLUMNS:
            raise JobError(f"{labels}: its first two columns must be {', '.join(LABEL_COLUMNS)}")
        _check(given, [matching.id], labels)
        strangers = given.filter(pc.invert(pc.is_in(given[matching.id], table[matching.id])))
        if len(strangers):
            raise JobError(f"{labels}: {matching.id} {strangers[matching.id][0]} is not among the records")
        rows = given.select([matching.id, *LABEL_COLUMNS]).rename_columns(["id", "scope", "label"])
    else:
        raise JobError("there is no truth to compare with. Give a labels file, or the column that holds the truth")
    return rows.filter(pc.is_valid(rows["label"]))


def _counts(scored: Scored, threshold: float) -> dict[str, int]:
    cluster(scored, threshold)
    groups = {
        "true_pairs": "scope, label",
        "found_pairs": "scope, cluster_id",
        "right_pairs": "scope, label, cluster_id",
    }
    return {name: _pairs(scored, columns) for name, columns in groups.items()}


def _lost(scored: Scored) -> dict[str, Any]:
    """Return the true pairs that the step's threshold puts into two clusters, and why."""
    cluster(scored, scored.threshold)
    weights = scored.weights
    reasons = ", ".join(_reason(weights, column.number, column.name) for column in weights.columns)
    scored.rows(f"CREATE OR REPLACE TABLE lost AS {LOST.format(reasons=reasons)}")
    counts = scored.rows("SELECT because, count(*) FROM lost GROUP BY because ORDER BY count(*) DESC, because")
    some = scored.rows(f"SELECT id_l, id_r, because FROM lost ORDER BY id_l, id_r LIMIT {LOST_PAIRS}")
    return {
        "lost": [{"left": left, "right": right, "because": because} for left, right, because in some],
        "lost_because": dict(counts),
    }


LOST = """
WITH missed AS (
    SELECT l.id AS id_l, r.id AS id_r, least(tl.thing, tr.thing) AS first, greatest(tl.thing, tr.thing) AS second
    FROM labelled l JOIN labelled r ON l.scope = r.scope AND l.label = r.label AND l.id < r.id
    JOIN clusters cl ON cl.id = l.id JOIN clusters cr ON cr.id = r.id AND cr.cluster_id <> cl.cluster_id
    JOIN alike tl ON tl.id = l.id JOIN alike tr ON tr.id = r.id
)
SELECT missed.id_l, missed.id_r, CASE
    WHEN compared.id_l IS NULL THEN 'not compared: no blocking rule brings them together'
    ELSE list_min([{reasons}]).because
END AS because
FROM missed LEFT JOIN compared ON compared.id_l = first AND compared.id_r = second
"""


def _reason(weights: Weights, i: int, name: str) -> str:
    """Return SQL for a column's evidence for a match, and for its part of the reason that a pair was lost."""
    evidence = [round(float(each), 3) for each in weights.evidence(i)]
    words = [f"{name}: {level.label}".replace("'", "''") for level in weights.levels[i]]
    chosen = ", ".join(
        f"{{'evidence': {each}, 'because': '{word if each < 0 else WEAK}'}}"
        for each, word in zip(evidence, words, strict=True)
    )
    return f"coalesce([{chosen}][g{i} + 1], {{'evidence': 0.0, 'because': '{WEAK}'}})"


WEAK = "no column disagrees, but the agreeing values are too common or too few"


def _pairs(scored: Scored, columns: str) -> int:
    """Return how many labelled pairs agree on the columns."""
    groups = f"SELECT count(*) AS n FROM labelled JOIN clusters USING (id) GROUP BY {columns}"
    return int(scored.rows(f"SELECT coalesce(sum(n * (n - 1)), 0) // 2 FROM ({groups})")[0][0])


def _rates(true_pairs: int, found_pairs: int, right_pairs: int) -> dict[str, float | None]:
    rates = {
        "precision": (right_pairs, found_pairs),
        "recall": (right_pairs, true_pairs),
        "f1": (2 * right_pairs, true_pairs + found_pairs),
    }
    return {name: round(part / total, 6) if total else None for name, (part, total) in rates.items()}


if __name__ == "__main__":
    main()
