"""SHOW: lists what the catalog holds."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from pathlib import Path

from local_aws.athena import results
from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.ddl.statement import Run, plain_table, table_of
from local_aws.athena.errors import QueryFailed
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.athena.tables import DEFAULT_PARTITION, Table

Pattern = Callable[[list[str]], list[str]]
"""Selects the matching names, sorted."""


def databases(cursor: Cursor) -> Run:
    like = _pattern(cursor)

    def run(session: Session, file: Path) -> Answer:
        pages = session.catalog.glue.get_paginator("get_databases").paginate()
        names = [database["Name"] for page in pages for database in page["DatabaseList"]]
        return results.of_lines(like(names), ["database_name"], file)

    return run


def tables(cursor: Cursor) -> Run:
    return _names(cursor, "tab_name", lambda table: True)


def views(cursor: Cursor) -> Run:
    return _names(cursor, "views", lambda table: table.is_view)


def _names(cursor: Cursor, column: str, wanted: Callable[[Table], bool]) -> Run:
    given = cursor.database() if cursor.take("IN") or cursor.take("FROM") else ""
    like = _pattern(cursor)

    def run(session: Session, file: Path) -> Answer:
        found = tables_of(session, given or session.database)
        return results.of_lines(like([table.name for table in found if wanted(table)]), [column], file)

    return run


def tables_of(session: Session, database: str) -> list[Table]:
    """Return the tables and views of a database.

    Raises:
        QueryFailed: the database does not exist.
    """
    glue = session.catalog.glue
    try:
        pages = list(glue.get_paginator("get_tables").paginate(DatabaseName=database))
    except glue.exceptions.EntityNotFoundException as error:
        raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema '{database}' does not exist") from error
    return [Table(document) for page in pages for document in page["TableList"]]


def partitions(cursor: Cursor) -> Run:
    name = cursor.table()

    def run(session: Session, file: Path) -> Answer:
        table = plain_table(session, name)
        if not table.keys:
            raise QueryFailed(f"TYPE_MISMATCH: Table {table.database}.{table.name} is not a partitioned table")
        found = [partition.values for partition in session.catalog.partitions(table)]
        lines = [_folders(table, values) for values in found]
        return results.of_lines(sorted(lines), ["partition"], file)

    return run


def _folders(table: Table, values: tuple[str | None, ...]) -> str:
    shown = (DEFAULT_PARTITION if value is None else value for value in values)
    return "/".join(f"{key.name}={value}" for key, value in zip(table.keys, shown, strict=True))


def columns(cursor: Cursor) -> Run:
    cursor.one_of("IN", "FROM")
    name = cursor.table()
    database = cursor.database() if cursor.take("IN") or cursor.take("FROM") else name.database

    def run(session: Session, file: Path) -> Answer:
        table = table_of(session, type(name)(database, name.table))
        return results.of_lines([column.name for column in [*table.columns, *table.keys]], ["field"], file)

    return run


def properties(cursor: Cursor) -> Run:
    name = cursor.table()
    only = cursor.listed(cursor.text)[0] if cursor.next.is_word("(") else ""

    def run(session: Session, file: Path) -> Answer:
        table = plain_table(session, name)
        if not only:
            lines = [f"{key}\t{value}" for key, value in sorted(table.parameters.items())]
        elif only in table.parameters:
            lines = [table.parameters[only]]
        else:
            lines = [f"Table {table.database}.{table.name} does not have property: {only}"]
        return results.of_lines(lines, ["prpt_name"], file)  # As on AWS: name and value are one text.

    return run


def _pattern(cursor: Cursor) -> Pattern:
    """Parse `[LIKE] 'a*|b'`: `*` matches anything, `|` separates alternatives."""
    is_given = cursor.take("LIKE") or cursor.next.kind == "text"
    patterns = cursor.text().lower().replace("%", "*").split("|") if is_given else ["*"]
    return lambda names: sorted(name for name in names if any(fnmatch.fnmatchcase(name, one) for one in patterns))
