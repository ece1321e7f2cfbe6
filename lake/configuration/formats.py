"""File formats, from formats.json: the parts that rules and stacks need. Jobs read the same file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lake.configuration.model import CsvFormat, Dataset
from lake.shipped import description

_DESCRIBED: dict[str, dict[str, Any]] = description("formats")
COMPRESSIONS: dict[str, list[str]] = {name: facts["compressions"] for name, facts in _DESCRIBED.items()}
"""Sink format -> the compressions that jobs can write."""
TABLES = ("csv", "json", "parquet")
"""Dataset formats whose tables lake.yaml can declare, and that `lake init` recognizes."""
READ_BY_JOBS = (*(name for name in TABLES if _DESCRIBED[name]["recognised_by"]), "jdbc")
CLASSIFIED = {"grok": '{pattern: "%{COMMONAPACHELOG}"}', "xml": "{row_tag: row}"}
"""Formats that need a crawler with a classifier -> an example of the classifier."""
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"


@dataclass(frozen=True)
class Format:
    """How files of a format are read: input and output format, SerDe, and the parameters of SerDe and table."""

    input: str
    output: str
    serde: str
    serde_parameters: Mapping[str, str] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


def _described(name: str, serde_parameters: Mapping[str, str] | None = None, **parameters: str) -> Format:
    facts = _DESCRIBED[name]
    described = {"classification": name, **parameters}
    return Format(facts["input"], facts["output"], facts["serde"], serde_parameters, described)


PARQUET = _described("parquet")
ORC = _described("orc")


def json_lines(columns: Iterable[str]) -> Format:
    """JSON lines."""
    return _described("json", {"paths": ",".join(columns)})


def format_of(dataset: Dataset) -> Format:
    """How the files of a declared dataset are read."""
    if dataset.format == "csv":
        return _csv(dataset.csv)
    return json_lines(dataset.columns) if dataset.format == "json" else _described(dataset.format)


def _csv(csv: CsvFormat) -> Format:
    header = {"skip.header.line.count": "1"} if csv.header else {}
    if csv.serde == "LazySimpleSerDe":
        return _described("csv", {"field.delim": csv.delimiter, "serialization.format": csv.delimiter}, **header)
    quoting = {"separatorChar": csv.delimiter, "quoteChar": csv.quote, "escapeChar": "\\"}
    return replace(_described("csv", quoting, **header), serde=OPEN_CSV)


def declared_table(dataset: Dataset) -> dict[str, Any]:
    """The table of a declared dataset in the shape of GetTable, without its location."""
    format_, columns = format_of(dataset), dataset.columns if isinstance(dataset.columns, dict) else {}
    return table_input(columns, dataset.keys, format_.serde, format_.serde_parameters or {}, format_.parameters)


def table_input(
    columns: Mapping[str, str],
    keys: Mapping[str, str],
    serde: str,
    serde_parameters: Mapping[str, str],
    parameters: Mapping[str, str],
) -> dict[str, Any]:
    """A table in the shape of GetTable, with the fields that readers need. columns and keys map names to Hive types."""
    return {
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": type_} for name, type_ in columns.items()],
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": dict(serde_parameters)},
        },
        "PartitionKeys": [{"Name": key, "Type": type_} for key, type_ in keys.items()],
        "Parameters": dict(parameters),
    }
