"""Writes CSV for Athena's LazySimpleSerDe: typed, with nulls, and with delimiters in texts escaped by a backslash.

OpenCSVSerde would support quotes, but neither nulls nor dates.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn
from pyspark.sql.types import ArrayType, BinaryType, MapType, StringType, StructType

from lake_etl.errors import JobError, failure
from lake_etl.names import OWN, column

SERDE = {"field.delim": ",", "escape.delim": "\\", "serialization.null.format": "\\N"}


def as_lines(frame: DataFrame, keys: Sequence[str]) -> DataFrame:
    """Return the frame as a column of lines and the partition keys. Raises JobError for a type that CSV cannot hold."""
    lower = [key.lower() for key in keys]
    fields = [_field(frame, name) for name in frame.columns if name.lower() not in lower]
    return frame.select(fn.concat_ws(SERDE["field.delim"], *fields).alias(f"{OWN}line"), *map(column, keys))


def _field(frame: DataFrame, name: str) -> Column:
    type_ = frame.schema[name].dataType
    if isinstance(type_, (ArrayType, MapType, StructType, BinaryType)):
        raise JobError(f"sink format csv: column {name} is {type_.simpleString()}. Choose json, parquet or orc")
    text = _escaped(column(name), name) if isinstance(type_, StringType) else column(name).cast("string")
    return fn.coalesce(text, fn.lit(SERDE["serialization.null.format"]))


def _escaped(value: Column, name: str) -> Column:
    message = fn.lit(f"sink format csv: column {name} has a text of more than one line. Choose json, parquet or orc")
    text = fn.regexp_replace(value, r"([\\,])", r"\\$1")
    return fn.when(value.rlike(r"[\r\n]"), failure(message)).otherwise(text)
