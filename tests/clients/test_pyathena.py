"""PyAthena's cursors and its SQLAlchemy dialect."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from .conftest import Place

pyathena = pytest.importorskip("pyathena")

SQL = "SELECT * FROM (VALUES (1, 'a', DATE '2024-01-31'), (2, 'b', NULL)) AS t(n, s, day) ORDER BY n"
ROWS = [(1, "a", datetime.date(2024, 1, 31)), (2, "b", None)]


@pytest.fixture
def connection(place: Place) -> Iterator[Any]:
    with pyathena.connect(s3_staging_dir=place.results, schema_name=place.database) as made:
        yield made


def made_table(connection: Any, place: Place) -> None:
    connection.cursor().execute(
        f"CREATE TABLE people WITH (external_location = '{place.folder('people')}', partitioned_by = ARRAY['town']) "
        "AS SELECT 1 AS id, 'Ada' AS name, 'Paris' AS town"
    )


def test_the_plain_cursor_returns_python_values(connection: Any) -> None:
    cursor = connection.cursor().execute(SQL)
    assert cursor.fetchall() == ROWS
    assert [column[0] for column in cursor.description] == ["n", "s", "day"]


def test_the_dict_cursor_returns_values_by_column_name(connection: Any) -> None:
    from pyathena.cursor import DictCursor

    assert connection.cursor(DictCursor).execute(SQL).fetchone()["s"] == "a"


def test_the_pandas_cursor_reads_the_result_file(connection: Any) -> None:
    from pyathena.pandas.cursor import PandasCursor

    assert connection.cursor(PandasCursor).execute(SQL).as_pandas()["s"].tolist() == ["a", "b"]


@pytest.mark.usefixtures("arrow_finds_it")
@pytest.mark.parametrize("unload", [False, True])
def test_the_arrow_cursor_reads_the_result_file(connection: Any, unload: bool) -> None:
    from pyathena.arrow.cursor import ArrowCursor

    cursor = connection.cursor(ArrowCursor, unload=unload)
    assert cursor.execute(SQL).as_arrow().column("n").to_pylist() == [1, 2]


def test_the_asynchronous_cursor_returns_a_future(connection: Any) -> None:
    from pyathena.async_cursor import AsyncCursor

    _, future = connection.cursor(AsyncCursor).execute(SQL)
    assert future.result().fetchall() == ROWS


def test_parameters_are_bound_beside_a_like_pattern(connection: Any) -> None:
    sql = "SELECT %(day)s, %(name)s, %(price)s WHERE 'abc' LIKE 'a%%'"
    given = {"day": datetime.date(2024, 1, 31), "name": "O'Hare", "price": Decimal("1.1")}
    assert connection.cursor().execute(sql, given).fetchone()[:2] == (datetime.date(2024, 1, 31), "O'Hare")
    marked = connection.cursor().execute("SELECT n FROM (VALUES 1, 2) AS t(n) WHERE n = ?", ["2"], paramstyle="qmark")
    assert marked.fetchall() == [(2,)]


def test_the_catalog_is_listed(connection: Any, place: Place) -> None:
    made_table(connection, place)
    cursor = connection.cursor()
    assert place.database in [found.name for found in cursor.list_databases("AwsDataCatalog")]
    assert [found.name for found in cursor.list_table_metadata("awsdatacatalog", expression="peo.*")] == ["people"]
    metadata = cursor.get_table_metadata("people")
    assert [column.name for column in metadata.columns] == ["id", "name"]
    assert [key.name for key in metadata.partition_keys] == ["town"]
    assert cursor.execute("SHOW PARTITIONS people").fetchall() == [("town=Paris",)]


def test_a_result_is_reused(connection: Any) -> None:
    first = connection.cursor().execute("SELECT 7")
    again = connection.cursor().execute("SELECT 7", result_reuse_enable=True, result_reuse_minutes=60)
    assert again.fetchall() == [(7,)]
    assert (first.reused_previous_result, again.reused_previous_result) == (False, True)


def test_sqlalchemy_reflects_and_reads_tables(connection: Any, place: Place) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    made_table(connection, place)
    url = f"awsathena+rest://@athena.us-east-1.amazonaws.com:443/{place.database}?s3_staging_dir={place.results}"
    engine = sqlalchemy.create_engine(url)
    inspector = sqlalchemy.inspect(engine)
    assert place.database in inspector.get_schema_names()
    assert inspector.get_table_names(schema=place.database) == ["people"]
    with engine.connect() as open_:
        table = sqlalchemy.Table("people", sqlalchemy.MetaData(), autoload_with=engine)
        assert open_.execute(sqlalchemy.select(table)).fetchall() == [(1, "Ada", "Paris")]
