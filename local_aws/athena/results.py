"""A statement's result: Athena's CSV or text, and its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from local_aws.athena.query import Translated
from local_aws.athena.types import column_info, sql_name, sql_string, string_column
from local_aws.protocol import Document

_VALUE = re.compile(r'(?:"((?:[^"]|"")*)")?(,|\r?\n|$)')


@dataclass
class Answer:
    """The result of a statement.

    `file` is the local result file (`.csv` with a header for a query, `.txt` for DDL).
    """

    columns: list[Document]
    file: Path
    header: bool = True
    update_count: int = 0
    manifest: list[str] = field(default_factory=list)


def of_query(con: duckdb.DuckDBPyConnection, query: Translated, file: Path) -> Answer:
    """Run a query and write its rows as Athena does: every value quoted, nulls empty."""
    texts, rows = query.as_texts(), file.with_suffix(".rows")
    query.prepare(con, texts)
    con.execute(f"COPY ({texts}) TO {sql_string(str(rows))} (FORMAT csv, HEADER false, FORCE_QUOTE *)")
    header = ",".join(map(sql_name, query.names))
    with file.open("wb") as target:
        target.write(f"{header}\n".encode())
        target.write(rows.read_bytes())
    rows.unlink()
    kinds = [output.type for output in query.outputs]
    return Answer([column_info(name, kind) for name, kind in zip(query.names, kinds, strict=True)], file)


def of_lines(lines: list[str], columns: list[str], file: Path) -> Answer:
    """Return the answer of SHOW, DESCRIBE and other statements with a text result."""
    file.write_text("".join(f"{line}\n" for line in lines))
    return Answer([string_column(name) for name in columns], file, header=False)


def rows_of(text: str, is_csv: bool, columns: int) -> list[list[str | None]]:
    """Return the rows of a result object, with None for null. In text results, a tab separates columns, if several."""
    if is_csv:
        return list(_csv_rows(text))
    return [[line] if columns == 1 else list(line.split("\t")) for line in text.splitlines()]


def _csv_rows(text: str) -> Iterator[list[str | None]]:
    row: list[str | None] = []
    place = 0
    while place < len(text):
        match = _VALUE.match(text, place)
        if match is None:
            raise ValueError(f"the result is not Athena's CSV at character {place}")
        row.append(None if match[1] is None else match[1].replace('""', '"'))
        place = match.end()
        if match[2] != ",":
            yield row
            row = []


def page_rows(rows: list[list[str | None]]) -> list[Document]:
    """Return rows in the format of GetQueryResults; a null has no VarCharValue."""
    return [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in rows]
