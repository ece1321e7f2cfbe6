"""Tables without files: `information_schema`, and a table's partitions as `"t$partitions"`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from local_aws.athena import views
from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.types import of_catalog
from local_aws.athena.tables import Catalog, Table
from local_aws.protocol import Document

SCHEMA = "information_schema"
_CATALOG = "awsdatacatalog"
_PARTITIONS = "$partitions"
_MARK = "local.metadata"
Row = tuple[Any, ...]


def table(catalog: Catalog, database: str, name: str) -> Table | None:
    """Return the metadata table with this name; None if the name is not that of one."""
    if database == SCHEMA:
        columns = _INFORMATION.get(name.lower())
        return None if columns is None else _made(database, name.lower(), columns)
    if not name.lower().endswith(_PARTITIONS):
        return None
    owner = catalog.table(database, name[: -len(_PARTITIONS)])
    if owner is None or not owner.keys:
        return None
    return _made(database, name.lower(), [(key.name, key.type) for key in owner.keys])


def is_metadata(table: Table) -> bool:
    return _MARK in table.parameters


def rows(catalog: Catalog, table: Table) -> list[Row]:
    """Return the rows of such a table, as texts and integers."""
    if table.database == SCHEMA:
        return list(_ROWS[table.name](catalog))
    owner = catalog.table(table.database, table.name[: -len(_PARTITIONS)])
    return [] if owner is None else [partition.values for partition in catalog.partitions(owner)]


def create(catalog: Catalog, con: Any, name: str, table: Table) -> None:
    """Create a view of it in a connection."""
    import pyarrow as pa  # 40 MB of memory that only queries need

    from local_aws.athena.hive_types import duckdb_type
    from local_aws.athena.types import sql_name

    found = rows(catalog, table)
    texts = [[None if row[i] is None else str(row[i]) for row in found] for i in range(len(table.columns))]
    names = [column.name for column in table.columns]
    con.register(f"{name}_rows", pa.table([pa.array(column, pa.string()) for column in texts], names=names))
    typed = ", ".join(
        f"TRY_CAST({sql_name(c.name)} AS {duckdb_type(c.type)}) AS {sql_name(c.name)}" for c in table.columns
    )
    con.execute(f"CREATE TEMP VIEW {name} AS SELECT {typed} FROM {name}_rows")


def _made(database: str, name: str, columns: list[tuple[str, str]]) -> Table:
    fields = [{"Name": column, "Type": kind} for column, kind in columns]
    document: Document = {"DatabaseName": database, "Name": name, "TableType": "SYSTEM", "Parameters": {_MARK: "true"}}
    return Table({**document, "StorageDescriptor": {"Columns": fields}})


def _texts(names: str) -> list[tuple[str, str]]:
    return [(name, "bigint" if name == "ordinal_position" else "string") for name in names.split()]


_INFORMATION = {
    "schemata": _texts("catalog_name schema_name"),
    "tables": _texts("table_catalog table_schema table_name table_type"),
    "views": _texts("table_catalog table_schema table_name view_definition"),
    "columns": _texts(
        "table_catalog table_schema table_name column_name ordinal_position column_default is_nullable data_type "
        "comment extra_info"
    ),
}


def _databases(catalog: Catalog) -> list[str]:
    pages = catalog.glue.get_paginator("get_databases").paginate()
    return [database["Name"] for page in pages for database in page["DatabaseList"]]


def _tables(catalog: Catalog) -> Iterator[Table]:
    for database in _databases(catalog):
        for page in catalog.glue.get_paginator("get_tables").paginate(DatabaseName=database):
            yield from map(Table, page["TableList"])


def _schemata(catalog: Catalog) -> Iterator[Row]:
    return ((_CATALOG, name) for name in sorted([*_databases(catalog), SCHEMA]))


def _table_rows(catalog: Catalog) -> Iterator[Row]:
    own = [(_CATALOG, SCHEMA, name, "BASE TABLE") for name in _INFORMATION]
    kinds = ((t.database, t.name, "VIEW" if t.is_view else "BASE TABLE") for t in _tables(catalog))
    return iter([*((_CATALOG, *kind) for kind in kinds), *own])


def _views(catalog: Catalog) -> Iterator[Row]:
    for found in _tables(catalog):
        if found.is_view:
            yield _CATALOG, found.database, found.name, _definition(found)


def _definition(view: Table) -> str | None:
    try:
        return views.decoded(view).sql
    except QueryFailed:  # a view of another engine than Athena
        return None


def _columns(catalog: Catalog) -> Iterator[Row]:
    for found in _tables(catalog):
        keys = {key.name for key in found.keys}
        documents = [*(found.storage.get("Columns") or []), *(found.document.get("PartitionKeys") or [])]
        for place, document in enumerate(documents, 1):
            name = document["Name"].lower()
            kind, comment = _trino_text(document.get("Type") or "string"), document.get("Comment")
            extra = "partition key" if name in keys else None
            yield _CATALOG, found.database, found.name, name, place, None, "YES", kind, comment, extra


def _trino_text(kind: str) -> str:
    """A type of the catalog as Trino writes it; a text that is no type as it is."""
    try:
        return str(of_catalog(kind))
    except QueryFailed:
        return kind


_ROWS: dict[str, Callable[[Catalog], Iterator[Row]]] = {
    "schemata": _schemata,
    "tables": _table_rows,
    "views": _views,
    "columns": _columns,
}
