"""Casting columns, and what becomes of the rows with a value that does not fit its new type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as fn
from pyspark.sql.types import StringType

from lake_etl.errors import check_columns, failure, unknown

ON_ERROR = ("null", "quarantine", "fail")
SHOWN = 40  # characters of a value in a message


@dataclass(frozen=True)
class Counted:
    """Casts that may make null of a value: column -> type, and what counts these nulls once a query reads the rows.

    prefix is what a report has before the columns' names: that of another dataset.
    """

    types: dict[str, str]
    counts: Observation
    prefix: str = ""


def cast(
    frame: DataFrame,
    types: dict[str, str],
    on_error: str = "null",
    counted: list[Counted] | None = None,
    dataset: str = "",
) -> DataFrame:
    """The frame, of a dataset where it is not the data itself, with columns (name -> type) cast.

    For a value that does not fit, on_error says:

    null        the value becomes null, and is counted: `counted` gets what counts it
    quarantine  the row is left out; `misfits` gives it
    fail        reading the row fails, with the value and its column
    """
    if on_error not in ON_ERROR:
        raise unknown("on_error", on_error, ON_ERROR)
    check_columns(frame, types, f"dataset {dataset}" if dataset else "the data")
    if on_error == "null":
        return _or_null(frame, types, [] if counted is None else counted, f"{dataset}." if dataset else "")
    if on_error == "quarantine":
        frame = frame.where(_reason(types).isNull())
    values = {column: _tried(column, type_) for column, type_ in types.items()}
    if on_error == "fail":
        values = {
            name: fn.when(_misfit(name, types[name]), failure(_reason(types))).otherwise(value)
            for name, value in values.items()
        }
    return frame.withColumns(values)


def _or_null(frame: DataFrame, types: dict[str, str], counted: list[Counted], prefix: str) -> DataFrame:
    """Each value is cast once: what counts the nulls sees it before and after, side by side."""
    risky = {column: type_ for column, type_ in types.items() if not _always_fits(frame, column, type_)}
    if not risky:
        return frame.withColumns({column: _tried(column, type_) for column, type_ in types.items()})
    counts = Observation()
    counted.append(Counted(risky, counts, prefix))
    tried = {column: f"_lake_cast_{place}" for place, column in enumerate(types)}
    both = frame.withColumns({new: _tried(column, types[column]) for column, new in tried.items()})
    metrics = [metric for column in risky for metric in _metrics(column, tried[column])]
    observed = both.observe(counts, *metrics)
    return observed.withColumns({column: fn.col(new) for column, new in tried.items()}).drop(*tried.values())


def _always_fits(frame: DataFrame, column: str, type_: str) -> bool:
    there = next(field.dataType for field in frame.schema if field.name.lower() == column.lower())
    return type_ == "string" or type_ == there.simpleString()


def _metrics(column: str, new: str) -> list[Column]:
    old = fn.col(f"`{column}`")
    lost = fn.when(old.isNotNull() & fn.col(new).isNull(), fn.substring(old.cast(StringType()), 1, SHOWN))
    return [
        fn.count(old).alias(f"values {column}"),
        fn.count(lost).alias(f"nulls {column}"),
        fn.min(lost).alias(f"least {column}"),
        fn.max(lost).alias(f"most {column}"),
    ]


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
    messages = [
        fn.when(
            _misfit(column, type_),
            fn.concat(fn.lit(f"column {column}: '"), fn.col(f"`{column}`").cast("string"), fn.lit(f"' is not {type_}")),
        )
        for column, type_ in types.items()
    ]
    return fn.coalesce(*messages, fn.lit(None).cast("string"))
