"""Statements that write rows to S3: CREATE TABLE AS, INSERT INTO, UNLOAD."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import sqlglot
from sqlglot import exp

from local_aws.athena import definitions, results, unfinished
from local_aws.athena.errors import QueryFailed
from local_aws.athena.query import catalog_type
from local_aws.athena.query.parse import parse
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.athena.tables import Table
from local_aws.athena.types import duckdb_type, sql_name, sql_string
from local_aws.mirror import split_uri

_UNLOAD = re.compile(r"UNLOAD\s*\((.*)\)\s*TO\s*'([^']+)'\s*(?:WITH\s*\((.*)\))?\s*\Z", re.I | re.S)
_TEXT = "FORMAT csv, HEADER false, NULLSTR '\\N', QUOTE ''"
_COPY = {"PARQUET": "FORMAT parquet", "JSON": "FORMAT json", "TEXTFILE": _TEXT}
_SUFFIX = {"PARQUET": ".parquet", "JSON": ".json", "TEXTFILE": ".txt"}
_COMPRESSION = ("write_compression", "parquet_compression", "compression")

Columns = list[tuple[str, str]]
"""(name, Hive type)"""


def create_table_as(sql: str, session: Session, file: Path) -> Answer:
    tree = parse(sql)
    name = tree.find(exp.Table)
    if name is None or not isinstance(tree.expression, exp.Query):
        raise QueryFailed("SYNTAX_ERROR: CREATE TABLE name [WITH (...)] AS query")
    database = (name.db or session.database).lower()
    if session.catalog.table(database, name.name):
        if tree.args.get("exists"):
            return _written(session, file, [], 0)
        raise QueryFailed(f"TABLE_ALREADY_EXISTS: Table '{database}.{name.name.lower()}' already exists")
    options = _table_options(tree)
    kind = str(options.get("format", "PARQUET")).upper()
    location = str(options.get("external_location") or f"{session.output.rstrip('/')}/tables/{session.execution}/")
    _refuse_if_not_empty(session, location)
    query, columns = _prepared(tree.expression, session)
    keys = [key.lower() for key in options.get("partitioned_by", [])]
    plain, partitioned = _split(columns, keys)
    delimiter = options.get("field_delimiter")
    serde = {"Parameters": {"field.delim": delimiter}} if delimiter else None
    storage = definitions.storage(kind, location, plain, serde)
    made = (database, name.name.lower())
    written, rows = _write(session, query, columns, keys, location, kind, options, made)
    body = {
        "Name": name.name.lower(),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "has_encrypted_data": "false"},
        "PartitionKeys": [{"Name": key, "Type": type_} for key, type_ in partitioned],
        "StorageDescriptor": storage,
    }
    definitions.put_table(session, database, body, replace=False)
    table = session.catalog.table(database, name.name)
    if table is not None and keys:
        definitions.register(session, table, _partitions(table, written), quiet=True)
    return _written(session, file, written, rows)


def insert(sql: str, session: Session, file: Path) -> Answer:
    tree = parse(sql)
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    table = session.table(target)
    fields = [*table.columns, *table.keys]
    names = [c.name.lower() for c in tree.this.expressions] if isinstance(tree.this, exp.Schema) else []
    names = names or [column.name for column in fields]
    query, _ = _prepared(tree.expression, session, names)
    columns = [(column.name, column.type) for column in fields]
    source = ", ".join(sql_name(c.name) if c.name in names else f"NULL AS {sql_name(c.name)}" for c in fields)
    keys = [key.name for key in table.keys]
    kind = {"parquet": "PARQUET", "json": "JSON", "text": "TEXTFILE"}.get(table.format)
    if kind is None or (table.is_projected and "storage.location.template" in table.parameters):
        raise QueryFailed(f"NOT_SUPPORTED: INSERT INTO {table.name}: a table of this format or projection is read only")
    delimiter = table.serde.get("Parameters", {}).get("field.delim")
    written, rows = _write(
        session,
        f"SELECT {source} FROM ({query})",
        columns,
        keys,
        table.location,
        kind,
        {"field_delimiter": delimiter},
    )
    if keys and not table.is_projected:
        definitions.register(session, table, _partitions(table, written), quiet=True)
    return _written(session, file, written, rows)


def unload(sql: str, session: Session, file: Path) -> Answer:
    found = _UNLOAD.match(sql)
    if not found:
        raise QueryFailed("SYNTAX_ERROR: UNLOAD (query) TO 's3://bucket/folder/' WITH (format = 'PARQUET')")
    options = _options(found[3] or "")
    kind = str(options.get("format", "")).upper()
    _refuse_if_not_empty(session, found[2])
    query, columns = _prepared(parse(found[1]), session)
    keys = [key.lower() for key in options.get("partitioned_by", [])]
    written, rows = _write(session, query, columns, keys, found[2], kind, options)
    return _written(session, file, written, rows)


def _prepared(query: Any, session: Session, names: list[str] | None = None) -> tuple[str, Columns]:
    """DuckDB's text of a query, its columns under `names` or their own, and their Hive types."""
    made = session.translated(query)
    own = [name.lower() for name in made.names]
    if names is not None and len(names) != len(own):
        raise QueryFailed(f"TYPE_MISMATCH: Insert query has {len(own)} columns, the table takes {len(names)}: {names}")
    unnamed = [i for i, output in enumerate(made.outputs, 1) if output.name is None]
    if names is None and unnamed:
        raise QueryFailed(f"MISSING_COLUMN_NAME: Column name not specified at position {unnamed[0]}")
    columns = [(name, catalog_type(output.type)) for name, output in zip(names or own, made.outputs, strict=True)]
    sql = made.as_stored([name for name, _ in columns])
    made.prepare(session.con, sql)
    return sql, columns


def _write(
    session: Session,
    query: str,
    columns: Columns,
    keys: list[str],
    location: str,
    kind: str,
    options: dict[str, Any],
    table: tuple[str, str] | None = None,
) -> tuple[list[tuple[list[str], str]], int]:
    """Write the rows as files of one format: ([(partition values, uri)], number of rows). `table` is what it makes."""
    if kind not in _COPY:
        raise QueryFailed(
            f"NOT_SUPPORTED: the format {kind or '(none)'} cannot be written here; allowed are {', '.join(_COPY)}"
        )
    folder = session.work / f"{session.execution}.data"
    folder.mkdir(parents=True)
    typed = ", ".join(f"CAST({sql_name(n)} AS {duckdb_type(t)}) AS {sql_name(n)}" for n, t in columns)
    settings = _settings(kind, keys, options)
    target = folder if keys else folder / f"part-0{_SUFFIX[kind]}"
    row = session.con.execute(
        f"COPY (SELECT {typed} FROM ({query})) TO {sql_string(str(target))} ({settings})"
    ).fetchone()
    catalog = session.catalog
    unfinished.note(catalog.context, session.execution, catalog.glue.meta.region_name, location, table)
    uploaded = [_upload(session, folder, path, location, len(keys)) for path in sorted(_files(folder))]
    return uploaded, int(row[0]) if row else 0


def _settings(kind: str, keys: list[str], options: dict[str, Any]) -> str:
    parts = [_COPY[kind]]
    if kind == "PARQUET":
        compression = next((options[name] for name in _COMPRESSION if options.get(name)), "SNAPPY")
        parts.append(f"COMPRESSION {sql_string(str(compression).lower().replace('none', 'uncompressed'))}")
    if kind == "TEXTFILE":
        parts.append(f"DELIM {sql_string(options.get('field_delimiter') or chr(1))}")
    if keys:
        parts.append(f"PARTITION_BY ({', '.join(map(sql_name, keys))})")
    return ", ".join(parts)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _upload(session: Session, folder: Path, path: Path, location: str, keys: int) -> tuple[list[str], str]:
    relative = path.relative_to(folder)
    name = f"{session.execution}_{relative.name}"
    bucket, prefix = split_uri(location.rstrip("/") + "/")
    key = prefix + "/".join([*relative.parts[:-1], name])
    session.catalog.context.client("s3").upload_file(str(path), bucket, key)
    path.unlink()
    return [unquote(part.partition("=")[2]) for part in relative.parts[:keys]], f"s3://{bucket}/{key}"


def _partitions(table: Table, written: list[tuple[list[str], str]]) -> list[tuple[list[str], str]]:
    return list({tuple(values): (values, uri.rpartition("/")[0] + "/") for values, uri in written}.values())


def _written(session: Session, file: Path, written: list[tuple[list[str], str]], rows: int) -> Answer:
    answer = results.of_lines([], [], file)
    answer.update_count, answer.manifest = rows, [uri for _, uri in written]
    return answer


def _refuse_if_not_empty(session: Session, location: str) -> None:
    if session.catalog.context.mirror.list(*split_uri(location.rstrip("/") + "/")):
        raise QueryFailed(f"HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists: {location}")


def _split(columns: Columns, keys: list[str]) -> tuple[Columns, Columns]:
    """Plain columns and partition columns; Athena wants the latter last, in the order of partitioned_by."""
    if keys and [name for name, _ in columns[-len(keys) :]] != keys:
        raise QueryFailed(f"HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table: {keys}")
    return (columns[: -len(keys)], columns[-len(keys) :]) if keys else (columns, [])


def _table_options(tree: exp.Expr) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in (tree.args.get("properties") or exp.Properties()).expressions:
        if isinstance(item, exp.FileFormatProperty):
            found["format"] = item.name
        elif isinstance(item, exp.PartitionedByProperty):
            found["partitioned_by"] = [part.name for part in item.this.expressions]
        elif type(item) is exp.Property:
            found[item.name.lower()] = item.args["value"].name
    return found


def _options(text: str) -> dict[str, Any]:
    """`format = 'PARQUET', partitioned_by = ARRAY['a']` as a dictionary."""
    items = sqlglot.parse_one(f"SELECT {text}", read="athena").expressions if text.strip() else []
    return {
        item.this.name.lower(): [part.name for part in item.expression.expressions]
        if isinstance(item.expression, exp.Array)
        else item.expression.name
        for item in items
    }
