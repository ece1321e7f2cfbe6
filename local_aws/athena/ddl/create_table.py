"""CREATE EXTERNAL TABLE with all clauses of Athena's manual; CREATE TABLE without EXTERNAL is CREATE TABLE AS."""

from __future__ import annotations

from pathlib import Path

from local_aws.athena import definitions, writes
from local_aws.athena.ddl import clauses
from local_aws.athena.ddl.clauses import RowFormat
from local_aws.athena.ddl.columns import columns_of
from local_aws.athena.ddl.cursor import Cursor, Token
from local_aws.athena.ddl.statement import Run, database_of, no_rows
from local_aws.athena.errors import QueryFailed
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.protocol import Document


def external(cursor: Cursor) -> Run:
    quiet = cursor.take("IF", "NOT", "EXISTS")
    name = cursor.table()
    table = _definition(cursor, name.table)

    def run(session: Session, file: Path) -> Answer:
        database = database_of(session, name)
        if not (quiet and session.catalog.table(database, name.table)):
            definitions.put_table(session, database, table, replace=False)
        return no_rows(file)

    return run


def plain(cursor: Cursor) -> Run:
    """Parse CREATE TABLE AS. Raises QueryFailed for a table with columns, which must be EXTERNAL or Iceberg."""
    quiet = cursor.take("IF", "NOT", "EXISTS")
    has_columns = _after_name(cursor).is_word("(")
    cursor.of_trino = not has_columns
    name = cursor.table()
    if has_columns:
        if "ICEBERG" in cursor.sql.upper():
            raise QueryFailed("NOT_SUPPORTED: the embedded AWS has no Iceberg tables (table_type = 'ICEBERG')")
        raise QueryFailed("SYNTAX_ERROR: CREATE TABLE with columns needs the word EXTERNAL: CREATE EXTERNAL TABLE")
    return writes.create_table_as(cursor, name, quiet)


def _after_name(cursor: Cursor) -> Token:
    ahead = 1
    while cursor.looks_at(ahead).is_word("."):
        ahead += 2
    return cursor.looks_at(ahead)


def _definition(cursor: Cursor, name: str) -> Document:
    """Return the input of Glue's CreateTable; the clauses are in the order of Hive's grammar."""
    columns = columns_of(cursor)
    comment = cursor.text() if cursor.take("COMMENT") else ""
    keys = columns_of(cursor) if cursor.take("PARTITIONED", "BY") else []
    _refuse_doubles(columns, keys)
    storage = {"Columns": columns, **_buckets(cursor, columns), **_storage(cursor)}
    parameters = clauses.properties(cursor) if cursor.take("TBLPROPERTIES") else {}
    _refuse_iceberg(parameters)
    about = {"Description": comment} if comment else {}
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **parameters, **({"comment": comment} if comment else {})},
        "PartitionKeys": keys,
        "StorageDescriptor": storage,
        **about,
    }


def _storage(cursor: Cursor) -> Document:
    rows = clauses.row_format(cursor) if cursor.take("ROW", "FORMAT") else RowFormat()
    files = clauses.stored_as(cursor) if cursor.take("STORED", "AS") else None
    given = {**rows.properties, **clauses.serde_properties(cursor)}
    classes = clauses.joined(rows, files)
    if not cursor.take("LOCATION"):
        raise cursor.mismatch("LOCATION 's3://bucket/folder/'")
    return {
        "Location": clauses.location(cursor),
        "InputFormat": classes.input,
        "OutputFormat": classes.output,
        "SerdeInfo": {"SerializationLibrary": classes.serde, "Parameters": {"serialization.format": "1", **given}},
    }


def _buckets(cursor: Cursor, columns: list[Document]) -> Document:
    if not cursor.take("CLUSTERED", "BY"):
        return {"NumberOfBuckets": -1}
    names = cursor.listed(cursor.name)
    cursor.expect("INTO")
    number = cursor.positive()
    cursor.expect("BUCKETS")
    known = [column["Name"] for column in columns]
    if absent := [name for name in names if name not in known]:
        raise QueryFailed(f"COLUMN_NOT_FOUND: CLUSTERED BY ({', '.join(absent)}): the table has {', '.join(known)}")
    return {"BucketColumns": names, "NumberOfBuckets": number}


def _refuse_doubles(columns: list[Document], keys: list[Document]) -> None:
    names = {column["Name"] for column in columns}
    if doubles := [key["Name"] for key in keys if key["Name"] in names]:
        raise QueryFailed(f"DUPLICATE_COLUMN_NAME: Column repeated in partitioning columns: {', '.join(doubles)}")


def _refuse_iceberg(parameters: dict[str, str]) -> None:
    if parameters.get("table_type", "").upper() == "ICEBERG":
        raise QueryFailed("NOT_SUPPORTED: the embedded AWS has no Iceberg tables (table_type = 'ICEBERG')")
