from collections.abc import Callable
from typing import Any

import boto3
import pytest
from pyspark.sql import DataFrame, SparkSession

from lake_etl.catalog import find_table
from lake_etl.errors import JobError
from lake_etl.source import read_source
from lake_etl.transforms.join import join
from tests.glue_scripts.small_lake import Lake

Rows = Callable[..., DataFrame]


@pytest.fixture
def flights(rows: Rows) -> DataFrame:
    return rows("id int, carrier string, name string", (1, "UA", "a"), (2, "ZZ", "b"), (3, None, "c"))


@pytest.fixture
def airlines(rows: Rows) -> DataFrame:
    return rows("name string, carrier string, code int", ("United", "UA", 7), ("Delta", "DL", 8))


def joined(left: DataFrame, right: DataFrame, **options: Any) -> DataFrame:
    return join(left, {"with": "airlines", "on": "carrier", **options}, lambda _: right)


def ids(frame: DataFrame) -> set[int | None]:
    return {row["id"] for row in frame.collect()}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("inner", {1}),
        ("left", {1, 2, 3}),
        ("right", {1, None}),
        ("full", {1, 2, 3, None}),
        ("semi", {1}),
        ("anti", {2, 3}),
    ],
)
def test_each_kind_of_join_keeps_its_rows(
    flights: DataFrame, airlines: DataFrame, how: str, expected: set[int | None]
) -> None:
    assert ids(joined(flights, airlines, how=how)) == expected


def test_right_rows_without_a_match_keep_their_key(flights: DataFrame, airlines: DataFrame) -> None:
    assert {row.carrier for row in joined(flights, airlines, how="right").collect()} == {"UA", "DL"}


def test_added_columns_follow_under_their_new_names(flights: DataFrame, airlines: DataFrame) -> None:
    frame = joined(flights, airlines, how="left", take={"name": "airline"})
    assert frame.columns == ["id", "carrier", "name", "airline"]
    assert {row.id: row.airline for row in frame.collect()} == {1: "United", 2: None, 3: None}


def test_without_take_every_column_comes_and_a_colliding_one_is_prefixed(
    flights: DataFrame, airlines: DataFrame
) -> None:
    assert joined(flights, airlines).columns == ["id", "carrier", "name", "airlines_name", "code"]


def test_semi_and_anti_joins_take_nothing(flights: DataFrame, airlines: DataFrame) -> None:
    assert joined(flights, airlines, how="semi").columns == flights.columns


def test_a_new_name_that_already_exists_is_refused(flights: DataFrame, airlines: DataFrame) -> None:
    with pytest.raises(JobError, match=r"airlines\.name cannot be named 'id'"):
        joined(flights, airlines, take={"name": "id"})


def test_keys_may_have_different_names(flights: DataFrame, rows: Rows) -> None:
    codes = rows("iata string, code int", ("UA", 7))
    frame = joined(flights, codes, on={"carrier": "iata"})
    assert [tuple(row) for row in frame.collect()] == [(1, "UA", "a", 7)]


def test_keys_of_different_width_match(rows: Rows) -> None:
    frame = joined(rows("id int, carrier int", (1, 5)), rows("carrier bigint, name string", (5, "x")))
    assert [tuple(row) for row in frame.collect()] == [(1, 5, "x")]
    assert dict(frame.dtypes)["carrier"] == "bigint"


def test_keys_of_different_kinds_are_an_error_that_says_what_to_do(rows: Rows) -> None:
    left, right = rows("at string", ("2013-01-01",)), rows("at timestamp, temp int")
    with pytest.raises(
        JobError, match=r"at is string and airlines\.at is timestamp.*cast: \{at: timestamp\}.*cast_right"
    ):
        joined(left, right, on="at")


def test_cast_right_makes_the_key_types_match(rows: Rows) -> None:
    left, right = rows("code int", (7,)), rows("code string, name string", ("7", "x"), ("?", "y"))
    frame = joined(left, right, on="code", cast_right={"code": "int"})
    assert [tuple(row) for row in frame.collect()] == [(7, "x")]


def test_a_missing_key_names_the_dataset_that_lacks_it(flights: DataFrame, rows: Rows) -> None:
    with pytest.raises(JobError, match=r"column 'carrier' is not in dataset airlines\. Columns there: carier"):
        joined(flights, rows("carier string"))


def test_an_unknown_join_type_is_refused(flights: DataFrame, airlines: DataFrame) -> None:
    with pytest.raises(JobError, match=r"join type 'outer' is not known\. Allowed: inner, left"):
        joined(flights, airlines, how="outer")


@pytest.mark.parametrize(("limit", "is_sent"), [("10MB", True), ("10b", False)], ids=["small", "larger than the limit"])
def test_a_small_dataset_with_partition_keys_is_sent_to_all_tasks(
    spark: SparkSession, lake: Lake, flights: DataFrame, limit: str, is_sent: bool
) -> None:
    for year in (2013, 2014):
        lake.put("raw", f"{lake.database}/airlines/year={year}/a.json", '{"carrier": "UA", "code": 7}\n')
    lake.table("airlines", "json", {"carrier": "string", "code": "int"}, {"year": "int"})
    table = find_table(boto3.client("glue"), lake.database, "airlines", "airlines")
    airlines = read_source(spark, boto3.client("s3"), table).rows

    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", limit)
    try:
        frame = joined(flights, airlines, how="left")
        plan = frame._jdf.queryExecution().optimizedPlan().toString()  # type: ignore[operator]
    finally:
        spark.conf.unset("spark.sql.autoBroadcastJoinThreshold")
    (own,) = [line for line in plan.splitlines() if "Join LeftOuter" in line]  # another adds the partition keys
    assert ("rightHint=(strategy=broadcast)" in own) == is_sent
    assert [(row.id, row.code, row.year) for row in frame.orderBy("id", "year").collect()] == [
        *[(1, 7, 2013), (1, 7, 2014), (2, None, None), (3, None, None)],
    ]
