"""DESCRIBE: lists the columns of a table or a view in Hive's layout."""

from __future__ import annotations

from pathlib import Path

from local_aws.athena import results
from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.ddl.partitions import partition_of
from local_aws.athena.ddl.specs import Spec, spec
from local_aws.athena.ddl.statement import Run, table_of
from local_aws.athena.errors import QueryFailed
from local_aws.athena.hive_types import parsed
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.athena.tables import Table
from local_aws.protocol import Document

_NAMES = ["col_name", "data_type", "comment"]
_PARTS = {"array": ("$elem$",), "map": ("$key$", "$value$")}
"""How Hive names what is inside of a type that has no fields."""
_GAP = "\t \t "


def describe(cursor: Cursor) -> Run:
    """`[EXTENDED | FORMATTED] table [PARTITION (...)] [column[.field | .'$elem$' | .'$key$' | .'$value$']...]`."""
    style = next((word for word in ("EXTENDED", "FORMATTED") if cursor.take(word)), "")
    name = cursor.table()
    one = spec(cursor) if cursor.take("PARTITION") else None
    path = [cursor.name()] if cursor.next.kind != "end" else []
    while path and cursor.take("."):
        path.append(cursor.text().lower() if cursor.next.kind == "text" else cursor.name())

    def run(session: Session, file: Path) -> Answer:
        table = table_of(session, name)
        described = partition_of(session, table, one) if one else table.document
        if path:
            return results.of_lines([_only(table, path)], _NAMES, file)
        lines = _columns(table, described)
        return results.of_lines([*lines, *(_details(table, described, style, one) if style else [])], _NAMES, file)

    return run


def _only(table: Table, path: list[str]) -> str:
    column, *inside = path
    for document in _documents(table, table.document):
        if document["Name"].lower() == column:
            return _line(_inner(document, inside) if inside else document)
    raise QueryFailed(f"COLUMN_NOT_FOUND: Column '{column}' does not exist in {table.database}.{table.name}")


def _inner(column: Document, path: list[str]) -> Document:
    """A field, item, key or value inside of a column's type."""
    kind = parsed(column.get("Type") or "string")
    for name in path:
        parts = dict(kind.fields) if kind.names else dict(zip(_PARTS.get(kind.name, ()), kind.children, strict=False))
        if name not in parts:
            has = f"it has {', '.join(parts)}" if parts else "it has no parts"
            raise QueryFailed(f"COLUMN_NOT_FOUND: '{name}' is no part of the type {kind}; {has}")
        kind = parts[name]
    return {"Name": path[-1], "Type": str(kind), "Comment": "from deserializer"}


def _documents(table: Table, described: Document) -> list[Document]:
    storage = described.get("StorageDescriptor") or {}
    return [*(storage.get("Columns") or table.storage.get("Columns") or []), *_keys(table)]


def _keys(table: Table) -> list[Document]:
    return list(table.document.get("PartitionKeys") or [])


def _columns(table: Table, described: Document) -> list[str]:
    lines = [_line(document) for document in _documents(table, described)]
    if not _keys(table):
        return lines
    head = f"{'# col_name':<20}\t{'data_type':<20}\t{'comment':<20}"
    return [*lines, _GAP, f"# Partition Information{_GAP}", head, *map(_line, _keys(table))]


def _line(column: Document) -> str:
    return f"{column['Name'].lower():<20}\t{column.get('Type') or 'string':<20}\t{column.get('Comment') or '':<20}"


def _details(table: Table, described: Document, style: str, one: Spec | None) -> list[str]:
    pairs = _facts(table, described, one)
    if style == "EXTENDED":
        word = "Partition" if one else "Table"
        return [
            _GAP,
            f"Detailed {word} Information\t{word}({', '.join(f'{key}:{value}' for key, value in pairs.items())})\t",
        ]
    lines = [f"{key + ':':<20}\t{value:<20}\t " for key, value in pairs.items()]
    return [_GAP, f"# Detailed {'Partition' if one else 'Table'} Information{_GAP}", *lines]


def _facts(table: Table, described: Document, one: Spec | None) -> dict[str, str]:
    storage = described.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    about = {"Partition Value": str(described.get("Values"))} if one else {"Table Type": described.get("TableType", "")}
    return {
        "Database": table.database,
        "Table": table.name,
        "Location": storage.get("Location", ""),
        **about,
        "SerDe Library": serde.get("SerializationLibrary", ""),
        "InputFormat": storage.get("InputFormat", ""),
        "OutputFormat": storage.get("OutputFormat", ""),
        "Num Buckets": str(storage.get("NumberOfBuckets", -1)),
        "Bucket Columns": f"[{', '.join(storage.get('BucketColumns') or [])}]",
        "Storage Desc Params": _shown(serde.get("Parameters")),
        "Parameters": _shown(described.get("Parameters")),
    }


def _shown(given: dict[str, str] | None) -> str:
    return "{" + ", ".join(f"{key}={value}" for key, value in sorted((given or {}).items())) + "}"
