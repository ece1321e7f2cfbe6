"""Values that a sink's file format cannot hold exactly. They fail the run: a wrong value would be worse."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    NullType,
    NumericType,
    StringType,
    StructField,
    TimestampNTZType,
    TimestampType,
)

from lake_etl.errors import JobError, failure
from lake_etl.leaves import count, leaves, replaced
from lake_etl.names import column, quoted
from lake_etl.partitions import NO_VALUE

ON_A_DAY = (DateType, TimestampType, TimestampNTZType)
KEYS = (StringType, NumericType, BooleanType, *ON_A_DAY)
LOST_IN_ORC = {  # reads back from ORC as another time: the Julian calendar lacks these ten days
    "1582-10-05 to 1582-10-14": ("1582-10-05 00:00:00", "1582-10-15 00:00:00"),
    "the last second before 1970": ("1969-12-31 23:59:59.001", "1970-01-01 00:00:00"),
}


def held(frame: DataFrame, format_: str, keys: Sequence[str]) -> DataFrame:
    """Return the frame as the format's files hold it, partitioned by the keys. A row they cannot hold fails the job.

    Raises JobError for a column whose type they cannot hold.
    """
    lower = [key.lower() for key in keys]
    changed = {
        field.name: value
        for field in frame.schema
        if (value := _key(field) if field.name.lower() in lower else _value(field, format_)) is not None
    }
    return frame.withColumns(changed) if changed else frame


def _key(field: StructField) -> Column | None:
    """Return a text that is unique to the partition; None for a key that needs no change."""
    if not isinstance(field.dataType, KEYS):
        raise JobError(
            f"sink partition_by: column {field.name} is {field.dataType.simpleString()}. "
            "Allowed: texts, numbers, dates, timestamps and booleans"
        )
    if not isinstance(field.dataType, StringType):
        return None
    value = column(field.name)
    message = fn.concat(
        fn.lit(f"sink partition_by: column {field.name} has the text '"),
        value,
        fn.lit("', whose folder is the one of null. Make it null or another text in a map step"),
    )
    return fn.when(value.isin("", NO_VALUE), failure(message)).otherwise(value)


def _value(field: StructField, format_: str) -> Column | None:
    """Return a value that reads back unchanged; None for a column that needs no change."""
    kinds = tuple(leaves(field.dataType))
    if any(isinstance(kind, NullType) for kind in kinds):
        raise JobError(
            f"sink: column {field.name} has no type, as it is NULL in every row. "
            "Give it one where it comes from: CAST(NULL AS string)"
        )
    if format_ == "orc" and "`" in field.name + field.dataType.simpleString():
        raise JobError(f"sink format orc: ORC files do not hold the backquote in the name of {field.name}. Rename it")
    return _orc_value(field) if format_ == "orc" and any(isinstance(kind, ON_A_DAY) for kind in kinds) else None


def _orc_value(field: StructField) -> Column:
    """Return dates and timestamps in the catalog's types: Spark would write timestamps without a zone as integers."""
    value = column(field.name).cast(replaced(field.dataType, _with_zone))
    for span, (first, end) in LOST_IN_ORC.items():
        inside = f"{{}} >= TIMESTAMP'{first}Z' AND {{}} < TIMESTAMP'{end}Z'"
        lost = fn.expr(f"{count(quoted(field.name), field.dataType, _on_a_day(inside))} > 0")
        message = f"sink format orc: column {field.name} has a time in {span}, which ORC files do not hold"
        value = fn.when(lost, failure(fn.lit(f"{message}. Choose parquet"))).otherwise(value)
    return value


def _on_a_day(condition: str) -> Callable[[str, DataType], str]:
    return lambda leaf, type_: condition.replace("{}", leaf) if isinstance(type_, ON_A_DAY) else "false"


def _with_zone(leaf: DataType) -> DataType:
    return TimestampType() if isinstance(leaf, TimestampNTZType) else leaf
