"""The clauses that a table's definition is made of: formats, SerDes, properties, partitions."""

from __future__ import annotations

from dataclasses import dataclass, field

from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.errors import QueryFailed

TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
LAZY_SIMPLE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_HIVE = "org.apache.hadoop.hive"


@dataclass(frozen=True)
class Format:
    """The classes by which the catalog names how files are read."""

    reader: str
    writer: str
    serde: str


FORMATS = {
    "TEXTFILE": Format(TEXT_INPUT, TEXT_OUTPUT, LAZY_SIMPLE),
    "PARQUET": Format(
        f"{_HIVE}.ql.io.parquet.MapredParquetInputFormat",
        f"{_HIVE}.ql.io.parquet.MapredParquetOutputFormat",
        f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "ORC": Format(
        f"{_HIVE}.ql.io.orc.OrcInputFormat", f"{_HIVE}.ql.io.orc.OrcOutputFormat", f"{_HIVE}.ql.io.orc.OrcSerde"
    ),
    "AVRO": Format(
        f"{_HIVE}.ql.io.avro.AvroContainerInputFormat",
        f"{_HIVE}.ql.io.avro.AvroContainerOutputFormat",
        f"{_HIVE}.serde2.avro.AvroSerDe",
    ),
    "RCFILE": Format(
        f"{_HIVE}.ql.io.RCFileInputFormat",
        f"{_HIVE}.ql.io.RCFileOutputFormat",
        f"{_HIVE}.serde2.columnar.LazyBinaryColumnarSerDe",
    ),
    "SEQUENCEFILE": Format(
        "org.apache.hadoop.mapred.SequenceFileInputFormat",
        f"{_HIVE}.ql.io.HiveSequenceFileOutputFormat",
        LAZY_SIMPLE,
    ),
    "ION": Format(
        "com.amazon.ionhiveserde.formats.IonInputFormat",
        "com.amazon.ionhiveserde.formats.IonOutputFormat",
        "com.amazon.ionhiveserde.IonHiveSerDe",
    ),
}
"""What STORED AS names."""
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
    """How rows are read: the SerDe's class, empty where the format has its own, and its properties."""

    serde: str = ""
    properties: dict[str, str] = field(default_factory=dict)


def row_format(cursor: Cursor) -> RowFormat:
    """`ROW FORMAT` is behind: DELIMITED with its clauses, or SERDE with its properties."""
    if cursor.one_of("DELIMITED", "SERDE") == "SERDE":
        return RowFormat(cursor.text(), serde_properties(cursor))
    given = dict(_delimited(cursor))
    return RowFormat("", {**given, "serialization.format": given.get("field.delim", "1")})


def serde_properties(cursor: Cursor) -> dict[str, str]:
    return properties(cursor) if cursor.take("WITH", "SERDEPROPERTIES") else {}


def _delimited(cursor: Cursor) -> list[tuple[str, str]]:
    return [(name, cursor.text()) for words, name in _DELIMITED if cursor.take(*words)]


def stored_as(cursor: Cursor) -> Format:
    """`STORED AS` is behind."""
    if cursor.take("INPUTFORMAT"):
        reader = cursor.text()
        cursor.expect("OUTPUTFORMAT")
        return Format(reader, cursor.text(), "")
    return FORMATS[cursor.one_of(*FORMATS)]


def properties(cursor: Cursor) -> dict[str, str]:
    """`('name'='value', ...)`."""
    return dict(cursor.listed(lambda: _property(cursor)))


def _property(cursor: Cursor) -> tuple[str, str]:
    name = cursor.text("the name of a property in single quotes")
    cursor.expect("=")
    return name, cursor.text("the value of a property in single quotes")


def location(cursor: Cursor) -> str:
    """A folder in S3."""
    return folder(cursor.text())


def folder(given: str) -> str:
    """A text that is an address of a folder in S3. Raises QueryFailed: it is none."""
    if not given.startswith(("s3://", "s3a://", "s3n://")) or not given.split("//", 1)[1].strip("/"):
        raise QueryFailed(f"SYNTAX_ERROR: the location '{given}' must be a folder in S3: 's3://bucket/folder/'")
    if any(mark in given for mark in "*?"):
        raise QueryFailed(
            f"SYNTAX_ERROR: the location '{given}' must be a folder, without wildcards: 's3://bucket/folder/'"
        )
    return given


def joined(rows: RowFormat, files: Format | None) -> Format:
    """ROW FORMAT and STORED AS together.

    Raises:
        QueryFailed: files that are no lines of text are said to be such.
    """
    files = files or FORMATS["TEXTFILE"]
    serde = rows.serde or files.serde or LAZY_SIMPLE
    if files.reader == TEXT_INPUT and any(word in serde.lower() for word in _PACKED):
        raise QueryFailed(
            f"HIVE_UNSUPPORTED_FORMAT: the SerDe {serde.rpartition('.')[2]} reads no lines of text; say STORED AS "
            "PARQUET, ORC or AVRO, or STORED AS INPUTFORMAT '...' OUTPUTFORMAT '...'"
        )
    return Format(files.reader, files.writer, serde)
