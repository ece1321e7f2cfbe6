from collections.abc import Callable
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from lake_etl.errors import JobError, check_columns, check_options, failure, unknown
from lake_etl.functions import column as described
from lake_etl.transforms.cast import Counted, cast, misfits
from lake_etl.transforms.join import join

OPTIONS = ("cast", "on_error", "lookup", "add", "rename", "delete")
ON_MANY = ("error", "first")
MANY = "_lake_other_value"


def map_fields(
    frame: DataFrame,
    options: dict[str, Any],
    dataset: Callable[[str], DataFrame],
    counted: list[Counted] | None = None,
) -> DataFrame:
    """Change columns row by row. The options apply in this order, whatever order they are written in:

    cast    mapping column -> type
    on_error  what becomes of a row with a value that cannot be cast: null (default), quarantine, fail
    lookup  mapping new column -> {from: dataset, on: key, take: column there, default: value for those without,
            on_many: error (default) or first}. `on` is as in join. A lookup never adds rows: of several values for
            one key, first takes the smallest, and error fails when a row asks for that key.
    add     mapping column -> SQL expression, or {function: "module.function"}, one after the other, so that one may
            use those before it
    rename  mapping column -> new name
    delete  list of columns

    map_fields(flights, {"add": {"late": "arr_delay > 15"}, "delete": ["minute"]}, read)
    """
    check_options(options, (), OPTIONS)
    frame = cast(frame, options.get("cast") or {}, options.get("on_error") or "null", counted)
    for column, lookup in (options.get("lookup") or {}).items():
        frame = _look_up(frame, column, lookup, dataset)
    for column, given in (options.get("add") or {}).items():
        frame = frame.withColumn(column, _of_one_row(described(frame, given)))
    renames, deleted = options.get("rename") or {}, options.get("delete") or []
    check_columns(frame, renames)
    frame = frame.withColumnsRenamed(renames)
    check_columns(frame, deleted)
    return frame.drop(*deleted)


def map_rejects(frame: DataFrame, options: dict[str, Any]) -> DataFrame | None:
    """The rows that map_fields leaves out, with source_file, raw and reason. None when it leaves none out."""
    return misfits(frame, options.get("cast") or {}) if options.get("on_error") == "quarantine" else None


def is_projection(options: dict[str, Any]) -> bool:
    """Whether map_fields makes one row of each: it may leave rows out, and an expression or a lookup must not add."""
    return options.get("on_error") != "quarantine" and not options.get("lookup")


def _of_one_row(value: Column) -> Column:
    """Inside another expression Spark refuses those that make several rows of one, such as explode."""
    return fn.coalesce(value)


def _look_up(frame: DataFrame, column: str, lookup: dict[str, Any], dataset: Callable[[str], DataFrame]) -> DataFrame:
    check_options(lookup, ("from", "on", "take"), ("default", "on_many"))
    name, on, take, on_many = lookup["from"], lookup["on"], lookup["take"], lookup.get("on_many", "error")
    if on_many not in ON_MANY:
        raise unknown(f"lookup {column}: on_many", on_many, ON_MANY)
    keys = {on: on} if isinstance(on, str) else on if isinstance(on, dict) else {key: key for key in on}

    def one_a_key(name: str) -> DataFrame:
        other = dataset(name)
        check_columns(other, [*keys.values(), take], f"dataset {name}")
        most = fn.max(take)
        return other.groupBy(*keys.values()).agg(
            fn.min(take).alias(column), fn.when(most != fn.min(take), most).alias(MANY)
        )

    taken = {column: column, MANY: MANY}
    frame = join(frame, {"with": name, "on": on, "how": "left", "take": taken}, one_a_key)
    value = fn.coalesce(fn.col(f"`{column}`"), _default(frame, column, lookup.get("default")))
    if on_many == "error":
        value = fn.when(fn.col(MANY).isNotNull(), failure(_two_values(column, lookup, list(keys)))).otherwise(value)
    return frame.withColumn(column, value).drop(MANY)


def _two_values(column: str, lookup: dict[str, Any], keys: list[str]) -> Column:
    prefix = [f"lookup {column}: dataset {lookup['from']} has more than one {lookup['take']} for "]
    shown = fn.concat_ws(
        ", ", *[fn.concat(fn.lit(f"{key} '"), fn.col(key).cast("string"), fn.lit("'")) for key in keys]
    )
    values = fn.concat_ws("' and '", fn.col(f"`{column}`").cast("string"), fn.col(MANY).cast("string"))
    way_out = "'. Make its keys unique, or set on_many: first"
    return fn.concat(fn.lit(prefix[0]), shown, fn.lit(": '"), values, fn.lit(way_out))


def _default(frame: DataFrame, column: str, default: Any) -> Column:
    """The default in the column's own type: coalesce would give text and number a type of its own choice."""
    type_ = frame.schema[column].dataType.simpleString()
    cast = frame.sparkSession.sql(f"SELECT try_cast(:default AS {type_})", {"default": default}).head()
    if default is not None and (cast is None or cast[0] is None):
        raise JobError(f"lookup {column}: the default {default!r} is not {type_}, as the values looked up are")
    return fn.lit(default).cast(type_)
