"""Reads a table's files as one DuckDB relation: one reader per SerDe, joined with the files' partition values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from local_aws.athena.errors import DATA_ERROR, QueryFailed, reason_of
from local_aws.athena.hive_types import duckdb_type, parsed
from local_aws.athena.memory import Memory
from local_aws.athena.options import NAMES, refuse_options
from local_aws.athena.query.translate.physical import physical
from local_aws.athena.query.types import of_catalog
from local_aws.athena.readers import json, lazy_simple, opencsv, orc, parquet, regex
from local_aws.athena.readers.copies import PACKS
from local_aws.athena.readers.lines import refuse_unreadable
from local_aws.athena.readers.source import Scope, Source, named
from local_aws.athena.tables import HIDDEN, Column, Partition, Table
from local_aws.athena.types import sql_name, sql_string
from local_aws.mirror import S3File

Files = list[tuple[S3File, Partition]]
_READERS: dict[str, Callable[[Scope], list[Source]]] = {
    "json": json.sources,
    "opencsv": opencsv.sources,
    "orc": orc.sources,
    "parquet": parquet.sources,
    "regex": regex.sources,
    "text": lazy_simple.sources,
}
_BY_NAME = ("json", "parquet")
"""Formats whose columns are found by their names, so that those left out are not missed."""


@dataclass(frozen=True)
class Relation:
    """The view `name` in a connection: the table's columns, its keys, and the requested hidden columns."""

    con: duckdb.DuckDBPyConnection
    name: str
    table: Table
    memory: Memory

    def create(self, files: Files, hidden: Sequence[str], wanted: Container[str] | None = None) -> None:
        """Make the view over these files, with the columns that are wanted: all of them if that is not known.

        Raises:
            QueryFailed: the table's format is not supported, or its files are not in it.
        """
        with self._speaking_of(files):
            columns = [column for column in self.table.columns if wanted is None or column.name in wanted]
            columns = columns or self.table.columns[:1]
            found = " UNION ALL ".join(self._selects(files, hidden, columns))
            self.con.execute(f"CREATE TEMP VIEW {self.name} AS {found or self._empty(hidden, columns)}")

    @contextmanager
    def _speaking_of(self, files: Files) -> Iterator[None]:
        """Report the S3 URI of a file that is not in the table's format."""
        try:
            yield
        except (duckdb.Error, ValueError, OSError) as error:  # Arrow raises ValueError.
            text = str(error)
            bad = [file.uri for file, _ in files if f"{file.path}'" in text or f'{file.path}"' in text]
            reason = f"{self.table.name}: {reason_of(error)}"
            reason = f"{bad[0]} is no valid {NAMES[self.table.format]} file" if bad else reason
            raise QueryFailed(f"HIVE_BAD_DATA: {reason}", DATA_ERROR) from error

    def _selects(self, files: Files, hidden: Sequence[str], columns: Sequence[Column]) -> Iterator[str]:
        self._refuse_doubles()
        self._refuse_unknown_types()
        keys = [f"p.{sql_name(key.name)}" for key in self.table.keys]
        about = [f"p.{sql_name(name)}" for name in hidden]
        for number, (table, group) in enumerate(self._by_serde(files)):
            read = table.of(columns) if table.format in _BY_NAME else table
            scope = Scope(self.con, f"{self.name}_{number}", read, group, self.memory, self._files)
            refuse_options(table)
            if table.format not in PACKS:
                refuse_unreadable(group, self.memory)
            for source in _READERS[table.format](scope):
                values = dict(zip([column.name for column in read.columns], source.values, strict=True))
                select = ", ".join([*named([values[column.name] for column in columns], columns), *keys, *about])
                scope.make_functions(f"{select} {source.sql}")
                yield f"SELECT {select} FROM ({source.sql}) AS f JOIN {self._files} AS p ON f.filename = p.filename"

    def _refuse_doubles(self) -> None:
        names = Counter(column.name for column in [*self.table.columns, *self.table.keys])
        if doubles := sorted(name for name, count in names.items() if count > 1):
            raise QueryFailed(
                f"HIVE_INVALID_METADATA: Hive metadata for table {self.table.name} is invalid: Table descriptor "
                f"contains duplicate columns: {', '.join(doubles)}"
            )

    def _refuse_unknown_types(self) -> None:
        for column in self.table.columns:
            try:
                duckdb_type(column.type)
            except QueryFailed as error:
                raise QueryFailed(
                    f"NOT_SUPPORTED: column {column.name} of table {self.table.database}.{self.table.name} is of the "
                    f"type {column.type}, which is not known here; change it in the table"
                ) from error

    def _by_serde(self, files: Files) -> list[tuple[Table, list[S3File]]]:
        """Group the files by SerDe: a partition's own SerDe reads its files, and replaces the table's here.

        A file that several partitions share is read once; the join with their values has its rows for each.
        """
        groups: dict[str, tuple[Table, dict[Path, S3File]]] = {}
        for file, partition in files:
            table = self.table.read_by(partition.serde)
            groups.setdefault(str(table.serde), (table, {}))[1][file.path] = file
        return [(table, list(group.values())) for table, group in groups.values()]

    def scanned_bytes(self, files: Files, columns: set[str]) -> int:
        """Return the bytes that a query of these columns reads: column chunks for Parquet, else whole files.

        Raises:
            QueryFailed: a file is not Parquet.
        """
        if self.table.format != "parquet" or not files:
            return sum(file.size for file, _ in files)
        names = ", ".join(sql_string(column) for column in columns) or "NULL"
        with self._speaking_of(files):
            row = self.con.execute(
                f"SELECT coalesce(sum(total_compressed_size), 0) FROM parquet_metadata({self._paths}) "
                f"WHERE lower(split_part(path_in_schema, ', ', 1)) IN ({names})"
            ).fetchone()
        return int(row[0]) if row else 0

    @property
    def _files(self) -> str:
        return f"{self.name}_files"

    @property
    def _paths(self) -> str:
        return f"getvariable({sql_string(self.name)})"

    def register(self, files: Files) -> None:
        """Register the files and their partition values in DuckDB; must be called first."""
        import pyarrow as pa  # 40 MB of memory that only queries need

        columns: dict[str, list[str | None]] = {
            "filename": [str(file.path) for file, _ in files],
            "$path": [file.uri for file, _ in files],
            "$file_size": [str(file.size) for file, _ in files],
            "$file_modified_time": [_zoned(file.modified) for file, _ in files],
        }
        columns |= {key.name: [partition.values[i] for _, partition in files] for i, key in enumerate(self.table.keys)}
        self.con.register("given", pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}))
        self._refuse_bad_values()
        keys = "".join(f", {named([sql_name(key.name)], [key])[0]}" for key in self.table.keys)
        hidden = ", ".join(_hidden(sql_name(name), name) for name in HIDDEN)
        self.con.execute(f"CREATE TEMP TABLE {self._files} AS SELECT filename, {hidden}{keys} FROM given")
        self.con.unregister("given")
        self.con.execute(f"SET VARIABLE {self.name} = (SELECT list(filename) FROM {self._files})")

    def _refuse_bad_values(self) -> None:
        """Raises QueryFailed for a partition whose value does not have its key's type."""
        for key in self.table.keys:
            name = sql_name(key.name)
            bad = f"{name} IS NOT NULL AND (TRY_CAST({name} AS {duckdb_type(key.type)}) IS NULL{_too_long(name, key)})"
            row = self.con.execute(f'SELECT {name}, "$path" FROM given WHERE {bad} LIMIT 1').fetchone()
            if row:
                raise QueryFailed(
                    f"HIVE_INVALID_PARTITION_VALUE: Invalid partition value {row[0]!r} for {key.type} partition key "
                    f"{key.name} of {self.table.database}.{self.table.name}, in {row[1].rpartition('/')[0]}/; drop "
                    "that partition, or declare the key string"
                )

    def _empty(self, hidden: Sequence[str], columns: Sequence[Column]) -> str:
        fields = [*columns, *self.table.keys]
        about = [_hidden("NULL", name) for name in hidden]
        return f"SELECT {', '.join([*named(['NULL'] * len(fields), fields), *about])} WHERE false"


def _too_long(name: str, key: Column) -> str:
    kind = parsed(key.type)
    return f" OR length({name}) > {kind.sizes[0]}" if kind.name == "varchar" and kind.sizes else ""


def _hidden(value: str, name: str) -> str:
    return f"CAST({value} AS {physical(of_catalog(HIDDEN[name]))}) AS {sql_name(name)}"


def _zoned(moment: datetime) -> str:
    """The text of a timestamp with time zone as DuckDB has it."""
    return f"{{'i': '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}', 'z': 'UTC'}}"
