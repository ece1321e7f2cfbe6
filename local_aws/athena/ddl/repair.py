"""MSCK REPAIR TABLE: turns the Hive-style folders under a table's location into partitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from local_aws.athena import definitions, results
from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.ddl.statement import Run, plain_table
from local_aws.athena.hive_types import duckdb_type
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.athena.tables import DEFAULT_PARTITION, Table
from local_aws.mirror import split_uri


def repair(cursor: Cursor) -> Run:
    name = cursor.table()
    return lambda session, file: _repair(plain_table(session, name), session, file)


def _repair(table: Table, session: Session, file: Path) -> Answer:
    """Register the folders that hold files and are not registered yet."""
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
    """Yield (values, location) of each Hive-style folder with a file; AWS recognises only lower-case keys."""
    pattern = re.compile(re.escape(home) + "".join(f"{re.escape(key.name)}=([^/]*)/" for key in table.keys))
    for file in session.catalog.context.mirror.list(*split_uri(home)):
        if table.keys and (match := pattern.match(file.uri)):
            values = (unquote(value) for value in match.groups())
            yield tuple(None if value == DEFAULT_PARTITION else value for value in values), match[0]


def _bad_value(session: Session, table: Table, values: tuple[str | None, ...]) -> str:
    """Return why the values of a folder do not fit the table's keys; empty if they do."""
    for key, value in zip(table.keys, values, strict=True):
        if value == "":
            return f"the value of {key.name} is empty; a folder {key.name}={DEFAULT_PARTITION} has null"
        row = session.con.execute(f"SELECT TRY_CAST(? AS {duckdb_type(key.type)})", [value]).fetchone()
        if value is not None and row == (None,):
            return f"the value {value!r} of {key.name} is no {key.type}"
    return ""
