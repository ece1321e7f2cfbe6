"""Adds a run's rows to a feature group: as files of its offline store, where Feature Store itself would write them."""

from __future__ import annotations

from typing import Any

import boto3
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn
from pyspark.sql.types import StringType

from lake_etl.catalog import registered
from lake_etl.errors import JobError, check_columns
from lake_etl.names import column
from lake_etl.sink import Written

TAKEN = {
    "string": ("string",),
    "integral": ("tinyint", "smallint", "int", "bigint"),
    "fractional": ("float", "double", "tinyint", "smallint", "int"),
    "time": ("timestamp", "timestamp_ntz"),
}
"""The types of Spark that a feature takes, so that no value changes."""
STORED = {"string": "string", "integral": "bigint", "fractional": "double"}
MOMENT = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"
FOLDERS = {"year": "yyyy", "month": "MM", "day": "dd", "hour": "HH"}
UNPUBLISHED = "Nothing is published"


def add_features(spark: SparkSession, group: dict[str, Any], written: Written) -> None:
    """Add the rows of a run to a feature group, before the run is published.

    Args:
        group: name, database (of its table), identifier, time, and features with their types.

    Raises JobError, before any is added, where a column or a row is not as the group needs it.
    """
    place = registered(boto3.client("glue"), group["database"], group["name"]).get(())
    if place is None:
        raise JobError(
            f"feature group {group['name']}: database {group['database']} has no table of it. {UNPUBLISHED}. "
            "Deploy it first: `lake up ml`"
        )
    if written.files:
        rows = _rows(spark, written)
        _check_types(group, rows)
        _check_rows(group, rows)
        _records(group, rows).write.mode("append").partitionBy(*FOLDERS).parquet(place.rstrip("/"))


def _rows(spark: SparkSession, written: Written) -> DataFrame:
    """The rows as they were written, so that a step with chance in it gives no other ones."""
    types = {**written.columns, **written.keys}
    schema = ", ".join(f"`{name}` {type_}" for name, type_ in types.items())
    return spark.read.schema(schema).parquet(written.location)


def _kinds(group: dict[str, Any]) -> dict[str, str]:
    return {**group["features"], group["time"]: "time"}


def _check_types(group: dict[str, Any], rows: DataFrame) -> None:
    check_columns(rows, _kinds(group), f"the data that goes to the feature group {group['name']}")
    types = {name.lower(): type_ for name, type_ in rows.dtypes}
    for name, kind in _kinds(group).items():
        if types[name] not in TAKEN[kind]:
            what = "the time of the event" if kind == "time" else kind
            raise JobError(
                f"feature group {group['name']}: {name} is {types[name]}, and {what} there. {UNPUBLISHED}. "
                f"Allowed: {', '.join(TAKEN[kind])}. Convert it in a map step, cast: {{{name}: TYPE}}"
            )


def _check_rows(group: dict[str, Any], rows: DataFrame) -> None:
    problems = _problems(group)
    keys = fn.struct(column(group["identifier"]), column(group["time"]))
    counts = [fn.count(fn.when(condition, 1)) for condition in problems.values()]
    total, different, *wrong = rows.agg(fn.count(fn.lit(1)), fn.countDistinct(keys), *counts).collect()[0]
    for what, count in zip(problems, wrong, strict=True):
        if count:
            raise JobError(f"feature group {group['name']}: {count} of {total} rows have {what}. {UNPUBLISHED}")
    if different < total:
        raise JobError(
            f"feature group {group['name']}: {total - different} of {total} rows have the {group['identifier']} and "
            f"the {group['time']} of another row, and one record is known at a time. {UNPUBLISHED}"
        )


def _problems(group: dict[str, Any]) -> dict[str, Column]:
    """What is wrong with a row -> its condition."""
    identifier, time = column(group["identifier"]), column(group["time"])
    numbers = {name: column(name).cast("double") for name, kind in group["features"].items() if kind == "fractional"}
    finer = fn.date_trunc("millisecond", time) != time.cast("timestamp")
    return {
        f"no {group['identifier']}, the identifier": identifier.isNull() | (identifier.cast(StringType()) == ""),
        f"no {group['time']}, the time of the event": time.isNull(),
        f"a {group['time']} finer than a millisecond": finer,
        **{
            f"no finite number as {name}": fn.isnan(number) | (fn.abs(number) == float("inf"))
            for name, number in numbers.items()
        },
    }


def _records(group: dict[str, Any], rows: DataFrame) -> DataFrame:
    """The columns of the group's table, those that Feature Store adds, and the folders of the hour."""
    time, now = column(group["time"]), fn.current_timestamp()
    features = [column(name).cast(STORED[kind]).alias(name) for name, kind in group["features"].items()]
    added = [now.alias("write_time"), now.alias("api_invocation_time"), fn.lit(False).alias("is_deleted")]
    folders = [fn.date_format(time, pattern).alias(name) for name, pattern in FOLDERS.items()]
    moment = fn.date_format(time, MOMENT).alias(group["time"])
    return rows.select(*features, moment, *added, *folders).repartition(*map(column, FOLDERS))
