"""Tables as Glue returns them: without empty fields, filtered by expressions, in pages."""

from __future__ import annotations

import re

from local_aws.pages import paged
from local_aws.protocol import AwsError, Call, Document, Handlers

_REPLACED: Document = {
    "Description": "",
    "Owner": "",
    "StorageDescriptor": {},
    "PartitionKeys": [],
    "Parameters": {},
    "ViewOriginalText": None,
    "ViewExpandedText": None,
}
"""Fields that an update clears unless it names them."""


def handlers() -> Handlers:
    return {
        ("glue", "GetTable"): _get,
        ("glue", "GetTables"): _list,
        ("glue", "UpdateTable"): _update,
    }


def _update(call: Call) -> Document:
    given = call.required("TableInput")
    return call.forward({**call.payload, "TableInput": {**_REPLACED, **given}})


def _get(call: Call) -> Document:
    return {"Table": answered(call.forward_unchanged()["Table"])}


def _list(call: Call) -> Document:
    """Return a page of the tables whose whole name matches the expression."""
    call.required("DatabaseName")
    found = call.forward({**call.payload, "Expression": ""})["TableList"]
    tables = list(map(answered, found))
    if expression := call.payload.get("Expression"):
        pattern = compiled(expression)
        tables = [table for table in tables if pattern.fullmatch(table["Name"])]
    return paged("TableList", tables, call.payload, lambda table: (table["Name"],))


def compiled(expression: str) -> re.Pattern[str]:
    """Compile an expression for names: a regular expression in which a lone `*` matches anything.

    Raises:
        AwsError: InvalidInputException, for an invalid expression.
    """
    try:
        return re.compile("(?i)" + re.sub(r"(?<![.\])}\\])\*", ".*", expression))
    except re.error:
        raise AwsError("InvalidInputException", f"Expression '{expression}' is not a regular expression") from None


def answered(table: Document) -> Document:
    """Return a table without the fields that were never set."""
    return {name: value for name, value in table.items() if value not in ("", None)}
