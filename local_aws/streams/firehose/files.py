"""The content of an object: concatenated records, compressed, or rows as Parquet or ORC."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import cramjam
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq

from local_aws.athena.hive_types import HiveType, parsed
from local_aws.streams.firehose.settings import Conversion

_EXACT = {
    "boolean": pa.bool_(), "tinyint": pa.int8(), "smallint": pa.int16(), "int": pa.int32(), "bigint": pa.int64(),
    "float": pa.float32(), "double": pa.float64(), "date": pa.date32(), "timestamp": pa.timestamp("us"),
    "binary": pa.binary(),
}  # fmt: skip
_HADOOP_BLOCK = 256 * 1024


class Content(Protocol):
    """An object that grows record by record until it is complete."""

    def add(self, items: Iterable[Any]) -> None: ...

    def done(self) -> bytes: ...


class Lines:
    """Unchanged records; `compression` is AWS's `CompressionFormat`."""

    def __init__(self, compression: str, name: str) -> None:
        self._compression, self._name = compression, name
        self._parts = io.BytesIO()

    def add(self, items: Iterable[bytes]) -> None:
        self._parts.writelines(items)

    def done(self) -> bytes:
        return compressed(self._parts.getvalue(), self._compression, self._name)


class Rows:
    """Rows of a table's columns, in Parquet or ORC."""

    def __init__(self, conversion: Conversion, schema: pa.Schema) -> None:
        self._sink = io.BytesIO()
        self._writer = _writer(conversion, self._sink, schema)

    def add(self, items: Iterable[pa.Table]) -> None:
        for table in items:
            self._writer.write(table)

    def done(self) -> bytes:
        self._writer.close()
        return self._sink.getvalue()


def schema_of(columns: Mapping[str, str]) -> pa.Schema:
    """Return the Arrow schema for a table of the catalog: column name -> Hive type.

    Raises:
        QueryFailed: a type is not one of the catalog's.
    """
    return pa.schema([pa.field(name, arrow_type(parsed(kind))) for name, kind in columns.items()])


def arrow_type(kind: HiveType) -> pa.DataType:
    if kind.name == "decimal":
        return pa.decimal128(*kind.decimal)
    if kind.name == "array":
        return pa.list_(arrow_type(kind.children[0]))
    if kind.name == "map":
        return pa.map_(*map(arrow_type, kind.children))
    if kind.name == "struct":
        return pa.struct([pa.field(name, arrow_type(child)) for name, child in kind.fields])
    return _EXACT.get(kind.name, pa.string())


def _writer(conversion: Conversion, sink: io.BytesIO, schema: pa.Schema) -> Any:
    kind = conversion.compression.lower()
    if conversion.format == "orc":
        return orc.ORCWriter(sink, compression={"none": "uncompressed"}.get(kind, kind))
    return pq.ParquetWriter(sink, schema, compression={"uncompressed": "none"}.get(kind, kind))


def compressed(content: bytes, compression: str, name: str) -> bytes:
    """Compress. `name`: the name of the entry in a ZIP archive."""
    if compression == "GZIP":
        return gzip.compress(content, compresslevel=6, mtime=0)
    if compression == "ZIP":
        return _zip(content, name)
    if compression == "Snappy":
        return bytes(cramjam.snappy.compress(content))
    if compression == "HADOOP_SNAPPY":
        return _hadoop_snappy(content)
    return content


def _zip(content: bytes, name: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def _hadoop_snappy(content: bytes) -> bytes:
    """Write Hadoop's blocks: the uncompressed length, then the compressed length and bytes."""
    codec = pa.Codec("snappy")
    parts = list[bytes]()
    for start in range(0, len(content), _HADOOP_BLOCK):
        block = content[start : start + _HADOOP_BLOCK]
        body = codec.compress(block, asbytes=True)
        parts.append(struct.pack(">II", len(block), len(body)) + body)
    return b"".join(parts)
