from collections.abc import Callable
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn
from pyspark.sql.types import AtomicType, BooleanType, DataType, DateType, NumericType, StringType

from lake_etl.errors import JobError, check_columns, check_options, failure, unknown
from lake_etl.functions import column as described
from lake_etl.names import OWN, check_comparable, column, type_of
from lake_etl.transforms.cast import Counted, cast, misfits
from lake_etl.transforms.join import keys_of, pair

OPTIONS = ("cast", "on_error", "lookup", "add", "rename", "delete")
ON_MANY = ("error", "first")
DIGITS = "decimal(38,18)"
NUMBERS = (NumericType, StringType)
TAKEN_BY: dict[type, Any] = {  # the column types that accept a default of each Python type
    str: AtomicType,
    int: NUMBERS,
    float: NUMBERS,
    bool: BooleanType,
}
VALUE, MANY = f"{OWN}value", f"{OWN}other_value"


def map_fields(
    frame: DataFrame,
    options: dict[str, Any],
    dataset: Callable[[str], DataFrame],
    counted: list[Counted] | None = None,
) -> DataFrame:
    """Change columns row by row. The options apply in this order, in whatever order they are written:

    cast    mapping column -> type
    on_error  what to do with a value that cannot be cast: null (default), quarantine, fail
    lookup  mapping new column -> {from: dataset, on: key, take: column there, default: value if none is found,
            on_many: error (default) or first}. `on` is as in join. A lookup never adds rows: if a key has several
            values, first takes the smallest, and error fails when a row asks for that key.
    add     mapping column -> SQL expression, or {function: "module.function"}, applied in order, so that one may use
            those before it
    rename  mapping column -> new name, applied at once: {a: b, b: a} swaps two columns
    delete  list of columns

    map_fields(flights, {"add": {"late": "arr_delay > 15"}, "delete": ["minute"]}, read)
    """
    check_options(options, (), OPTIONS)
    frame = cast(frame, options.get("cast") or {}, options.get("on_error") or "null", counted)
    for new, lookup in (options.get("lookup") or {}).items():
        frame = _look_up(frame, new, lookup, dataset)
    for new, given in (options.get("add") or {}).items():
        frame = frame.withColumn(new, _of_one_row(described(frame, given)))
    frame, deleted = _renamed(frame, options.get("rename") or {}), options.get("delete") or []
    check_columns(frame, deleted)
    return frame.drop(*deleted)


def map_rejects(frame: DataFrame, options: dict[str, Any]) -> DataFrame | None:
    """Return the rows that map_fields removes, with source_file, raw and reason. None if it removes none."""
    return misfits(frame, options.get("cast") or {}) if options.get("on_error") == "quarantine" else None


def is_projection(options: dict[str, Any]) -> bool:
    """Whether map_fields keeps every row. It never adds rows: an expression or a lookup must not."""
    return options.get("on_error") != "quarantine" and not options.get("lookup")


def _of_one_row(value: Column) -> Column:
    """Wrap the value: inside another expression, Spark refuses generators of rows such as explode."""
    return fn.coalesce(value)


def _renamed(frame: DataFrame, renames: dict[str, str]) -> DataFrame:
    check_columns(frame, renames)
    given = {old.lower(): new for old, new in renames.items()}
    names = [given.get(name.lower(), name) for name in frame.columns]
    for old, new in zip(frame.columns, names, strict=True):
        if old != new and [name.lower() for name in names].count(new.lower()) > 1:
            raise JobError(
                f"rename: {old} cannot be named '{new}', the data has that column already. "
                "Rename that one too, or remove it in an earlier step"
            )
    return frame.toDF(*names)


def _look_up(frame: DataFrame, new: str, lookup: dict[str, Any], dataset: Callable[[str], DataFrame]) -> DataFrame:
    check_options(lookup, ("from", "on", "take"), ("default", "on_many"))
    name, keys, on_many = lookup["from"], keys_of(lookup["on"]), lookup.get("on_many", "error")
    if on_many not in ON_MANY:
        raise unknown(f"lookup {new}: on_many", on_many, ON_MANY)
    if new.lower() in map(str.lower, frame.columns):
        raise JobError(f"lookup {new}: the data has that column already. Choose another name, or remove it before")
    check_columns(frame, keys)
    taken = {VALUE: VALUE, MANY: MANY}
    try:
        frame = pair(frame, _one_a_key(dataset(name), lookup, keys), name, keys, "left", taken, _way_out)
    except JobError as error:
        raise JobError(f"lookup {new}: {error}") from error
    value = fn.coalesce(column(VALUE), _default(frame, new, lookup.get("default")))
    if on_many == "error":
        value = fn.when(column(MANY).isNotNull(), failure(_two_values(new, lookup, list(keys)))).otherwise(value)
    return frame.withColumn(new, value).drop(VALUE, MANY)


def _way_out(here: str, ours: str, there: str, theirs: str) -> str:
    return f"Cast the key, which a map step does before it looks up: cast: {{{here}: {theirs}}}"


def _one_a_key(other: DataFrame, lookup: dict[str, Any], keys: dict[str, str]) -> DataFrame:
    """Return the smallest value of each key, and the greatest if it differs."""
    name, take = lookup["from"], lookup["take"]
    check_columns(other, [*keys.values(), take], f"dataset {name}")
    check_comparable(other, [*keys.values(), take], f"dataset {name}")
    least, most = fn.min(column(take)), fn.max(column(take))
    grouped = other.groupBy(*map(column, dict.fromkeys(keys.values())))
    return grouped.agg(least.alias(VALUE), fn.when(most != least, most).alias(MANY))


def _two_values(new: str, lookup: dict[str, Any], keys: list[str]) -> Column:
    prefix = f"lookup {new}: dataset {lookup['from']} has more than one {lookup['take']} for "
    named = [fn.concat(fn.lit(f"{key} '"), column(key).cast("string"), fn.lit("'")) for key in keys]
    values = fn.concat_ws("' and '", column(VALUE).cast("string"), column(MANY).cast("string"))
    way_out = "'. Make its keys unique, or set on_many: first"
    return fn.concat(fn.lit(prefix), fn.concat_ws(", ", *named), fn.lit(": '"), values, fn.lit(way_out))


def _default(frame: DataFrame, new: str, default: Any) -> Column:
    """Return the default in the column's own type: coalesce would choose a type for text and number itself."""
    type_ = type_of(frame, VALUE)
    if default is not None and not _fits(frame.sparkSession, default, type_):
        raise JobError(
            f"lookup {new}: the default {default!r} is not {type_.simpleString()}, as the values looked up are"
        )
    return fn.lit(default).cast(type_)


def _fits(spark: SparkSession, default: str | float, type_: DataType) -> bool:
    """Whether the type holds the default exactly: no number is rounded, and no time of day is cut off."""
    if not isinstance(type_, TAKEN_BY[type(default)]):
        return False
    value = f"try_cast(:default AS {type_.simpleString()})"
    exact = f"{value} IS NOT NULL"
    if isinstance(type_, NumericType):  # compared by digits: a float 0.1 equals 0.1
        exact += f" AND try_cast(CAST({value} AS string) AS {DIGITS}) <=> try_cast(:default AS {DIGITS})"
    if isinstance(type_, DateType):
        exact += f" AND CAST({value} AS timestamp) <=> try_cast(:default AS timestamp)"
    [[found]] = spark.sql(f"SELECT {exact}", {"default": default}).collect()
    return bool(found)
