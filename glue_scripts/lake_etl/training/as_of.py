"""The point-in-time join: to each row the latest record that was known at its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as fn
from pyspark.sql.types import DataType, DateType, IntegralType, TimestampNTZType, TimestampType

from lake_etl.errors import JobError, check_columns
from lake_etl.names import OWN, check_comparable, column, type_of

AT, IS_ROW, RECORD, KNOWN = f"{OWN}at", f"{OWN}is_row", f"{OWN}record", f"{OWN}known"
TIMES = (TimestampType, TimestampNTZType)


def as_of_join(
    rows: DataFrame,
    records: DataFrame,
    *,
    time: str,
    as_of: str,
    on: Sequence[str],
    take: Mapping[str, str],
    within_hours: float | None = None,
    known_at: str | None = None,
) -> DataFrame:
    """Each row with the columns `take` (name -> new name) of the latest record of its keys that is not later than it.

    Both sides are sorted together, once: no row meets more than one record, and a key with many records needs no more
    memory than one with few. Of records with the same time, the one with the greatest values counts. A record counts as
    a whole: a value that is null in it stays null.

    Args:
        within_hours: an older record counts as none.
        known_at: a column for the time of the record that was taken.

    Raises:
        JobError: a column is missing or of a type that cannot be compared.
    """
    check_columns(rows, [time, *on], "the rows")
    check_columns(records, [as_of, *on, *take], "the records")
    check_times(rows, time, records, as_of)
    _check_keys(rows, records, on)
    check_comparable(records, list(take), "the records")
    check_new(rows, [*take.values(), *([known_at] if known_at else [])])
    keys = [f"{OWN}key_{number}" for number in range(len(on))]
    joined = _rows(rows, time, on, keys).unionByName(_records(records, as_of, on, keys, take), allowMissingColumns=True)
    order = Window.partitionBy(*keys).orderBy(AT, IS_ROW, RECORD).rowsBetween(Window.unboundedPreceding, 0)
    known = joined.withColumn(KNOWN, fn.last(RECORD, ignorenulls=True).over(order)).where(IS_ROW)
    fresh = known.withColumn(KNOWN, _fresh(within_hours)) if within_hours else known
    new = [fn.col(KNOWN)[f"{OWN}take_{number}"].alias(name) for number, name in enumerate(take.values())]
    at = [fn.col(KNOWN)[AT].alias(known_at)] if known_at else []
    return fresh.select(*map(column, rows.columns), *new, *at)


def _rows(rows: DataFrame, time: str, on: Sequence[str], keys: Sequence[str]) -> DataFrame:
    named = [column(name).alias(key) for name, key in zip(on, keys, strict=True)]
    return rows.select("*", *named, _moment(rows, time).alias(AT), fn.lit(True).alias(IS_ROW))


def _records(
    records: DataFrame, as_of: str, on: Sequence[str], keys: Sequence[str], take: Mapping[str, str]
) -> DataFrame:
    """Those that have a key and a time: an unknown one is equal to none."""
    named = [column(name).alias(key) for name, key in zip(on, keys, strict=True)]
    taken = [column(name).alias(f"{OWN}take_{number}") for number, name in enumerate(take)]
    record = fn.struct(_moment(records, as_of).alias(AT), *taken).alias(RECORD)
    found = records.select(*named, _moment(records, as_of).alias(AT), fn.lit(False).alias(IS_ROW), record)
    return found.dropna(subset=[*keys, AT])


def _moment(frame: DataFrame, name: str) -> Column:
    return column(name).cast("timestamp") if isinstance(type_of(frame, name), DateType) else column(name)


def _fresh(within_hours: float) -> Column:
    """The record, if it is new enough."""
    ends = fn.expr(f"{KNOWN}.{AT} + make_dt_interval(0, 0, 0, CAST({within_hours * 3600:.6f} AS DECIMAL(18, 6)))")
    return fn.when(ends >= fn.col(AT), fn.col(KNOWN))


def check_times(rows: DataFrame, time: str, records: DataFrame, as_of: str) -> None:
    """Raise JobError where the two times cannot be compared: one is no time, or only one of them has a zone."""
    of_rows, of_records = type_of(rows, time), type_of(records, as_of)
    if not isinstance(of_rows, (*TIMES, DateType)):
        raise JobError(
            f"time {time} is {of_rows.simpleString()}, and has to be a timestamp or a date. Cast it in `from`"
        )
    if not isinstance(of_records, TIMES):
        raise JobError(
            f"as_of {as_of} is {of_records.simpleString()}, and has to be a timestamp: "
            "only that says from when on a record was known. Cast it in the job that makes the table"
        )
    zones = {isinstance(type_, TimestampNTZType) for type_ in (of_rows, of_records) if not isinstance(type_, DateType)}
    if len(zones) > 1:
        raise JobError(
            f"time {time} is {of_rows.simpleString()} and as_of {as_of} is {of_records.simpleString()}: one has a time "
            "zone and the other has none. Cast one of them, so that both are the same"
        )


def _check_keys(rows: DataFrame, records: DataFrame, on: Sequence[str]) -> None:
    for name in on:
        ours, theirs = type_of(rows, name), type_of(records, name)
        if not _alike(ours, theirs):
            raise JobError(
                f"on {name}: it is {ours.simpleString()} in the rows and {theirs.simpleString()} in the records. "
                "Cast one of them"
            )
    check_comparable(rows, list(on), "on")


def _alike(ours: DataType, theirs: DataType) -> bool:
    return ours == theirs or (isinstance(ours, IntegralType) and isinstance(theirs, IntegralType))


def check_new(rows: DataFrame, names: Sequence[str]) -> None:
    """Raise JobError for a new column that is there already."""
    there = {name.lower() for name in rows.columns}
    for name in names:
        if name.lower() in there:
            raise JobError(f"column '{name}' is there already. Give it a new name in `take`: {{{name}: new_name}}")
        there.add(name.lower())
