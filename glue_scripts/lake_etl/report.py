"""The run report: where every row went."""

from threading import Thread
from typing import Any

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as fn

from lake_etl.errors import JobError
from lake_etl.transforms import Transform

GAINS = ("added_by_joins", "added_by_sql")
LOSSES = ("filtered", "deduplicated", "removed_by_joins", "removed_by_sql", "quarantined_rows")
PATIENCE = 30  # seconds


def observe_rows(frame: DataFrame) -> tuple[DataFrame, Observation]:
    """Return the frame, and an observation that holds its "rows" once a query has read it: no extra query."""
    observation = Observation()
    return frame.observe(observation, fn.count(fn.lit(1)).alias("rows")), observation


def observed(observation: Observation) -> dict[str, Any]:
    """Return what a finished query observed. Raises JobError if the query did not read the observed frame.

    Spark itself would wait forever.
    """
    found: list[dict[str, Any]] = []
    waiting = Thread(target=lambda: found.append(observation.get), daemon=True)
    waiting.start()
    waiting.join(PATIENCE)
    if not found:
        raise JobError(
            "the rows cannot be accounted for: Spark left a dataset or a step unread, since the result does not need "
            "it. Remove what is not needed; a sql step has to use `input`"
        )
    return found[0]


def account(rows: int, steps: list[tuple[str, Transform, int]]) -> dict[str, Any]:
    """Return the effect of each step on the rows, and the sums by kind. steps are (name, transform, rows after it).

    The effect of a join or of SQL is net: a join that drops two rows and doubles three adds one.
    """
    totals = dict.fromkeys((*GAINS, *(kind for kind in LOSSES if kind != "quarantined_rows")), 0)
    lines = []
    for name, transform, after in steps:
        lines.append({"step": name, "rows_in": rows, "rows_out": after})
        kind = transform.adds if after > rows else transform.removes
        if kind in totals:
            totals[kind] += abs(after - rows)
        rows = after
    return {**totals, "steps": lines}


def check_balance(report: dict[str, Any]) -> None:
    """Raise JobError unless the rows that came in equal the rows that went out:

    rows_in + added_by_joins + added_by_sql
        = rows_out + filtered + deduplicated + removed_by_joins + removed_by_sql + quarantined_rows

    The terms are measured independently: rows_in where the source is read, rows_out in the written files,
    quarantined_rows as they are written to the quarantine zone.
    """
    before = {name: report[name] for name in ("rows_in", *GAINS)}
    after = {name: report[name] for name in ("rows_out", *LOSSES)}
    if sum(before.values()) != sum(after.values()):
        raise JobError(f"the rows do not add up: {_sum(before)} is not {_sum(after)}. Steps: {report['steps']}")


def _sum(terms: dict[str, int]) -> str:
    return " + ".join(f"{name} {rows}" for name, rows in terms.items())
