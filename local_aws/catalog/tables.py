"""Tables as Glue answers them: no empty fields, found by expressions, in pages."""

from __future__ import annotations

import re
from typing import Any

from local_aws.protocol import AwsError, Call, Document, Handlers

PAGE = 100
_REPLACED: Document = {
    "Description": "",
    "Owner": "",
    "StorageDescriptor": {},
    "PartitionKeys": [],
    "Parameters": {},
    "ViewOriginalText": None,
    "ViewExpandedText": None,
}
"""What an update that does not name it leaves empty."""


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
    """A page of the tables whose whole name is of the expression's pattern."""
    call.required("DatabaseName")
    found = call.forward({**call.payload, "Expression": ""})["TableList"]
    tables = sorted(map(answered, found), key=lambda table: str(table["Name"]))
    if expression := call.payload.get("Expression"):
        pattern = compiled(expression)
        tables = [table for table in tables if pattern.fullmatch(table["Name"])]
    return paged("TableList", tables, call.payload)


def compiled(expression: str) -> re.Pattern[str]:
    """A pattern of names: a regular expression in which a lone `*` is anything.

    Raises:
        AwsError: InvalidInputException, for what is no pattern.
    """
    try:
        return re.compile("(?i)" + re.sub(r"(?<![.\])}\\])\*", ".*", expression))
    except re.error:
        raise AwsError(
            "InvalidInputException", f"Expression '{expression}' is no regular expression of a name"
        ) from None


def paged(field: str, items: list[Any], payload: Document, largest: int = PAGE) -> Document:
    """A page; `NextToken` is the number of the first item of the next."""
    token = str(payload.get("NextToken") or 0)
    if not token.isdigit():
        raise AwsError("InvalidInputException", f"NextToken '{token}' is of no page.")
    start, size = int(token), min(payload.get("MaxResults") or largest, largest)
    more = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return {field: items[start : start + size], **more}


def answered(table: Document) -> Document:
    """A table without the fields that nobody gave."""
    return {name: value for name, value in table.items() if value not in ("", None)}
