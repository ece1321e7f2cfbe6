"""Tables and partitions as Athena puts them into the catalog."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from local_aws.athena.errors import QueryFailed
from local_aws.athena.session import Session
from local_aws.athena.tables import Table
from local_aws.hive_classes import JSON, PARQUET, TEXT
from local_aws.protocol import Document

_BATCH = 100
_FORMATS = {"PARQUET": PARQUET, "TEXTFILE": TEXT, "JSON": JSON}


def register(session: Session, table: Table, partitions: list[tuple[list[str], str]], quiet: bool) -> None:
    """Register (values, location) of partitions.

    Raises:
        QueryFailed: when one is there already and not `quiet`.
    """
    inputs = [
        {"Values": values, "StorageDescriptor": {**table.storage, "Location": location}}
        for values, location in partitions
    ]
    for start in range(0, len(inputs), _BATCH):
        answer = session.catalog.glue.batch_create_partition(
            DatabaseName=table.database,
            TableName=table.name,
            PartitionInputList=inputs[start : start + _BATCH],
        )
        if answer.get("Errors") and not quiet:
            raise QueryFailed(f"PARTITION_ALREADY_EXISTS: {answer['Errors'][0]['PartitionValues']}")


def default_location(table: Table, values: list[str]) -> str:
    folders = (f"{key.name}={_escaped(value)}/" for key, value in zip(table.keys, values, strict=True))
    return table.location.rstrip("/") + "/" + "".join(folders)


def _escaped(value: str) -> str:
    """A value as Hive has it in the name of a folder: `12:30` is `12%3A30`."""
    return re.sub(r"""[\x00-\x1f\x7f"#%'*/:=?\\{\[\]^]""", lambda found: f"%{ord(found[0]):02X}", value)


def put_table(session: Session, database: str, table: Document, replace: bool) -> None:
    """Create a table in the catalog.

    Raises:
        QueryFailed: when it is there and not to be replaced, or the database is not there.
    """
    glue = session.catalog.glue
    there = session.catalog.table(database, table["Name"])
    if there and not replace:
        raise QueryFailed(f"TABLE_ALREADY_EXISTS: Table '{database}.{table['Name']}' already exists")
    try:
        (glue.update_table if there else glue.create_table)(DatabaseName=database, TableInput=table)
    except glue.exceptions.EntityNotFoundException as error:
        raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema {database} not found") from error


def storage(kind: str, location: str, columns: list[tuple[str, str]], serde: Document | None = None) -> Document:
    """A StorageDescriptor; `kind` is PARQUET, JSON or TEXTFILE, `columns` are (name, Hive type)."""
    if kind.upper() not in _FORMATS:
        raise QueryFailed(f"NOT_SUPPORTED: the format {kind} is not supported here; allowed are {', '.join(_FORMATS)}")
    classes = _FORMATS[kind.upper()]
    return {
        "Columns": [{"Name": name, "Type": type_} for name, type_ in columns],
        "Location": location,
        "InputFormat": classes.input,
        "OutputFormat": classes.output,
        "SerdeInfo": {"SerializationLibrary": classes.serde, "Parameters": {}, **(serde or {})},
    }


def table_input(name: str, tree: exp.Create) -> Document:
    """What Glue's CreateTable takes for a CREATE EXTERNAL TABLE."""
    properties = {type(item): item for item in (tree.args.get("properties") or exp.Properties()).expressions}
    settings = {
        item.name: item.args["value"].name
        for item in (tree.args.get("properties") or exp.Properties()).expressions
        if type(item) is exp.Property
    }
    location = properties.get(exp.LocationProperty)
    if location is None:
        raise QueryFailed("SYNTAX_ERROR: CREATE EXTERNAL TABLE needs LOCATION 's3://bucket/folder/'")
    keys = properties.get(exp.PartitionedByProperty)
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **settings},
        "PartitionKeys": [{"Name": n, "Type": t} for n, t in _fields(keys.this if keys else None)],
        "StorageDescriptor": storage(_kind(properties), location.name, _fields(tree.this), _serde(properties) or None),
    }


def _fields(schema: Any) -> list[tuple[str, str]]:
    columns = [item for item in schema.expressions if isinstance(item, exp.ColumnDef)] if schema is not None else []
    return [
        (c.name.lower(), re.sub(r",\s+", ",", c.args["kind"].sql(dialect="hive")).replace(": ", ":").lower())
        for c in columns
    ]


def _kind(properties: dict[type[Any], Any]) -> str:
    stored = properties.get(exp.FileFormatProperty)
    serde = properties.get(exp.RowFormatSerdeProperty)
    if stored is not None and stored.name.upper() in ("PARQUET", "ORC", "AVRO", "JSON"):
        return str(stored.name)
    if serde is not None:
        return "PARQUET" if "parquet" in serde.name.lower() else "JSON" if "json" in serde.name.lower() else "TEXTFILE"
    return "TEXTFILE"


def _serde(properties: dict[type[Any], Any]) -> Document:
    serde, delimited = (
        properties.get(exp.RowFormatSerdeProperty),
        properties.get(exp.RowFormatDelimitedProperty),
    )
    if serde is not None:
        given = serde.args.get("serde_properties")
        options = {item.this.name: item.args["value"].name for item in given.expressions} if given else {}
        return {"SerializationLibrary": serde.name, "Parameters": options}
    if delimited is not None and delimited.args.get("fields"):
        delimiter = delimited.args["fields"].name.replace("\\t", "\t")
        return {"Parameters": {"field.delim": delimiter, "serialization.format": delimiter}}
    return {}
