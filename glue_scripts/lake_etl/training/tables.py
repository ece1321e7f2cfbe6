"""The tables that a training set is made of, and what says that they are the same as before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn

from lake_etl.catalog import Locations, NoTable, Table, find_table
from lake_etl.errors import JobError
from lake_etl.names import column, type_of
from lake_etl.source import Source, read_source
from lake_etl.storage import each_version


@dataclass
class Tables:
    """Tables by name, from the first of the databases that has them. Each is read once.

    stands_in: a table in the place of another where `from` reads it, name -> name.
    where: which rows of a table that stands in.
    optional: columns that a table which stands in may lack; they are null then.
    has_stood_in: whether `from` read such a table.
    """

    spark: SparkSession
    databases: tuple[str, ...]
    stands_in: Mapping[str, str] = field(default_factory=dict)
    where: str = "true"
    optional: tuple[str, ...] = ()
    read: dict[str, tuple[str, Table, Source]] = field(default_factory=dict)
    has_stood_in: bool = False

    def rows(self, name: str) -> DataFrame:
        """The rows of the table itself."""
        return self._source(name).rows

    def _rows_of_from(self, name: str) -> DataFrame:
        own = name.lower()
        return self._standing_in(own, self.rows(self.stands_in[own])) if own in self.stands_in else self.rows(name)

    def _standing_in(self, name: str, rows: DataFrame) -> DataFrame:
        """The rows that stand in, with the columns of the table that they stand in for."""
        self.has_stood_in = True
        try:
            rows = rows.where(self.where)
        except PySparkException as error:
            raise JobError(f"--where {self.where}: {_sentence(error)}") from None
        own, found = self.rows(name), set(rows.columns)
        missing = set(own.columns) - found
        if needed := sorted(missing - set(self.optional)):
            raise JobError(f"table {self.stands_in[name]}: it has no column {', '.join(needed)}, as {name} has")
        return rows.select(*[column(each) if each in found else _null(own, each) for each in own.columns])

    def _source(self, name: str) -> Source:
        if name not in self.read:
            database, table = self._found(name)
            self.read[name] = (database, table, read_source(self.spark, boto3.client("s3"), table))
        return self.read[name][2]

    def _found(self, name: str) -> tuple[str, Table]:
        for database in self.databases:
            try:
                found = find_table(boto3.client("glue"), database, name, name)
            except NoTable:
                continue
            if database != self.databases[0]:
                return database, found
            # A job's table is the folders that the catalog names, and none of another run.
            partitions: Locations = found.partitions if found.partition_keys else {(): found.location}
            return database, replace(found, partitions=partitions, is_closed=True)
        raise JobError(
            f"there is no table '{name}' in {' or '.join(self.databases)}. Run the job that makes it, or the dataset's "
            "crawler"
        )

    def select(self, sql: str) -> DataFrame:
        """What Spark SQL makes of the tables that it names; a name alone is that table."""
        if sql.isidentifier():
            return self._rows_of_from(sql)
        views: set[str] = set()
        try:
            return self._selected(sql, views)
        finally:
            for name in views:
                self.spark.catalog.dropTempView(name)

    def _selected(self, sql: str, views: set[str]) -> DataFrame:
        """Spark says which table it misses, until it misses none."""
        try:
            return self.spark.sql(sql)
        except PySparkException as error:
            name = _missing(error)
            if name is None or name in views:
                raise JobError(f"from: {_sentence(error)}") from None
        self._rows_of_from(name).createOrReplaceTempView(name)
        views.add(name)
        return self._selected(sql, views)

    def check_unchanged(self) -> None:
        """Raise JobError for a file that was replaced while it was read."""
        for name, (_, _, source) in self.read.items():
            if path := source.changed():
                raise JobError(f"table {name}: {path} was replaced or deleted while it was read. Run this again")

    def snapshots(self) -> dict[str, dict[str, Any]]:
        """By table: its database, its place, its files and their hash, which is another when one of them is."""
        return {name: _snapshot(database, table) for name, (database, table, _) in sorted(self.read.items())}


def _null(rows: DataFrame, name: str) -> Column:
    return fn.lit(None).cast(type_of(rows, name)).alias(name)


def _snapshot(database: str, table: Table) -> dict[str, Any]:
    s3 = boto3.client("s3")
    files = sorted(version for place in table.locations for version in each_version(s3, place))
    digest = hashlib.sha256("\n".join(f"{path} {size} {etag}" for path, size, etag in files).encode()).hexdigest()
    return {"database": database, "location": table.location, "files": len(files), "snapshot": digest}


def _missing(error: PySparkException) -> str | None:
    if not isinstance(error, AnalysisException) or error.getErrorClass() != "TABLE_OR_VIEW_NOT_FOUND":
        return None
    return str((error.getMessageParameters() or {})["relationName"]).strip("`")


def _sentence(error: PySparkException) -> str:
    """Spark's sentence, without its error class and the plan."""
    line = str(error).strip().splitlines()[0]
    return line.partition("] ")[2] or line
