"""Files of a table as one DuckDB relation: one reader over all files, joined to their partitions' values."""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb

from local_aws.athena.errors import DATA_ERROR, QueryFailed, reason_of
from local_aws.athena.spellings import Spellings
from local_aws.athena.tables import Column, Partition, Table
from local_aws.athena.types import duckdb_type, sql_name, sql_string
from local_aws.mirror import S3File

Files = list[tuple[S3File, Partition]]
_NO_TEXT = "\x02\x03"
"""Text that no file holds; DuckDB wants none of a file's quote and escape characters in it."""


@dataclass(frozen=True)
class Relation:
    """The view `name` in a connection: the table's columns, its keys and `$path`."""

    con: duckdb.DuckDBPyConnection
    name: str
    table: Table
    spellings: Spellings

    def create(self, files: Files, with_path: bool) -> None:
        """Make the view over these files.

        Raises:
            QueryFailed: when the table's format is not supported, or its files are not of it.
        """
        keys = [f"p.{sql_name(key.name)}" for key in self.table.keys]
        path = ['p."$path"'] if with_path else []
        columns = [f"f.{sql_name(column.name)}" for column in self.table.columns]
        select, joined = ", ".join([*columns, *keys, *path]), f"{self._files} AS p ON f.filename = p.filename"
        try:
            found = f"SELECT {select} FROM ({self._reader(files)}) AS f JOIN {joined}" if files else None
            self.con.execute(f"CREATE TEMP VIEW {self.name} AS {found or self._empty(with_path)}")
        except (duckdb.Error, ValueError, OSError) as error:  # Arrow's is a ValueError.
            raise QueryFailed(f"HIVE_BAD_DATA: {self.table.name}: {reason_of(error)}", DATA_ERROR) from error

    def scanned_bytes(self, files: Files, columns: set[str]) -> int:
        """The bytes a query of these columns reads: the column chunks of Parquet, or whole files."""
        if self.table.format != "parquet" or not files:
            return sum(file.size for file, _ in files)
        names = ", ".join(sql_string(column) for column in columns) or "NULL"
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
        """Tell DuckDB which files there are, and their partitions' values; comes first."""
        import pyarrow as pa  # 40 MB, which only queries need

        columns: dict[str, list[str | None]] = {
            "filename": [str(file.path) for file, _ in files],
            "$path": [file.uri for file, _ in files],
        }
        columns |= {key.name: [partition.values[i] for _, partition in files] for i, key in enumerate(self.table.keys)}
        self.con.register("given", pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}))
        typed = "".join(f", {_typed(sql_name(key.name), key)}" for key in self.table.keys)
        self.con.execute(f'CREATE TEMP TABLE {self._files} AS SELECT filename, "$path"{typed} FROM given')
        self.con.unregister("given")
        self.con.execute(f"SET VARIABLE {self.name} = (SELECT list(filename) FROM {self._files})")

    def _empty(self, with_path: bool) -> str:
        columns = [_typed("NULL", column) for column in [*self.table.columns, *self.table.keys]]
        path = ['CAST(NULL AS VARCHAR) AS "$path"'] if with_path else []
        return f"SELECT {', '.join([*columns, *path])} WHERE false"

    def _reader(self, files: Files) -> str:
        if self.table.format == "orc":
            return " UNION ALL ".join(self._orc(number, str(file.path)) for number, (file, _) in enumerate(files))
        if self.table.format == "json":
            return self._json(files)
        return {"parquet": self._parquet, "opencsv": self._opencsv, "text": self._text}[self.table.format]()

    def _orc(self, number: int, path: str) -> str:
        """One file, read by Arrow; columns go by their names, and one that the file has not is null."""
        import pyarrow.dataset as ds  # 50 MB, which only ORC needs

        data, view = ds.dataset(path, format="orc"), f"{self.name}_orc_{number}"
        self.con.register(view, data)
        there = {name.lower(): sql_name(name) for name in data.schema.names}
        values = [_typed(there.get(column.name, "NULL"), column) for column in self.table.columns]
        return f"SELECT {', '.join([f'{sql_string(path)} AS filename', *values])} FROM {view}"

    def _parquet(self) -> str:
        fields = ", ".join(
            f"{sql_string(c.name)}: {{'name': {sql_string(c.name)}, 'type': {sql_string(duckdb_type(c.type))}, "
            "'default_value': NULL}"
            for c in self.table.columns
        )
        return (
            f"SELECT * FROM read_parquet({self._paths}, schema = MAP {{{fields}}}, "
            "filename = true, hive_partitioning = false)"
        )

    def _json(self, files: Files) -> str:
        """JSON SerDes do not mind the case of keys, DuckDB does: it is told the spelling of the files."""
        spellings = self.spellings.of(self.con, [file for file, _ in files])
        named = [(column, spellings.get(self._json_key(column), [column.name])) for column in self.table.columns]
        if any(len(names) > 1 for _, names in named):
            values = ", ".join(_any_spelling(column, names) for column, names in named)
            return f"SELECT filename, {values} FROM read_ndjson_objects({self._paths}, filename = true)"
        fields = ", ".join(f"{sql_string(n)}: {sql_string(duckdb_type(c.type))}" for c, (n,) in named)
        values = ", ".join(f"{sql_name(name)} AS {sql_name(column.name)}" for column, (name,) in named)
        return (
            f"SELECT filename, {values} FROM read_json({self._paths}, columns = {{{fields}}}, "
            "format = 'newline_delimited', filename = true, hive_partitioning = false)"
        )

    def _json_key(self, column: Column) -> str:
        mapped = self.table.serde.get("Parameters", {}).get(f"mapping.{column.name}", column.name)
        return str(mapped).lower()

    def _opencsv(self) -> str:
        """Every column is text to OpenCSVSerde; a date is a number of days, a timestamp of milliseconds."""
        options = self.table.serde.get("Parameters", {})
        columns = ", ".join(f"{sql_string(c.name)}: 'VARCHAR'" for c in self.table.columns)
        typed = ", ".join(_opencsv_value(column) for column in self.table.columns)
        return f"""SELECT filename, {typed} FROM read_csv({self._paths}, columns = {{{columns}}}, auto_detect = false,
            header = false, skip = {self._skipped()}, delim = {sql_string(options.get("separatorChar", ","))},
            quote = {sql_string(options.get("quoteChar", '"'))}, escape = {sql_string(options.get("escapeChar", '"'))},
            null_padding = true, strict_mode = false, nullstr = '{_NO_TEXT}',
            filename = true, hive_partitioning = false)"""

    def _text(self) -> str:
        """LazySimpleSerDe knows no quotes: a line is split at the delimiter, what is missing is null."""
        options = self.table.serde.get("Parameters", {})
        delimiter = options.get("field.delim") or options.get("serialization.format") or "\x01"
        delimiter = "\x01" if delimiter == "1" else delimiter.replace("\\t", "\t")
        null, escape = options.get("serialization.null.format", "\\N"), options.get("escape.delim", "")
        values = ", ".join(
            _typed(_unescaped(f"nullif(parts[{i}], {sql_string(null)})", escape), column, "TRY_CAST")
            for i, column in enumerate(self.table.columns, 1)
        )
        lines = f"""SELECT filename, {_split(delimiter, escape)} AS parts FROM read_csv({self._paths},
            columns = {{'line': 'VARCHAR'}}, auto_detect = false, header = false, skip = {self._skipped()},
            delim = '{_NO_TEXT}', quote = '', escape = '', filename = true, hive_partitioning = false)"""
        return f"SELECT filename, {values} FROM ({lines})"

    def _skipped(self) -> int:
        return int(self.table.parameters.get("skip.header.line.count", 0))


def _split(delimiter: str, escape: str) -> str:
    """The fields of a line; escaped characters stand aside as \x02 and \x03 while it is split."""
    if not escape:
        return f"str_split(line, {sql_string(delimiter)})"
    hidden = f"replace(line, {sql_string(escape * 2)}, '\x02')"
    hidden = f"replace({hidden}, {sql_string(escape + delimiter)}, '\x03')"
    back = f"replace(replace(part, '\x03', {sql_string(escape + delimiter)}), '\x02', {sql_string(escape * 2)})"
    return f"list_transform(str_split({hidden}, {sql_string(delimiter)}), lambda part: {back})"


def _unescaped(value: str, escape: str) -> str:
    """Each escaped character without what escapes it; the text for null was compared before."""
    if not escape:
        return value
    return f"regexp_replace({value}, {sql_string(re.escape(escape) + '(.)')}, {sql_string(chr(92) + '1')}, 'g')"


def _typed(value: str, column: Column, cast: str = "CAST") -> str:
    return f"{cast}({value} AS {duckdb_type(column.type)}) AS {sql_name(column.name)}"


def _opencsv_value(column: Column) -> str:
    name = sql_name(column.name)
    if column.type == "date":
        return f"(DATE '1970-01-01' + CAST({name} AS INTEGER)) AS {name}"
    if column.type == "timestamp":
        return f"make_timestamp_ms(CAST({name} AS BIGINT)) AS {name}"
    return _typed(name, column)


def _any_spelling(column: Column, names: list[str]) -> str:
    """A column whose key is spelled in several ways, among the files or within one."""
    paths = [sql_string('$."' + name.replace('"', '\\"') + '"') for name in names]
    kind = duckdb_type(column.type)
    if kind.endswith(("]", ")")) and not kind.startswith("DECIMAL"):
        parts = [f"CAST(json -> {path} AS {kind})" for path in paths]
        return f"coalesce({', '.join(parts)}) AS {sql_name(column.name)}"
    texts = ", ".join(f"json ->> {path}" for path in paths)
    return _typed(f"coalesce({texts})", column)
