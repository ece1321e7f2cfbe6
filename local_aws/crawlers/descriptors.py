"""How the crawler describes the files of a table or a partition: SerDe, parameters, storage descriptor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from local_aws.crawlers.formats import Format
from local_aws.mirror import S3File
from local_aws.protocol import Document

_TEXT = (
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
)
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
_ORC = "org.apache.hadoop.hive.ql.io.orc"
_FORMATS = {
    "parquet": (f"{_PARQUET}.MapredParquetInputFormat", f"{_PARQUET}.MapredParquetOutputFormat"),
    "orc": (f"{_ORC}.OrcInputFormat", f"{_ORC}.OrcOutputFormat"),
}


def serde(fmt: Format, columns: Iterable[str]) -> Document:
    """The SerdeInfo that reads files of a format."""
    if fmt.classification == "parquet":
        return _serde(f"{_PARQUET}.serde.ParquetHiveSerDe", {"serialization.format": "1"})
    if fmt.classification == "orc":
        return _serde(f"{_ORC}.OrcSerde", {})
    if fmt.classification == "json":
        return _serde("org.openx.data.jsonserde.JsonSerDe", {"paths": ",".join(columns)})
    if fmt.serde == "OpenCSVSerDe":
        separator = {"separatorChar": fmt.delimiter, "quoteChar": fmt.quote, "escapeChar": "\\"}
        return _serde("org.apache.hadoop.hive.serde2.OpenCSVSerde", separator)
    return _serde("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", {"field.delim": fmt.delimiter})


def _serde(library: str, parameters: dict[str, str]) -> Document:
    return {"SerializationLibrary": library, "Parameters": parameters}


def parameters(crawler: str, fmt: Format, files: Sequence[S3File], records: int) -> dict[str, str]:
    """Parameters of a table or partition; counts and sizes (bytes) are text, as in Glue."""
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
    """A StorageDescriptor. `spellings`: names as the files have them, where that is not lower case."""
    reads, writes = _FORMATS.get(fmt.classification, _TEXT)
    return {
        "Columns": list(columns),
        "Location": location,
        "InputFormat": reads,
        "OutputFormat": writes,
        "Compressed": fmt.compression != "none",
        "NumberOfBuckets": -1,
        "SerdeInfo": serde(fmt, [spellings.get(column["Name"], column["Name"]) for column in columns]),
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": dict(described),
        "StoredAsSubDirectories": False,
    }
