from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn

from lake_etl.errors import check_options


def drop_null_fields(frame: DataFrame, options: dict[str, Any] | None = None) -> DataFrame:
    """The frame without the columns in which every row is null, as Glue's DropNullFields.

    This reads the data once, since only the data can tell. A frame without rows keeps its columns. No options.
    """
    check_options(options or {}, ())
    filled = frame.agg(fn.count(fn.lit(1)), *[fn.count(column) for column in map(_quoted, frame.columns)]).head()
    assert filled is not None, "an aggregate without groups is always one row"
    rows, *counts = filled
    empty = [column for column, count in zip(frame.columns, counts, strict=True) if rows and not count]
    return frame.drop(*empty)


def _quoted(column: str) -> str:
    return f"`{column.replace('`', '``')}`"
