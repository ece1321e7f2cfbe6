"""CREATE, ALTER and DROP DATABASE."""

from __future__ import annotations

from pathlib import Path

from local_aws.athena.ddl import clauses
from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.ddl.statement import Run, no_rows
from local_aws.athena.errors import QueryFailed
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.protocol import Document


def create(cursor: Cursor) -> Run:
    quiet = cursor.take("IF", "NOT", "EXISTS")
    body: Document = {"Name": cursor.database()}
    if cursor.take("COMMENT"):
        body["Description"] = cursor.text()
    if cursor.take("LOCATION"):
        body["LocationUri"] = clauses.location(cursor)
    if cursor.take("WITH", "DBPROPERTIES"):
        body["Parameters"] = clauses.properties(cursor)

    def run(session: Session, file: Path) -> Answer:
        glue = session.catalog.glue
        try:
            glue.create_database(DatabaseInput=body)
        except glue.exceptions.AlreadyExistsException as error:
            if not quiet:
                raise QueryFailed(f"SCHEMA_ALREADY_EXISTS: Schema '{body['Name']}' already exists") from error
        return no_rows(file)

    return run


def drop(cursor: Cursor) -> Run:
    quiet = cursor.take("IF", "EXISTS")
    name = cursor.database()
    cascade = cursor.take("CASCADE")
    if not cascade:
        cursor.take("RESTRICT")

    def run(session: Session, file: Path) -> Answer:
        glue = session.catalog.glue
        try:
            if not cascade and glue.get_tables(DatabaseName=name)["TableList"]:
                raise QueryFailed(
                    f"SCHEMA_NOT_EMPTY: Database {name} is not empty; say CASCADE to drop its tables as well"
                )
            glue.delete_database(Name=name)
        except glue.exceptions.EntityNotFoundException as error:
            if not quiet:
                raise _absent(name) from error
        return no_rows(file)

    return run


def alter(cursor: Cursor) -> Run:
    name = cursor.database()
    cursor.expect("SET", "DBPROPERTIES")
    given = clauses.properties(cursor)

    def run(session: Session, file: Path) -> Answer:
        glue = session.catalog.glue
        try:
            known = glue.get_database(Name=name)["Database"]
        except glue.exceptions.EntityNotFoundException as error:
            raise _absent(name) from error
        kept = {key: known[key] for key in ("Name", "Description", "LocationUri", "Parameters") if known.get(key)}
        merged = {**kept.get("Parameters", {}), **given}
        glue.update_database(Name=name, DatabaseInput={**kept, "Parameters": merged})
        return no_rows(file)

    return run


def _absent(name: str) -> QueryFailed:
    return QueryFailed(f"SCHEMA_NOT_FOUND: Schema '{name}' does not exist")
