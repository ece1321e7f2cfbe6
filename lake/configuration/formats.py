"""How files of a format are read, in the words of the Data Catalog: for the tables that lake.yaml declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lake.configuration.model import Dataset

_HIVE = "org.apache.hadoop.hive"
_PARQUET = f"{_HIVE}.ql.io.parquet"
_TEXT = ("org.apache.hadoop.mapred.TextInputFormat", f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat")


@dataclass(frozen=True)
class Format:
    """How files of a format are read: input and output format, SerDe, and the parameters of SerDe and table."""

    input: str
    output: str
    serde: str
    serde_parameters: Mapping[str, str] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


PARQUET = Format(
    f"{_PARQUET}.MapredParquetInputFormat",
    f"{_PARQUET}.MapredParquetOutputFormat",
    f"{_PARQUET}.serde.ParquetHiveSerDe",
    None,
    {"classification": "parquet"},
)
ORC = Format(
    f"{_HIVE}.ql.io.orc.OrcInputFormat",
    f"{_HIVE}.ql.io.orc.OrcOutputFormat",
    f"{_HIVE}.ql.io.orc.OrcSerde",
    None,
    {"classification": "orc"},
)


def json_lines(columns: Iterable[str]) -> Format:
    """One JSON object a line."""
    paths = {"paths": ",".join(columns)}
    return Format(*_TEXT, "org.openx.data.jsonserde.JsonSerDe", paths, {"classification": "json"})


def format_of(dataset: Dataset) -> Format:
    """How the files of a declared dataset are read."""
    if dataset.format == "parquet":
        return PARQUET
    if dataset.format == "json":
        return json_lines(dataset.columns)
    csv = dataset.csv
    header = {"skip.header.line.count": "1"} if csv.header else {}
    described = {"classification": "csv", **header}
    if csv.serde == "LazySimpleSerDe":
        delimiter = {"field.delim": csv.delimiter, "serialization.format": csv.delimiter}
        return Format(*_TEXT, f"{_HIVE}.serde2.lazy.LazySimpleSerDe", delimiter, described)
    quoting = {"separatorChar": csv.delimiter, "quoteChar": csv.quote, "escapeChar": "\\"}
    return Format(*_TEXT, f"{_HIVE}.serde2.OpenCSVSerde", quoting, described)


def declared_table(dataset: Dataset) -> dict[str, Any]:
    """The table of a declared dataset as GetTable has it, without its location."""
    format_, columns = format_of(dataset), dataset.columns if isinstance(dataset.columns, dict) else {}
    return table_input(columns, dataset.keys, format_.serde, format_.serde_parameters or {}, format_.parameters)


def table_input(
    columns: Mapping[str, str],
    keys: Mapping[str, str],
    serde: str,
    serde_parameters: Mapping[str, str],
    parameters: Mapping[str, str],
) -> dict[str, Any]:
    """A table as GetTable has it, as far as a reader needs it; columns and keys map names to Hive types."""
    return {
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": type_} for name, type_ in columns.items()],
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": dict(serde_parameters)},
        },
        "PartitionKeys": [{"Name": key, "Type": type_} for key, type_ in keys.items()],
        "Parameters": dict(parameters),
    }
