"""Tracks what a running statement writes, to remove it if the statement fails or the process dies."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from local_aws.context import Context
from local_aws.mirror import split_uri
from local_aws.protocol import Document

_NOTED = "athena_unfinished"

log = logging.getLogger("local_aws.athena")


def note(
    context: Context,
    execution: str,
    region: str,
    location: str,
    table: tuple[str, str] | None = None,
    elsewhere: Iterable[str] = (),
) -> None:
    """Record the output of a statement before it writes.

    Args:
        location: the folder for files whose names begin with the execution's id.
        table: database and name of the table that the statement creates.
        elsewhere: other folders for such files: partitions that do not lie in that of the table.
    """
    noted = {"Region": region, "Location": location, "Table": table, "Elsewhere": list(elsewhere)}
    context.store.put(_NOTED, execution, noted)


def settle(context: Context, execution: str) -> None:
    """Keep the output: the statement has succeeded."""
    context.store.delete(_NOTED, execution)


def take_back_all(context: Context) -> None:
    for execution in context.store.all(_NOTED):
        take_back(context, execution)


def take_back(context: Context, execution: str) -> None:
    """Delete the files that an execution has written to S3 so far, and the table that it created."""
    if (noted := context.store.get(_NOTED, execution)) is None:
        return
    with _warned_of(execution, noted["Location"]):
        _drop(context, noted)
    for location in (noted["Location"], *noted.get("Elsewhere", ())):
        with _warned_of(execution, location):
            _delete(context, execution, location)
    settle(context, execution)


@contextmanager
def _warned_of(execution: str, location: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        log.warning("some of what query %s made in or for %s is still there: %s", execution, location, error)


def _delete(context: Context, execution: str, location: str) -> None:
    bucket, prefix = split_uri(location.rstrip("/") + "/")
    files = context.mirror.list(bucket, prefix)
    deleted = [file.key for file in files if file.key.rpartition("/")[2].startswith(f"{execution}_")]
    context.mirror.delete(bucket, deleted)


def _drop(context: Context, noted: Document) -> None:
    glue = context.client("glue", noted["Region"])
    if not noted["Table"]:
        return
    database, name = noted["Table"]
    try:
        table = glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return
    if table["StorageDescriptor"]["Location"].rstrip("/") == noted["Location"].rstrip("/"):
        glue.delete_table(DatabaseName=database, Name=name)
