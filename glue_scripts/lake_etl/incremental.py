"""Incremental runs: Spark's file source finds new files by its checkpoint, and each batch becomes partitions.

If a run dies before the checkpoint records a batch, Spark runs the batch again with the same number and files.
So what a batch publishes replaces what it published before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession

from lake_etl.catalog import (
    Table,
    delete_partition,
    publish_partitions,
    publish_table,
    registered,
    storage_of,
)
from lake_etl.errors import JobError
from lake_etl.formats import FORMATS
from lake_etl.report import GAINS, LOSSES
from lake_etl.storage import list_files

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

    from lake_etl.sink import Sink, Written

BATCH = "batch"  # the last partition key of an incremental table
CHECKPOINT = "checkpoint"  # the table parameter that names the checkpoint of its batches
FILE = "path string, modificationTime timestamp, length bigint, content binary"  # columns of Spark's binaryFile source
ANEW = "Start the job once with --full_refresh true: it rebuilds the table from all files"
LISTED = ("expectations", "warnings")  # concatenated in the report of several batches
NOTHING: dict[str, Any] = {
    **dict.fromkeys(("rows_in", "rows_out", "quarantined_rows", "quarantined_files", *GAINS, *LOSSES), 0),
    "steps": [],
    "quarantined": {},
    **dict.fromkeys(("partitions", "files", "bytes"), 0),
}


def checkpoint_of(glue: GlueClient, database: str, name: str) -> str:
    """Return the checkpoint of the table's batches. Empty if there is no table or it has no batches."""
    try:
        table = glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return ""
    return table.get("Parameters", {}).get(CHECKPOINT, "")


def each_batch(
    spark: SparkSession, s3: S3Client, table: Table, checkpoint: str, process: Callable[[int, dict[str, int]], None]
) -> None:
    """Call process with a batch number and the files (path -> size in bytes) that are new to the checkpoint.

    Usually that is one batch with all new files, or none if nothing is new. The batch of a run that died comes first.
    The files come from the folder, not the catalog, so they include partitions that no crawler has seen yet.
    Raises JobError for a table with a partition outside its folder.
    """
    failures: list[Exception] = []

    def call(frame: DataFrame, number: int) -> None:
        try:
            process(number, {row["path"]: row["length"] for row in frame.collect()} | _empty_files(s3, table))
        except Exception as error:
            failures.append(error)
            raise

    _check_one_folder(table)
    if not any(list_files(s3, table.location).values()):
        return
    # Without a maximum age, Spark would ignore files a week older than the newest.
    files = spark.readStream.format("binaryFile").schema(FILE).options(recursiveFileLookup=True, maxFileAge="36500d")
    stream = files.load(table.location).select("path", "length").writeStream.foreachBatch(call)
    query = stream.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
    try:
        query.awaitTermination()
    except StreamingQueryException:
        raise failures[0] if failures else JobError(_trouble(query.exception(), checkpoint)) from None


def _check_one_folder(table: Table) -> None:
    """Raise JobError for a table with a partition outside its folder, where Spark's file source would not look."""
    for values, place in table.elsewhere.items():
        shown = "/".join(f"{key}={value}" for key, value in zip(table.partition_keys, values, strict=True))
        raise JobError(
            f"dataset {table.dataset}: its partition {shown} lies at {place}, and an incremental run finds new files "
            f"only in {table.location}. Move its files there, or take `incremental` out of the job"
        )


def _empty_files(s3: S3Client, table: Table) -> dict[str, int]:
    """Return the empty files, which Spark's file source ignores."""
    return {path: size for path, size in list_files(s3, table.location).items() if not size}


def _trouble(error: Any, checkpoint: str) -> str:
    first = str(error).strip().splitlines()[0]
    return f"the checkpoint {checkpoint} cannot be used: {first}. A run with --full_refresh true starts a new one"


def check_batch(glue: GlueClient, database: str, sink: Sink, number: int, written: Written) -> None:
    """Raise JobError if a batch has other columns than the ones before, which it joins. Batch 0 replaces them."""
    if number:
        existing = columns_of(glue, database, sink.table)
        check_same(f"{database}.{sink.table}", _differing(existing, written.columns, sink.format), ANEW)


def publish_batch(
    glue: GlueClient, database: str, sink: Sink, root: str, checkpoint: str, number: int, written: Written
) -> None:
    """Register what a batch wrote, with the batch number as the last value of each partition.

    Batch 0 replaces the table; later batches add to it.
    Partitions that an earlier attempt of the batch registered and this one did not write are removed.
    """
    before, storage = registered(glue, database, sink.table), storage_of(sink.format, written.columns)
    found = written.partitions or ({(): written.location} if written.rows else {})
    partitions = {(*values, str(number)): location for values, location in found.items()}
    keys = written.keys | {BATCH: "bigint"}
    publish_table(glue, database, sink.table, root, storage, keys, {CHECKPOINT: checkpoint})
    publish_partitions(glue, database, sink.table, storage, partitions)
    stale = [values for values in before if values not in partitions and (not number or values[-1] == str(number))]
    for values in stale:
        delete_partition(glue, database, sink.table, values)


def _differing(existing: dict[str, str], columns: dict[str, str], format_: str) -> list[str]:
    """Return the columns that differ in type or, where Athena finds them by their position, in place."""
    differing = [name for name in {*existing, *columns} if existing.get(name) != columns.get(name)]
    if differing or not FORMATS[format_].by_position:
        return differing
    return [name for name, other in zip(existing, columns, strict=True) if name != other]


def columns_of(glue: GlueClient, database: str, name: str) -> dict[str, str]:
    """Return name -> type of a table's columns, without its partition keys."""
    storage = glue.get_table(DatabaseName=database, Name=name)["Table"]["StorageDescriptor"]
    return {column["Name"]: column["Type"] for column in storage["Columns"]}


def check_same(table: str, differing: Sequence[str], way_out: str) -> None:
    """Raise JobError if columns of the existing table differ from those of the run's rows."""
    if differing:
        columns = ", ".join(sorted(differing))
        raise JobError(f"table {table} has other columns than this run's rows: {columns} differ. {way_out}")


def total(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Merge the reports of several batches, or of none, into one."""
    found: dict[str, Any] = NOTHING
    for report in reports:
        listed = {name: [*found.get(name, []), *report.get(name, [])] for name in LISTED}
        summed = _sum(found, {name: value for name, value in report.items() if name not in LISTED})
        found = summed | {name: lines for name, lines in listed.items() if lines}
    figures = {name: value for name, value in found.items() if name not in ("started_at", "seconds")}
    return {**figures, "batches": len(reports)}


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return {name: _sum(one[name], other[name]) if name in one else other[name] for name in other}
    if isinstance(one, list):
        return [_sum(*pair) for pair in zip(one, other, strict=True)] if one else other
    return one + other if isinstance(one, int | float) else other
