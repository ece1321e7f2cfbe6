"""Statements that write rows to S3: CREATE TABLE AS, INSERT INTO, UNLOAD."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlglot import exp

from local_aws.athena import definitions, output, results
from local_aws.athena.ddl import clauses, with_properties
from local_aws.athena.ddl.cursor import Cursor, Name
from local_aws.athena.ddl.statement import Run, database_of
from local_aws.athena.ddl.with_properties import Written
from local_aws.athena.errors import QueryFailed
from local_aws.athena.options import refuse_options
from local_aws.athena.output import Columns, Files, Places
from local_aws.athena.query.parse import parse
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.athena.tables import DEFAULT_PARTITION, Table
from local_aws.athena.types import sql_name
from local_aws.mirror import split_uri
from local_aws.protocol import Document


def create_table_as(cursor: Cursor, name: Name, quiet: bool) -> Run:
    """Parse `[COMMENT 'text'] [WITH (...)] AS query [WITH [NO] DATA]`."""
    about = {"Description": cursor.plain_text()} if cursor.take("COMMENT") else {}
    how = with_properties.of_table(cursor)
    cursor.expect("AS")
    is_empty = _ends_with(cursor, "WITH", "NO", "DATA")
    text = cursor.rest("WITH", "NO", "DATA") if is_empty else cursor.rest("WITH", "DATA")

    def run(session: Session, file: Path) -> Answer:
        database = database_of(session, name)
        if session.catalog.table(database, name.table):
            if quiet:
                return _written(file, [], 0)
            raise QueryFailed(f"TABLE_ALREADY_EXISTS: Table '{database}.{name.table}' already exists")
        target = how.location or f"{session.output.rstrip('/')}/tables/{session.execution}/"
        _refuse_if_not_empty(session, target)
        query, columns = output.prepared(parse(text), session)
        plain, keys = _split(columns, list(how.keys))
        there = replace(how, location=target)
        body = {**_table_input(name.table, plain, keys, there), **about}
        made = (database, name.table)
        written, rows = ([], 0) if is_empty else output.write(session, query, columns, there, made)
        definitions.put_table(session, database, body, replace=False)
        table = session.catalog.table(database, name.table)
        if table is not None and keys:
            definitions.register(session, table, output.folders(written), quiet=True)
        return _written(file, written, rows)

    return run


def _ends_with(cursor: Cursor, *words: str) -> bool:
    return cursor.sql.upper().split()[-len(words) :] == list(words)


def _table_input(name: str, plain: Columns, keys: Columns, how: Written) -> Document:
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "has_encrypted_data": "false"},
        "PartitionKeys": [{"Name": key, "Type": kind} for key, kind in keys],
        "StorageDescriptor": definitions.storage(how.kind, how.location, plain, how.options),
    }


def insert(cursor: Cursor) -> Run:
    cursor.rest()

    def run(session: Session, file: Path) -> Answer:
        tree = parse(cursor.sql)
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        table = session.table(target)
        how = _as_table(table)
        fields = [*table.columns, *table.keys]
        named = [c.name.lower() for c in tree.this.expressions] if isinstance(tree.this, exp.Schema) else []
        wanted = _wanted(table, named)
        query, _ = output.prepared(tree.expression, session, wanted)
        names = [name for name, _ in wanted]
        source = ", ".join(sql_name(c.name) if c.name in names else f"NULL AS {sql_name(c.name)}" for c in fields)
        columns = [(column.name, column.type) for column in fields]
        is_registered = bool(how.keys) and not table.is_projected
        places = _places(session, table) if is_registered else {}
        written, rows = output.write(session, f"SELECT {source} FROM ({query})", columns, how, places=places)
        if is_registered:
            definitions.register(session, table, output.folders(written), quiet=True)
        return _written(file, written, rows)

    return run


def _places(session: Session, table: Table) -> Places:
    return {
        tuple(DEFAULT_PARTITION if value is None else value for value in partition.values): (
            partition.folder if table.read_by(partition.serde).serde == table.serde else None
        )
        for partition in session.catalog.partitions(table)
    }


def _wanted(table: Table, named: list[str]) -> Columns:
    """Return the columns that an INSERT gives values for.

    Raises:
        QueryFailed: a name is not a column of the table, or is duplicated.
    """
    types = {column.name: column.type for column in [*table.columns, *table.keys]}
    if absent := [name for name in named if name not in types]:
        raise QueryFailed(f"COLUMN_NOT_FOUND: Insert column name does not exist in target table: {absent[0]}")
    if len(set(named)) < len(named):
        raise QueryFailed(f"DUPLICATE_COLUMN_NAME: Insert column name is specified more than once: {', '.join(named)}")
    return [(name, types[name]) for name in named or types]


def _as_table(table: Table) -> Written:
    """Return how the files of a table are written.

    Raises:
        QueryFailed: the table is read-only.
    """
    if table.is_view:
        raise QueryFailed(f"NOT_SUPPORTED: Inserting into views is not supported: {table.database}.{table.name}")
    if table.storage.get("BucketColumns"):
        raise QueryFailed(f"NOT_SUPPORTED: INSERT INTO {table.name}: a table that is bucketed is read only")
    kind = {"parquet": "PARQUET", "json": "JSON", "text": "TEXTFILE"}.get(table.format)
    if kind is None or (table.is_projected and "storage.location.template" in table.parameters):
        raise QueryFailed(f"NOT_SUPPORTED: INSERT INTO {table.name}: a table of this format or projection is read only")
    _refuse_unwritten(table)
    return Written(
        kind,
        options=table.serde.get("Parameters") or {},
        keys=tuple(key.name for key in table.keys),
        location=table.location,
        has_header=table.parameters.get("skip.header.line.count") == "1",
    )


def _refuse_unwritten(table: Table) -> None:
    """Raises QueryFailed for a property by which the files would be read as other values than are written."""
    refuse_options(table)
    given = {**table.parameters, **(table.serde.get("Parameters") or {})}
    usual = {"serialization.encoding": ("", "utf-8", "utf8"), "skip.header.line.count": ("", "0")}
    if table.format == "text":
        usual["skip.header.line.count"] = ("", "0", "1")
    if any("timestamp" in column.type for column in table.columns):
        usual["timestamp.formats"] = ("",)
    for name, value in given.items() if table.format in ("text", "json") else ():
        if value.lower() not in usual.get(name, (value.lower(),)) or (name.startswith("mapping.") and value):
            raise QueryFailed(
                f"NOT_SUPPORTED: INSERT INTO {table.name}: its property {name} = {value!r} is honoured by reading "
                "alone here; put the files there in another way, or make a table without it"
            )


def unload(cursor: Cursor) -> Run:
    """Parse `(query) TO 's3://bucket/folder/' WITH (format = 'PARQUET', ...)`."""
    cursor.of_trino = True
    text = cursor.group()
    cursor.expect("TO")
    target = clauses.folder(cursor.plain_text())
    how = replace(with_properties.of_unload(cursor), location=target)

    def run(session: Session, file: Path) -> Answer:
        _refuse_if_not_empty(session, target)
        query, columns = output.prepared(parse(text), session)
        _split(columns, list(how.keys))
        written, rows = output.write(session, query, columns, how)
        return _written(file, written, rows)

    return run


def _written(file: Path, written: Files, rows: int) -> Answer:
    answer = results.of_lines([], [], file)
    answer.update_count, answer.manifest = rows, [uri for _, uri in written]
    return answer


def _refuse_if_not_empty(session: Session, location: str) -> None:
    if session.catalog.context.mirror.list(*split_uri(location.rstrip("/") + "/")):
        raise QueryFailed(f"HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists: {location}")


def _split(columns: Columns, keys: list[str]) -> tuple[Columns, Columns]:
    """Return plain columns and partition columns; Athena requires the latter last, in the order of partitioned_by."""
    if keys and [name for name, _ in columns[-len(keys) :]] != keys:
        raise QueryFailed(
            f"HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table: {', '.join(keys)}"
        )
    if keys and len(keys) == len(columns):
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: Table contains only partition columns: {', '.join(keys)}")
    return (columns[: -len(keys)], columns[-len(keys) :]) if keys else (columns, [])
