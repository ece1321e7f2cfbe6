"""`WITH (name = value, ...)` of CREATE TABLE AS and UNLOAD. Unsupported properties are refused by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from local_aws.athena.ddl.clauses import folder
from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.errors import QueryFailed

_COMPRESSIONS = {
    "PARQUET": ("GZIP", "SNAPPY", "ZSTD", "LZ4", "NONE", "UNCOMPRESSED"),
    "JSON": ("GZIP", "ZSTD", "NONE"),
    "TEXTFILE": ("GZIP", "ZSTD", "NONE"),
}
_WRITTEN = ", ".join(_COMPRESSIONS)
_TABLE = (
    "format", "write_compression", "parquet_compression", "orc_compression", "compression_level", "external_location",
    "field_delimiter", "partitioned_by", "bucketed_by", "bucket_count", "table_type", "is_external",
)  # fmt: skip
_UNLOAD = ("format", "compression", "compression_level", "field_delimiter", "partitioned_by")
_OWNERS = {"parquet_compression": "PARQUET", "orc_compression": "ORC", "field_delimiter": "TEXTFILE"}
_COMPRESSION = ("write_compression", "compression", "parquet_compression")


@dataclass(frozen=True)
class Written:
    """How rows are written.

    `kind` is PARQUET, JSON or TEXTFILE; `compression` is DuckDB's name, empty if not given; `level` is for
    zstd; `options` are properties of the SerDe; `keys` are the columns that make folders; `has_header` writes the
    names of the columns first.
    """

    kind: str
    compression: str = ""
    level: str = ""
    options: dict[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    location: str = ""
    has_header: bool = False


def of_table(cursor: Cursor) -> Written:
    """Parse the properties of CREATE TABLE AS, if there are any."""
    given = _given(cursor) if cursor.take("WITH") else {}
    if str(given.get("table_type", "HIVE")).upper() != "HIVE" or given.get("is_external") is False:
        raise QueryFailed(
            "NOT_SUPPORTED: the embedded AWS has no Iceberg tables (table_type = 'ICEBERG'); "
            "allowed is table_type = 'HIVE'"
        )
    _refuse_unknown(given, _TABLE)
    if buckets := [name for name in ("bucketed_by", "bucket_count") if name in given]:
        raise QueryFailed(
            f"NOT_SUPPORTED: {buckets[0]}: the embedded AWS writes no buckets; say partitioned_by, or leave it out"
        )
    return _written(given, "PARQUET")


def of_unload(cursor: Cursor) -> Written:
    """Parse the properties of UNLOAD; `format` is required."""
    cursor.expect("WITH")
    given = _given(cursor)
    _refuse_unknown(given, _UNLOAD)
    return _written(given, "")


def _given(cursor: Cursor) -> dict[str, Any]:
    return dict(cursor.listed(lambda: _property(cursor)))


def _property(cursor: Cursor) -> tuple[str, Any]:
    name = cursor.name("the name of a property")
    cursor.expect("=")
    return name, _value(cursor)


def _value(cursor: Cursor) -> Any:
    if cursor.take("ARRAY", "["):
        items = [] if cursor.next.is_word("]") else [cursor.plain_text()]
        while cursor.take(","):
            items.append(cursor.plain_text())
        cursor.expect("]")
        return items
    for word, value in (("TRUE", True), ("FALSE", False)):
        if cursor.take(word):
            return value
    return cursor.number() if cursor.next.kind == "number" else cursor.plain_text()


def _refuse_unknown(given: dict[str, Any], known: tuple[str, ...]) -> None:
    if unknown := [name for name in given if name not in known]:
        raise QueryFailed(
            f"INVALID_TABLE_PROPERTY: table property '{unknown[0]}' does not exist; allowed are {', '.join(known)}"
        )


def _written(given: dict[str, Any], default: str) -> Written:
    kind = str(given.get("format", default)).upper()
    if kind not in _COMPRESSIONS:
        raise QueryFailed(
            f"NOT_SUPPORTED: the format {kind or '(none)'} cannot be written here; allowed are {_WRITTEN}"
        )
    for name, owner in _OWNERS.items():
        if name in given and kind != owner:
            raise QueryFailed(f"INVALID_TABLE_PROPERTY: {name} is of the format {owner}, and this is {kind}")
    compression = _compression(kind, given)
    return Written(
        kind,
        {"NONE": "uncompressed"}.get(compression, compression.lower()),
        _level(given, compression),
        _options(given),
        _keys(given),
        folder(str(given["external_location"])) if given.get("external_location") else "",
    )


def _compression(kind: str, given: dict[str, Any]) -> str:
    compression = next((str(given[name]).upper() for name in _COMPRESSION if given.get(name)), "")
    if compression and compression not in _COMPRESSIONS[kind]:
        allowed = ", ".join(_COMPRESSIONS[kind])
        raise QueryFailed(
            f"NOT_SUPPORTED: {kind} cannot be written with the compression {compression} here; allowed are {allowed}"
        )
    return compression


def _level(given: dict[str, Any], compression: str) -> str:
    level = str(given.get("compression_level", ""))
    if level and (compression != "ZSTD" or not level.isdigit() or not 1 <= int(level) <= 22):
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: compression_level = {level}: 1 to 22, and of ZSTD only")
    return level


def _options(given: dict[str, Any]) -> dict[str, str]:
    delimiter = str(given.get("field_delimiter", ""))
    if len(delimiter) > 1 and delimiter not in ("\\t", "\\001"):
        raise QueryFailed(f"NOT_SUPPORTED: field_delimiter = '{delimiter}': only one character is allowed")
    delimiter = {"\\t": "\t", "\\001": "\x01"}.get(delimiter, delimiter)
    return {"field.delim": delimiter, "serialization.format": delimiter} if delimiter else {}


def _keys(given: dict[str, Any]) -> tuple[str, ...]:
    keys = given.get("partitioned_by", [])
    if not isinstance(keys, list):
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: partitioned_by = '{keys}' must be an array: ARRAY['{keys}']")
    return tuple(key.lower() for key in keys)
