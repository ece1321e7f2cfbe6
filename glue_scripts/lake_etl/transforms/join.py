from collections.abc import Callable, Iterable
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn
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
from lake_etl.names import check_comparable, column, type_of
from lake_etl.transforms.cast import Counted, cast

HOW = ("inner", "left", "right", "full", "semi", "anti")
# Each type -> the types that hold every value of it.
WIDER: dict[type[DataType], tuple[type[DataType], ...]] = {
    ByteType: (ShortType, IntegerType, LongType, FloatType, DoubleType),
    ShortType: (IntegerType, LongType, FloatType, DoubleType),
    IntegerType: (LongType, DoubleType),
    FloatType: (DoubleType,),
}
WayOut = Callable[[str, str, str, str], str]  # (key here, its type, key there, its type) -> advice if the types differ


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
                Default: all but its keys. If the name of a listed or default column is taken, it comes as
                <dataset>_<column>, which must be free, as must a name given by a mapping.
    cast_right  mapping of key column there -> type, for keys whose types differ

    The result has the columns of the frame in their order, then the added ones. Keys must have one type, or one type
    must hold all values of the other (int and bigint, float and double): then the key gets the wider type.
    Anything else raises JobError: string and timestamp, for example, would silently find no match.

    join(flights, {"with": "airlines", "on": "carrier", "how": "left", "take": {"name": "airline"}}, read)
    """
    check_options(options, ("with", "on"), ("how", "take", "cast_right"))
    how = options.get("how", "inner")
    if how not in HOW:
        raise unknown("join type", how, HOW)
    name, keys, take = options["with"], keys_of(options["on"]), options.get("take")
    right = cast(dataset(name), options.get("cast_right") or {}, "null", counted, name)
    check_columns(frame, keys)
    check_columns(right, [*keys.values(), *(take or [])], f"dataset {name}")

    taken = {} if how in ("semi", "anti") else _names(frame, right, name, keys, take)
    return pair(frame, right, name, keys, how, taken, _way_out)


def pair(
    frame: DataFrame,
    right: DataFrame,
    name: str,
    keys: dict[str, str],
    how: str,
    taken: dict[str, str],
    way_out: WayOut,
) -> DataFrame:
    """Return the frame joined with dataset `name`: its columns, then the added ones (column there -> new name)."""
    right = right.select(
        *[column(there).alias(here) for here, there in keys.items()],
        *[column(there).alias(new) for there, new in taken.items()],
    )
    left, right = _same_key_types(frame, right, name, keys, way_out)
    joined = left.join(_small_to_all(right), on=list(keys), how=how)
    return joined.select(*map(column, [*frame.columns, *taken.values()]))


def _small_to_all(frame: DataFrame) -> DataFrame:
    """Mark a small frame for a broadcast, by Spark's own limit: it spares the other side a shuffle.

    Spark itself takes a dataset with partition keys for a large one: they come from a join, whose size it estimates as
    the product of its sides.
    """
    java: Any = frame._jdf
    limit = int(java.sparkSession().sessionState().conf().autoBroadcastJoinThreshold())
    estimate = _estimate(java.queryExecution().optimizedPlan(), java.schema().defaultSize())
    return fn.broadcast(frame) if estimate <= limit else frame


def _estimate(plan: Any, width: int) -> float:
    """Bytes of the files that a plan of Spark reads, or rather of the share that its columns have of a row of theirs.

    What is broadcast within it, such as the partition keys, is small.
    """
    if plan.nodeName() == "Join" and plan.hint().rightHint().isDefined():
        return _estimate(plan.left(), width)
    children = plan.children()
    if not children.isEmpty():
        return sum(_estimate(children.apply(place), width) for place in range(children.size()))
    size, of_row = int(plan.stats().sizeInBytes()), int(plan.schema().defaultSize())
    return size * min(1, width / max(1, of_row))


def keys_of(on: str | list[str] | dict[str, str]) -> dict[str, str]:
    """Return key column of the data -> key column of the other dataset."""
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
    if isinstance(take, dict):
        taken = take
    else:
        present, there = _lower(frame.columns), _lower(keys.values())
        others = [column for column in right.columns if column.lower() not in there]
        listed = others if take is None else take
        taken = {column: f"{name}_{column}" if column.lower() in present else column for column in listed}
    _check_free(frame, name, taken)
    return taken


def _check_free(frame: DataFrame, name: str, taken: dict[str, str]) -> None:
    present = _lower(frame.columns)
    for there, new in taken.items():
        if new.lower() in present:
            raise JobError(
                f"take: {name}.{there} cannot be named '{new}', the data has that column already. "
                f"Choose another name: take: {{{there}: NAME}}"
            )
        present.add(new.lower())


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


def _same_key_types(
    left: DataFrame, right: DataFrame, name: str, keys: dict[str, str], way_out: WayOut
) -> tuple[DataFrame, DataFrame]:
    check_comparable(left, list(keys), "join keys")
    for here, there in keys.items():
        ours, theirs = type_of(left, here), type_of(right, here)
        type_ = _common(ours, theirs)
        if type_ is None:
            shown = ours.simpleString(), theirs.simpleString()
            raise JobError(
                f"join keys differ in type: {here} is {shown[0]} and {name}.{there} is {shown[1]}. They would not "
                f"match. {way_out(here, shown[0], there, shown[1])}"
            )
        left, right = (side.withColumn(here, column(here).cast(type_)) for side in (left, right))
    return left, right


def _common(one: DataType, other: DataType) -> DataType | None:
    if one == other or type(one) in WIDER.get(type(other), ()):
        return one
    return other if type(other) in WIDER.get(type(one), ()) else None


def _way_out(here: str, ours: str, there: str, theirs: str) -> str:
    return (
        f"Add a step before the join, map: {{cast: {{{here}: {theirs}}}}}, "
        f"or cast the other side with cast_right: {{{there}: {ours}}}"
    )
