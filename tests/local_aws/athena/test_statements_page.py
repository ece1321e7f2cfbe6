"""The documentation of statements matches what each statement does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local_aws.athena import statements
from local_aws.athena.errors import QueryFailed

PAGE = Path(__file__).parents[3] / "docs/reference/statements.md"
ROWS = re.findall(r"^\| `(.+?)` \| (honoured|refused) \|", PAGE.read_text(), re.MULTILINE)
"""(statement, verdict on the page)"""


def test_the_page_has_rows() -> None:
    assert len(ROWS) > 40


@pytest.mark.parametrize("sql", [sql for sql, here in ROWS if here == "honoured"])
def test_a_supported_statement_is_parsed_completely(sql: str) -> None:
    if not statements.is_query(sql) and not sql.startswith("EXECUTE "):
        assert statements.parsed(sql).kind in ("DDL", "DML", "UTILITY")


@pytest.mark.parametrize("sql", [sql for sql, here in ROWS if here == "refused"])
def test_a_refused_statement_is_named(sql: str) -> None:
    with pytest.raises(QueryFailed, match=r"^NOT_SUPPORTED: .*(Iceberg|the embedded AWS|cannot be written here)"):
        statements.parsed(sql)
