"""How differently the parts of a training set are distributed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as fn

from lake_etl.training.bins import NULL, as_text, by_limits, is_null, is_number, limits
from lake_etl.training.splits import PART, PARTS, TRAIN

BINS, VALUES = 10, 20
FLOOR = 0.0001
"""The least share of a bin: one that is empty would make the index infinite."""
SURE = 2.33
"""Standard deviations above what chance gives on average, which it exceeds once in a hundred times."""

Shares = dict[str, dict[str, dict[str, float]]]
"""By column, bin and part: the share of the part's rows."""


def shares(rows: DataFrame, columns: Sequence[str], totals: Mapping[str, int]) -> Shares:
    """The distribution of columns in each part.

    A number is in a tenth of the training rows, anything else in the bin of its value, if that is among their
    commonest. `other` are the less common ones, `new` those that no training row has, and `null` the missing ones.

    Args:
        totals: the number of rows by part.
    """
    numbers = [name for name in columns if is_number(rows, name)]
    binned = _of_numbers(rows, numbers).unionByName(_of_texts(rows, [name for name in columns if name not in numbers]))
    counts = binned.groupBy("column", "bin", PART).count().collect()
    found: Shares = {name: {} for name in columns}
    for row in sorted(counts, key=lambda row: (row["column"], row["bin"])):
        found[row["column"]].setdefault(row["bin"], {})[row[PART]] = row["count"] / totals[row[PART]]
    return found


def _of_numbers(rows: DataFrame, names: Sequence[str]) -> DataFrame:
    found = limits(rows.where(fn.col(PART) == TRAIN), names, BINS)
    return _long(rows, {name: by_limits(name, found[name]) for name in names}, "bin")


def _of_texts(rows: DataFrame, names: Sequence[str]) -> DataFrame:
    long = _long(rows, {name: as_text(name) for name in names}, "text")
    known = long.where(fn.col(PART) == TRAIN).groupBy("column", "text").count()
    order = Window.partitionBy("column").orderBy(fn.desc("count"), "text")
    placed = long.join(known.withColumn("place", fn.row_number().over(order)), ["column", "text"], "left")
    bin_ = (
        fn.when(is_null(fn.col("text")), NULL)
        .when(fn.col("place") <= VALUES, fn.col("text"))
        .otherwise(fn.when(fn.col("place").isNull(), "new").otherwise("other"))
    )
    return placed.select(PART, "column", bin_.alias("bin"))


def _long(rows: DataFrame, values: Mapping[str, Column], name: str) -> DataFrame:
    """A row for each column of each row: its part, the column, and the value under a name."""
    pairs = [fn.struct(fn.lit(each).alias("column"), value.alias(name)) for each, value in values.items()]
    empty = fn.array().cast(f"array<struct<column: string, {name}: string>>")
    return rows.select(PART, fn.explode(fn.array(*pairs) if pairs else empty).alias("pair")).select(PART, "pair.*")


def indices(found: Shares, rows: Mapping[str, int]) -> Iterator[tuple[str, str, float, float]]:
    """The population stability index of each column in validation and test: (column, part, index, chance).

    Args:
        rows: the number of rows by part.

    Returns:
        With each index, the one that chance alone exceeds once in a hundred times in parts of so many rows: the index
        of two samples of one distribution is chi-squared, times the sum of one over the rows of each.
    """
    for name, bins in found.items():
        for part in PARTS[1:]:
            if rows.get(part):
                index = sum(_term(by_part, part, rows, len(bins)) for by_part in bins.values())
                yield name, part, index, _chance(len(bins), rows[TRAIN], rows[part])


def _term(by_part: Mapping[str, float], part: str, rows: Mapping[str, int], bins: int) -> float:
    expected, actual = (_share(by_part.get(which, 0.0), rows[which], bins) for which in (TRAIN, part))
    return (actual - expected) * math.log(actual / expected)


def _share(share: float, rows: int, bins: int) -> float:
    """With half a row more in each bin: an empty bin of few rows says little."""
    return max((share * rows + 0.5) / (rows + 0.5 * bins), FLOOR)


def _chance(bins: int, *rows: int) -> float:
    free = bins - 1
    return (free + SURE * math.sqrt(2 * free)) * sum(1 / each for each in rows)
