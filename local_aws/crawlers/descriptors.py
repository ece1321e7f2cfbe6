"""Describes the files of a table or a partition: SerDe, parameters, storage descriptor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from local_aws.crawlers.formats import Format
from local_aws.hive_classes import JSON, OPEN_CSV, ORC, PARQUET, TEXT, Classes
from local_aws.mirror import S3File
from local_aws.protocol import Document


def serde(fmt: Format, columns: Iterable[str]) -> Document:
    """Return the SerdeInfo for files of a format."""
    return {"SerializationLibrary": _classes(fmt).serde, "Parameters": _serde_parameters(fmt, columns)}


def _classes(fmt: Format) -> Classes:
    text = OPEN_CSV if fmt.serde == "OpenCSVSerDe" else TEXT
    return {"parquet": PARQUET, "orc": ORC, "json": JSON}.get(fmt.classification, text)


def _serde_parameters(fmt: Format, columns: Iterable[str]) -> dict[str, str]:
    if fmt.classification == "parquet":
        return {"serialization.format": "1"}
    if fmt.classification == "orc":
        return {}
    if fmt.classification == "json":
        return {"paths": ",".join(columns)}
    if fmt.serde == "OpenCSVSerDe":
        return {"separatorChar": fmt.delimiter, "quoteChar": fmt.quote, "escapeChar": "\\"}
    return {"field.delim": fmt.delimiter}


def parameters(crawler: str, fmt: Format, files: Sequence[S3File], records: int) -> dict[str, str]:
    """Return the parameters of a table or partition; counts and sizes (bytes) are text, as in Glue."""
    size = sum(file.size for file in files)
    found = {
        "classification": fmt.classification,
        "compressionType": fmt.compression,
        "typeOfData": "file",
        "UPDATED_BY_CRAWLER": crawler,
        "CrawlerSchemaSerializerVersion": "1.0",
        "CrawlerSchemaDeserializerVersion": "1.0",
        "objectCount": str(len(files)),
        "sizeKey": str(size),
        "recordCount": str(records),
        "averageRecordSize": str(size // records if records else 0),
    }
    if fmt.json_path:
        found["jsonPath"] = fmt.json_path
    if fmt.classification == "csv":
        found |= {
            "delimiter": fmt.delimiter,
            "columnsOrdered": "true",
            "areColumnsQuoted": str(fmt.quoted).lower(),
        }
        if fmt.header == "PRESENT":
            found["skip.header.line.count"] = "1"
    return found


def storage(
    fmt: Format,
    columns: Sequence[Document],
    location: str,
    described: Mapping[str, str],
    spellings: Mapping[str, str],
) -> Document:
    """Return a StorageDescriptor. `spellings`: names as spelled in the files, if not in lower case."""
    classes = _classes(fmt)
    return {
        "Columns": list(columns),
        "Location": location,
        "InputFormat": classes.input,
        "OutputFormat": classes.output,
        "Compressed": fmt.compression != "none",
        "NumberOfBuckets": -1,
        "SerdeInfo": serde(fmt, [spellings.get(column["Name"], column["Name"]) for column in columns]),
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": dict(described),
        "StoredAsSubDirectories": False,
    }
