"""ALTER TABLE on partitions: ADD, DROP, RENAME, SET LOCATION."""

from __future__ import annotations

from pathlib import Path

from local_aws.athena import definitions
from local_aws.athena.ddl import clauses
from local_aws.athena.ddl.cursor import Cursor, Name
from local_aws.athena.ddl.specs import Spec, conditions, matching, spec, values_of
from local_aws.athena.ddl.statement import Run, no_rows, plain_table
from local_aws.athena.errors import QueryFailed
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.athena.tables import Table
from local_aws.protocol import Document

_BATCH = 25


def add(cursor: Cursor, name: Name, quiet: bool) -> Run:
    """Parse `PARTITION (...) [LOCATION '...']`, once or more."""
    given = []
    while cursor.take("PARTITION"):
        given.append((spec(cursor), clauses.location(cursor) if cursor.take("LOCATION") else ""))

    def run(session: Session, file: Path) -> Answer:
        table = plain_table(session, name)
        found = [(values_of(table, one), place) for one, place in given]
        wanted = [(values, place or definitions.default_location(table, values)) for values, place in found]
        definitions.register(session, table, wanted, quiet)
        return no_rows(file)

    return run


def drop(cursor: Cursor, name: Name, quiet: bool) -> Run:
    """Parse `PARTITION (...), PARTITION (...)`: each selects all partitions that meet its conditions."""
    cursor.expect("PARTITION")
    given = [conditions(cursor)]
    while cursor.take(",", "PARTITION"):
        given.append(conditions(cursor))

    def run(session: Session, file: Path) -> Answer:
        table = plain_table(session, name)
        existing = session.catalog.partitions(table) if table.keys else []
        found = [matching(table, one, existing) for one in given]
        for one, gone in zip(given, found, strict=True):
            if not gone and not quiet:
                raise _absent(table, one)
        _delete(session, table, [list(values) for values in {tuple(v) for gone in found for v in gone}])
        return no_rows(file)

    return run


def _delete(session: Session, table: Table, values: list[list[str]]) -> None:
    for start in range(0, len(values), _BATCH):
        batch = [{"Values": one} for one in sorted(values)[start : start + _BATCH]]
        session.catalog.glue.batch_delete_partition(
            DatabaseName=table.database, TableName=table.name, PartitionsToDelete=batch
        )


def rename(cursor: Cursor, name: Name, old: Spec) -> Run:
    new = spec(cursor)

    def run(session: Session, file: Path) -> Answer:
        table = plain_table(session, name)
        values = values_of(table, new)
        glue = session.catalog.glue
        try:
            _update(session, table, old, {"Values": values})
        except glue.exceptions.AlreadyExistsException as error:
            raise QueryFailed(f"PARTITION_ALREADY_EXISTS: {values}") from error
        return no_rows(file)

    return run


def set_location(cursor: Cursor, name: Name, one: Spec) -> Run:
    place = clauses.location(cursor)

    def run(session: Session, file: Path) -> Answer:
        table = plain_table(session, name)
        storage = partition_of(session, table, one)["StorageDescriptor"]
        _update(session, table, one, {"StorageDescriptor": {**storage, "Location": place}})
        return no_rows(file)

    return run


def set_columns(session: Session, table: Table, one: Spec, columns: list[Document]) -> None:
    """Set the columns of one partition."""
    storage = partition_of(session, table, one)["StorageDescriptor"]
    _update(session, table, one, {"StorageDescriptor": {**storage, "Columns": columns}})


def partition_of(session: Session, table: Table, one: Spec) -> Document:
    """Return the catalog's document of a partition.

    Raises:
        QueryFailed: it does not exist.
    """
    values, glue = values_of(table, one), session.catalog.glue
    try:
        found = glue.get_partition(DatabaseName=table.database, TableName=table.name, PartitionValues=values)
        return dict(found["Partition"])
    except glue.exceptions.EntityNotFoundException as error:
        raise _absent(table, one) from error


def _update(session: Session, table: Table, one: Spec, changed: Document) -> None:
    found = partition_of(session, table, one)
    kept: Document = {name: found[name] for name in ("Values", "StorageDescriptor", "Parameters") if name in found}
    session.catalog.glue.update_partition(
        DatabaseName=table.database,
        TableName=table.name,
        PartitionValueList=found["Values"],
        PartitionInput={**kept, **changed},
    )


def _absent(table: Table, one: Spec) -> QueryFailed:
    shown = ", ".join(f"{c.key} {c.operator} '{c.value}'" for c in one)
    return QueryFailed(f"PARTITION_NOT_FOUND: {table.database}.{table.name} has no partition ({shown})")
