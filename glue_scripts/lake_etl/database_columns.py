"""The columns of a staging table and of the table it goes to: do they fit, and which one does not."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyspark.sql import DataFrame

from lake_etl.database import Refused, Session, column, quoted
from lake_etl.errors import JobError, missing_column

TYPES = {  # Spark's type: PostgreSQL's
    "string": "text",
    "boolean": "boolean",
    "tinyint": "smallint",
    "smallint": "smallint",
    "int": "integer",
    "bigint": "bigint",
    "float": "real",
    "double": "double precision",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "timestamp_ntz": "timestamp without time zone",
    "binary": "bytea",
}
WHOLE, FRACTIONS = ("smallint", "integer", "bigint"), ("real", "double precision", "numeric")


def staged(frame: DataFrame) -> dict[str, str]:
    """Column -> PostgreSQL's type. Raises JobError for a type that no column of a database has."""
    return {name: _type(name, type_) for name, type_ in frame.dtypes}


def _type(name: str, type_: str) -> str:
    if decimal := re.fullmatch(r"decimal(\(\d+,\d+\))", type_):
        return f"numeric{decimal[1]}"
    if type_ not in TYPES:
        raise JobError(
            f"column {name} is {type_}, which a database has not. Add: map: {{add: {{{name}: to_json({name})}}}}"
        )
    return TYPES[type_]


def columns_of(session: Session, table: str) -> dict[str, str]:
    """Column -> type of a table that is there, else nothing. Types have no length; all kinds of text are text."""
    found = session.rows(
        "SELECT attname, CASE typcategory WHEN 'S' THEN 'text' ELSE format_type(atttypid, NULL) END "
        "FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid "
        "WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        quoted(table),
    )
    return {str(name): str(type_) for name, type_ in found}


def matched(names: Iterable[str], there: Iterable[str]) -> list[str]:
    """The columns there that are meant by names: with the same letters, or else whatever their case.

    Raises JobError for a name that is none of them.
    """
    lower = {name.lower(): name for name in there} | {name: name for name in there}
    for name in names:
        if name not in lower and name.lower() not in lower:
            raise missing_column(name, there, "the table")
    return [lower.get(name, lower.get(name.lower(), "")) for name in names]


def check_fit(types: dict[str, str], there: dict[str, str]) -> None:
    """Raise JobError for a column that the table does not have, or that the table would round."""
    for (name, type_), known in zip(types.items(), matched(types, there), strict=True):
        if there[known] in WHOLE and type_.startswith(FRACTIONS):
            raise JobError(
                f"column {name} is {type_} in the data and {there[known]} in the table. Cast it in a map step"
            )


def check_unique(session: Session, table: str, keys: list[str]) -> None:
    """Raise JobError unless a unique index has just these columns."""
    unique = session.rows(
        "SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_index JOIN pg_attribute ON attrelid = indrelid "
        "AND attnum = ANY (indkey) WHERE indrelid = to_regclass(?) AND indisunique AND indpred IS NULL "
        "GROUP BY indexrelid",
        quoted(table),
    )
    if keys and [",".join(sorted(keys))] not in unique:
        raise JobError(f"an upsert by {', '.join(keys)} needs a unique index of just these columns. Create it first")


def check_keys(session: Session, staging: str, keys: list[str]) -> None:
    """Raise JobError for a key that is null, and for one that two rows have: either of them could stay."""
    if not keys:
        return
    listed, rows = ", ".join(map(column, keys)), quoted(staging)
    null = " OR ".join(f"{column(key)} IS NULL" for key in keys)
    if found := session.rows(f"SELECT count(*) FROM {rows} WHERE {null} HAVING count(*) > 0"):
        raise JobError(f"{found[0][0]} rows have no value in a key column ({', '.join(keys)}). Filter or fill them")
    twice = f"SELECT {listed}, count(*) FROM {rows} GROUP BY {listed} HAVING count(*) > 1 ORDER BY {listed} LIMIT 1"
    for *values, count in session.rows(twice):
        key = ", ".join(f"{name} '{value}'" for name, value in zip(keys, values, strict=True))
        raise JobError(f"{count} rows have the key {key}. Add a step before it, dedupe: {{by: [{', '.join(keys)}]}}")


def value(name: str, staged: str, there: str) -> str:
    """A staged value as the table takes it: only texts must be told what they are."""
    return f"CAST({column(name)} AS {there})" if staged == "text" != there else column(name)


def culprit(session: Session, staging: str, table: str, types: dict[str, str]) -> str:
    """`column x: ` of the first column whose staged values its column in the table cannot hold; or nothing."""
    there = columns_of(session, table)
    for name, into in zip(types, matched(types, there), strict=True) if there else ():
        try:
            with session.transaction():
                like = f"SELECT {column(into)} FROM {quoted(table)} WITH NO DATA"
                session.execute(f"CREATE TEMPORARY TABLE _lake_one ON COMMIT DROP AS {like}")
                taken = value(name, types[name], there[into])
                session.execute(f"INSERT INTO _lake_one SELECT {taken} FROM {quoted(staging)}")
        except Refused:
            return f"column {name}: "
    return ""
