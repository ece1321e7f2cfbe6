"""SHOW CREATE TABLE and VIEW: prints statements that recreate the table or view."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from local_aws.athena import results, views
from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.ddl.statement import Run, plain_table, table_of
from local_aws.athena.errors import QueryFailed
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.athena.tables import Table
from local_aws.hive_classes import TEXT
from local_aws.protocol import Document

_CLAUSES = {
    "field.delim": "FIELDS TERMINATED BY",
    "escape.delim": "ESCAPED BY",
    "colelction.delim": "COLLECTION ITEMS TERMINATED BY",
    "collection.delim": "COLLECTION ITEMS TERMINATED BY",
    "mapkey.delim": "MAP KEYS TERMINATED BY",
    "line.delim": "LINES TERMINATED BY",
    "serialization.null.format": "NULL DEFINED AS",
}
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def table(cursor: Cursor) -> Run:
    name = cursor.table()

    def run(session: Session, file: Path) -> Answer:
        lines = "\n".join(_table_lines(plain_table(session, name))).split("\n")
        return results.of_lines(lines, ["createtab_stmt"], file)

    return run


def view(cursor: Cursor) -> Run:
    name = cursor.table()

    def run(session: Session, file: Path) -> Answer:
        found = table_of(session, name)
        if not found.is_view:
            raise QueryFailed(f"TYPE_MISMATCH: {found.database}.{found.name} is a table; say SHOW CREATE TABLE")
        text = f'CREATE VIEW "{found.database}"."{found.name}" AS\n{views.decoded(found).sql}'
        return results.of_lines(text.split("\n"), ["Create View"], file)

    return run


def _table_lines(table: Table) -> Iterator[str]:
    storage = table.storage
    yield f"CREATE EXTERNAL TABLE `{table.name}`("
    yield _listed([_column(document) for document in storage.get("Columns") or []])
    if comment := table.parameters.get("comment"):
        yield f"COMMENT {_text(comment)}"
    if keys := table.document.get("PartitionKeys"):
        yield "PARTITIONED BY ( "
        yield _listed([_column(document) for document in keys])
    if buckets := storage.get("BucketColumns"):
        yield f"CLUSTERED BY ( \n{_listed([f'`{name}`' for name in buckets])} "
        yield f"INTO {storage['NumberOfBuckets']} BUCKETS"
    yield from _rows(table.serde)
    yield f"STORED AS INPUTFORMAT \n  {_text(storage.get('InputFormat', ''))} "
    yield f"OUTPUTFORMAT \n  {_text(storage.get('OutputFormat', ''))}"
    yield f"LOCATION\n  {_text(table.location)}"
    shown = {key: value for key, value in table.parameters.items() if key not in ("EXTERNAL", "comment")}
    if shown:
        yield f"TBLPROPERTIES (\n{_listed(_pairs(shown))}"


def _rows(serde: Document) -> Iterator[str]:
    given = {key: value for key, value in (serde.get("Parameters") or {}).items() if key != "serialization.format"}
    library = serde.get("SerializationLibrary") or TEXT.serde
    if library == TEXT.serde and set(given) <= set(_CLAUSES):
        words = [f"  {_CLAUSES[key]} {_text(given[key])} " for key in _CLAUSES if key in given]
        yield "\n".join(["ROW FORMAT DELIMITED ", *words])
        return
    yield f"ROW FORMAT SERDE \n  {_text(library)} "
    if given:
        yield f"WITH SERDEPROPERTIES ( \n{_listed(_pairs(given))} "


def _pairs(given: dict[str, str]) -> list[str]:
    return [f"{_text(key)}={_text(value)}" for key, value in sorted(given.items())]


def _column(document: Document) -> str:
    comment = f" COMMENT {_text(document['Comment'])}" if document.get("Comment") else ""
    return f"`{document['Name']}` {document.get('Type') or 'string'}{comment}"


def _listed(items: list[str]) -> str:
    return ", \n".join(f"  {item}" for item in items) + ")"


def _text(value: str) -> str:
    return "'" + "".join(_ESCAPES.get(c, c if c.isprintable() else f"\\u{ord(c):04x}") for c in value) + "'"
