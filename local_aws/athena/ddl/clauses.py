"""The clauses of a table definition: formats, SerDes, properties, partitions."""

from __future__ import annotations

from dataclasses import dataclass, field

from local_aws import hive_classes
from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.errors import QueryFailed
from local_aws.hive_classes import Classes

FORMATS = {
    "TEXTFILE": hive_classes.TEXT,
    "PARQUET": hive_classes.PARQUET,
    "ORC": hive_classes.ORC,
    "AVRO": hive_classes.AVRO,
    "RCFILE": hive_classes.RC_FILE,
    "SEQUENCEFILE": hive_classes.SEQUENCE_FILE,
    "ION": hive_classes.ION,
}
"""The names after STORED AS."""
_DELIMITED = (
    (("FIELDS", "TERMINATED", "BY"), "field.delim"),
    (("ESCAPED", "BY"), "escape.delim"),
    (("COLLECTION", "ITEMS", "TERMINATED", "BY"), "collection.delim"),
    (("MAP", "KEYS", "TERMINATED", "BY"), "mapkey.delim"),
    (("LINES", "TERMINATED", "BY"), "line.delim"),
    (("NULL", "DEFINED", "AS"), "serialization.null.format"),
)
_PACKED = ("parquet", "orc", "avro")


@dataclass
class RowFormat:
    """How rows are read: the SerDe's class, empty for the format's default, and its properties."""

    serde: str = ""
    properties: dict[str, str] = field(default_factory=dict)


def row_format(cursor: Cursor) -> RowFormat:
    """Parse what follows `ROW FORMAT`: DELIMITED with its clauses, or SERDE with its properties."""
    if cursor.one_of("DELIMITED", "SERDE") == "SERDE":
        return RowFormat(cursor.text(), serde_properties(cursor))
    given = dict(_delimited(cursor))
    return RowFormat("", {**given, "serialization.format": given.get("field.delim", "1")})


def serde_properties(cursor: Cursor) -> dict[str, str]:
    return properties(cursor) if cursor.take("WITH", "SERDEPROPERTIES") else {}


def _delimited(cursor: Cursor) -> list[tuple[str, str]]:
    return [(name, cursor.text()) for words, name in _DELIMITED if cursor.take(*words)]


def stored_as(cursor: Cursor) -> Classes:
    """Parse what follows `STORED AS`."""
    if cursor.take("INPUTFORMAT"):
        reader = cursor.text()
        cursor.expect("OUTPUTFORMAT")
        return Classes(reader, cursor.text(), "")
    return FORMATS[cursor.one_of(*FORMATS)]


def properties(cursor: Cursor) -> dict[str, str]:
    """Parse `('name'='value', ...)`."""
    return dict(cursor.listed(lambda: _property(cursor)))


def _property(cursor: Cursor) -> tuple[str, str]:
    name = cursor.text("the name of a property in single quotes")
    cursor.expect("=")
    return name, cursor.text("the value of a property in single quotes")


def location(cursor: Cursor) -> str:
    """Parse a folder in S3."""
    return folder(cursor.text())


def folder(given: str) -> str:
    """Return the text if it is the address of a folder in S3. Raises QueryFailed otherwise."""
    if not given.startswith(("s3://", "s3a://", "s3n://")) or not given.split("//", 1)[1].strip("/"):
        raise QueryFailed(f"SYNTAX_ERROR: the location '{given}' must be a folder in S3: 's3://bucket/folder/'")
    if any(mark in given for mark in "*?"):
        raise QueryFailed(
            f"SYNTAX_ERROR: the location '{given}' must be a folder, without wildcards: 's3://bucket/folder/'"
        )
    return given


def joined(rows: RowFormat, files: Classes | None) -> Classes:
    """Combine ROW FORMAT and STORED AS.

    Raises:
        QueryFailed: files that are not lines of text are declared as text.
    """
    files = files or FORMATS["TEXTFILE"]
    serde = rows.serde or files.serde or hive_classes.TEXT.serde
    if files.input == hive_classes.TEXT.input and any(word in serde.lower() for word in _PACKED):
        raise QueryFailed(
            f"HIVE_UNSUPPORTED_FORMAT: the SerDe {serde.rpartition('.')[2]} reads no lines of text; say STORED AS "
            "PARQUET, ORC or AVRO, or STORED AS INPUTFORMAT '...' OUTPUTFORMAT '...'"
        )
    return Classes(files.input, files.output, serde)
