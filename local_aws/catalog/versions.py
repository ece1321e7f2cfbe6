"""The versions of a table: an update keeps the previous one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from local_aws.context import Context
from local_aws.mends.kept import place_of
from local_aws.pages import paged
from local_aws.protocol import AwsError, Call, Document, Handler, Handlers

_COLLECTION = "glue_table_versions"


def handlers(context: Context) -> Handlers:
    acts: dict[str, Callable[[Context, Call], Document]] = {
        "UpdateTable": _update,
        "GetTableVersion": _get,
        "GetTableVersions": _list,
        "DeleteTableVersion": _delete,
        "BatchDeleteTableVersion": _batch_delete,
    }
    return {
        **{("glue", action): partial(act, context) for action, act in acts.items()},
        ("glue", "DeleteTable"): _forgetting(context, lambda call: [call.required("Name")]),
        ("glue", "BatchDeleteTable"): _forgetting(context, lambda call: call.required("TablesToDelete")),
        ("glue", "DeleteDatabase"): _forgetting(context, None),
    }


def _update(context: Context, call: Call) -> Document:
    before = None if call.payload.get("SkipArchive") else _current(context, call, call.required("TableInput")["Name"])
    answer = call.forward_unchanged()
    if before is not None:
        place = _place(call, before["Name"], before["VersionId"])
        context.store.put(_COLLECTION, place, _readable(before))
    return answer


def _readable(table: Document) -> Document:
    """Return the table with times as numbers, as on the wire."""
    return {name: value.timestamp() if hasattr(value, "timestamp") else value for name, value in table.items()}


def _current(context: Context, call: Call, table: str) -> Document | None:
    glue = context.client("glue", call.region)
    try:
        return dict(glue.get_table(DatabaseName=call.required("DatabaseName"), Name=table)["Table"])
    except glue.exceptions.EntityNotFoundException:
        return None


def _get(context: Context, call: Call) -> Document:
    wanted = call.payload.get("VersionId")
    for version in _versions(context, call):
        if wanted in (None, "", version["VersionId"]):
            return {"TableVersion": version}
    raise _absent(call, str(wanted))


def _list(context: Context, call: Call) -> Document:
    """Return a page of the versions, newest first."""
    versions = _versions(context, call)
    return paged("TableVersions", versions, call.payload, lambda version: (-int(version["VersionId"]),))


def _versions(context: Context, call: Call) -> list[Document]:
    """Return the versions, newest first; the first is the current table."""
    name = call.required("TableName")
    current = _current(context, call, name)
    if current is None:
        raise AwsError("EntityNotFoundException", f"Table {name} not found.")
    tables = [_readable(current), *context.store.under(_COLLECTION, _place(call, name, ""))]
    tables.sort(key=lambda table: int(table["VersionId"]), reverse=True)
    return [{"Table": table, "VersionId": table["VersionId"]} for table in tables]


def _delete(context: Context, call: Call) -> Document:
    version = str(call.required("VersionId"))
    place = _place(call, call.required("TableName"), version)
    if context.store.get(_COLLECTION, place) is None:
        raise _absent(call, version)
    context.store.delete(_COLLECTION, place)
    return {}


def _batch_delete(context: Context, call: Call) -> Document:
    errors = []
    for version in call.required("VersionIds"):
        place = _place(call, call.required("TableName"), version)
        if context.store.get(_COLLECTION, place) is None:
            error = _absent(call, version)
            detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
            errors.append({"TableName": call.payload["TableName"], "VersionId": version, "ErrorDetail": detail})
        context.store.delete(_COLLECTION, place)
    return {"Errors": errors}


def _absent(call: Call, version: str) -> AwsError:
    name = f"{call.payload['DatabaseName']}.{call.payload['TableName']}"
    return AwsError("EntityNotFoundException", f"Version {version} of table {name} not found, or is the current one.")


def _forgetting(context: Context, tables: Callable[[Call], Iterable[str]] | None) -> Handler:
    """Wrap a delete so that it also deletes the versions."""

    def handler(call: Call) -> Document:
        answer = call.forward_unchanged()
        if tables is None:
            prefixes = [place_of(call, call.required("Name"), "")]
        else:
            prefixes = [_place(call, name, "") for name in tables(call)]
        for prefix in prefixes:
            context.store.delete_all(_COLLECTION, context.store.keys(_COLLECTION, prefix))
        return answer

    return handler


def _place(call: Call, table: str, version: str) -> str:
    return place_of(call, call.required("DatabaseName"), table, version)
