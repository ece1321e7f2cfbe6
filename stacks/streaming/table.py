"""The table of the events that Firehose writes."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.glue_catalog_table import GlueCatalogTable

from lake.configuration.formats import ORC, PARQUET, Format, json_lines
from lake.configuration.model import Projection, Stream
from lake.configuration.model.delivery import DATE
from stacks import tables
from stacks.base import LakeStack

_FIRST_ARRIVAL = "2024-01-01"
_LAST = "NOW+1DAYS"
"""Includes a day that has already begun in a time zone east of UTC, which Athena uses."""


def streams_database(stack: LakeStack) -> GlueCatalogDatabase:
    name = stack.names.database("streams")
    stack.output("streams_database", name, "Tables of the events that Firehose delivers")
    return GlueCatalogDatabase(stack, "database", name=name, description="Events, as Firehose wrote them")


def events_table(
    stack: LakeStack, database: GlueCatalogDatabase, name: str, stream: Stream, zone: str = "raw"
) -> GlueCatalogTable:
    """The table. Its partitions are projected, so that a new day needs neither a crawl nor a call."""
    location = f"s3://{stack.names.bucket(zone)}/{name}"
    keys = stream.delivery.keys
    folders = "".join(f"{key}=$${{{key}}}/" for key in keys)
    return tables.table(
        stack,
        f"{name}_table",
        database=database.name,
        name=name,
        location=f"{location}/",
        format_=_format(stream),
        columns=stream.columns,
        keys=dict.fromkeys(keys, "string"),
        parameters={
            **tables.projected(_projections(stream)),
            "storage.location.template": f"{location}/{folders}",
        },
    )


def _format(stream: Stream) -> Format:
    return {"parquet": PARQUET, "orc": ORC}.get(stream.delivery.format) or json_lines(stream.columns)


def _projections(stream: Stream) -> dict[str, Projection]:
    first = stream.delivery.since
    since = first.isoformat() if first else _FIRST_ARRIVAL
    days = Projection(type="date", format="yyyy-MM-dd", range=[since, _LAST])
    return {DATE: days} | {name: key.projection for name, key in stream.delivery.partition_by.items()}
