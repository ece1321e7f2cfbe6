"""PREPARE and DEALLOCATE: named statements of a work group. EXECUTE is replaced by its statement before it starts."""

from __future__ import annotations

from pathlib import Path

from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.ddl.statement import Run, no_rows
from local_aws.athena.errors import QueryFailed
from local_aws.athena.results import Answer
from local_aws.athena.session import Session


def prepare(cursor: Cursor) -> Run:
    cursor.of_trino = True
    name = cursor.name("the name of a prepared statement")
    cursor.expect("FROM")
    statement = cursor.rest().strip()

    def run(session: Session, file: Path) -> Answer:
        athena = session.client("athena")
        given = {"StatementName": name, "WorkGroup": session.workgroup, "QueryStatement": statement}
        try:
            athena.create_prepared_statement(**given)
        except athena.exceptions.ClientError as error:
            raise QueryFailed(f"ALREADY_EXISTS: Prepared statement '{name}' exists in {session.workgroup}") from error
        return no_rows(file)

    return run


def deallocate(cursor: Cursor) -> Run:
    cursor.of_trino = True
    name = cursor.name("the name of a prepared statement")

    def run(session: Session, file: Path) -> Answer:
        athena = session.client("athena")
        try:
            athena.delete_prepared_statement(StatementName=name, WorkGroup=session.workgroup)
        except athena.exceptions.ClientError as error:
            raise QueryFailed(
                f"NOT_FOUND: PreparedStatement {name} was not found in workGroup {session.workgroup}"
            ) from error
        return no_rows(file)

    return run
