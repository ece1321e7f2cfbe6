"""External tables: what the Data Catalog says of files in a folder of the lake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cdktf_cdktf_provider_aws.glue_catalog_table import (
    GlueCatalogTable,
    GlueCatalogTablePartitionKeys,
    GlueCatalogTableStorageDescriptor,
    GlueCatalogTableStorageDescriptorColumns,
    GlueCatalogTableStorageDescriptorSerDeInfo,
)
from constructs import Construct

from lake.model import Dataset, Projection

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


def table(
    scope: Construct,
    id_: str,
    *,
    database: str,
    name: str,
    location: str,
    format_: Format,
    columns: Mapping[str, str],
    keys: Mapping[str, str],
    parameters: Mapping[str, str] | None = None,
) -> GlueCatalogTable:
    """An external table; columns and partition keys map names to Hive types."""
    return GlueCatalogTable(
        scope,
        id_,
        name=name,
        database_name=database,
        table_type="EXTERNAL_TABLE",
        parameters={"EXTERNAL": "TRUE", **format_.parameters, **(parameters or {})},
        partition_keys=[GlueCatalogTablePartitionKeys(name=key, type=type_) for key, type_ in keys.items()],
        storage_descriptor=GlueCatalogTableStorageDescriptor(
            location=location,
            columns=[
                GlueCatalogTableStorageDescriptorColumns(name=column, type=type_) for column, type_ in columns.items()
            ],
            input_format=format_.input,
            output_format=format_.output,
            ser_de_info=GlueCatalogTableStorageDescriptorSerDeInfo(
                serialization_library=format_.serde, parameters=format_.serde_parameters
            ),
        ),
    )


def format_of(dataset: Dataset) -> Format:
    """How the files of a declared dataset are read."""
    if dataset.format == "parquet":
        return PARQUET
    if dataset.format == "json":
        paths = {"paths": ",".join(dataset.columns)}
        return Format(*_TEXT, "org.openx.data.jsonserde.JsonSerDe", paths, {"classification": "json"})
    csv = dataset.csv
    header = {"skip.header.line.count": "1"} if csv.header else {}
    described = {"classification": "csv", **header}
    if csv.serde == "LazySimpleSerDe":
        delimiter = {"field.delim": csv.delimiter, "serialization.format": csv.delimiter}
        return Format(*_TEXT, f"{_HIVE}.serde2.lazy.LazySimpleSerDe", delimiter, described)
    quoting = {"separatorChar": csv.delimiter, "quoteChar": csv.quote, "escapeChar": "\\"}
    return Format(*_TEXT, f"{_HIVE}.serde2.OpenCSVSerde", quoting, described)


def projected(projections: Mapping[str, Projection]) -> dict[str, str]:
    """The table parameters by which Athena computes partitions."""
    parameters = {"projection.enabled": "true"}
    for key, projection in projections.items():
        for setting, value in projection.model_dump(exclude_none=True).items():
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            parameters[f"projection.{key}.{setting.replace('_', '.')}"] = text
    return parameters
