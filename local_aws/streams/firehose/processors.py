"""The processors of a delivery stream, applied to records before buffering by prefix: split, transform, find keys."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from local_aws.streams.firehose.records import PROCESSING, Failed, Record

Processed = tuple[list[Record], list[Failed]]
MOST_SUBRECORDS = 500
"""The maximum number of records that Firehose splits a record into."""
_EXTRACTION = "DynamicPartitioning.MetadataExtractionFailed"


def split(records: Iterable[Record], parameters: Mapping[str, str]) -> Processed:
    """De-aggregate records: concatenated JSON objects, or parts between delimiters."""
    good, failed = list[Record](), list[Failed]()
    for record in records:
        try:
            parts = _delimited(record, parameters) if "Delimiter" in parameters else _objects(record)
        except ValueError as error:
            failed.append(Failed(record, PROCESSING, "RecordDeAggregation.Failed", str(error)))
            continue
        good += [record.with_data(part) for part in parts]
    return good, failed


def with_delimiter(records: Iterable[Record], parameters: Mapping[str, str]) -> list[Record]:
    r"""Append a delimiter to every record; as in AWS's API, the parameter has it with the escape `\n`."""
    delimiter = parameters.get("Delimiter", "\\n").replace("\\n", "\n").encode()
    return [record.with_data(record.data + delimiter) for record in records]


def with_query_keys(records: Iterable[Record], parameters: Mapping[str, str]) -> Processed:
    """Add the partition keys that the JQ expression finds in each record."""
    good, failed = list[Record](), list[Failed]()
    for record in records:
        try:
            good.append(record._replace(query_keys=_keys(record.data, parameters["MetadataExtractionQuery"])))
        except ValueError as error:
            failed.append(Failed(record, PROCESSING, _EXTRACTION, str(error)))
    return good, failed


def compiled(query: str) -> Callable[[str], Any]:
    """Return a function that gives the first result of a JQ expression for a JSON text.

    Raises:
        ValueError: the expression is not JQ, or fails for the text.
    """
    program = _program(query)
    return lambda text: program.input_text(text).first()


@lru_cache(maxsize=64)
def _program(query: str) -> Any:
    import jq  # takes 20 ms, and only streams with partition keys need it

    return jq.compile(query)


def _keys(data: bytes, query: str) -> dict[str, str]:
    try:
        text = data.decode()
        json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("Non UTF-8 Encoded Invalid Json") from None
    try:
        found = compiled(query)(text)
    except (ValueError, StopIteration) as error:
        raise ValueError(f"The JQ expression failed: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("partitionKeys must be a JSON object")
    return {name: _key(value) for name, value in found.items()}


def _key(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    if text == "":
        raise ValueError("partitionKeys values must not be null or empty")
    if isinstance(value, dict | list):
        raise ValueError("partitionKeys values must be of type string, number or boolean")
    return text


def _delimited(record: Record, parameters: Mapping[str, str]) -> list[bytes]:
    try:
        delimiter = base64.b64decode(parameters["Delimiter"], validate=True)
    except binascii.Error:
        raise ValueError("the delimiter is not base64") from None
    return _few([part for part in record.data.split(delimiter) if part])


def _objects(record: Record) -> list[bytes]:
    try:
        text, parts, at = record.data.decode().lstrip(), list[bytes](), 0
        while at < len(text):
            value, end = _DECODER.raw_decode(text, at)
            if not isinstance(value, dict):
                raise ValueError
            parts.append(text[at:end].encode())
            at = end + len(text[end:]) - len(text[end:].lstrip())
    except (ValueError, RecursionError):
        raise ValueError("the record is not one JSON object after another") from None
    return _few(parts)


def _few(parts: list[bytes]) -> list[bytes]:
    if len(parts) > MOST_SUBRECORDS:
        raise ValueError(f"the record holds {len(parts)} records; Firehose splits it into at most {MOST_SUBRECORDS}")
    return parts


_DECODER = json.JSONDecoder()
