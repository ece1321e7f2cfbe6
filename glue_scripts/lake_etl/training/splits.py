"""Which part a row of a training set belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from lake_etl.errors import JobError, check_columns
from lake_etl.names import OWN, column

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
PART = f"{OWN}part"
_STEPS = 1_000_000


def with_parts(rows: DataFrame, spec: Mapping[str, Any]) -> DataFrame:
    """The rows with the column `PART`.

    A split by time goes by the day of `time`, in UTC; one by group or hash by a hash of the group's columns, or of
    entity and time, so that a row is in the same part however many others come.
    """
    split, time = spec["split"], spec["time"]
    if split["by"] == "time":
        day = fn.to_date(column(time))
        return rows.withColumn(PART, _by_limits(day, _day(split["train_until"]), _day(split["validate_until"])))
    names = split.get("group") or spec["entity"] if split["by"] == "group" else [*spec["entity"], time]
    check_columns(rows, names, "the rows")
    chance = fn.pmod(fn.xxhash64(fn.lit(split["seed"]), *map(column, names)), fn.lit(_STEPS)) / _STEPS
    rest = 1 - split["validate_share"] - split["test_share"]
    return rows.withColumn(PART, _by_limits(chance, fn.lit(rest), fn.lit(rest + split["validate_share"])))


def _day(text: str) -> Column:
    return fn.to_date(fn.lit(text))


def _by_limits(value: Column, train_until: Column, validate_until: Column) -> Column:
    return fn.when(value < train_until, TRAIN).when(value < validate_until, VALIDATION).otherwise(TEST)


def check_parts(counts: Mapping[str, int]) -> None:
    """Raise JobError for a part without rows."""
    if empty := [part for part in PARTS if not counts.get(part)]:
        there = ", ".join(f"{part} {counts.get(part, 0)}" for part in PARTS)
        raise JobError(f"split: {' and '.join(empty)} would have no rows ({there}). Change the limits of `split`")
