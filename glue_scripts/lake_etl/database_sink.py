"""Writes the job's table into a database: all rows into a staging table, then into the table in one transaction."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession

from lake_etl.connectors import POSTGRESQL
from lake_etl.database import Refused, Session, exists, find_database, is_of_reading, is_of_the_driver, quoted, refusal
from lake_etl.database_columns import (
    check_fit,
    check_keys,
    check_unique,
    check_values,
    matched,
    staged,
    value,
    without_lost_days,
)
from lake_etl.database_target import check_truncate, empty, insert
from lake_etl.database_types import Type, columns_of
from lake_etl.errors import JobError, check_columns, check_options, unknown
from lake_etl.names import double_quoted
from lake_etl.sink import Written

T = TypeVar("T")
MODES = ("insert", "truncate", "upsert")
RUNS = "_lake_runs"
WRITERS = "8"  # concurrent connections
# The server then notices within minutes that the machine of a run is gone, and releases the run's lock.
KEEPALIVE = "SELECT set_config('tcp_keepalives_idle', '60', false), set_config('tcp_keepalives_interval', '15', false)"


@dataclass(frozen=True)
class DatabaseSink:
    """Where and how a job writes: `table` is schema.table; batch_size is the number of rows per round trip."""

    connection: str
    table: str
    mode: str = "insert"
    keys: tuple[str, ...] = ()
    batch_size: int = 1000


def read_database_sink(options: dict[str, Any]) -> DatabaseSink:
    """Return the sink for the options. Raises JobError for an unknown option or value."""
    check_options(options, ("connection", "table"), ("mode", "keys", "batch_size"))
    sink = DatabaseSink(**{**options, "keys": tuple(options.get("keys") or ())})
    if sink.mode not in MODES:
        raise unknown("sink mode", sink.mode, MODES)
    if not re.fullmatch(r"\w+\.\w+", sink.table):
        raise JobError(f"sink table '{sink.table}' is not schema.table, such as public.{sink.table}")
    if (sink.mode == "upsert") != bool(sink.keys):
        raise JobError(f"sink keys: an upsert needs them, and nothing else takes them. Its mode is {sink.mode}")
    return sink


@contextmanager
def loading(spark: SparkSession, sink: DatabaseSink, job: str, run_id: str) -> Iterator[Load]:
    """Open a load, and close it however the block ends."""
    load = Load(spark, sink, job, run_id)
    try:
        yield load
    finally:
        load.close()


class Load:
    """One run's load into a table. `write` fills a staging table, `publish` moves its rows in one transaction.

    A lock keeps a second load of the same table out until this one is closed.
    The schema gets a table _lake_runs with what each run has loaded, written in the same transaction. So a run that
    Glue retries does not insert twice, and after a lost connection the table shows whether the commit succeeded.

    Raises JobError if the database is missing, another run loads the table, or the rows do not fit it.
    """

    def __init__(self, spark: SparkSession, sink: DatabaseSink, job: str, run_id: str) -> None:
        self.spark, self.sink, self.job, self.run_id = spark, sink, job, run_id
        self.database = find_database(sink.connection)
        self.session = Session(spark, self.database)
        self.schema, self.table = sink.table.split(".")
        self.staging = f"{self.schema}.{self._prefix}{_digest(run_id, 12)}"
        self.name = f"{sink.connection} {sink.table}"

    def check(self) -> None:
        """Take the lock, and remove what killed runs have left."""
        self.session.rows(KEEPALIVE)
        self.session.execute("SET TIME ZONE 'UTC'")
        if self.session.rows("SELECT to_regnamespace(?)", double_quoted(self.schema)) == [[None]]:
            raise self._error(f"the database has no schema {self.schema}. Create it first")
        lock = "SELECT pg_try_advisory_lock(hashtextextended(?, 0))"
        if self.session.rows(lock, f"lake {self.sink.table}") != [["t"]]:
            raise self._error("another run is writing into it. Wait until it has ended")
        beside = "SELECT tablename FROM pg_tables WHERE schemaname = ? AND starts_with(tablename, ?)"
        for (leftover,) in self.session.rows(beside, self.schema, self._prefix):
            self._drop(f"{self.schema}.{leftover}")

    def write(self, frame: DataFrame) -> Written:
        """Write all rows into a staging table, and count them there."""
        check_columns(frame, self.sink.keys, "the data that goes to the sink")
        types, there = self._checked(lambda: staged(frame)), columns_of(self.session, self.sink.table)
        if there:
            self._checked(lambda: self._check_table(types, there))
        columns = ", ".join(f"{double_quoted(name)} {type_}" for name, type_ in types.items())
        self._drop(self.staging)
        # Unlogged: it is written once and read once; after a crash of the server it is empty.
        self.session.execute(f"CREATE UNLOGGED TABLE {quoted(self.staging)} ({columns})")
        self._save(frame)
        (count,) = self.session.rows(f"SELECT count(*) FROM {quoted(self.staging)}")[0]
        self._checked(lambda: check_keys(self.session, self.staging, matched(self.sink.keys, types)))
        if there:
            self._checked(lambda: check_values(self.session, self.staging, types, there))
        return Written(location="", rows=int(str(count)), bytes=0, files=0, columns=types, keys={}, partitions={})

    def check_fit(self, written: Written) -> None:
        """Do nothing: `write` has compared the rows with the table."""

    def publish(self, written: Written) -> None:
        """Move the staged rows into the table: a reader sees all of them or none."""
        try:
            with self.session.transaction():
                if self._is_new(written):
                    self._checked(lambda: self._move(written))
        except Refused as error:
            if POSTGRESQL.is_state("lost", error.state):
                self._settle(error)
            else:
                raise self._error(str(error)) from error

    def tidy(self, job: str) -> None:
        """Do nothing: each earlier run was one transaction, so it left nothing behind."""

    def close(self) -> None:
        """Drop the staging table, and close the connection, which releases the lock."""
        try:
            self._drop(self.staging)
            self.session.close()
        except Refused as error:
            # The server has closed the connection; the next run drops the table.
            if not POSTGRESQL.is_state("lost", error.state):
                raise

    @property
    def _prefix(self) -> str:
        return f"_lake_{self.table[:24]}_{_digest(self.table, 8)}_"

    def _save(self, frame: DataFrame) -> None:
        options = self.database.options(quoted(self.staging)) | {
            "batchsize": str(self.sink.batch_size),
            "numPartitions": WRITERS,
            "reWriteBatchedInserts": "true",
        }
        try:
            without_lost_days(frame, self.sink.table).write.format("jdbc").options(**options).mode("append").save()
        except Py4JJavaError as error:
            if not is_of_the_driver(error) or is_of_reading(error):
                raise
            refused = refusal(error, self.database)
            zero = POSTGRESQL.is_state("no_such_character", getattr(refused, "state", ""))
            way_out = (
                f". {POSTGRESQL.title} cannot store text with the character 0: remove it in a map step" if zero else ""
            )
            raise self._error(f"{refused}{way_out}") from None

    def _check_table(self, types: dict[str, str], target: dict[str, Type]) -> None:
        check_fit(self.session, types, target)
        check_unique(self.session, self.sink.table, matched(self.sink.keys, target))
        if self.sink.mode == "truncate":
            check_truncate(self.session, self.sink.table)

    def _move(self, written: Written) -> None:
        table, types, keys = self.sink.table, written.columns, self.sink.keys
        if not exists(self.session, table):
            self._create(types)
        if self.sink.mode == "truncate":
            empty(self.session, table)
        target = columns_of(self.session, table)
        names = dict(zip(matched(types, target), types, strict=True))
        values = [
            f"{value(name, types[name], target[known])} AS {double_quoted(known)}" for known, name in names.items()
        ]
        given = f"SELECT {', '.join(values)} FROM {quoted(self.staging)}"
        into = {name: target[name].full for name in names}
        insert(self.session, table, into, given, matched(keys, target), written.rows)

    def _create(self, types: dict[str, str]) -> None:
        columns = [f"{double_quoted(name.lower())} {type_}" for name, type_ in types.items()]
        keys = ", ".join(double_quoted(key.lower()) for key in self.sink.keys)
        columns += [f"PRIMARY KEY ({keys})"] if keys else []
        self.session.execute(f"CREATE TABLE {quoted(self.sink.table)} ({', '.join(columns)})")

    @property
    def _runs(self) -> str:
        return quoted(f"{self.schema}.{RUNS}")

    @property
    def _noted_as(self) -> str:
        """Return the key of this load: attempts of one run are one insert, and loads of other modes may repeat."""
        return self.run_id.partition("_attempt_")[0] if self.sink.mode == "insert" else self.run_id

    def _is_new(self, written: Written) -> bool:
        """Record this load. False if this run has already done it."""
        self.session.execute(
            f"CREATE TABLE IF NOT EXISTS {self._runs} (table_name text, run_id text, job text, mode text, rows bigint, "
            "loaded_at timestamp with time zone DEFAULT now(), PRIMARY KEY (table_name, run_id))"
        )
        note = f"INSERT INTO {self._runs} VALUES (?, ?, ?, ?, ?::bigint) ON CONFLICT DO NOTHING"
        return bool(self.session.execute(note, self.table, self._noted_as, self.job, self.sink.mode, str(written.rows)))

    def _settle(self, error: Refused) -> None:
        """After a lost connection, perhaps after the commit: check over a new connection whether the rows arrived."""
        try:
            session = Session(self.spark, self.database)
        except JobError:
            raise self._error(
                f"{error}. Its rows are all there or not at all: look for the run {self._noted_as} in {self._runs}"
            ) from error
        try:
            noted = f"SELECT 1 FROM {self._runs} WHERE table_name = ? AND run_id = ?"
            done = exists(session, f"{self.schema}.{RUNS}") and session.rows(noted, self.table, self._noted_as)
        finally:
            session.close()
        if not done:
            raise self._error(str(error)) from error

    def _drop(self, table: str) -> None:
        self.session.execute(f"DROP TABLE IF EXISTS {quoted(table)}")

    def _checked(self, check: Callable[[], T]) -> T:
        try:
            return check()
        except Refused:
            raise
        except JobError as error:
            raise self._error(str(error)) from None

    def _error(self, message: str) -> JobError:
        return JobError(f"sink {self.sink.table}: {message}")


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
