"""awswrangler writes datasets, reads them in each of its ways, and queries the catalog."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from .conftest import Place

wr = pytest.importorskip("awswrangler")
pd = pytest.importorskip("pandas")

APPROACHES: dict[str, dict[str, Any]] = {
    "ctas": {"ctas_approach": True},
    "unload": {"ctas_approach": False, "unload_approach": True},
    "plain": {"ctas_approach": False},
}


def orders() -> Any:
    return pd.DataFrame(
        {
            "id": [1, 2],
            "name": ["a", None],
            "price": [Decimal("1.10"), Decimal("2.20")],
            "day": [datetime.date(2024, 1, 31), datetime.date(3900, 1, 1)],
            "at": pd.to_datetime(["2024-01-31 10:00:00.123", "2024-02-01 00:00:00.000"]),
            "paid": [True, False],
            "month": ["2024-01", "2024-02"],
        }
    )


def written(place: Place, frame: Any, **options: Any) -> Any:
    return wr.s3.to_parquet(
        frame, path=place.folder("orders"), dataset=True, database=place.database, table="orders",
        partition_cols=["month"], **options,
    )  # fmt: skip


def query(place: Place, sql: str, **options: Any) -> Any:
    return wr.athena.read_sql_query(sql, database=place.database, s3_output=place.results, **options)


@pytest.mark.parametrize("approach", APPROACHES)
def test_written_rows_are_read_back(place: Place, approach: str) -> None:
    written(place, orders())
    options = {**APPROACHES[approach]}
    if approach == "unload":
        options["s3_output"] = place.folder("unloaded")
    sql = "SELECT * FROM orders ORDER BY id"
    answer = wr.athena.read_sql_query(sql, database=place.database, **{"s3_output": place.results, **options})
    assert answer["id"].tolist() == [1, 2]
    assert answer["name"].isna().tolist() == [False, True]
    assert answer["price"].tolist() == [Decimal("1.10"), Decimal("2.20")]
    assert answer["day"].tolist() == [datetime.date(2024, 1, 31), datetime.date(3900, 1, 1)]
    assert answer["at"][0] == pd.Timestamp("2024-01-31 10:00:00.123")
    assert answer["month"].tolist() == ["2024-01", "2024-02"]


def test_a_new_column_is_appended_and_a_partition_overwritten(place: Place) -> None:
    written(place, orders())
    written(place, orders().assign(extra=1), mode="append")
    written(place, orders()[:1].assign(extra=2), mode="overwrite_partitions")
    found = query(place, "SELECT id, extra FROM orders ORDER BY id, extra", ctas_approach=False)
    assert found.fillna(0).astype(int).values.tolist() == [[1, 2], [2, 1], [2, 0]]


def test_the_catalog_answers(place: Place) -> None:
    written(place, orders())
    assert wr.catalog.get_table_types(database=place.database, table="orders")["price"] == "decimal(3,2)"
    assert [t["Name"] for t in wr.catalog.get_tables(database=place.database, name_prefix="ord")] == ["orders"]
    assert [t["Name"] for t in wr.catalog.search_tables(text="orders")].count("orders") >= 1
    assert wr.catalog.get_table_number_of_versions(database=place.database, table="orders") >= 1
    partitions = wr.catalog.get_partitions(database=place.database, table="orders", expression="month = '2024-02'")
    assert list(partitions.values()) == [["2024-02"]]
    folder = f"{place.folder('orders')}month=2024-02/"
    wr.catalog.delete_partitions(database=place.database, table="orders", partitions_values=[["2024-02"]])
    assert folder not in wr.catalog.get_partitions(database=place.database, table="orders")


def test_parameters_are_bound_in_both_styles(place: Place) -> None:
    sql = "SELECT n FROM (VALUES (1, 'O''Hare'), (2, 'x')) AS t(n, s) WHERE s = "
    named = query(place, f"{sql}:s", params={"s": "O'Hare"}, paramstyle="named", ctas_approach=False)
    marked = query(place, f"{sql}?", params=["'O''Hare'"], paramstyle="qmark", ctas_approach=False)
    assert named["n"].tolist() == marked["n"].tolist() == [1]


def test_tables_are_described_repaired_and_created_from_queries(place: Place) -> None:
    written(place, orders())
    where = {"database": place.database, "s3_output": place.results}
    assert wr.athena.describe_table("orders", **where)["Column Name"].tolist()[-1] == "month"
    assert wr.athena.show_create_table("orders", **where).startswith("CREATE EXTERNAL TABLE `orders`(")
    assert wr.athena.repair_table("orders", **where) == "SUCCEEDED"
    made = wr.athena.create_ctas_table("SELECT id FROM orders", ctas_table="ids", wait=True, **where)
    assert made["ctas_table"] == "ids"
    assert query(place, "SELECT count(*) AS n FROM ids", ctas_approach=False)["n"].tolist() == [2]


def test_iceberg_is_refused_by_name(place: Place) -> None:
    with pytest.raises(Exception, match="no Iceberg tables"):
        wr.athena.to_iceberg(
            orders()[["id"]], database=place.database, table="ice", temp_path=place.folder("temp"),
            table_location=place.folder("ice"), s3_output=place.results,
        )  # fmt: skip
