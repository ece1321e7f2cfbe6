"""Statements about the catalog: SHOW, DESCRIBE, CREATE, DROP, ALTER TABLE, MSCK REPAIR TABLE."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import sqlglot
from sqlglot import exp

from local_aws.athena import definitions, results, views
from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.parse import parse
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.athena.tables import DEFAULT_PARTITION, Table
from local_aws.athena.types import duckdb_type
from local_aws.mirror import split_uri
from local_aws.protocol import Document

_PIECE = r"""(?:`[^`]+`|"[^"]+"|[\w$-]+)"""
_NAME = rf"({_PIECE}(?:\s*\.\s*{_PIECE})*)"
_TEXT = r"'(?:[^']|'')*'"
_PARTITION = re.compile(rf"PARTITION\s*\(((?:{_TEXT}|[^')])*)\)(?:\s*LOCATION\s*'([^']*)')?", re.I)
_VALUE = re.compile(rf"""[`"]?(\w+)[`"]?\s*=\s*({_TEXT}|"[^"]*"|[^,]*)""")


def show_databases(sql: str, session: Session, file: Path) -> Answer:
    pages = session.catalog.glue.get_paginator("get_databases").paginate()
    names = [database["Name"] for page in pages for database in page["DatabaseList"]]
    return results.of_lines(sorted(_like(names, sql)), ["database_name"], file)


def show_tables(sql: str, session: Session, file: Path) -> Answer:
    return results.of_lines(_table_names(sql, session, views_only=False), ["tab_name"], file)


def show_views(sql: str, session: Session, file: Path) -> Answer:
    return results.of_lines(_table_names(sql, session, views_only=True), ["views"], file)


def show_partitions(sql: str, session: Session, file: Path) -> Answer:
    table = _table(rf"SHOW\s+PARTITIONS\s+{_NAME}", sql, session)
    keys = [key.name for key in table.keys]
    lines = [
        "/".join(f"{key}={value}" for key, value in zip(keys, partition.values, strict=True))
        for partition in session.catalog.partitions(table)
        if partition.values
    ]
    return results.of_lines(sorted(lines), ["partition"], file)


def show_columns(sql: str, session: Session, file: Path) -> Answer:
    found = _match(rf"SHOW\s+COLUMNS\s+(?:IN|FROM)\s+{_NAME}(?:\s+(?:IN|FROM)\s+({_PIECE}))?", sql)
    table = _found(session, _pieces(found[1]), found[2])
    return results.of_lines([column.name for column in [*table.columns, *table.keys]], ["field"], file)


def describe(sql: str, session: Session, file: Path) -> Answer:
    table = _table(rf"DESC(?:RIBE)?\s+(?:EXTENDED\s+|FORMATTED\s+)?{_NAME}", sql, session)
    lines = [f"{c.name:<20}\t{c.type:<20}\t{'':<20}" for c in [*table.columns, *table.keys]]
    if table.keys:
        lines += [
            "\t \t ",
            "# Partition Information\t \t ",
            f"{'# col_name':<20}\t{'data_type':<20}\t{'comment':<20}",
        ]
        lines += [f"{k.name:<20}\t{k.type:<20}\t{'':<20}" for k in table.keys]
    return results.of_lines(lines, ["col_name", "data_type", "comment"], file)


def create_view(sql: str, session: Session, file: Path) -> Answer:
    found = _match(rf"CREATE\s+(OR\s+REPLACE\s+)?VIEW\s+{_NAME}\s+AS\s+(.*)", sql)
    database, name = _database_and_name(session, found[2])
    query = parse(found[3])
    if not isinstance(query, exp.Query):
        raise QueryFailed("SYNTAX_ERROR: a view is made of a query")
    made = session.translated(query)
    columns = {name.lower(): output.type for name, output in zip(made.names, made.outputs, strict=True)}
    table = views.table_input(name, database, found[3], columns)
    definitions.put_table(session, database, table, replace=bool(found[1]))
    return results.of_lines([], [], file)


def create_table(sql: str, session: Session, file: Path) -> Answer:
    tree = sqlglot.parse_one(sql, read="athena")
    if not isinstance(tree, exp.Create) or not isinstance(tree.this, exp.Schema):
        raise QueryFailed("SYNTAX_ERROR: CREATE EXTERNAL TABLE needs columns in parentheses")
    name = tree.this.this
    database = (name.db or session.database).lower()
    if not (tree.args.get("exists") and session.catalog.table(database, name.name)):
        definitions.put_table(session, database, definitions.table_input(name.name.lower(), tree), replace=False)
    return results.of_lines([], [], file)


def create_database(sql: str, session: Session, file: Path) -> Answer:
    found = _match(
        rf"CREATE\s+(?:DATABASE|SCHEMA)\s+(IF\s+NOT\s+EXISTS\s+)?{_NAME}(?:\s+COMMENT\s+'([^']*)')?"
        r"(?:\s+LOCATION\s+'([^']*)')?",
        sql,
    )
    body: Document = {"Name": _pieces(found[2])[-1]}
    body |= {"Description": found[3]} if found[3] else {}
    body |= {"LocationUri": found[4]} if found[4] else {}
    try:
        session.catalog.glue.create_database(DatabaseInput=body)
    except session.catalog.glue.exceptions.AlreadyExistsException as error:
        if not found[1]:
            raise QueryFailed(f"SCHEMA_ALREADY_EXISTS: Schema '{body['Name']}' already exists") from error
    return results.of_lines([], [], file)


def drop_database(sql: str, session: Session, file: Path) -> Answer:
    found = _match(rf"DROP\s+(?:DATABASE|SCHEMA)\s+(IF\s+EXISTS\s+)?{_NAME}(\s+CASCADE)?", sql)
    name, glue = _pieces(found[2])[-1], session.catalog.glue
    try:
        if not found[3] and glue.get_tables(DatabaseName=name)["TableList"]:
            raise QueryFailed(f"SCHEMA_NOT_EMPTY: Database {name} is not empty; say CASCADE to drop its tables as well")
        glue.delete_database(Name=name)
    except glue.exceptions.EntityNotFoundException as error:
        if not found[1]:
            raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema '{name}' does not exist") from error
    return results.of_lines([], [], file)


def drop_table(sql: str, session: Session, file: Path) -> Answer:
    found = _match(rf"DROP\s+(VIEW|TABLE)\s+(IF\s+EXISTS\s+)?{_NAME}", sql)
    database, name = _database_and_name(session, found[3])
    table = session.catalog.table(database, name)
    if table is None and not found[2]:
        raise QueryFailed(f"TABLE_NOT_FOUND: {found[1].title()} '{database}.{name}' does not exist")
    if table is not None and table.is_view != (found[1].upper() == "VIEW"):
        raise QueryFailed(f"TYPE_MISMATCH: {database}.{name} is {'a view' if table.is_view else 'a table'}")
    if table is not None:
        session.catalog.glue.delete_table(DatabaseName=database, Name=name)
    return results.of_lines([], [], file)


def add_partitions(sql: str, session: Session, file: Path) -> Answer:
    table = _table(rf"ALTER\s+TABLE\s+{_NAME}", sql, session)
    given = [(_values(table, found[1]), found[2]) for found in _PARTITION.finditer(sql)]
    quiet = re.search(r"ADD\s+IF\s+NOT\s+EXISTS", sql, re.I) is not None
    definitions.register(
        session,
        table,
        [(values, location or definitions.default_location(table, values)) for values, location in given],
        quiet,
    )
    return results.of_lines([], [], file)


def drop_partitions(sql: str, session: Session, file: Path) -> Answer:
    table = _table(rf"ALTER\s+TABLE\s+{_NAME}", sql, session)
    glue, quiet = session.catalog.glue, re.search(r"DROP\s+IF\s+EXISTS", sql, re.I)
    for values in [_values(table, found[1]) for found in _PARTITION.finditer(sql)]:
        try:
            glue.delete_partition(DatabaseName=table.database, TableName=table.name, PartitionValues=values)
        except glue.exceptions.EntityNotFoundException as error:
            if not quiet:
                raise QueryFailed(f"PARTITION_NOT_FOUND: {table.name} has no partition {values}") from error
    return results.of_lines([], [], file)


def repair(sql: str, session: Session, file: Path) -> Answer:
    """Register the Hive-style folders under the table's location that hold files and are not known."""
    table = _table(rf"MSCK\s+REPAIR\s+TABLE\s+{_NAME}", sql, session)
    known = {partition.values for partition in session.catalog.partitions(table)}
    home = table.location.rstrip("/") + "/"
    found = {values: location for values, location in _folders(table, session, home) if values not in known}
    bad = {location: why for values, location in found.items() if (why := _bad_value(session, table, values))}
    new = {
        location: [value or DEFAULT_PARTITION for value in v] for v, location in found.items() if location not in bad
    }
    definitions.register(session, table, [(values, location) for location, values in new.items()], quiet=True)
    names = [location.removeprefix(home).rstrip("/") for location in new]
    lines = [f"Partitions not in metastore:\t{'	'.join(names)}"] if names else []
    lines += [f"Repair: Added partition to metastore {table.name}:{name}" for name in names]
    lines += [f"Repair: Cannot add partition {table.name}:{x.removeprefix(home)[:-1]}: {why}" for x, why in bad.items()]
    return results.of_lines(lines, [], file)


def _folders(table: Table, session: Session, home: str) -> Iterator[tuple[tuple[str | None, ...], str]]:
    """(values, location) of each Hive-style folder that holds a file; AWS finds keys in lower case only."""
    pattern = re.compile(re.escape(home) + "".join(f"{re.escape(key.name)}=([^/]*)/" for key in table.keys))
    for file in session.catalog.context.mirror.list(*split_uri(home)):
        if table.keys and (match := pattern.match(file.uri)):
            values = (unquote(value) for value in match.groups())
            yield tuple(None if value == DEFAULT_PARTITION else value for value in values), match[0]


def _bad_value(session: Session, table: Table, values: tuple[str | None, ...]) -> str:
    """Why the values of a folder are none of the table's keys; empty where they are."""
    for key, value in zip(table.keys, values, strict=True):
        if value == "":
            return f"the value of {key.name} is empty; a folder {key.name}={DEFAULT_PARTITION} has null"
        row = session.con.execute(f"SELECT TRY_CAST(? AS {duckdb_type(key.type)})", [value]).fetchone()
        if value is not None and row == (None,):
            return f"the value {value!r} of {key.name} is no {key.type}"
    return ""


def _values(table: Table, text: str) -> list[str]:
    """The values of `PARTITION (year = 2013, month = '1')` in the order of the table's keys."""
    given = {name.lower(): _unquoted(value.strip()) for name, value in _VALUE.findall(text)}
    missing = [key.name for key in table.keys if key.name not in given]
    if missing:
        raise QueryFailed(f"SYNTAX_ERROR: PARTITION ({text}) lacks the keys {', '.join(missing)} of {table.name}")
    return [given[key.name] for key in table.keys]


def _unquoted(value: str) -> str:
    if value[:1] not in ("'", '"'):
        return value
    return value[1:-1].replace("''", "'")


def _table_names(sql: str, session: Session, views_only: bool) -> list[str]:
    found = re.search(rf"\s(?:IN|FROM)\s+({_PIECE})", sql, re.I)
    database = _pieces(found[1])[0] if found else session.database
    glue = session.catalog.glue
    try:
        pages = list(glue.get_paginator("get_tables").paginate(DatabaseName=database))
    except glue.exceptions.EntityNotFoundException as error:
        raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema '{database}' does not exist") from error
    tables = [Table(document) for page in pages for document in page["TableList"]]
    return sorted(_like([table.name for table in tables if table.is_view or not views_only], sql))


def _like(names: list[str], sql: str) -> list[str]:
    """Hive's patterns: `*` is anything, `|` separates alternatives."""
    found = re.search(r"'([^']*)'\s*\Z", sql)
    patterns = found[1].replace("%", "*").split("|") if found else ["*"]
    return [name for name in names if any(fnmatch.fnmatch(name, pattern.lower()) for pattern in patterns)]


def _table(pattern: str, sql: str, session: Session) -> Table:
    return _found(session, _pieces(_match(pattern, sql)[1]))


def _found(session: Session, pieces: list[str], database: str | None = None) -> Table:
    schema = _pieces(database)[0] if database else pieces[-2] if len(pieces) > 1 else session.database
    return session.table(exp.table_(pieces[-1], db=schema))


def _database_and_name(session: Session, text: str) -> tuple[str, str]:
    pieces = _pieces(text)
    return (pieces[-2] if len(pieces) > 1 else session.database), pieces[-1]


def _pieces(text: str) -> list[str]:
    return [piece.strip('`"').lower() for piece in re.findall(_PIECE, text)]


def _match(pattern: str, sql: str) -> re.Match[str]:
    found = re.match(pattern, sql, re.I | re.S)
    if found is None:
        raise QueryFailed(f"SYNTAX_ERROR: not understood: {sql[:120]}")
    return found
