"""The Glue Data Catalog: describes source tables, and registers the table that a job writes."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from lake_etl.csv_lines import SERDE
from lake_etl.errors import JobError
from lake_etl.formats import FORMATS, READ

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_glue.type_defs import (
        PartitionInputTypeDef,
        StorageDescriptorTypeDef,
        TableInputTypeDef,
    )

BATCH = 100  # partitions in one call: Glue's limit
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Seconds between calls that Glue refuses because the table is being changed; each is up to doubled at random."""

Locations = dict[tuple[str, ...], str]  # of partitions, by their values


class NoTable(JobError):
    """The catalog has no such table."""


@dataclass(frozen=True)
class Table:
    """A source table as in the catalog. location ends with a slash; columns maps names to Spark types.

    quotes: whether the SerDe of a CSV table handles quotes.
    partitions maps the values of the registered partitions to their locations.
    is_closed: whether the table consists only of the files in these partitions.
    """

    dataset: str
    location: str
    format: str
    columns: dict[str, str]
    partition_keys: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    quotes: bool = False
    partitions: dict[tuple[str, ...], str] = field(default_factory=dict)
    is_closed: bool = False

    @property
    def elsewhere(self) -> dict[tuple[str, ...], str]:
        """Return the partitions outside the table's own folder."""
        return {values: place for values, place in self.partitions.items() if not place.startswith(self.location)}

    @property
    def locations(self) -> list[str]:
        """Return the folders that hold all of its files."""
        places = self.partitions.values() if self.is_closed else [self.location, *self.elsewhere.values()]
        return list(dict.fromkeys(places))


def find_table(glue: GlueClient, database: str, name: str, dataset: str) -> Table:
    """Return the table of a dataset. Raises NoTable, or JobError for a format that jobs do not read."""
    try:
        found = glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        raise NoTable(
            f"dataset {dataset}: database {database} has no table '{name}'. Run the dataset's crawler first"
        ) from None
    table = table_of(found, dataset)
    projected = table.parameters.get("projection.enabled", "").lower() == "true"
    known = {} if projected or not table.partition_keys else registered(glue, database, name)
    return replace(table, partitions=known)


def table_of(found: Any, dataset: str) -> Table:
    """Convert a table from GetTable. Raises JobError for a format that jobs do not read."""
    storage = found["StorageDescriptor"]
    serde = storage.get("SerdeInfo", {})
    library = serde.get("SerializationLibrary", "")
    return Table(
        dataset=dataset,
        location=_location(found),
        format=_format(dataset, found.get("Parameters", {}), library),
        columns=_types(storage["Columns"]),
        partition_keys=_types(found.get("PartitionKeys", [])),
        parameters={**found.get("Parameters", {}), **serde.get("Parameters", {})},
        quotes="opencsv" in library.lower(),
    )


def _format(dataset: str, parameters: dict[str, str], serde: str) -> str:
    declared = f"{parameters.get('classification', '')} {serde}".lower()
    for format_ in READ:
        if any(word in declared for word in FORMATS[format_].recognised_by):
            return format_
    raise JobError(f"dataset {dataset}: its table is of format '{declared.strip()}'. Jobs read {', '.join(READ)}")


def _types(columns: Any) -> dict[str, str]:
    # Spark rejects Hive's char and varchar in the schema of a read.
    return {column["Name"]: re.sub(r"\b(var)?char\(\d+\)", "string", column["Type"]) for column in columns}


def registered(glue: GlueClient, database: str, name: str) -> dict[tuple[str, ...], str]:
    """Return the locations of a table's files by partition values, () if it has no keys. Empty if there is no table."""
    try:
        table = glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return {}
    if not table.get("PartitionKeys"):
        return {(): _location(table)}
    pages = glue.get_paginator("get_partitions").paginate(
        DatabaseName=database, TableName=name, ExcludeColumnSchema=True
    )
    return {tuple(partition["Values"]): _location(partition) for page in pages for partition in page["Partitions"]}


def _location(described: Any) -> str:
    return str(described["StorageDescriptor"]["Location"]).rstrip("/") + "/"


def check_table(glue: GlueClient, database: str, name: str, format_: str, keys: Sequence[str]) -> None:
    """Raise JobError if the table exists with other partition keys, or has partitions in another format.

    Otherwise its old files would mix with the new ones.
    """
    try:
        table = glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return
    existing = [key["Name"] for key in table.get("PartitionKeys", [])]
    way_out = "Give the sink another table name, or delete the table and its files first"
    if existing != [key.lower() for key in keys]:
        raise JobError(
            f"sink partition_by: table {database}.{name} is partitioned by {existing}, not by {list(keys)}. {way_out}"
        )
    written = table.get("Parameters", {}).get("classification", format_)
    if existing and written != format_:
        raise JobError(
            f"sink format: the partitions of table {database}.{name} are {written}, not {format_}. {way_out}"
        )


def storage_of(format_: str, columns: dict[str, str]) -> StorageDescriptorTypeDef:
    """Return the storage descriptor of files of this format with these columns (name -> type), without a location."""
    described = FORMATS[format_]
    parameters = {"csv": SERDE, "json": {"paths": ",".join(columns)}}.get(format_, {"serialization.format": "1"})
    return {
        "Columns": [{"Name": column, "Type": type_} for column, type_ in columns.items()],
        "InputFormat": described.input,
        "OutputFormat": described.output,
        "SerdeInfo": {"SerializationLibrary": described.serde, "Parameters": parameters},
        "Parameters": {"classification": format_},
    }


def publish_table(
    glue: GlueClient,
    database: str,
    name: str,
    location: str,
    storage: StorageDescriptorTypeDef,
    keys: dict[str, str],
    parameters: dict[str, str] | None = None,
) -> None:
    """Create the table, or update the existing one to this storage and these partition keys (name -> type)."""
    table: TableInputTypeDef = {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {**storage.get("Parameters", {}), "EXTERNAL": "TRUE", **(parameters or {})},
        "PartitionKeys": [{"Name": key, "Type": type_} for key, type_ in keys.items()],
        "StorageDescriptor": {**storage, "Location": location},
    }
    try:
        glue.create_table(DatabaseName=database, TableInput=table)
    except glue.exceptions.AlreadyExistsException:
        existing = glue.get_table(DatabaseName=database, Name=name)["Table"]
        if not _holds(existing, table):
            _with_retries(glue, glue.update_table, DatabaseName=database, TableInput=table, SkipArchive=True)


def _holds(existing: Any, wanted: Any) -> bool:
    """Whether the existing definition has everything wanted; Glue adds fields of its own."""
    if isinstance(wanted, dict):
        return isinstance(existing, dict) and all(_holds(existing.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(existing, list) and len(existing) == len(wanted) and all(map(_holds, existing, wanted))
    return bool(existing == wanted)


def _with_retries(glue: GlueClient, call: Callable[..., Any], **request: Any) -> Any:
    """Call Glue, and retry while another caller changes the same table. botocore does not retry that."""
    for pause in PAUSES:
        with suppress(glue.exceptions.ConcurrentModificationException):
            return call(**request)
        time.sleep(pause * (1 + random.random()))
    return call(**request)


def publish_partitions(
    glue: GlueClient, database: str, name: str, storage: StorageDescriptorTypeDef, locations: dict[tuple[str, ...], str]
) -> None:
    """Register partitions (values -> location). Partitions that are already registered get the new storage."""
    inputs: list[PartitionInputTypeDef] = [
        {"Values": list(values), "StorageDescriptor": {**storage, "Location": location}}
        for values, location in locations.items()
    ]
    for batch in _batches(inputs):
        place = {"DatabaseName": database, "TableName": name}
        answer = _with_retries(glue, glue.batch_create_partition, **place, PartitionInputList=batch)
        _update_existing(glue, database, name, batch, answer.get("Errors", []))


def _update_existing(
    glue: GlueClient, database: str, name: str, batch: list[PartitionInputTypeDef], errors: list[Any]
) -> None:
    for error in errors:
        if error["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException":
            raise JobError(f"partition {error['PartitionValues']} of {name}: {error['ErrorDetail']['ErrorMessage']}")
    existing = [error["PartitionValues"] for error in errors]
    entries = [{"PartitionValueList": p["Values"], "PartitionInput": p} for p in batch if p["Values"] in existing]
    if entries:
        place = {"DatabaseName": database, "TableName": name}
        answer = _with_retries(glue, glue.batch_update_partition, **place, Entries=entries)
        for failure in answer.get("Errors", []):
            raise JobError(f"partition {failure['PartitionValueList']} of {name}: {failure['ErrorDetail']}")


def delete_partition(glue: GlueClient, database: str, name: str, values: Sequence[str]) -> None:
    """Remove a partition from the catalog if it is registered. Its files stay."""
    with suppress(glue.exceptions.EntityNotFoundException):
        glue.delete_partition(DatabaseName=database, TableName=name, PartitionValues=list(values))


def _batches(inputs: list[PartitionInputTypeDef]) -> Iterator[list[PartitionInputTypeDef]]:
    rest = iter(inputs)
    while batch := list(islice(rest, BATCH)):
        yield batch
