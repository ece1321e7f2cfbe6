from collections.abc import Callable
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql.types import (
    ByteType,
    DataType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
)

from lake_etl.errors import JobError, check_columns, check_options, unknown
from lake_etl.transforms.cast import Counted, cast

HOW = ("inner", "left", "right", "full", "semi", "anti")
# From each type the ones that hold every value of it.
WIDER: dict[type[DataType], tuple[type[DataType], ...]] = {
    ByteType: (ShortType, IntegerType, LongType, FloatType, DoubleType),
    ShortType: (IntegerType, LongType, FloatType, DoubleType),
    IntegerType: (LongType, DoubleType),
    FloatType: (DoubleType,),
}


def join(
    frame: DataFrame,
    options: dict[str, Any],
    dataset: Callable[[str], DataFrame],
    counted: list[Counted] | None = None,
) -> DataFrame:
    """Join with another dataset.

    with        name of the other dataset
    on          key column, list of them, or mapping of key column here -> key column there
    how         inner (default), left, right, full, semi, anti
    take        columns of the other dataset to add: a list, or a mapping column there -> new name.
                Default: all but its keys. A listed or default column whose name is taken already comes as
                <dataset>_<column>; a name given by a mapping must be free.
    cast_right  mapping of key column there -> type, for keys whose types differ

    The result has the columns of the frame in their order, then those taken. Keys must have one type, or one of
    them must hold all values of the other (int and bigint, float and double): then the key gets the wider.
    Anything else raises JobError, because string and timestamp, say, would find no match and say nothing.

    join(flights, {"with": "airlines", "on": "carrier", "how": "left", "take": {"name": "airline"}}, read)
    """
    check_options(options, ("with", "on"), ("how", "take", "cast_right"))
    how = options.get("how", "inner")
    if how not in HOW:
        raise unknown("join type", how, HOW)
    name, keys, take = options["with"], _keys(options["on"]), options.get("take")
    right = cast(dataset(name), options.get("cast_right") or {}, "null", counted, name)
    check_columns(frame, keys)
    check_columns(right, [*keys.values(), *(take or [])], f"dataset {name}")

    taken = {} if how in ("semi", "anti") else _names(frame, right, name, keys, take)
    right = right.select(
        *[right[there].alias(here) for here, there in keys.items()],
        *[right[column].alias(new) for column, new in taken.items()],
    )
    left, right = _same_key_types(frame, right, name, keys)
    return left.join(right, on=list(keys), how=how).select(*frame.columns, *taken.values())


def _keys(on: str | list[str] | dict[str, str]) -> dict[str, str]:
    if isinstance(on, dict):
        return on
    return {key: key for key in ([on] if isinstance(on, str) else on)}


def _names(
    frame: DataFrame,
    right: DataFrame,
    name: str,
    keys: dict[str, str],
    take: list[str] | dict[str, str] | None,
) -> dict[str, str]:
    present = {column.lower() for column in frame.columns}
    if isinstance(take, dict):
        for column, new in take.items():
            if new.lower() in present:
                raise JobError(f"take: {name}.{column} cannot be named '{new}', the data has that column already")
        return take
    there = {key.lower() for key in keys.values()}
    columns = take or [column for column in right.columns if column.lower() not in there]
    return {column: f"{name}_{column}" if column.lower() in present else column for column in columns}


def _same_key_types(left: DataFrame, right: DataFrame, name: str, keys: dict[str, str]) -> tuple[DataFrame, DataFrame]:
    for here, there in keys.items():
        type_ = _common(left.schema[_exact(left, here)].dataType, right.schema[here].dataType)
        if type_ is None:
            raise JobError(_mismatch(left, right, name, here, there))
        left, right = (side.withColumn(here, side[here].cast(type_)) for side in (left, right))
    return left, right


def _common(one: DataType, other: DataType) -> DataType | None:
    if one == other or type(one) in WIDER.get(type(other), ()):
        return one
    return other if type(other) in WIDER.get(type(one), ()) else None


def _mismatch(left: DataFrame, right: DataFrame, name: str, here: str, there: str) -> str:
    ours = left.schema[_exact(left, here)].dataType.simpleString()
    theirs = right.schema[here].dataType.simpleString()
    return (
        f"join keys differ in type: {here} is {ours} and {name}.{there} is {theirs}. They would not match. "
        f"Add a step before the join, map: {{cast: {{{here}: {theirs}}}}}, "
        f"or cast the other side with cast_right: {{{there}: {ours}}}"
    )


def _exact(frame: DataFrame, name: str) -> str:
    return next(column for column in frame.columns if column.lower() == name.lower())
