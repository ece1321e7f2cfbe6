"""Glue's partitions, kept here instead of in the emulator: a table may have tens of thousands.

The emulator saves a service's whole state at once, and does not support pages, expressions or batch deletion.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from zlib import crc32

from botocore.exceptions import ParamValidationError

from local_aws.context import Context
from local_aws.partitions import statistics
from local_aws.partitions.expression import matching
from local_aws.partitions.table import Table, Values, forget, opened, values_of
from local_aws.partitions.takeover import take_over
from local_aws.protocol import AwsError, Call, Document, Handler, Handlers

_PAGE = 1000


def handlers(context: Context) -> Handlers:
    take_over(context)
    own = {
        "CreatePartition": _create,
        "BatchCreatePartition": _batch_create,
        "GetPartition": _get,
        "GetPartitions": _list,
        "BatchGetPartition": _batch_get,
        "UpdatePartition": _update,
        "BatchUpdatePartition": _batch_update,
        "DeletePartition": _delete,
        "BatchDeletePartition": _batch_delete,
        **statistics.ACTIONS,
    }
    return {
        **{("glue", action): _on_table(context, act) for action, act in own.items()},
        **{("glue", action): _forgetting(context) for action in ("CreateTable", "DeleteTable", "DeleteDatabase")},
        ("glue", "BatchDeleteTable"): _forgetting(context),
    }


def _on_table(context: Context, act: Callable[[Call, Table], Document]) -> Handler:
    return lambda call: act(call, opened(context, call))


def _create(call: Call, table: Table) -> Document:
    table.create(call.required("PartitionInput"))
    return {}


def _batch_create(call: Call, table: Table) -> Document:
    inputs = _batch(call, "PartitionInputList", 100)
    for given in inputs:
        table.check(given.get("Values") or [])
    return {"Errors": _each(table, [(given["Values"], partial(table.create, given)) for given in inputs])}


def _get(call: Call, table: Table) -> Document:
    return {"Partition": table.get(call.payload.get("PartitionValues") or [])}


def _list(call: Call, table: Table) -> Document:
    """Return a page, ordered by the values as text. `NextToken` is the key of the last partition of the page before."""
    segment = call.payload.get("Segment") or {"SegmentNumber": 0, "TotalSegments": 1}
    after, size = call.payload.get("NextToken") or "", min(call.payload.get("MaxResults") or _PAGE, _PAGE)
    if after and not after.startswith(table.prefix):
        raise AwsError("InvalidInputException", "NextToken is invalid for this table.")
    keys = [key for key in table.listed() if key > after and _is_in(segment, key)]
    if expression := call.payload.get("Expression"):
        rows = [values_of(key) for key in keys]
        keys = [keys[number] for number in matching(expression, table.types, rows)]
    found = table.found(keys[:size])
    if call.payload.get("ExcludeColumnSchema"):
        found = [_without_columns(partition) for partition in found]
    return {"Partitions": found, **({"NextToken": keys[size - 1]} if size < len(keys) else {})}


def _batch_get(call: Call, table: Table) -> Document:
    """As AWS: missing keys are in neither list; unprocessed means that the caller should ask again."""
    wanted = _batch(call, "PartitionsToGet", _PAGE)
    return {
        "Partitions": table.found([table.key(entry.get("Values") or []) for entry in wanted]),
        "UnprocessedKeys": [],
    }


def _update(call: Call, table: Table) -> Document:
    table.update(call.payload.get("PartitionValueList") or [], call.required("PartitionInput"))
    return {}


def _batch_update(call: Call, table: Table) -> Document:
    entries = _batch(call, "Entries", 100)
    acts = [
        (e["PartitionValueList"], partial(table.update, e["PartitionValueList"], e["PartitionInput"])) for e in entries
    ]
    return {"Errors": _each(table, acts, "PartitionValueList")}


def _delete(call: Call, table: Table) -> Document:
    table.delete(call.payload.get("PartitionValues") or [])
    return {}


def _batch_delete(call: Call, table: Table) -> Document:
    deleted = [entry.get("Values") or [] for entry in _batch(call, "PartitionsToDelete", 25)]
    return {"Errors": _each(table, [(values, partial(table.delete, values)) for values in deleted])}


def _batch(call: Call, field: str, limit: int) -> list[Document]:
    entries: list[Document] = call.payload.get(field) or []
    if len(entries) > limit:
        message = "1 validation error detected: Value at '{}' failed to satisfy constraint: "
        message += "Member must have length less than or equal to {}"
        raise AwsError("ValidationException", message.format(field[0].lower() + field[1:], limit))
    return entries


def _each(
    table: Table, acts: Sequence[tuple[Values, Callable[[], None]]], named: str = "PartitionValues"
) -> list[Document]:
    """Run each in one transaction. Returns an entry for each that was refused."""
    errors = []
    with table.store.transaction():
        for values, act in acts:
            try:
                act()
            except AwsError as error:
                detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
                errors.append({named: list(values), "ErrorDetail": detail})
    return errors


def _is_in(segment: Document, key: str) -> bool:
    return bool(crc32(key.encode()) % segment["TotalSegments"] == segment["SegmentNumber"])


def _without_columns(partition: Document) -> Document:
    storage = partition.get("StorageDescriptor") or {}
    kept = {name: value for name, value in storage.items() if name != "Columns"}
    return {**partition, "StorageDescriptor": kept}


def _forgetting(context: Context) -> Handler:
    """Wrap a call so that partitions vanish with their table: when it is deleted or found missing, or created anew."""
    creating = threading.Lock()

    def create(call: Call) -> Document:
        # Before the table exists: once it is visible, callers may register partitions.
        with creating:
            if not _is_there(context, call):
                _forget(context, call)
            return call.forward_unchanged()

    def handler(call: Call) -> Document:
        if call.action == "CreateTable":
            return create(call)
        try:
            answer = call.forward_unchanged()
        except AwsError as error:
            if error.code == "EntityNotFoundException":
                _forget(context, call)
            raise
        _forget(context, call)
        return answer

    return handler


def _is_there(context: Context, call: Call) -> bool:
    glue, name = context.client("glue", call.region), call.required("TableInput").get("Name", "")
    try:
        glue.get_table(DatabaseName=call.required("DatabaseName"), Name=name)
    except (glue.exceptions.EntityNotFoundException, ParamValidationError):
        return False
    return True


def _forget(context: Context, call: Call) -> None:
    given = call.payload
    if call.action == "DeleteDatabase":
        forget(context.store, call.region, call.required("Name"))
        return
    own = given.get("TablesToDelete") or [given.get("Name") or given.get("TableInput", {}).get("Name")]
    for name in own:
        forget(context.store, call.region, call.required("DatabaseName"), name)
