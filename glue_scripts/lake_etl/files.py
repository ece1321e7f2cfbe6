"""The job's table as files in the curated zone, with its entry in the catalog."""

from __future__ import annotations

from dataclasses import dataclass

import boto3
from pyspark.sql import DataFrame

from lake_etl.catalog import check_table, publish_partitions, publish_table, storage_of
from lake_etl.sink import Sink, Written, write_table


@dataclass(frozen=True)
class Files:
    """Where a run writes to. `location` ends with a slash."""

    database: str
    location: str
    sink: Sink

    @property
    def name(self) -> str:
        return f"{self.database}.{self.sink.table}"

    def check(self) -> None:
        """Raise JobError where what is there already does not go with the sink."""
        sink = self.sink
        check_table(boto3.client("glue"), self.database, sink.table, sink.format, sink.partition_by)

    def write(self, frame: DataFrame) -> Written:
        return write_table(frame, self.location, self.sink)

    def publish(self, written: Written) -> None:
        """Tell the catalog of the table and of the partitions that were written."""
        glue, storage = boto3.client("glue"), storage_of(self.sink.format, written.columns)
        publish_table(glue, self.database, self.sink.table, self.location, storage, written.keys)
        publish_partitions(glue, self.database, self.sink.table, storage, written.partitions)
