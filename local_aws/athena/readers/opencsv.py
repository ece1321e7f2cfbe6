"""OpenCSVSerde: quoted text, one record per line; every value is a text that is converted to its column's type."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from local_aws.athena.errors import QueryFailed
from local_aws.athena.hive_types import HiveType, parsed
from local_aws.athena.readers import texts
from local_aws.athena.readers.lines import LONGEST, NO_TEXT, raw_lines
from local_aws.athena.readers.source import Scope, Source, bad_value, value_of
from local_aws.athena.types import sql_string
from local_aws.mirror import S3File

_TEXTS = HiveType("array", (), (HiveType("string"),))


@dataclass(frozen=True)
class Marks:
    """The special characters, all different."""

    separator: str = ","
    quote: str = '"'
    escape: str = "\\"

    @property
    def plain(self) -> str:
        """Return a pattern of the lines that any CSV reader splits the same way."""
        quote, escape, separator = (re.escape(mark) for mark in (self.quote, self.escape, self.separator))
        field = f"(?:{quote}[^{quote}{escape}]*{quote}|[^{quote}{escape}{separator}]*)"
        return f"{field}(?:{separator}{field})*"


def sources(scope: Scope) -> list[Source]:
    """Return the rows of a table's files.

    Raises:
        QueryFailed: for a column that text cannot hold.
    """
    marks = marks_of(scope.options)
    plain = scope.memory.of((marks, scope.skipped), scope.files, lambda files: _plain_files(scope, marks, files))
    files = {
        is_plain: [f for f, p in zip(scope.files, plain, strict=True) if bool(p) is is_plain]
        for is_plain in (True, False)
    }
    found = [_by_engine(scope, marks, files[True])] if files[True] else []
    return [*found, _by_lines(scope, marks, files[False])] if files[False] else found


def marks_of(options: dict[str, str]) -> Marks:
    r"""Read the characters from the properties; `\t` is a tab.

    Raises:
        QueryFailed: two of them are the same.
    """
    usual = {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"}
    separator, quote, escape = ((options.get(name) or mark).replace("\\t", "\t")[0] for name, mark in usual.items())
    escape = "\\" if escape == '"' else escape  # Hive takes this one for its default, and Trino does as Hive
    if len({separator, quote, escape}) < 3:
        raise QueryFailed(
            f"NOT_SUPPORTED: OpenCSVSerde needs three characters: separatorChar {separator!r}, quoteChar {quote!r} and "
            f"escapeChar {escape!r} are not"
        )
    return Marks(separator, quote, escape)


def _plain_files(scope: Scope, marks: Marks, files: Sequence[S3File]) -> dict[str, bool]:
    lines = raw_lines("?", scope.skipped)
    rows = scope.con.execute(
        f"SELECT filename, bool_and(line IS NOT NULL AND regexp_full_match(line, ?)) FROM {lines} GROUP BY filename",
        [marks.plain, [str(file.path) for file in files]],
    ).fetchall()
    return dict(rows)


def _by_engine(scope: Scope, marks: Marks, files: Sequence[S3File]) -> Source:
    names = [f"c{i}" for i in range(len(scope.table.columns))]
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    sql = f"""SELECT * FROM read_csv({scope.paths("plain", files)}, columns = {{{columns}}}, auto_detect = false,
        header = false, skip = {scope.skipped}, delim = {sql_string(marks.separator)},
        quote = {sql_string(marks.quote)}, escape = {sql_string(marks.quote)},
        new_line = '\\r\\n', null_padding = true, strict_mode = false, nullstr = '{NO_TEXT}',
        max_line_size = {LONGEST}, filename = true, hive_partitioning = false)"""
    return Source(sql, _values(scope, [f"f.{name}" for name in names]))


def _by_lines(scope: Scope, marks: Marks, files: Sequence[S3File]) -> Source:
    """Read line by line: lines with a quote or an escape by the rules of opencsv."""
    cells = scope.function("cells", lambda line: cells_of(line, marks), 1, _TEXTS, once=True)
    marked = " OR ".join(f"contains(line, {sql_string(mark)})" for mark in (marks.quote, marks.escape))
    parts = f"CASE WHEN {marked} THEN {cells}(line) ELSE str_split(line, {sql_string(marks.separator)}) END"
    sql = f"SELECT filename, {parts} AS parts FROM ({scope.lines('lines', files)})"
    return Source(sql, _values(scope, [f"f.parts[{i}]" for i in range(1, len(scope.table.columns) + 1)]))


def cells_of(line: str, marks: Marks) -> list[str]:
    r"""Return the cells of a line, split as by opencsv 2.3.

    >>> cells_of('a,"b ""c"" \\"d\\"",  "e"', Marks())
    ['a', 'b "c" "d"', 'e']
    """
    cells: list[str] = []
    cell, in_quotes, in_cell, at = "", False, False, 0
    while at < len(line):
        mark, following = line[at], line[at + 1 : at + 2]
        is_inside = in_quotes or in_cell
        if mark == marks.escape:
            if is_inside and following and following in (marks.quote, marks.escape):
                cell, at = cell + following, at + 1
        elif mark == marks.quote:
            if is_inside and following == marks.quote:
                cell, at = cell + following, at + 1
            else:
                cell = _at_quote(line, at, cell, marks)
                in_quotes = not in_quotes
            in_cell = not in_cell
        elif mark == marks.separator and not in_quotes:
            cells, cell, in_cell = [*cells, cell], "", False
        else:
            cell, in_cell = cell + mark, True
        at += 1
    return cells if in_quotes else [*cells, cell]


def _at_quote(line: str, at: int, cell: str, marks: Marks) -> str:
    """A quote in the middle of a cell is part of it, unless only blanks precede it."""
    following = line[at + 1 : at + 2]
    if at > 2 and line[at - 1] != marks.separator and following and following != marks.separator:
        return "" if cell and not cell.strip() else cell + line[at]
    return cell


def _values(scope: Scope, cells: Sequence[str]) -> list[str]:
    nulls = {**scope.options, **scope.table.parameters}.get("use.null.for.invalid.data", "").lower() == "true"
    values = []
    for number, (column, cell) in enumerate(zip(scope.table.columns, cells, strict=True)):
        kind = parsed(column.type)
        read = _typed(scope, number, kind, nulls)
        values.append(cell if kind.name == "string" else _value(scope, number, kind, cell, read))
    return values


def _value(scope: Scope, number: int, kind: HiveType, cell: str, read: Callable[[str | None, str], Any]) -> str:
    if kind.name not in ("date", "timestamp"):
        return value_of(scope, number, kind, cell, read)
    name = scope.function(f"value_{number}", read, 2, kind)
    return f'{name}({cell}, p."$path")'


def _typed(scope: Scope, number: int, kind: HiveType, nulls: bool) -> Callable[[str | None, str], Any]:
    """Convert a date from days, a timestamp from milliseconds; text that does not fit is an error, or null."""
    column = scope.table.columns[number]
    if kind.children:
        raise QueryFailed(
            f"NOT_SUPPORTED: column {column.name} of {scope.table.name} is {column.type}; OpenCSVSerde reads no "
            "type that has parts: declare it string"
        )
    convert = _NUMBERED.get(kind.name) or texts.from_text(kind)

    def read(text: str | None, path: str) -> Any:
        try:
            return None if text is None else convert(text)
        except ValueError as error:
            if nulls:
                return None
            raise bad_value(text, column.name, column.type, path) from error

    return read


_NUMBERED: dict[str, texts.FromText] = {
    "date": lambda text: texts.since_epoch(days=int(text)).date(),
    "timestamp": lambda text: texts.since_epoch(millis=int(text)),
}
