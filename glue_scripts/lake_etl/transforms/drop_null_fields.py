from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn
from pyspark.sql.types import DataType, NumericType, StringType

from lake_etl.errors import check_options
from lake_etl.names import column

Value = str | int | float


def drop_null_fields(frame: DataFrame, options: dict[str, Any] | None = None) -> DataFrame:
    """Return the frame without the columns in which every row is null, like Glue's DropNullFields.

    also   values that count as null: "", "null", -1. A text applies to string columns, a number to numeric ones.

    This reads the data once, to find these columns. A frame without rows keeps its columns.

    drop_null_fields(flights, {"also": ["", -1]})
    """
    options = options or {}
    check_options(options, (), ("also",))
    also = options.get("also") or []
    filled = frame.agg(fn.count(fn.lit(1)), *[fn.count(_filled(frame, name, also)) for name in frame.columns]).head()
    assert filled is not None, "an aggregate without groups is always one row"
    rows, *counts = filled
    empty = [name for name, count in zip(frame.columns, counts, strict=True) if rows and not count]
    return frame.drop(*empty)


def _filled(frame: DataFrame, name: str, also: list[Value]) -> Column:
    """Return the column, with null for the values that count as null."""
    values = [value for value in also if _fits(value, frame.schema[name].dataType)]
    return fn.when(~column(name).isin(values), column(name)) if values else column(name)


def _fits(value: Value, type_: DataType) -> bool:
    return isinstance(type_, StringType if isinstance(value, str) else NumericType)
