"""How differently the parts of a training set are distributed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from lake_etl.names import column
from lake_etl.training.powers import as_text, is_number
from lake_etl.training.splits import PART, PARTS, TRAIN

BINS, VALUES, ERROR = 10, 20, 0.001
FLOOR = 0.0001
"""The least share of a bin: one that is empty would make the index infinite."""

Shares = dict[str, dict[str, dict[str, float]]]
"""By column, bin and part: the share of the part's rows."""


def shares(rows: DataFrame, columns: Sequence[str]) -> Shares:
    """The distribution of columns in each part: numbers in tenths of the training rows, others by their commonest."""
    train = rows.where(fn.col(PART) == TRAIN)
    limits = _limits(train, [name for name in columns if is_number(rows, name)])
    bins = {name: _by_limits(name, limits[name]) if name in limits else _by_value(train, name) for name in columns}
    pairs = [fn.struct(fn.lit(name).alias("column"), bin_.alias("bin")) for name, bin_ in bins.items()]
    long = rows.select(PART, fn.explode(fn.array(*pairs)).alias("pair"))
    counts = long.groupBy("pair.column", "pair.bin", PART).count().collect()
    totals = {row[PART]: row["count"] for row in rows.groupBy(PART).count().collect()}
    found: Shares = {name: {} for name in columns}
    for row in sorted(counts, key=lambda row: (row["column"], row["bin"])):
        found[row["column"]].setdefault(row["bin"], {})[row[PART]] = row["count"] / totals[row[PART]]
    return found


def _limits(train: DataFrame, names: Sequence[str]) -> dict[str, list[float]]:
    """The tenths of each number, all in one pass."""
    values = train.select(*[column(name).cast("double").alias(f"v{number}") for number, name in enumerate(names)])
    found = values.approxQuantile(values.columns, [step / BINS for step in range(1, BINS)], ERROR) if names else []
    return dict(zip(names, found, strict=True))


def _by_value(train: DataFrame, name: str) -> Column:
    """The value itself, if it is among the commonest."""
    common = train.groupBy(as_text(name).alias("text")).count().orderBy(fn.desc("count"), "text").limit(VALUES)
    known = [row.text for row in common.collect()]
    return fn.when(as_text(name).isin(known), as_text(name)).otherwise("other")


def _by_limits(name: str, limits: Sequence[float]) -> Column:
    """A text for the bin of a number; `null` is one of its own."""
    value, edges = column(name).cast("double"), sorted(set(limits))
    bin_ = fn.lit(f"{len(edges):02d} over {edges[-1]:g}" if edges else "all")
    for number, edge in reversed(list(enumerate(edges))):
        bin_ = fn.when(value <= edge, f"{number:02d} to {edge:g}").otherwise(bin_)
    return fn.when(value.isNull(), "null").otherwise(bin_)


def indices(found: Shares) -> Iterator[tuple[str, str, float]]:
    """The population stability index of each column in validation and test: (column, part, index)."""
    for name, bins in found.items():
        for part in PARTS[1:]:
            yield name, part, sum(_term(by_part, part) for by_part in bins.values())


def _term(by_part: Mapping[str, float], part: str) -> float:
    expected, actual = (max(by_part.get(which, 0.0), FLOOR) for which in (TRAIN, part))
    return (actual - expected) * math.log(actual / expected)
