"""Rows of validation and test that are about the same thing as rows of train, though no field may be equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as fn

from lake_etl.errors import JobError, check_columns
from lake_etl.names import OWN, column
from lake_etl.training.splits import PART, TRAIN
from lake_etl.transforms.find_matches import MATCH, find_matches

ROW = f"{OWN}row"


def matches(
    rows: DataFrame, columns: Mapping[str, str] | None, limit: float
) -> Iterator[tuple[str, str, float, float, str]]:
    """What `find_matches` finds by these columns: of each part but train, the share that train has too.

    Args:
        columns: each with the kind of its values. None: nothing is looked for.

    Raises:
        JobError: a column is missing, or there are more rows than find_matches takes.
    """
    if not columns:
        return
    matched = _matched(rows, columns).cache()
    train = matched.where(fn.col(PART) == TRAIN).select(MATCH).distinct()
    shared = matched.where(fn.col(PART) != TRAIN).join(train, MATCH, "left_semi").groupBy(PART).count().collect()
    totals = {row[PART]: row["count"] for row in matched.groupBy(PART).count().collect()}
    matched.unpersist()
    for part, count in sorted(shared):
        share = count / totals[part]
        if share > limit:
            names = ", ".join(columns)
            yield names, part, share, limit, f"{share:.1%} of {part} is in train too: the same things by {names}"


def _matched(rows: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    """The part and the match of each row. Rows that are equal in all of it may change their numbers."""
    check_columns(rows, list(columns), "`from`")
    chosen = rows.select(PART, *map(column, columns))
    numbered = chosen.withColumn(ROW, fn.row_number().over(Window.orderBy(PART, *map(column, columns))))
    try:
        return find_matches(numbered, {"columns": dict(columns), "id": ROW}, rows.sparkSession.table)
    except JobError as error:
        raise JobError(f"checks.find_matches: {error}") from None
