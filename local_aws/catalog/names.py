"""Folds the names of databases and tables to lower case, as Glue does."""

from __future__ import annotations

from local_aws.protocol import Call, Document, Handlers

_DATABASE = ("DatabaseName",)
_TABLE = ("DatabaseName", "TableName")
_FOLDED: dict[str, tuple[str, ...]] = {
    "CreateDatabase": ("DatabaseInput.Name",),
    "UpdateDatabase": ("Name", "DatabaseInput.Name"),
    **dict.fromkeys(("GetDatabase", "DeleteDatabase"), ("Name",)),
    **dict.fromkeys(("CreateTable", "UpdateTable"), ("DatabaseName", "TableInput.Name")),
    **dict.fromkeys(("GetTable", "DeleteTable"), ("DatabaseName", "Name")),
    "GetTables": _DATABASE,
    "BatchDeleteTable": _DATABASE,
    **dict.fromkeys(
        (
            "GetTableVersion", "GetTableVersions", "DeleteTableVersion", "BatchDeleteTableVersion", "CreatePartition",
            "BatchCreatePartition", "GetPartition", "GetPartitions", "BatchGetPartition", "UpdatePartition",
            "BatchUpdatePartition", "DeletePartition", "BatchDeletePartition", "CreatePartitionIndex",
            "GetPartitionIndexes", "DeletePartitionIndex", "UpdateColumnStatisticsForTable",
            "GetColumnStatisticsForTable", "DeleteColumnStatisticsForTable", "UpdateColumnStatisticsForPartition",
            "GetColumnStatisticsForPartition", "DeleteColumnStatisticsForPartition",
        ),
        _TABLE,
    ),
}  # fmt: skip
"""Action -> the paths of the names in its payload."""


def handlers() -> Handlers:
    return {("glue", action): _folded for action in _FOLDED}


def _folded(call: Call) -> Document:
    payload = call.payload
    for path in _FOLDED[call.action]:
        payload = _at(payload, path.split("."))
    if "TablesToDelete" in payload:
        payload = {**payload, "TablesToDelete": [name.lower() for name in payload["TablesToDelete"]]}
    return call.forward(payload)


def _at(document: Document, path: list[str]) -> Document:
    """Return the document with the text at a path in lower case."""
    value = document.get(path[0])
    if len(path) > 1:
        return {**document, path[0]: _at(value, path[1:])} if isinstance(value, dict) else document
    return {**document, path[0]: value.lower()} if isinstance(value, str) else document
