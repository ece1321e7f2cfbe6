"""CREATE VIEW, and DROP for views and tables."""

from __future__ import annotations

from pathlib import Path

from sqlglot import exp

from local_aws.athena import definitions, output, views
from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.ddl.statement import Run, database_of, no_rows
from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.parse import parse
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.athena.tables import Table


def create(cursor: Cursor, replace: bool = False) -> Run:
    cursor.of_trino = True
    name = cursor.table()
    if cursor.take("COMMENT"):
        cursor.plain_text()
    cursor.expect("AS")
    text = cursor.rest()

    def run(session: Session, file: Path) -> Answer:
        database = database_of(session, name)
        _refuse_table(session.catalog.table(database, name.table))
        query = parse(text)
        if not isinstance(query, exp.Query):
            raise QueryFailed("SYNTAX_ERROR: a view is made of a query")
        with session.inside_view(database, name.table):
            columns = output.named_columns(session.translated(query).outputs)
        table = views.table_input(name.table, database, text.strip(), columns)
        definitions.put_table(session, database, table, replace=replace)
        return no_rows(file)

    return run


def _refuse_table(there: Table | None) -> None:
    if there is not None and not there.is_view:
        raise QueryFailed(f"TABLE_ALREADY_EXISTS: '{there.database}.{there.name}' is a table, and no view to replace")


def replace(cursor: Cursor) -> Run:
    return create(cursor, replace=True)


def drop_view(cursor: Cursor) -> Run:
    return _drop(cursor, "View")


def drop_table(cursor: Cursor) -> Run:
    return _drop(cursor, "Table")


def _drop(cursor: Cursor, word: str) -> Run:
    quiet = cursor.take("IF", "EXISTS")
    name = cursor.table()
    if word == "Table":
        cursor.take("PURGE")

    def run(session: Session, file: Path) -> Answer:
        database = database_of(session, name)
        table = session.catalog.table(database, name.table)
        if table is None and not quiet:
            raise QueryFailed(f"TABLE_NOT_FOUND: {word} '{database}.{name.table}' does not exist")
        if table is not None and table.is_view != (word == "View"):
            raise QueryFailed(f"TYPE_MISMATCH: {database}.{name.table} is {'a view' if table.is_view else 'a table'}")
        if table is not None:
            session.catalog.glue.delete_table(DatabaseName=database, Name=name.table)
        return no_rows(file)

    return run
