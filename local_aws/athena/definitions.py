"""Puts tables and partitions into the catalog as Athena does."""

from __future__ import annotations

import re
from collections.abc import Sequence

from local_aws.athena.errors import QueryFailed
from local_aws.athena.session import Session
from local_aws.athena.tables import Table
from local_aws.hive_classes import JSON, PARQUET, TEXT
from local_aws.protocol import Document

_BATCH = 100
_WRITTEN = {"PARQUET": PARQUET, "TEXTFILE": TEXT, "JSON": JSON}


def register(session: Session, table: Table, partitions: list[tuple[list[str], str]], quiet: bool) -> None:
    """Register partitions as (values, location).

    Raises:
        QueryFailed: one exists already and not `quiet`.
    """
    inputs = [
        {"Values": values, "StorageDescriptor": {**table.storage, "Location": location}}
        for values, location in partitions
    ]
    for start in range(0, len(inputs), _BATCH):
        answer = session.catalog.glue.batch_create_partition(
            DatabaseName=table.database,
            TableName=table.name,
            PartitionInputList=inputs[start : start + _BATCH],
        )
        if answer.get("Errors") and not quiet:
            values = ", ".join(answer["Errors"][0]["PartitionValues"])
            raise QueryFailed(
                f"PARTITION_ALREADY_EXISTS: the partition ({values}) of table {table.database}.{table.name} exists; "
                "drop it first, or say IF NOT EXISTS"
            )


def default_location(table: Table, values: list[str]) -> str:
    return partition_folder(table.location, [key.name for key in table.keys], values)


def partition_folder(location: str, keys: Sequence[str], values: Sequence[str]) -> str:
    """Return where a partition lies in the folder of a table."""
    folders = (f"{key}={_escaped(value)}/" for key, value in zip(keys, values, strict=True))
    return location.rstrip("/") + "/" + "".join(folders)


def _escaped(value: str) -> str:
    """Escape a value for a folder name as Hive does: `12:30` is `12%3A30`."""
    return re.sub(r"""[\x00-\x1f\x7f"#%'*/:=?\\{\[\]^]""", lambda found: f"%{ord(found[0]):02X}", value)


def put_table(session: Session, database: str, table: Document, replace: bool) -> None:
    """Create a table in the catalog.

    Raises:
        QueryFailed: it exists and must not be replaced, or the database does not exist.
    """
    glue = session.catalog.glue
    existing = session.catalog.table(database, table["Name"])
    if existing and not replace:
        raise QueryFailed(f"TABLE_ALREADY_EXISTS: Table '{database}.{table['Name']}' already exists")
    try:
        (glue.update_table if existing else glue.create_table)(DatabaseName=database, TableInput=table)
    except glue.exceptions.EntityNotFoundException as error:
        raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema {database} not found") from error


def storage(kind: str, location: str, columns: list[tuple[str, str]], options: dict[str, str]) -> Document:
    """Return a StorageDescriptor: `kind` is the written format, `columns` (name, Hive type), `options` the SerDe's."""
    classes = _WRITTEN[kind]
    return {
        "Columns": [{"Name": name, "Type": type_} for name, type_ in columns],
        "Location": location,
        "InputFormat": classes.input,
        "OutputFormat": classes.output,
        "SerdeInfo": {"SerializationLibrary": classes.serde, "Parameters": {"serialization.format": "1", **options}},
    }
