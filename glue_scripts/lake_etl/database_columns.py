"""Checks that the columns of a staging table arrive unchanged in the table they go to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from lake_etl.connectors import POSTGRESQL
from lake_etl.database import Refused, Session, quoted
from lake_etl.database_types import Type
from lake_etl.errors import JobError, failure, missing_column
from lake_etl.names import column, double_quoted

WITH_A_DAY, LOST_DAYS = ("date", "timestamp", "timestamp_ntz"), ("1582-10-05", "1582-10-14")


def staged(frame: DataFrame) -> dict[str, str]:
    """Return column -> PostgreSQL type. Raises JobError for a type that PostgreSQL does not have."""
    return {name: _type(name, type_) for name, type_ in frame.dtypes}


def _type(name: str, type_: str) -> str:
    if decimal := re.fullmatch(r"decimal(\(\d+,\d+\))", type_):
        return f"numeric{decimal[1]}"
    if type_ not in POSTGRESQL.types:
        raise JobError(
            f"column {name} is {type_}, which PostgreSQL lacks. Add: map: {{add: {{{name}: to_json({name})}}}}"
        )
    return POSTGRESQL.types[type_]


def without_lost_days(frame: DataFrame, table: str) -> DataFrame:
    """Return the frame; a day or time in the ten days that Java's calendar lacks fails, as the driver would move it."""
    values = {name: column(name) for name, type_ in frame.dtypes if type_ in WITH_A_DAY}
    return frame.withColumns({name: _unless_lost(name, value, table) for name, value in values.items()})


def _unless_lost(name: str, value: Column, table: str) -> Column:
    way_out = " is between 5 and 14 October 1582, days that Java's calendar lacks. Cast it to string in a map step"
    message = fn.concat(fn.lit(f"sink {table}: column {name}: "), value.cast("string"), fn.lit(way_out))
    return fn.when(value.cast("date").between(*LOST_DAYS), failure(message)).otherwise(value)


def matched(names: Iterable[str], existing: Iterable[str]) -> list[str]:
    """Return the table's columns that the names refer to: by the same case, else by any case.

    Raises JobError for a name that matches no column.
    """
    lower = {name.lower(): name for name in existing} | {name: name for name in existing}
    for name in names:
        if name not in lower and name.lower() not in lower:
            raise missing_column(name, existing, "the table")
    return [lower.get(name, lower.get(name.lower(), "")) for name in names]


def check_fit(session: Session, types: dict[str, str], there: dict[str, Type]) -> None:
    """Raise JobError for a column that the table does not have, or whose type does not convert to the table's."""
    meant: dict[str, str] = {}
    for (name, type_), known in zip(types.items(), matched(types, there), strict=True):
        if (other := meant.setdefault(known, name)) != name:
            raise JobError(f"the columns {other} and {name} are both {known} in the table. Drop one of them in a step")
        into = there[known].plain
        cut = into in POSTGRESQL.integers and type_.startswith((*POSTGRESQL.floats, "numeric"))
        if cut or not _becomes(session, type_, into):
            raise _unfit(name, type_, into)


def _unfit(name: str, type_: str, into: str) -> JobError:
    return JobError(f"column {name} is {type_} in the data and {into} in the table. Cast it in a map step")


def _becomes(session: Session, type_: str, into: str) -> bool:
    """Whether an INSERT casts values of a type implicitly. Casts to text are implicit; casts from text we write."""
    if "text" in (type_, into) or type_.startswith(into):
        return True
    cast = (
        "SELECT 1 FROM pg_cast WHERE castsource = CAST(? AS regtype) AND casttarget = CAST(? AS regtype) "
        "AND castcontext <> 'e'"
    )
    return bool(session.rows(cast, type_, into))


def check_unique(session: Session, table: str, keys: list[str]) -> None:
    """Raise JobError unless an immediate unique index has exactly these columns as its keys."""
    found = session.rows(
        "SELECT (SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = indrelid "
        "AND attnum = ANY ((CAST(indkey AS int2[]))[0:indnkeyatts - 1])), "
        "CASE WHEN indpred IS NOT NULL THEN 'partial' WHEN indexprs IS NOT NULL THEN 'of expressions too' "
        "WHEN NOT indimmediate THEN 'deferrable' WHEN indisexclusion THEN 'an exclusion' "
        "WHEN NOT indisvalid THEN 'invalid' END AS flaw "
        "FROM pg_index WHERE indrelid = to_regclass(?) AND indisunique ORDER BY flaw",
        quoted(table),
    )
    listed = ",".join(sorted(keys))
    flaws = [flaw for columns, flaw in found if columns == listed]
    if keys and None not in flaws:
        but = f", and the one there is {flaws[-1]}" if flaws else ""
        raise JobError(
            f"an upsert by {', '.join(keys)} needs a unique index of just these columns{but}. Create it first"
        )


def check_keys(session: Session, staging: str, keys: list[str]) -> None:
    """Raise JobError for a null key, and for a key of two rows: the upsert could keep either."""
    if not keys:
        return
    listed, rows = ", ".join(map(double_quoted, keys)), quoted(staging)
    null = " OR ".join(f"{double_quoted(key)} IS NULL" for key in keys)
    if found := session.rows(f"SELECT count(*) FROM {rows} WHERE {null} HAVING count(*) > 0"):
        raise JobError(f"{found[0][0]} rows have no value in a key column ({', '.join(keys)}). Filter or fill them")
    twice = f"SELECT {listed}, count(*) FROM {rows} GROUP BY {listed} HAVING count(*) > 1 ORDER BY {listed} LIMIT 1"
    for *values, count in session.rows(twice):
        key = ", ".join(f"{name} '{value}'" for name, value in zip(keys, values, strict=True))
        raise JobError(f"{count} rows have the key {key}. Add a step before it, dedupe: {{by: [{', '.join(keys)}]}}")


def value(name: str, staged: str, there: Type) -> str:
    """Return a staged value as the table takes it: only texts need an explicit cast."""
    return f"CAST({double_quoted(name)} AS {there.plain})" if staged == "text" != there.plain else double_quoted(name)


def check_values(session: Session, staging: str, types: dict[str, str], there: dict[str, Type]) -> None:
    """Raise JobError for the first column with a value that the table would change or refuse."""
    pairs = zip(types.items(), matched(types, there), strict=True)
    changes = [Change(name, type_, there[into]) for (name, type_), into in pairs if type_ != there[into].full]
    if changes and not _all_stay(session, staging, changes):
        for change in changes:
            _check(session, staging, change)


@dataclass(frozen=True)
class Change:
    """How the table changes a column's values, in SQL."""

    name: str
    type_: str
    there: Type

    @property
    def into(self) -> str:
        """Return the value cast to the table's type, and on to a type that loses nothing."""
        there = f"CAST({value(self.name, self.type_, self.there)} AS {self.there.full})"
        # PostgreSQL's cast of a float to numeric keeps only 6 or 15 digits; its text has all of them.
        digits = self.type_.startswith("numeric") and self.there.plain in POSTGRESQL.floats
        return f"CAST({f'CAST({there} AS text)' if digits else there} AS {self._through})"

    @property
    def differs(self) -> str:
        """Return SQL for whether the table would hold another value."""
        if self._through == self.there.full:  # Some of these types have no equality: check only that it casts.
            return f"{double_quoted(self.name)} IS NOT NULL AND {self.into} IS NULL"
        return f"{self.into} IS DISTINCT FROM CAST({double_quoted(self.name)} AS {self._through})"

    @property
    def _through(self) -> str:
        if self.type_ != "text":
            return POSTGRESQL.unlike.get(self.there.plain, self.type_)
        padded = self.there.full.startswith("character(")
        return "bpchar" if padded else POSTGRESQL.wider.get(self.there.plain, self.there.plain)


def _all_stay(session: Session, staging: str, changes: list[Change]) -> bool:
    any_ = " OR ".join(f"({change.differs})" for change in changes)
    try:
        return not session.rows(f"SELECT 1 FROM {quoted(staging)} WHERE {any_} LIMIT 1")
    except Refused as error:
        if not POSTGRESQL.is_state("bad_value", error.state):
            raise
        return False


def _check(session: Session, staging: str, change: Change) -> None:
    shown = ", ".join(f"left(CAST({each} AS text), 100)" for each in (double_quoted(change.name), change.into))
    try:
        found = session.rows(f"SELECT {shown} FROM {quoted(staging)} WHERE {change.differs} LIMIT 1")
    except Refused as error:
        if POSTGRESQL.is_state("no_cast", error.state):
            raise _unfit(change.name, change.type_, change.there.plain) from None
        way_out = "Cast or filter it in an earlier step, or change the table"
        raise JobError(f"column {change.name}: {error}. {way_out}") from None
    for was, becomes in found:
        raise JobError(
            f"column {change.name}: '{was}' would become '{becomes}' in the table, where it is {change.there.full}. "
            "Cast or round it in a map step, or change the table"
        )
