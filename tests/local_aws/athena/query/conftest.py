"""Queries without a server: from the SQL text to the texts of the result."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from local_aws.athena.errors import reason_of
from local_aws.athena.query import analysed, translated
from local_aws.athena.query.parse import parse
from local_aws.athena.session import prepare

Rows = list[tuple[str | None, ...]]
Ask = Callable[[str], Rows]


@pytest.fixture
def ask() -> Ask:
    """Return a function that gives the rows of a query, or the reason for its failure as a single value."""

    def rows(sql: str) -> Rows:
        with duckdb.connect() as con:
            prepare(con)
            try:
                query = translated(analysed(parse(sql), {}, "default"))
                texts = query.as_texts()
                query.prepare(con, texts)
                return con.execute(texts).fetchall()
            except Exception as error:
                return [(reason_of(error, sql),)]

    return rows


@pytest.fixture
def types() -> Callable[[str], list[str]]:
    """Return a function that gives the Trino types of a query's columns."""
    return lambda sql: [str(output.type) for output in analysed(parse(sql), {}, "default").outputs]
