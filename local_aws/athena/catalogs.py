"""Athena's own view of catalogs, databases and tables, its engine versions, and saved queries."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from local_aws.catalog.tables import compiled
from local_aws.context import Context
from local_aws.mends.in_place import updating
from local_aws.mends.kept import place_of
from local_aws.pages import paged
from local_aws.protocol import AwsError, Call, Document, Handlers
from local_aws.shapes import checking

CATALOG = "AwsDataCatalog"
_LARGEST = 50
_QUERIES = "athena_named_queries"
_VERSIONS = ("AUTO", "Athena engine version 3")
_TABLE = ("Name", "CreateTime", "LastAccessTime", "TableType", "Parameters")


def handlers(context: Context) -> Handlers:
    updating("athena", {"UpdatePreparedStatement": _update_prepared})
    named = ("GetDatabase", "ListDatabases", "GetDataCatalog")
    return {
        **{("athena", action): _in_any_case for action in named},
        ("athena", "GetTableMetadata"): partial(_table, context),
        ("athena", "ListTableMetadata"): partial(_tables, context),
        ("athena", "ListEngineVersions"): _engine_versions,
        ("athena", "UpdateNamedQuery"): partial(_update_query, context),
        ("athena", "GetNamedQuery"): partial(_get_query, context),
        ("athena", "BatchGetNamedQuery"): partial(_get_queries, context),
        ("athena", "DeleteNamedQuery"): partial(_delete_query, context),
        **checking("athena", "UpdatePreparedStatement"),
        ("athena", "BatchGetPreparedStatement"): partial(_get_prepared, context),
    }


def catalog_name(name: str) -> str:
    """Return the name as stored: data catalog names ignore case."""
    return CATALOG if name.lower() == CATALOG.lower() else name


def _in_any_case(call: Call) -> Document:
    field = "Name" if call.action == "GetDataCatalog" else "CatalogName"
    name = catalog_name(call.required(field))
    database = call.payload.get("DatabaseName")
    folded = {"DatabaseName": database.lower()} if database else {}
    return call.forward({**call.payload, **folded, field: name})


def _table(context: Context, call: Call) -> Document:
    glue, name = _glue(context, call), call.required("TableName").lower()
    try:
        found = glue.get_table(DatabaseName=_database(call), Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        raise AwsError("MetadataException", f"Table {name} not found in database {_database(call)}") from None
    return {"TableMetadata": _described(found)}


def _tables(context: Context, call: Call) -> Document:
    """Return a page of the tables whose whole name matches the expression."""
    glue = _glue(context, call)
    try:
        pages = list(glue.get_paginator("get_tables").paginate(DatabaseName=_database(call)))
    except glue.exceptions.EntityNotFoundException:
        raise AwsError("MetadataException", f"Database {_database(call)} not found") from None
    pattern = compiled(call.payload.get("Expression") or "*")
    found = [_described(table) for page in pages for table in page["TableList"] if pattern.fullmatch(table["Name"])]
    return paged("TableMetadataList", found, call.payload, lambda table: (table["Name"],), _LARGEST)


def _glue(context: Context, call: Call) -> Any:
    name = catalog_name(call.required("CatalogName"))
    if name != CATALOG:
        raise AwsError("MetadataException", f"Catalog {name} not found; the only one here is {CATALOG}")
    return context.client("glue", call.region)


def _database(call: Call) -> str:
    return str(call.required("DatabaseName")).lower()


def _described(table: Document) -> Document:
    """Return a Glue table as Athena describes it."""
    known = {name: table[name] for name in _TABLE if table.get(name) is not None}
    times = {name: value.timestamp() for name, value in known.items() if hasattr(value, "timestamp")}
    columns = (table.get("StorageDescriptor") or {}).get("Columns") or []
    storage = table.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    about = {
        "location": storage.get("Location"),
        "inputformat": storage.get("InputFormat"),
        "outputformat": storage.get("OutputFormat"),
        "serde.serialization.lib": serde.get("SerializationLibrary"),
        **{f"serde.param.{name}": value for name, value in (serde.get("Parameters") or {}).items()},
    }
    parameters = {name: value for name, value in about.items() if value} | (table.get("Parameters") or {})
    return {
        **known,
        **times,
        "Columns": [_column(column) for column in columns],
        "PartitionKeys": [_column(column) for column in table.get("PartitionKeys") or []],
        "Parameters": parameters,
    }


def _column(column: Document) -> Document:
    return {name: column[name] for name in ("Name", "Type", "Comment") if column.get(name)}


def _engine_versions(call: Call) -> Document:
    versions = [{"SelectedEngineVersion": name, "EffectiveEngineVersion": _VERSIONS[1]} for name in _VERSIONS]
    return paged("EngineVersions", versions, call.payload, lambda version: (version["SelectedEngineVersion"],), 10)


def _update_query(context: Context, call: Call) -> Document:
    """Store the changes here: the emulator has no such action."""
    identity = call.required("NamedQueryId")
    context.client("athena", call.region).get_named_query(NamedQueryId=identity)
    given = {"Name": call.required("Name"), "QueryString": call.required("QueryString")}
    about = {"Description": call.payload["Description"]} if "Description" in call.payload else {}
    place = place_of(call, identity)
    context.store.put(_QUERIES, place, {**(context.store.get(_QUERIES, place) or {}), **given, **about})
    return {}


def _with_news(context: Context, call: Call, query: Document) -> Document:
    return {**query, **(context.store.get(_QUERIES, place_of(call, query["NamedQueryId"])) or {})}


def _get_query(context: Context, call: Call) -> Document:
    return {"NamedQuery": _with_news(context, call, call.forward_unchanged()["NamedQuery"])}


def _get_queries(context: Context, call: Call) -> Document:
    answer = call.forward_unchanged()
    return {**answer, "NamedQueries": [_with_news(context, call, query) for query in answer["NamedQueries"]]}


def _delete_query(context: Context, call: Call) -> Document:
    answer = call.forward_unchanged()
    context.store.delete(_QUERIES, place_of(call, call.required("NamedQueryId")))
    return answer


def _update_prepared(emulator: Any, payload: Document) -> None:
    place = f"{payload['WorkGroup']}/{payload['StatementName']}"
    before = emulator._prepared_statements.get(place)
    if before is None:
        message = f"PreparedStatement {payload['StatementName']} was not found in workGroup {payload['WorkGroup']}"
        raise AwsError("ResourceNotFoundException", message)
    given = {"QueryStatement": payload["QueryStatement"], "Description": payload.get("Description") or ""}
    emulator._prepared_statements[place] = {**before, **given, "LastModifiedTime": int(time.time())}


def _get_prepared(context: Context, call: Call) -> Document:
    athena, found, absent = context.client("athena", call.region), [], []
    for name in call.required("PreparedStatementNames"):
        try:
            answer = athena.get_prepared_statement(StatementName=name, WorkGroup=call.required("WorkGroup"))
            statement = answer["PreparedStatement"]
            found.append({**statement, "LastModifiedTime": statement["LastModifiedTime"].timestamp()})
        except athena.exceptions.ResourceNotFoundException:
            error = f"PreparedStatement {name} was not found in workGroup {call.payload['WorkGroup']}"
            absent.append({"StatementName": name, "ErrorCode": "STATEMENT_NOT_FOUND", "ErrorMessage": error})
    return {"PreparedStatements": found, "UnprocessedPreparedStatementNames": absent}
