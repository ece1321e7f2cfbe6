"""Shared by the readers: files as lines, Python functions in SQL, and error messages for bad values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from local_aws.athena.errors import DATA_ERROR, QueryFailed
from local_aws.athena.hive_types import HiveType, arrow_type, duckdb_of, duckdb_type, parsed
from local_aws.athena.leaves import changed
from local_aws.athena.memory import Memory
from local_aws.athena.readers.lines import LONGEST, raw_lines
from local_aws.athena.tables import Column, Table
from local_aws.athena.types import sql_name, sql_string
from local_aws.mirror import S3File

_MOMENT = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?"


@dataclass(frozen=True)
class Source:
    """The rows of some files.

    `sql` returns `filename` and the columns that `values` refer to as `f`; `values` are the table's columns in order,
    and may refer to `p."$path"`, the file's URI.
    """

    sql: str
    values: list[str]


@dataclass(frozen=True)
class Scope:
    """The context of a reader. `name` is the prefix of the names that it creates in the connection."""

    con: duckdb.DuckDBPyConnection
    name: str
    table: Table
    files: list[S3File]
    memory: Memory
    addresses: str
    """A table of `filename` and `$path`."""
    functions: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What makes each function, by its name: a table of ten thousand columns has as many, and a query uses few."""

    @property
    def options(self) -> dict[str, str]:
        """Return the SerDe's properties."""
        return dict(self.table.serde.get("Parameters") or {})

    def paths(self, part: str, files: Sequence[S3File]) -> str:
        """Return SQL for a list of files, which is stored in a DuckDB variable."""
        variable = f"{self.name}_{part}"
        self.con.execute(f"SET VARIABLE {variable} = ?", [[str(file.path) for file in files]])
        return f"getvariable({sql_string(variable)})"

    def lines(self, part: str, files: Sequence[S3File]) -> str:
        """Return a query of `filename` and `line`; a blank line is an empty text."""
        return f"SELECT filename, coalesce(line, '') AS line FROM {raw_lines(self.paths(part, files), self.skipped)}"

    @property
    def skipped(self) -> int:
        """Return how many lines to skip at the start of each file."""
        return int(self.table.parameters.get("skip.header.line.count") or 0)

    def function(self, part: str, body: Callable[..., Any], inputs: int, kind: HiveType, once: bool = False) -> str:
        """Create a function of `inputs` texts and return its name. `once`: it is too expensive to be called twice."""
        import pyarrow as pa  # 40 MB of memory that only queries need

        def of_two(first: Any, second: Any) -> Any:
            return pa.array(map(body, first.to_pylist(), second.to_pylist()), arrow)

        def of_one(only: Any) -> Any:
            return pa.array(map(body, only.to_pylist()), arrow)

        def make() -> None:
            how: dict[str, Any] = {"type": "arrow", "null_handling": "special", "side_effects": once}
            over = of_one if inputs == 1 else of_two
            self.con.create_function(name, over, ["VARCHAR"] * inputs, duckdb_of(kind), **how)

        arrow, name = arrow_type(kind), f"{self.name}_{part}"
        self.functions.setdefault(name, make)
        return name

    def make_functions(self, sql: str) -> None:
        """Make the functions that a text of SQL speaks of, once each."""
        for name in {*re.findall(r"\w+", sql)} & self.functions.keys():
            self.functions.pop(name)()


def bad_value(value: Any, column: str, kind: str, path: str) -> QueryFailed:
    """Return the error for a value that does not have its column's type."""
    shown = json.dumps(value, ensure_ascii=False, default=str)[:200]
    return QueryFailed(
        f"HIVE_BAD_DATA: Error parsing field value {shown} for field {column}: it is no {kind}, in {path}", DATA_ERROR
    )


def value_of(
    scope: Scope, number: int, kind: HiveType, text: str, read: Callable[[str | None, str], Any], only: str = "true"
) -> str:
    """Return SQL for a column's value: DuckDB casts plain texts, `read` converts others, given the file's URI.

    `only` is an additional condition for a plain text.
    """
    other = f'{scope.function(f"value_{number}", read, 2, kind)}({text}, p."$path")'
    if not (plain := _plain(kind, text)):
        return other
    return f"CASE WHEN {text} IS NULL THEN NULL WHEN {only} AND {plain[0]} THEN {plain[1]} ELSE {other} END"


def _plain(kind: HiveType, text: str) -> tuple[str, str] | None:
    """Return a condition, and the value of texts that meet it."""
    if kind.children or kind.name == "binary":
        return None
    cast = f"TRY_CAST({text} AS {duckdb_of(kind)})"
    if kind.is_text:
        return f"length({text}) <= {kind.sizes[0] if kind.sizes else LONGEST} AND {text} NOT LIKE '% '", text
    if kind.name == "boolean":
        return f"{text} IN ('true', 'false')", f"{text} = 'true'"
    back = f"CAST({cast} AS VARCHAR) = {text}"
    if kind.name == "timestamp":
        return f"({back} OR (regexp_full_match({text}, '{_MOMENT}') AND {cast} IS NOT NULL))", cast
    if kind.name in ("float", "double"):
        return f"NOT contains({text}, '_') AND isfinite({cast})", cast
    return (f"NOT contains({text}, '_') AND {cast} IS NOT NULL" if kind.name == "decimal" else back), cast


def typed_null(column: Column) -> str:
    return f"CAST(NULL AS {duckdb_type(column.type)})"


def named(values: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """Return each value under its column's name and type."""
    return [
        f"{typed(value, column.type)} AS {sql_name(column.name)}" for value, column in zip(values, columns, strict=True)
    ]


def typed(value: str, hive: str) -> str:
    """Return SQL for a value as its catalog type holds it.

    A timestamp has milliseconds, the digits below rounded half up; a varchar(n) or char(n) is cut; also inside others.
    """
    return changed(f"CAST({value} AS {duckdb_type(hive)})", parsed(hive), _fitted)


def _fitted(value: str, kind: HiveType) -> str:
    if kind.name == "timestamp":
        return f"date_trunc('millisecond', {value} + INTERVAL 500 MICROSECOND)"
    if kind.name == "varchar" and kind.sizes:
        return f"left({value}, {kind.sizes[0]})"
    return f"rtrim(left({value}, {kind.sizes[0]}), ' ')" if kind.name == "char" and kind.sizes else value
