"""How well each feature alone tells the label: its area under the ROC curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as fn
from pyspark.sql.types import BooleanType, DecimalType, NumericType

from lake_etl.names import column, type_of
from lake_etl.training.splits import PART, TRAIN


def powers(rows: DataFrame, label: str, features: Sequence[str]) -> dict[str, float]:
    """By feature, the AUC of the label by its value alone, from 0.5 (tells nothing) to 1 (tells all).

    The value of a number is itself, where null is the least. The value of anything else is the share of the label
    among the training rows that have it, judged on the rows of the other parts: one that each row has alone tells
    nothing.
    """
    numbers = [name for name in features if is_number(rows, name)]
    others = [name for name in features if name not in numbers]
    found = _areas(_long(rows, label, numbers, lambda name: column(name).cast("double"))) if numbers else {}
    return found | (_areas(_encoded(rows, label, others)) if others else {})


def is_number(rows: DataFrame, name: str) -> bool:
    return isinstance(type_of(rows, name), NumericType | DecimalType | BooleanType)


def as_text(name: str) -> Column:
    """A value as a text that nulls have too."""
    return fn.coalesce(fn.to_json(fn.struct(column(name).alias("v"))), fn.lit("{}"))


def _long(rows: DataFrame, label: str, features: Sequence[str], value: Callable[[str], Column]) -> DataFrame:
    """A row for each feature of each row: feature, value, label, part."""
    pairs = [fn.struct(fn.lit(name).alias("feature"), value(name).alias("value")) for name in features]
    exploded = rows.select(fn.explode(fn.array(*pairs)).alias("pair"), column(label).alias("label"), PART)
    return exploded.select("pair.feature", "pair.value", "label", PART)


def _encoded(rows: DataFrame, label: str, features: Sequence[str]) -> DataFrame:
    """The same with the share of the label among the training rows as value."""
    long = _long(rows, label, features, as_text)
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
