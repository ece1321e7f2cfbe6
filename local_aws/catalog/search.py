"""SearchTables: finds tables of all databases by text and by property values."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from local_aws.context import Context
from local_aws.pages import Backwards, Place, paged
from local_aws.protocol import AwsError, Call, Document, Handlers

_COMPARATORS: dict[str, Callable[[str, str], bool]] = {
    "EQUALS": lambda own, given: own.lower() == given.lower(),
    "GREATER_THAN": lambda own, given: own > given,
    "LESS_THAN": lambda own, given: own < given,
    "GREATER_THAN_EQUALS": lambda own, given: own >= given,
    "LESS_THAN_EQUALS": lambda own, given: own <= given,
}
_TEXTS = ("Name", "DatabaseName", "Description", "Owner")


def handlers(context: Context) -> Handlers:
    return {("glue", "SearchTables"): partial(_search, context)}


def _search(context: Context, call: Call) -> Document:
    glue = context.client("glue", call.region)
    tables = [
        table
        for databases in glue.get_paginator("get_databases").paginate()
        for database in databases["DatabaseList"]
        for page in glue.get_paginator("get_tables").paginate(DatabaseName=database["Name"])
        for table in page["TableList"]
    ]
    found = [table for table in tables if _has_text(table, call) and _meets_all(table, call)]
    return paged("TableList", found, call.payload, partial(_place, call.payload.get("SortCriteria") or []))


def _place(criteria: list[Document], table: Document) -> Place:
    """The fields that the tables are sorted by, then what names the table."""
    values = [(sort, _value(table, sort["FieldName"]) or "") for sort in criteria]
    sorted_by = [Backwards(value) if sort.get("Sort") == "DESC" else value for sort, value in values]
    return (*sorted_by, table["DatabaseName"], table["Name"])


def _has_text(table: Document, call: Call) -> bool:
    """Whether a table has the text: quoted text must equal one of its texts, other text must occur in one."""
    text = (call.payload.get("SearchText") or "").lower()
    columns = (table.get("StorageDescriptor") or {}).get("Columns") or []
    own = [str(table.get(name) or "") for name in _TEXTS]
    own += [column["Name"] for column in [*columns, *table.get("PartitionKeys", [])]]
    own += list((table.get("Parameters") or {}).values())
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1] in [one.lower() for one in own]
    return any(text in one.lower() for one in own)


def _meets_all(table: Document, call: Call) -> bool:
    return all(_meets(table, given) for given in call.payload.get("Filters") or [])


def _meets(table: Document, given: Document) -> bool:
    comparator = given.get("Comparator") or "EQUALS"
    if comparator not in _COMPARATORS:
        raise AwsError(
            "InvalidInputException", f"Comparator {comparator}: allowed are {', '.join(sorted(_COMPARATORS))}"
        )
    own = _value(table, str(given.get("Key") or ""))
    return own is not None and _COMPARATORS[comparator](own, str(given.get("Value") or ""))


def _value(table: Document, key: str) -> str | None:
    """Return a field of the table, by its name in any case, or one of its parameters."""
    fields = {name.lower(): value for name, value in table.items() if isinstance(value, str)}
    own = fields.get(key.lower(), (table.get("Parameters") or {}).get(key))
    return None if own is None else str(own)
