"""How well each feature alone tells the label: its area under the ROC curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as fn

from lake_etl.names import column
from lake_etl.training.bins import as_double, as_text, by_limits, is_number, limits
from lake_etl.training.splits import PART, TRAIN

STEPS = 50
"""A number with more values counts by its step of so many; one with fewer by each, as a code."""


def powers(rows: DataFrame, label: str, features: Sequence[str]) -> dict[str, float]:
    """By feature, the AUC of the label by its value alone, from 0.5 (tells nothing) to 1 (tells all).

    A value counts by the share of the label among the training rows that have it, judged on the rows of the other
    parts: one that each row has alone tells nothing. A number counts by its order too, where null is the least, and the
    greater of both is its power: of a code the label may be between others, and of a measurement at both ends.
    """
    numbers = [name for name in features if is_number(rows, name)]
    by_order = _areas(_long(rows, label, {name: as_double(name) for name in numbers})) if numbers else {}
    by_value = _areas(_encoded(rows, label, _values(rows, features, numbers)))
    return {name: max(by_order.get(name, 0.0), by_value.get(name, 0.0)) for name in {**by_order, **by_value}}


def _values(rows: DataFrame, features: Sequence[str], numbers: Sequence[str]) -> dict[str, Column]:
    """By feature, the text that its value counts as."""
    train = rows.where(fn.col(PART) == TRAIN)
    counts = train.agg(fn.lit(0), *[fn.approx_count_distinct(as_double(name)) for name in numbers]).collect()[0][1:]
    many = [name for name, count in zip(numbers, counts, strict=True) if count > STEPS]
    steps = {name: by_limits(name, found) for name, found in limits(train, many, STEPS).items()}
    return {name: as_text(name) for name in features} | steps


def _long(rows: DataFrame, label: str, values: Mapping[str, Column]) -> DataFrame:
    """A row for each feature of each row: feature, value, label, part."""
    pairs = [fn.struct(fn.lit(name).alias("feature"), value.alias("value")) for name, value in values.items()]
    exploded = rows.select(fn.explode(fn.array(*pairs)).alias("pair"), column(label).alias("label"), PART)
    return exploded.select("pair.feature", "pair.value", "label", PART)


def _encoded(rows: DataFrame, label: str, values: Mapping[str, Column]) -> DataFrame:
    """The same with the share of the label among the training rows as value."""
    long = _long(rows, label, values)
    shares = long.where(fn.col(PART) == TRAIN).groupBy("feature", "value").agg(fn.avg("label").alias("share"))
    [[prior]] = rows.where(fn.col(PART) == TRAIN).agg(fn.avg(column(label))).collect()
    judged = long.where(fn.col(PART) != TRAIN).join(shares, ["feature", "value"], "left")
    return judged.select("feature", fn.coalesce("share", fn.lit(prior)).alias("value"), "label")


def _areas(long: DataFrame) -> dict[str, float]:
    """The Mann-Whitney statistic by feature: ties count half, and the direction does not matter."""
    counted = long.groupBy("feature", "value").agg(
        fn.sum("label").alias("ones"), fn.sum(1 - fn.col("label")).alias("zeros")
    )
    before = Window.partitionBy("feature").orderBy(fn.col("value").asc_nulls_first())
    below = fn.sum("zeros").over(before.rowsBetween(Window.unboundedPreceding, Window.currentRow)) - fn.col("zeros")
    ranked = counted.select("feature", "ones", "zeros", below.alias("below"))
    area = fn.sum(fn.col("ones") * (fn.col("below") + fn.col("zeros") / 2.0)) / (fn.sum("ones") * fn.sum("zeros"))
    areas = ranked.groupBy("feature").agg(area.alias("area")).collect()
    return {row.feature: max(row.area, 1 - row.area) for row in areas if row.area is not None}
