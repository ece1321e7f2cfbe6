"""PostgreSQL's types: the types of a table's columns, and how Spark reads the exact values of each."""

from __future__ import annotations

import re
from typing import NamedTuple

from lake_etl.connectors import POSTGRESQL
from lake_etl.database import Session, quoted


class Type(NamedTuple):
    """A column's type; for a domain, its base type. `plain` has no length, and is text for all text types."""

    plain: str
    full: str


class Reading(NamedTuple):
    """How to read values of a type, in SQL with `{}` for the value: as `value`, which has the type `type`.

    Values for which `fits` is false are refused: they are not within `limit`. If `fits` is empty, all of them fit.
    """

    type: str
    fits: str = ""
    limit: str = ""
    value: str = "{}"


DIGITS, SCALE = 38, 18  # of Spark's decimals; its scale for a numeric that has none


def columns_of(session: Session, table: str) -> dict[str, Type]:
    """Return column -> type of a table; empty if it does not exist."""
    found = session.rows(
        "WITH RECURSIVE base AS (SELECT attnum, attname, atttypid AS type, atttypmod AS modifier FROM pg_attribute "
        "WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped "
        "UNION ALL SELECT attnum, attname, typbasetype, typtypmod FROM base JOIN pg_type ON oid = type "
        "WHERE typtype = 'd') "
        "SELECT attname, CASE typcategory WHEN 'S' THEN 'text' ELSE format_type(type, -1) END, "
        "format_type(type, modifier) FROM base JOIN pg_type ON oid = type WHERE typtype <> 'd' ORDER BY attnum",
        quoted(table),
    )
    return {str(name): Type(str(plain), str(full)) for name, plain, full in found}


def reading(type_: str) -> Reading | None:
    """Return how to read values of a type; None: unchanged. A type that Spark does not have is read as text.

    >>> reading("numeric(9,2)").type, reading("time without time zone").type
    ('numeric(9,2)', 'text')
    """
    if type_ in POSTGRESQL.read_as_they_are:
        return None
    if type_.endswith("[]"):
        return _list(type_.removesuffix("[]"))
    if number := re.fullmatch(r"numeric(?:\((\d+),(-?\d+)\))?", type_):
        return _number(int(number[1] or DIGITS), int(number[2] or SCALE))
    known = POSTGRESQL.read_as.get(type_) or POSTGRESQL.read_as.get(re.sub(r"\(\d\)", "", type_))
    return Reading(**known) if known else Reading("text")


def _number(precision: int, scale: int) -> Reading:
    """Keep all digits after the point that the type has, and before it the rest of Spark's 38."""
    after = min(max(scale, 0), DIGITS)
    before = min(max(precision - scale, 0), DIGITS - after)
    type_ = f"({before + after},{after})"
    return Reading(f"numeric{type_}", f"{{}} = round({{}}, {after}) AND abs({{}}) < 1e{before}", f"decimal{type_}")


def _list(element: str) -> Reading:
    """PostgreSQL's arrays have any number of dimensions, whatever their type says; Spark's arrays have one."""
    type_, fits, limit, value = reading(element) or Reading(element)
    flat = "{} IS NOT NULL AND COALESCE(array_ndims({}), 1) = 1"
    each = f" AND NOT EXISTS (SELECT FROM unnest({{}}) AS item WHERE NOT ({_of('item', fits)}))" if fits else ""
    items = f"SELECT {_of('item', value)} FROM unnest({{}}) WITH ORDINALITY AS items(item, place) ORDER BY place"
    list_ = "{}" if value == "{}" else f"ARRAY({items})"
    return Reading(f"{type_}[]", flat + each, f"lists of {limit or type_}", list_)


def _of(value: str, sql: str) -> str:
    return sql.replace("{}", value)


def selected(column: str, found: Reading) -> str:
    """Return SQL for the value of a column (in SQL), or null if it is refused."""
    value = _of(column, f"CASE WHEN {found.fits} THEN {found.value} END" if found.fits else found.value)
    return f"CAST({value} AS {found.type})"


def refused(column: str, found: Reading) -> str:
    """Return SQL for the start of a refused value's text, on one line; else null."""
    text = r"left(regexp_replace(CAST({} AS text), '\s+', ' ', 'g'), 100)"
    return _of(column, f"CASE WHEN NOT ({found.fits}) THEN {text} END")
