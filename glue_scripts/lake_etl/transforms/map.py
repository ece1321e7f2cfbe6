from collections.abc import Callable
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn

from lake_etl.errors import check_columns, check_options
from lake_etl.transforms.join import join


def map_fields(frame: DataFrame, options: dict[str, Any], dataset: Callable[[str], DataFrame]) -> DataFrame:
    """Change columns row by row. The options apply in this order, whatever order they are written in:

    cast    mapping column -> type; a value that does not fit becomes null (try_cast)
    lookup  mapping new column -> {from: dataset, on: key, take: column there, default: value for those without}.
            `on` is as in join. A lookup never adds rows: of several values for one key it takes the smallest.
    add     mapping column -> SQL expression, one after the other, so that one may use those before it
    rename  mapping column -> new name
    delete  list of columns

    map_fields(flights, {"add": {"late": "arr_delay > 15"}, "delete": ["minute"]}, read)
    """
    check_options(options, (), ("cast", "lookup", "add", "rename", "delete"))
    frame = _cast(frame, options.get("cast") or {})
    for column, lookup in (options.get("lookup") or {}).items():
        frame = _look_up(frame, column, lookup, dataset)
    for column, expression in (options.get("add") or {}).items():
        frame = frame.withColumn(column, fn.expr(expression))
    renames, deleted = options.get("rename") or {}, options.get("delete") or []
    check_columns(frame, renames)
    frame = frame.withColumnsRenamed(renames)
    check_columns(frame, deleted)
    return frame.drop(*deleted)


def _cast(frame: DataFrame, types: dict[str, str]) -> DataFrame:
    check_columns(frame, types)
    return frame.withColumns({column: fn.expr(f"try_cast(`{column}` AS {type_})") for column, type_ in types.items()})


def _look_up(frame: DataFrame, column: str, lookup: dict[str, Any], dataset: Callable[[str], DataFrame]) -> DataFrame:
    check_options(lookup, ("from", "on", "take"), ("default",))
    name, on, take = lookup["from"], lookup["on"], lookup["take"]
    keys = [on] if isinstance(on, str) else list(on.values() if isinstance(on, dict) else on)

    def one_a_key(name: str) -> DataFrame:
        other = dataset(name)
        check_columns(other, [*keys, take], f"dataset {name}")
        return other.groupBy(*keys).agg(fn.min(take).alias(column))

    frame = join(frame, {"with": name, "on": on, "how": "left", "take": {column: column}}, one_a_key)
    default = lookup.get("default")
    return frame if default is None else frame.withColumn(column, fn.coalesce(column, fn.lit(default)))
