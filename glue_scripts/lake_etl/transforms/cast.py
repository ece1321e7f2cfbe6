"""Casting columns, and what becomes of the rows with a value that does not fit its new type."""

from collections.abc import Callable

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from lake_etl.errors import check_columns, failure, unknown

ON_ERROR = ("null", "quarantine", "fail")


def cast(frame: DataFrame, types: dict[str, str], on_error: str = "null") -> DataFrame:
    """The frame with columns (name -> type) cast. For a value that does not fit, on_error says:

    null        the value becomes null
    quarantine  the row is left out; `misfits` gives it
    fail        reading the row fails, with the value and its column
    """
    if on_error not in ON_ERROR:
        raise unknown("on_error", on_error, ON_ERROR)
    check_columns(frame, types)
    if on_error == "quarantine":
        frame = frame.where(_reason(types).isNull())
    values = {column: _tried(column, type_) for column, type_ in types.items()}
    if on_error == "fail":
        values = {
            name: fn.when(_misfit(name, types[name]), failure(_reason(types))).otherwise(value)
            for name, value in values.items()
        }
    return frame.withColumns(values)


def misfits(frame: DataFrame, types: dict[str, str]) -> DataFrame:
    """The rows with a value that does not fit: source_file (where it is known), raw (the row as JSON), reason."""
    check_columns(frame, types)
    return set_aside(frame, _reason(types))


def set_aside(
    frame: DataFrame, reason: Column, prepared: Callable[[DataFrame], DataFrame] = lambda rows: rows
) -> DataFrame:
    """The rows for which there is a reason: source_file (where it is known), raw (the row as JSON), reason.

    prepared adds the columns that the reason needs.
    """
    raw = fn.to_json(fn.struct(*[f"`{column}`" for column in frame.columns]))
    bad = prepared(_with_file(frame)).where(reason.isNotNull())
    return bad.select("source_file", raw.alias("raw"), reason.alias("reason"))


def _with_file(frame: DataFrame) -> DataFrame:
    """Spark knows a row's file only until the row met those of another dataset."""
    try:
        return frame.withColumn("source_file", fn.expr("nullif(input_file_name(), '')"))
    except AnalysisException:
        return frame.withColumn("source_file", fn.lit(None).cast("string"))


def _tried(column: str, type_: str) -> Column:
    return fn.expr(f"try_cast(`{column}` AS {type_})")


def _misfit(column: str, type_: str) -> Column:
    return fn.col(f"`{column}`").isNotNull() & _tried(column, type_).isNull()


def _reason(types: dict[str, str]) -> Column:
    """What is wrong with a row, by its first column that does not fit; null for a row that is well."""
    said = [
        fn.when(
            _misfit(column, type_),
            fn.concat(fn.lit(f"column {column}: '"), fn.col(f"`{column}`").cast("string"), fn.lit(f"' is not {type_}")),
        )
        for column, type_ in types.items()
    ]
    return fn.coalesce(*said, fn.lit(None).cast("string"))
