"""The job's table as files in the curated zone, with its entry in the catalog."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest

import boto3
from pyspark.sql import DataFrame

from lake_etl.catalog import check_table, publish_partitions, publish_table, registered, storage_of
from lake_etl.errors import JobError
from lake_etl.formats import FORMATS
from lake_etl.incremental import BATCH, check_batch, check_same, columns_of, publish_batch
from lake_etl.sink import Sink, Written, write_table
from lake_etl.versions import remove_unused, run_folder

OTHER_TABLE = (
    "Partitions that this run has no rows for would keep the others. "
    "Give the sink another table name, or delete the table and its files first"
)


@dataclass
class Files:
    """Where a run writes: its own folder under the table's root, which ends with a slash."""

    database: str
    root: str
    sink: Sink
    run_id: str
    keys: tuple[str, ...] = ()
    replaced: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.database}.{self.sink.table}"

    def check(self) -> None:
        """Raise JobError if the existing table does not fit the sink."""
        keys = (*self.sink.partition_by, *self.keys)
        check_table(boto3.client("glue"), self.database, self.sink.table, self.sink.format, keys)

    def write(self, frame: DataFrame) -> Written:
        self._check_keys(frame)
        return write_table(frame, run_folder(self.root, self.run_id), self.sink)

    def check_fit(self, written: Written) -> None:
        """Raise JobError if partitions that stay have columns of other types."""
        before = registered(boto3.client("glue"), self.database, self.sink.table)
        if self.sink.partition_by and set(before) - set(written.partitions):
            self._check_columns(written.columns)

    def publish(self, written: Written) -> None:
        """Register the table and the written partitions in the catalog."""
        self.replaced = self._locations()
        glue, storage = boto3.client("glue"), storage_of(self.sink.format, written.columns)
        location = self.root if self.sink.partition_by else written.location
        publish_table(glue, self.database, self.sink.table, location, storage, written.keys)
        publish_partitions(glue, self.database, self.sink.table, storage, written.partitions)

    def tidy(self, job: str) -> None:
        """Remove the folders of ended runs that the catalog no longer refers to.

        The folders that this run replaced stay: queries may still be reading them.
        """
        in_use = lambda: [*self.replaced, *self._locations()]  # noqa: E731
        remove_unused(boto3.client("glue"), boto3.client("s3"), job, self.root, in_use)

    def _check_keys(self, frame: DataFrame) -> None:
        for key in {*self.keys} & {name.lower() for name in frame.columns}:
            raise JobError(
                f"the data has a column '{key}', and an incremental run adds a partition key of that name. "
                f"Rename the column in a map step, rename: {{{key}: NAME}}"
            )

    def _check_columns(self, columns: dict[str, str]) -> None:
        existing = columns_of(boto3.client("glue"), self.database, self.sink.table)
        both = [name for name in existing if name in columns]
        differing = [name for name in both if existing[name] != columns[name]]
        if FORMATS[self.sink.format].by_position:
            differing += [old for old, new in zip_longest(existing, [*columns][: len(existing)]) if old != new]
        check_same(self.name, [*dict.fromkeys(differing)], OTHER_TABLE)

    def _locations(self) -> list[str]:
        return list(registered(boto3.client("glue"), self.database, self.sink.table).values())


@dataclass
class Batches(Files):
    """The files of an incremental run's batches. checkpoint and number are set for each batch."""

    keys: tuple[str, ...] = (BATCH,)
    checkpoint: str = ""
    number: int = 0

    def write(self, frame: DataFrame) -> Written:
        self._check_keys(frame)
        return write_table(frame, f"{run_folder(self.root, self.run_id)}{BATCH}={self.number}/", self.sink)

    def check_fit(self, written: Written) -> None:
        """Raise JobError if the batches before have other columns."""
        check_batch(boto3.client("glue"), self.database, self.sink, self.number, written)

    def publish(self, written: Written) -> None:
        self.replaced += self._locations()
        publish_batch(boto3.client("glue"), self.database, self.sink, self.root, self.checkpoint, self.number, written)
