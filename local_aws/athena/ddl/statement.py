"""A parsed statement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local_aws.athena import results
from local_aws.athena.ddl.cursor import Name
from local_aws.athena.errors import QueryFailed
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.athena.tables import Table
from local_aws.protocol import Document

Run = Callable[[Session, Path], Answer]
"""Runs a statement; the result is written to the file."""


@dataclass(frozen=True)
class Statement:
    """`kind` is DDL, DML or UTILITY."""

    kind: str
    run: Run


def no_rows(file: Path) -> Answer:
    """Return the answer of a statement without rows."""
    return results.of_lines([], [], file)


def database_of(session: Session, name: Name) -> str:
    return name.database or session.database


def table_of(session: Session, name: Name) -> Table:
    """Return the table that a statement names.

    Raises:
        QueryFailed: the table does not exist.
    """
    database = database_of(session, name)
    found = session.catalog.table(database, name.table)
    if found is None:
        raise QueryFailed(f"TABLE_NOT_FOUND: Table '{database}.{name.table}' does not exist")
    return found


def plain_table(session: Session, name: Name) -> Table:
    """Return the table, which must not be a view."""
    table = table_of(session, name)
    if table.is_view:
        raise QueryFailed(f"TYPE_MISMATCH: {table.database}.{table.name} is a view, and this statement takes a table")
    return table


_INPUT = (
    "Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "ViewOriginalText",
    "ViewExpandedText", "TableType", "Parameters", "TargetTable",
)  # fmt: skip


def change(session: Session, table: Table, **fields: object) -> None:
    """Update these fields of a table in the catalog; the others stay."""
    kept: Document = {name: table.document[name] for name in _INPUT if table.document.get(name) not in (None, "")}
    session.catalog.glue.update_table(DatabaseName=table.database, TableInput={**kept, **fields})
