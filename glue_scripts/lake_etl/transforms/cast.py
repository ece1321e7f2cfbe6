"""Casts columns, and handles rows with a value that does not fit its new type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as fn
from pyspark.sql.types import DataType, StringType

from lake_etl.errors import JobError, check_columns, failure, unknown
from lake_etl.leaves import count, shared
from lake_etl.names import OWN, column, quoted, type_of

ON_ERROR = ("null", "quarantine", "fail")
SHOWN = 40  # characters of a value in a message
SOURCE_FILE = f"{OWN}source_file"
EXACT = {  # to_json would cut a timestamp to milliseconds
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}


@dataclass(frozen=True)
class Counted:
    """Casts that may turn values into null: column -> type, and what counts these nulls once a query reads the rows.

    prefix precedes the column names in a report: the name of another dataset.
    """

    types: dict[str, str]
    counts: Observation
    prefix: str = ""


def cast(
    frame: DataFrame,
    types: dict[str, str],
    on_error: str = "null",
    counted: list[Counted] | None = None,
    dataset: str = "",
) -> DataFrame:
    """Return the frame with columns (name -> type) cast. dataset names it unless it is the job's data.

    on_error decides about a value that does not fit, itself or within an array, a map or a struct:

    null        the value becomes null and is counted, by an entry added to `counted`
    quarantine  the row is removed; `misfits` returns it
    fail        reading the row fails, with the value and its column
    """
    if on_error not in ON_ERROR:
        raise unknown("on_error", on_error, ON_ERROR)
    check_columns(frame, types, f"dataset {dataset}" if dataset else "the data")
    for name, type_ in types.items():
        _new_type(frame, name, type_)
    if on_error == "null":
        return _or_null(frame, types, [] if counted is None else counted, f"{dataset}." if dataset else "")
    if on_error == "quarantine":
        frame = frame.where(_reason(frame, types).isNull())
    values = {name: _tried(name, type_) for name, type_ in types.items()}
    if on_error == "fail":
        values = {
            name: fn.when(_misfit(frame, name, types[name]), failure(_reason(frame, types))).otherwise(value)
            for name, value in values.items()
        }
    return frame.withColumns(values)


def _or_null(frame: DataFrame, types: dict[str, str], counted: list[Counted], prefix: str) -> DataFrame:
    """Cast each value once: the counts compare it before and after, side by side."""
    risky = {name: type_ for name, type_ in types.items() if not _always_fits(frame, name, type_)}
    if not risky:
        return frame.withColumns({name: _tried(name, type_) for name, type_ in types.items()})
    counts = Observation()
    counted.append(Counted(risky, counts, prefix))
    tried = {name: f"{OWN}cast_{place}" for place, name in enumerate(types)}
    both = frame.withColumns({new: _tried(name, types[name]) for name, new in tried.items()})
    metrics = [metric for name in risky for metric in _metrics(both, name, tried[name])]
    observed = both.observe(counts, *metrics)
    return observed.withColumns({name: column(new) for name, new in tried.items()}).drop(*tried.values())


def _always_fits(frame: DataFrame, name: str, type_: str) -> bool:
    return type_ == "string" or type_ == type_of(frame, name).simpleString()


def _metrics(both: DataFrame, name: str, new: str) -> list[Column]:
    lost = _lost((quoted(name), type_of(both, name)), (quoted(new), type_of(both, new)))
    shown = fn.when(lost, fn.substring(column(name).cast(StringType()), 1, SHOWN))
    return [
        fn.count(column(name)).alias(f"values {name}"),
        fn.count(shown).alias(f"nulls {name}"),
        fn.min(shown).alias(f"least {name}"),
        fn.max(shown).alias(f"most {name}"),
    ]


def misfits(frame: DataFrame, types: dict[str, str]) -> DataFrame:
    """Return the rows with a value that does not fit: source_file (if known), raw (the row as JSON), reason."""
    check_columns(frame, types)
    return set_aside(frame, _reason(frame, types))


def set_aside(
    frame: DataFrame, reason: Column, prepared: Callable[[DataFrame], DataFrame] = lambda rows: rows
) -> DataFrame:
    """Return the rows that have a reason: source_file (if known), raw (the row as JSON), reason.

    prepared adds the columns that the reason needs.
    """
    raw = fn.to_json(fn.struct(*map(column, frame.columns)), EXACT)
    bad = prepared(_with_file(frame)).where(reason.isNotNull())
    return bad.select(column(SOURCE_FILE).alias("source_file"), raw.alias("raw"), reason.alias("reason"))


def _with_file(frame: DataFrame) -> DataFrame:
    """Add the file. Spark knows a row's file only until the row is joined with another dataset."""
    try:
        return frame.withColumn(SOURCE_FILE, fn.expr("nullif(input_file_name(), '')"))
    except AnalysisException:
        return frame.withColumn(SOURCE_FILE, fn.lit(None).cast("string"))


def _tried(name: str, type_: str) -> Column:
    return fn.expr(_try(name, type_))


def _try(name: str, type_: str) -> str:
    return f"try_cast({quoted(name)} AS {type_})"


def _misfit(frame: DataFrame, name: str, type_: str) -> Column:
    return _lost((quoted(name), type_of(frame, name)), (_try(name, type_), _new_type(frame, name, type_)))


def _new_type(frame: DataFrame, name: str, type_: str) -> DataType:
    try:
        return frame.select(_tried(name, type_)).schema[0].dataType
    except AnalysisException as error:
        old_type = type_of(frame, name).simpleString()
        raise JobError(f"column {name} is {old_type}, which cannot be cast to {type_}") from error


def _lost(before: tuple[str, DataType], after: tuple[str, DataType]) -> Column:
    """Whether a cast turned something in a value into null, at any level. Both are SQL and type."""
    (old, old_type), (new, new_type) = before, after
    nulls_before = count(old, shared(old_type, new_type), _is_null)
    return fn.expr(f"{count(new, shared(new_type, old_type), _is_null)} > {nulls_before}")


def _is_null(leaf: str, type_: DataType) -> str:
    return f"{leaf} IS NULL"


def _reason(frame: DataFrame, types: dict[str, str]) -> Column:
    """Return why a row does not fit, by its first column that does not; null if it fits."""
    messages = [
        fn.when(
            _misfit(frame, name, type_),
            fn.concat(fn.lit(f"column {name}: '"), column(name).cast("string"), fn.lit(f"' is not {type_}")),
        )
        for name, type_ in types.items()
    ]
    return fn.coalesce(*messages, fn.lit(None).cast("string"))
