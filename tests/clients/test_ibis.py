"""ibis: tables created, read and dropped through its Athena backend."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Place

ibis = pytest.importorskip("ibis")
pd = pytest.importorskip("pandas")


@pytest.fixture
def connection(place: Place, arrow_finds_it: None) -> Any:
    return ibis.athena.connect(s3_staging_dir=place.results, schema_name=place.database)


def test_a_table_is_created_read_and_dropped(connection: Any, place: Place) -> None:
    frame = pd.DataFrame({"n": [1, 2, 3], "s": ["a", "b", "a"]})
    connection.create_table("numbers", frame, location=place.folder("numbers"))
    assert "numbers" in connection.list_tables()
    table = connection.table("numbers")
    totals = table.group_by("s").aggregate(total=table.n.sum()).order_by("s").execute()
    assert totals.values.tolist() == [["a", 4], ["b", 2]]
    connection.drop_table("numbers")
    assert "numbers" not in connection.list_tables()


def test_a_view_is_created_and_read(connection: Any) -> None:
    connection.create_view("ones", connection.sql("SELECT 1 AS n"))
    assert connection.table("ones").n.execute().tolist() == [1]
    connection.drop_view("ones")
