"""ALTER TABLE: columns, properties, location, and on to partitions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from local_aws.athena.ddl import clauses, partitions
from local_aws.athena.ddl.columns import columns_of, refuse_doubles, type_of
from local_aws.athena.ddl.cursor import Cursor, Name
from local_aws.athena.ddl.specs import Spec, spec
from local_aws.athena.ddl.statement import Run, change, no_rows, plain_table
from local_aws.athena.errors import QueryFailed
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.athena.tables import Table
from local_aws.protocol import Document

Change = Callable[[list[Document]], list[Document]]
"""Returns the changed columns of a table."""
_WORDS = ("ADD", "DROP", "CHANGE", "REPLACE", "SET", "PARTITION", "RENAME")


def table(cursor: Cursor) -> Run:
    name = cursor.table()
    word = cursor.one_of(*_WORDS)
    if word == "PARTITION":
        return _partition(cursor, name, spec(cursor))
    if word == "ADD" and not cursor.next.is_word("COLUMNS"):
        quiet = cursor.take("IF", "NOT", "EXISTS")
        if not cursor.next.is_word("PARTITION"):
            raise cursor.mismatch("'COLUMNS', 'PARTITION'")
        return partitions.add(cursor, name, quiet)
    if word == "DROP" and not cursor.next.is_word("COLUMN"):
        return partitions.drop(cursor, name, cursor.take("IF", "EXISTS"))
    if word in ("DROP", "RENAME"):
        raise _of_iceberg("DROP COLUMN" if word == "DROP" else "RENAME TO")
    return _set(cursor, name) if word == "SET" else _columns(cursor, name, word)


def _of_iceberg(words: str) -> QueryFailed:
    return QueryFailed(
        f"NOT_SUPPORTED: ALTER TABLE {words} is for Iceberg tables, of which the embedded AWS has none; "
        "REPLACE COLUMNS names the columns that stay, and a table can be dropped and created under another name"
    )


def _partition(cursor: Cursor, name: Name, one: Spec) -> Run:
    word = cursor.one_of("RENAME", "SET", "ADD", "REPLACE")
    if word == "RENAME":
        cursor.expect("TO", "PARTITION")
        return partitions.rename(cursor, name, one)
    if word == "SET":
        cursor.expect("LOCATION")
        return partitions.set_location(cursor, name, one)
    return _columns(cursor, name, word, one)


def _set(cursor: Cursor, name: Name) -> Run:
    if cursor.one_of("TBLPROPERTIES", "LOCATION") == "LOCATION":
        place = clauses.location(cursor)
        return _changing(name, lambda table: {"StorageDescriptor": {**table.storage, "Location": place}})
    given = clauses.properties(cursor)
    return _changing(name, lambda table: {"Parameters": {**table.parameters, **given}})


def _changing(name: Name, fields: Callable[[Table], Document]) -> Run:
    def run(session: Session, file: Path) -> Answer:
        table = plain_table(session, name)
        change(session, table, **fields(table))
        return no_rows(file)

    return run


def _columns(cursor: Cursor, name: Name, word: str, one: Spec | None = None) -> Run:
    changed = _column_change(cursor, word)

    def run(session: Session, file: Path) -> Answer:
        table = plain_table(session, name)
        if one is not None:
            own = partitions.partition_of(session, table, one)["StorageDescriptor"].get("Columns")
            partitions.set_columns(session, table, one, changed(own or table.storage["Columns"]))
            return no_rows(file)
        columns = changed(table.storage.get("Columns") or [])
        refuse_doubles([*(column["Name"] for column in columns), *(key.name for key in table.keys)])
        change(session, table, StorageDescriptor={**table.storage, "Columns": columns})
        return no_rows(file)

    return run


def _column_change(cursor: Cursor, word: str) -> Change:
    if word == "CHANGE":
        return _one_column(cursor)
    cursor.expect("COLUMNS")
    given = columns_of(cursor)
    return (lambda there: [*there, *given]) if word == "ADD" else lambda _: given


def _one_column(cursor: Cursor) -> Change:
    """`[COLUMN] old new type [COMMENT 'text'] [FIRST | AFTER column]`."""
    cursor.take("COLUMN")
    old = cursor.name("a column's name")
    new: Document = {"Name": cursor.name("a column's name"), "Type": type_of(cursor)}
    new |= {"Comment": cursor.text()} if cursor.take("COMMENT") else {}
    is_first = cursor.take("FIRST")
    after = cursor.name("a column's name") if not is_first and cursor.take("AFTER") else ""

    def changed(there: list[Document]) -> list[Document]:
        names = [column["Name"].lower() for column in there]
        for needed in filter(None, (old, after)):
            if needed not in names:
                raise QueryFailed(f"COLUMN_NOT_FOUND: Column '{needed}' does not exist; there are {', '.join(names)}")
        at = names.index(old)
        column = {**there[at], **new}
        if not (is_first or after):
            return [*there[:at], column, *there[at + 1 :]]
        others = [*there[:at], *there[at + 1 :]]
        place = 0 if is_first else 1 + [c["Name"].lower() for c in others].index(after)
        return [*others[:place], column, *others[place:]]

    return changed
