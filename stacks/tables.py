"""External tables of the Data Catalog."""

from __future__ import annotations

from collections.abc import Mapping

from cdktf_cdktf_provider_aws.glue_catalog_table import (
    GlueCatalogTable,
    GlueCatalogTablePartitionKeys,
    GlueCatalogTableStorageDescriptor,
    GlueCatalogTableStorageDescriptorColumns,
    GlueCatalogTableStorageDescriptorSerDeInfo,
)
from constructs import Construct

from lake.configuration.formats import Format
from lake.configuration.model import Projection


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
    """An external table. Columns and partition keys map names to Hive types."""
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


def projected(projections: Mapping[str, Projection]) -> dict[str, str]:
    """The table parameters for partition projection."""
    parameters = {"projection.enabled": "true"}
    for key, projection in projections.items():
        for setting, value in projection.model_dump(exclude_none=True).items():
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            parameters[f"projection.{key}.{setting.replace('_', '.')}"] = text
    return parameters
