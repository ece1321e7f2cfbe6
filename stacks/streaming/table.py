"""The table of the events that Firehose wrote."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.glue_catalog_table import GlueCatalogTable

from lake.configuration.formats import PARQUET
from lake.configuration.model import Stream
from stacks import tables
from stacks.base import LakeStack


def streams_database(stack: LakeStack) -> GlueCatalogDatabase:
    name = stack.names.database("streams")
    stack.output("streams_database", name, "Tables of the events that came by Firehose")
    return GlueCatalogDatabase(stack, "database", name=name, description="Events, as Firehose wrote them")


def events_table(
    stack: LakeStack, database: GlueCatalogDatabase, name: str, stream: Stream, zone: str = "raw"
) -> GlueCatalogTable:
    """Athena computes the partitions (projection), so that a new day needs neither a crawl nor a call."""
    location = f"s3://{stack.names.bucket(zone)}/{name}"
    return tables.table(
        stack,
        f"{name}_table",
        database=database.name,
        name=name,
        location=f"{location}/",
        format_=PARQUET,
        columns=stream.columns,
        keys={"date": "string"},
        parameters={
            "projection.enabled": "true",
            "projection.date.type": "date",
            "projection.date.format": "yyyy-MM-dd",
            "projection.date.range": "2024-01-01,NOW",
            "storage.location.template": f"{location}/date=$${{date}}/",
        },
    )
