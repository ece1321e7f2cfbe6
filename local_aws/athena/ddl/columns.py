"""Columns and their types in Hive's grammar."""

from __future__ import annotations

from collections.abc import Iterable

from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.errors import QueryFailed
from local_aws.protocol import Document

_SIZED = {"CHAR": 255, "VARCHAR": 65535}
_PLAIN = ("BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "DOUBLE", "FLOAT", "STRING", "BINARY", "DATE", "TIMESTAMP")
_NESTED = ("ARRAY", "MAP", "STRUCT")
_OTHERS = {"INTEGER": "int", "REAL": "float", "JSON": "string", "VARBINARY": "binary", "ROW": "struct<...>"}
"""Query types that have another name in DDL."""


def columns_of(cursor: Cursor) -> list[Document]:
    """Parse `(name type [COMMENT 'text'], ...)` into columns of the catalog."""
    columns = cursor.listed(lambda: _column(cursor))
    refuse_doubles(column["Name"] for column in columns)
    return columns


def refuse_doubles(names: Iterable[str]) -> None:
    given = list(names)
    if doubles := sorted({name for name in given if given.count(name) > 1}):
        raise QueryFailed(f"DUPLICATE_COLUMN_NAME: Duplicate column name in the table definition: {', '.join(doubles)}")


def _column(cursor: Cursor) -> Document:
    column: Document = {"Name": cursor.name("a column's name"), "Type": type_of(cursor)}
    return column | ({"Comment": cursor.text()} if cursor.take("COMMENT") else {})


def type_of(cursor: Cursor) -> str:
    """Parse a type and return the catalog's spelling: lower case, no blanks."""
    word = cursor.next.raw.upper()
    if cursor.take("DECIMAL"):
        return f"decimal({_precision(cursor)})"
    if word in _PLAIN and cursor.take(word):
        return word.lower()
    if word in _SIZED and cursor.take(word):
        return f"{word.lower()}({_length(cursor, word)})"
    if word in _NESTED and cursor.take(word):
        return f"{word.lower()}<{_inner(cursor, word)}>"
    if word in _OTHERS:
        raise cursor.mismatch(f"a type of DDL, in which {word.lower()} is {_OTHERS[word]}")
    raise cursor.mismatch(f"a type: {', '.join((*_PLAIN, 'DECIMAL', *_SIZED, *_NESTED)).lower()}")


def _precision(cursor: Cursor) -> str:
    if not cursor.take("("):
        return "10,0"
    precision, scale = cursor.number(), cursor.number() if cursor.take(",") else "0"
    cursor.expect(")")
    if not (precision.isdigit() and scale.isdigit() and int(scale) <= int(precision) and 1 <= int(precision) <= 38):
        raise QueryFailed(
            f"SYNTAX_ERROR: decimal({precision},{scale}): the precision is 1 to 38, the scale 0 to the precision"
        )
    return f"{precision},{scale}"


def _length(cursor: Cursor, word: str) -> int:
    cursor.expect("(")
    length = cursor.positive()
    cursor.expect(")")
    if length > _SIZED[word]:
        raise QueryFailed(f"SYNTAX_ERROR: {word.lower()}({length}): the length is 1 to {_SIZED[word]}")
    return length


def _inner(cursor: Cursor, word: str) -> str:
    cursor.expect("<")
    parts = [_part(cursor, word)]
    while cursor.take(","):
        parts.append(_part(cursor, word))
    cursor.expect(">")
    if len(parts) != {"ARRAY": 1, "MAP": 2}.get(word, len(parts)):
        raise QueryFailed(f"SYNTAX_ERROR: {word.lower()}<{','.join(parts)}>: an array has one type, a map has two")
    return ",".join(parts)


def _part(cursor: Cursor, word: str) -> str:
    if word != "STRUCT":
        return type_of(cursor)
    name = cursor.name("a field's name")
    cursor.expect(":")
    kind = type_of(cursor)
    if cursor.take("COMMENT"):
        cursor.text()
    return f"{name}:{kind}"
