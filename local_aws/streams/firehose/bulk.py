"""Converts many JSON records to rows at once. Records that are not plain are converted one by one, by all the rules.

Arrow reads JSON twenty times as fast as Python, and more strictly than Firehose: what it accepts under the conditions
here, `values.convert` accepts too, with the same values. Everything else is left to that, in ever smaller parts.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from local_aws.protocol import Document
from local_aws.streams.firehose.files import schema_of
from local_aws.streams.firehose.records import Record
from local_aws.streams.firehose.values import ConversionError, convert

_PLAIN = {
    "string": pa.string(), "boolean": pa.bool_(), "tinyint": pa.int8(), "smallint": pa.int16(), "int": pa.int32(),
    "bigint": pa.int64(), "double": pa.float64(),
}  # fmt: skip
_AS_IT_IS: Document = {
    "ConvertDotsInJsonKeysToUnderscores": False,
    "CaseInsensitive": True,
    "ColumnToJsonKeyMappings": {},
}
"""OpenX's SerDe where nothing is set; Terraform says so in full."""
_SMALLEST = 16
"""Below this number of records, bulk conversion is not worth a try."""
_EPOCHS = (("s", 0, 10**11), ("ms", 10**12, 10**14))
"""By unit: the smallest number, and the first that is too large."""
_MOMENT = r"^[1-9]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$"
_DAY = r"^[1-9]\d{3}-\d{2}-\d{2}$"
_ODD = (b"NaN", b"Infinity", b"\\ud", b"\\uD", b"\\Ud", b"\\UD", b"\xef\xbb\xbf")
"""What Arrow reads although JSON does not have it or means it differently: invalid numbers, half a surrogate, a BOM."""

Refused = list[tuple[Record, ConversionError]]


def converted(
    records: Sequence[Record], columns: Mapping[str, str], deserializer: Document
) -> tuple[list[pa.Table], Refused]:
    """Return the rows of the records, in order, as tables of the columns' types; and failed records with reasons."""
    if len(records) < _SMALLEST or not _is_simple(columns, deserializer):
        return _one_by_one(records, columns, deserializer)
    table = _at_once([record.data for record in records], columns)
    if table is not None:
        return [table], []
    middle = len(records) // 2
    halves = (records[:middle], records[middle:])
    first, last = (converted(half, columns, deserializer) for half in halves)
    return first[0] + last[0], first[1] + last[1]


def _one_by_one(
    records: Sequence[Record], columns: Mapping[str, str], deserializer: Document
) -> tuple[list[pa.Table], Refused]:
    rows, refused = list[dict[str, Any]](), Refused()
    for record in records:
        try:
            rows += convert(record.data, columns, deserializer)
        except ConversionError as error:
            refused.append((record, error))
    schema = schema_of(columns)
    found = [pa.array([row[field.name] for row in rows], field.type) for field in schema]
    return [pa.table(found, schema=schema)] if rows else [], refused


def _is_simple(columns: Mapping[str, str], deserializer: Document) -> bool:
    """Whether no type is nested, and OpenX's SerDe has its default settings."""
    kinds = all(kind in _PLAIN or kind in ("timestamp", "date") for kind in columns.values())
    settings = deserializer.get("OpenXJsonSerDe") or {}
    return kinds and "HiveJsonSerDe" not in deserializer and {**_AS_IT_IS, **settings} == _AS_IT_IS


def _at_once(documents: list[bytes], columns: Mapping[str, str]) -> pa.Table | None:
    """Return None if one of the documents is not a plain object."""
    text = b"\n".join(documents)
    if any(odd in text for odd in _ODD) or not all(
        document[:1] == b"{" and document[-1:] == b"}" for document in documents
    ):
        return None
    try:
        text.decode()
        table = _read(text, _wanted(documents[0], columns))
        if table.num_rows != len(documents) or _has_other_spelling(table, columns):
            return None
        return pa.table([_column(table[name], kind) for name, kind in columns.items()], schema=schema_of(columns))
    except (ValueError, pa.ArrowException):
        return None


def _wanted(document: bytes, columns: Mapping[str, str]) -> pa.Schema:
    """Return Arrow's schema for the columns: a time is a text or a number, as in the first document."""
    first = json.loads(document)

    def kind(name: str, type_: str) -> pa.DataType:
        counted = type_ == "timestamp" and isinstance(first.get(name), int)
        return pa.int64() if counted else _PLAIN.get(type_, pa.string())

    return pa.schema([pa.field(name, kind(name, type_)) for name, type_ in columns.items()])


def _read(text: bytes, schema: pa.Schema) -> pa.Table:
    parsing = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer")
    reading = pj.ReadOptions(use_threads=False, block_size=len(text) + 1)
    return pj.read_json(io.BytesIO(text), reading, parsing)


def _has_other_spelling(table: pa.Table, columns: Mapping[str, str]) -> bool:
    """Whether a key matches a column only when case is ignored."""
    return any(name not in columns and name.lower() in columns for name in table.column_names)


def _column(found: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """Raises ValueError if a value needs the rules of `values.convert`."""
    if kind == "timestamp":
        return _counted(found) if pa.types.is_integer(found.type) else _of_text(found, _MOMENT, pa.timestamp("us"))
    if kind == "date":
        return _of_text(found, _DAY, pa.date32())
    if kind == "double" and not _all(pc.is_finite(found)):
        raise ValueError("a number is too great")
    return found


def _of_text(found: pa.ChunkedArray, pattern: str, kind: pa.DataType) -> pa.ChunkedArray:
    if not _all(pc.match_substring_regex(found, pattern)):
        raise ValueError("a time is written otherwise")
    return pc.utf8_rtrim(found, characters="Z").cast(kind)


def _counted(found: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert seconds since 1970, or milliseconds."""
    for unit, first, last in _EPOCHS:
        if _all(pc.and_(pc.greater_equal(found, first), pc.less(found, last))):
            return found.cast(pa.timestamp(unit)).cast(pa.timestamp("us"))
    raise ValueError("seconds among milliseconds, or a time before 1970")


def _all(truths: pa.ChunkedArray) -> bool:
    return bool(pc.all(truths, min_count=0).as_py())
