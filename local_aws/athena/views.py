"""Views in Athena's storage format: base64 of a JSON document in a comment in the catalog."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query import view_type
from local_aws.athena.query.types import Type, parsed
from local_aws.athena.tables import Table
from local_aws.protocol import Document

_PREFIX, _SUFFIX = "/* Presto View: ", " */"


@dataclass(frozen=True)
class View:
    """`columns` have the types that they had when the view was made; the list is empty if they are not known."""

    sql: str
    database: str
    columns: tuple[tuple[str, Type], ...] = ()


def decoded(table: Table) -> View:
    """Return a view's SQL, and the database that its names are relative to.

    Raises:
        QueryFailed: the catalog's text is not an Athena view.
    """
    text = table.document.get("ViewOriginalText") or ""
    try:
        document = json.loads(base64.b64decode(text.removeprefix(_PREFIX).removesuffix(_SUFFIX), validate=True))
        columns = tuple((one["name"], parsed(one["type"])) for one in document.get("columns") or [])
        return View(document["originalSql"], document.get("schema") or "", columns)
    except (ValueError, KeyError) as error:
        raise QueryFailed(
            f"INVALID_VIEW: ViewOriginalText of {table.database}.{table.name} must be "
            f"'{_PREFIX}<base64 of {{originalSql, catalog, schema, columns}}>{_SUFFIX}': {error}"
        ) from error


def table_input(name: str, database: str, sql: str, columns: dict[str, Type]) -> Document:
    """Return the input of Glue's CreateTable for a view; `columns` are Trino's types by name."""
    fields = [{"name": column, "type": str(kind)} for column, kind in columns.items()]
    body = {"originalSql": sql, "catalog": "awsdatacatalog", "schema": database, "columns": fields}
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": _PREFIX + base64.b64encode(json.dumps(body).encode()).decode() + _SUFFIX,
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {
            "Columns": [{"Name": c, "Type": view_type(kind)} for c, kind in columns.items()],
            "Location": "",
            "SerdeInfo": {},
        },
    }
