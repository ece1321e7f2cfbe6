"""User-defined Python functions from the modules in the job's py_files."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from lake_etl.errors import JobError, check_options


def column(frame: DataFrame, spec: str | dict[str, str]) -> Column:
    """Return the column that a step describes: a SQL expression, or {"function": "module.function"}.

    The function takes the DataFrame and returns a Column. For example, in my_rules.py:

        def is_far(flights: DataFrame) -> Column:
            return flights.distance > 1000
    """
    if isinstance(spec, str):
        return fn.expr(spec)
    check_options(spec, ("function",))
    result = _function(spec["function"])(frame)
    if not isinstance(result, Column):
        raise JobError(f"function {spec['function']} returned a {type(result).__name__}. It has to return a Column")
    return result


def _function(path: str) -> Callable[[DataFrame], Any]:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name, None)
    except (ModuleNotFoundError, ValueError) as error:
        raise JobError(f"function {path}: {error}. Name the module's file in the job's py_files") from error
    if not callable(found):
        raise JobError(f"function {path}: module {module} has no function '{name}'")
    return found  # type: ignore[no-any-return]
