"""The bins that values are counted in: steps of a number, or the text of anything else."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn
from pyspark.sql.types import BooleanType, DecimalType, NumericType

from lake_etl.names import column, type_of

NULL = "null"
_ERROR = 0.001
_NO_VALUE = "{}"


def is_number(rows: DataFrame, name: str) -> bool:
    return isinstance(type_of(rows, name), NumericType | DecimalType | BooleanType)


def as_text(name: str) -> Column:
    """A value as a text that nulls have too."""
    return fn.coalesce(fn.to_json(fn.struct(column(name).alias("v"))), fn.lit(_NO_VALUE))


def is_null(text: Column) -> Column:
    return text == _NO_VALUE


def as_double(name: str) -> Column:
    return column(name).cast("double")


def limits(train: DataFrame, names: Sequence[str], steps: int) -> dict[str, list[float]]:
    """The values that part each number into so many steps of equally many rows, all in one pass."""
    values = train.select(*[as_double(name).alias(f"v{number}") for number, name in enumerate(names)])
    shares = [step / steps for step in range(1, steps)]
    found = values.approxQuantile(values.columns, shares, _ERROR) if names else []
    return dict(zip(names, found, strict=True))


def by_limits(name: str, given: Sequence[float]) -> Column:
    """A text for the step of a number; `null` is one of its own."""
    value, edges = as_double(name), sorted(set(given))
    bin_ = fn.lit(f"{len(edges):02d} over {edges[-1]:g}" if edges else "all")
    for number, edge in reversed(list(enumerate(edges))):
        bin_ = fn.when(value <= edge, f"{number:02d} to {edge:g}").otherwise(bin_)
    return fn.when(value.isNull(), NULL).otherwise(bin_)
