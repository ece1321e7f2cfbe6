from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as fn

from lake_etl.errors import JobError, check_columns, check_options
from lake_etl.names import OWN, check_comparable, column
from lake_etl.transforms.cast import EXACT

PLACE = f"{OWN}place"


def dedupe(frame: DataFrame, options: dict[str, Any] | None = None) -> DataFrame:
    """Return the frame with one row of each group of duplicates.

    by      list of key columns: rows with the same keys are duplicates; a null equals a null.
            Without it, rows that are equal in every column are duplicates
    newest  column: the row with the greatest value stays; rows without a value come last.
            Only with `by`

    Otherwise the row stays that comes first when sorted by all columns from left to right, nulls first. So a second
    run keeps the same rows.

    dedupe(flights, {"by": ["carrier", "flight"], "newest": "time_hour"})
    """
    options = options or {}
    check_options(options, (), ("by", "newest"))
    by, newest = options.get("by") or [], options.get("newest")
    compared = [*by, *([newest] if newest else [])]
    check_columns(frame, compared)
    if not by:
        if newest:
            raise JobError("newest is only allowed with by: rows that are equal in every column are equally new")
        check_comparable(frame, frame.columns, "dedupe without by compares all columns")
        return frame.dropDuplicates()
    check_comparable(frame, compared, "by and newest")
    first = [column(newest).desc_nulls_last()] if newest else []
    order = Window.partitionBy(*map(column, by)).orderBy(*first, *[_sortable(frame, name) for name in frame.columns])
    return frame.withColumn(PLACE, fn.row_number().over(order)).where(f"{PLACE} = 1").drop(PLACE)


def _sortable(frame: DataFrame, name: str) -> Column:
    """Return the column, or its JSON if it contains a map: Spark cannot order maps."""
    holds_map = "map<" in frame.schema[name].dataType.simpleString()
    return fn.to_json(fn.struct(column(name)), EXACT) if holds_map else column(name)
