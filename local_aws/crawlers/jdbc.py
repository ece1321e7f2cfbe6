"""Crawls database tables as Glue does: only names and types are read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psycopg
from botocore.exceptions import ClientError

from local_aws.context import Context
from local_aws.crawlers.catalog import Catalog
from local_aws.protocol import Document

_SECONDS = 10
_TYPES = {
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "real": "float",
    "double precision": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamp",
    "bytea": "binary",
    # Spark's precision for a number without one.
    "numeric": "decimal(38,18)",
}
_COLUMNS = """
    SELECT nspname, relname, relkind IN ('v', 'm'), attname, format_type(atttypid, atttypmod)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND attnum > 0 AND NOT attisdropped
      AND nspname LIKE %s AND relname LIKE %s AND nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY nspname, relname, attnum
"""


class DatabaseError(Exception):
    """The crawler cannot read its database."""


@dataclass
class _Table:
    schema: str
    name: str
    is_view: bool
    columns: list[Document] = field(default_factory=list)


def crawl(context: Context, region: str, target: Document, catalog: Catalog) -> None:
    """Write the tables of a JdbcTarget into the catalog, and settle those that are gone.

    Raises:
        DatabaseError: the connection or secret is missing, or the database cannot be reached.
    """
    connection, path = target["ConnectionName"], target["Path"]
    database, schema, name = [*path.strip("/").split("/"), "%", "%"][:3]
    found = _tables(_login(context, region, connection), connection, database, schema, name)
    if not found:
        catalog.warn(f"No tables in {path} of connection {connection}")
    described = [_described(catalog.crawler, connection, database, table) for table in found]
    for table in described:
        catalog.write_table({**table, "Name": catalog.prefix + table["Name"]})
    existing = {table["StorageDescriptor"]["Location"] for table in described}
    for own in catalog.own_tables():
        of_this = own["Parameters"].get("connectionName") == connection
        if of_this and own["StorageDescriptor"]["Location"] not in existing:
            catalog.settle_vanished(own)


def _login(context: Context, region: str, connection: str) -> dict[str, Any]:
    """Return psycopg's arguments for a Glue connection."""
    try:
        found = context.client("glue", region).get_connection(Name=connection)["Connection"]["ConnectionProperties"]
        url = urlsplit(found["JDBC_CONNECTION_URL"].removeprefix("jdbc:"))
        if url.scheme != "postgresql":
            raise DatabaseError(f"connection {connection}: the embedded crawler reads postgresql, not {url.scheme}")
        user, password = _user(context, region, found)
    except ClientError as error:
        raise DatabaseError(f"connection {connection}: {error.response['Error']['Message']}") from None
    mode = "require" if found.get("JDBC_ENFORCE_SSL") == "true" else "prefer"
    server = {"host": url.hostname, "port": url.port or 5432, "sslmode": mode, "connect_timeout": _SECONDS}
    return {**server, "user": user, "password": password}


def _user(context: Context, region: str, properties: Document) -> tuple[str, str]:
    if "SECRET_ID" not in properties:
        return properties.get("USERNAME", ""), properties.get("PASSWORD", "")
    answer = context.client("secretsmanager", region).get_secret_value(SecretId=properties["SECRET_ID"])
    login = json.loads(answer["SecretString"])
    return login["username"], login["password"]


def _tables(login: dict[str, Any], connection: str, database: str, schema: str, name: str) -> list[_Table]:
    like = [part.replace("\\", r"\\").replace("_", r"\_") for part in (schema, name)]
    tables: dict[tuple[str, str], _Table] = {}
    try:
        with psycopg.connect(**login, dbname=database) as session:
            for schema, name, is_view, column, type_ in session.execute(_COLUMNS, like):
                table = tables.setdefault((schema, name), _Table(schema, name, is_view))
                table.columns.append({"Name": column.lower(), "Type": glue_type(type_)})
    except psycopg.Error as error:
        raise DatabaseError(f"connection {connection}: {str(error).splitlines()[0]}") from None
    return list(tables.values())


def glue_type(type_: str) -> str:
    """Return Glue's type of a PostgreSQL column; a type that the catalog does not have becomes string.

    >>> glue_type("numeric(9,2)"), glue_type("integer[]"), glue_type("uuid")
    ('decimal(9,2)', 'array<int>', 'string')
    """
    if type_.endswith("[]"):
        return f"array<{glue_type(type_.removesuffix('[]'))}>"
    if sized := re.fullmatch(r"numeric(\(\d+,\d+\))", type_):
        return f"decimal{sized[1]}"
    return _TYPES.get(re.sub(r"\(\d+\)", "", type_), "string")


def _described(crawler: str, connection: str, database: str, table: _Table) -> Document:
    parameters = {
        "classification": "postgresql",
        "compressionType": "none",
        "connectionName": connection,
        "typeOfData": "view" if table.is_view else "table",
        "UPDATED_BY_CRAWLER": crawler,
        "CrawlerSchemaSerializerVersion": "1.0",
        "CrawlerSchemaDeserializerVersion": "1.0",
    }
    location = f"{database}.{table.schema}.{table.name}"
    return {
        "Name": re.sub(r"\W", "_", location).lower(),
        "Owner": "owner",
        "StorageDescriptor": {
            "Columns": table.columns,
            "Location": location,
            "Compressed": False,
            "NumberOfBuckets": -1,
            "SerdeInfo": {"Parameters": {}},
            "BucketColumns": [],
            "SortColumns": [],
            "Parameters": parameters,
            "StoredAsSubDirectories": False,
        },
        "PartitionKeys": [],
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
    }
