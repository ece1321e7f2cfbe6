"""Partitions of the Data Catalog through Glue's API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded import client, store_of
from tests.local_aws.conftest import free_port, started, stopped

Aws = Callable[[str], Any]
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


class Sales:
    """A table in its own database, partitioned by a number, a text and a date."""

    def __init__(self, glue: Any) -> None:
        self.glue, self.database = glue, f"sales_{uuid.uuid4().hex[:8]}"
        self.place = {"DatabaseName": self.database, "TableName": "sales"}
        glue.create_database(DatabaseInput={"Name": self.database})
        keys = [("year", "int"), ("shop", "string"), ("date", "date")]
        self.table = {"Name": "sales", "PartitionKeys": [{"Name": key, "Type": kind} for key, kind in keys]}
        glue.create_table(DatabaseName=self.database, TableInput=self.table)

    def __getattr__(self, call: str) -> Callable[..., Any]:
        return lambda **given: getattr(self.glue, call)(**self.place, **given)

    def fill(self, *values: tuple[str, ...]) -> list[Any]:
        errors = []
        for at in range(0, len(values), 100):
            inputs = [partition(*each) for each in values[at : at + 100]]
            errors += self.batch_create_partition(PartitionInputList=inputs)["Errors"]
        return errors

    def made_again(self) -> list[tuple[str, ...]]:
        self.glue.create_table(DatabaseName=self.database, TableInput=self.table)
        return self.values()

    def values(self, **given: Any) -> list[tuple[str, ...]]:
        pages = self.glue.get_paginator("get_partitions").paginate(**self.place, **given)
        return [tuple(found["Values"]) for page in pages for found in page["Partitions"]]


def partition(*values: str) -> dict[str, Any]:
    columns = [{"Name": "price", "Type": "double"}]
    location = f"s3://lake/sales/{'/'.join(values)}/"
    return {"Values": list(values), "StorageDescriptor": {"Columns": columns, "Location": location}}


@pytest.fixture
def sales(aws: Aws) -> Sales:
    return Sales(aws("glue"))


DAYS = [("2012", "a", "2012-12-31"), ("2013", "a", "2013-01-01"), ("2013", "b", "2013-10-02")]


def test_a_batch_creates_new_partitions_and_names_existing_ones(sales: Sales) -> None:
    assert sales.fill(*DAYS[:2]) == []
    errors = sales.fill(*DAYS)
    told = [(tuple(error["PartitionValues"]), error["ErrorDetail"]["ErrorCode"]) for error in errors]
    assert told == [(day, "AlreadyExistsException") for day in DAYS[:2]]
    assert sales.values() == DAYS
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        sales.create_partition(PartitionInput=partition(*DAYS[0]))


def test_a_partition_is_read_changed_renamed_and_deleted(sales: Sales) -> None:
    sales.create_partition(PartitionInput=partition(*DAYS[0]) | {"Parameters": {"rows": "1"}})
    made = sales.get_partition(PartitionValues=DAYS[0])["Partition"]
    assert (made["Values"], made["Parameters"], made["TableName"]) == (list(DAYS[0]), {"rows": "1"}, "sales")
    assert made["StorageDescriptor"] == partition(*DAYS[0])["StorageDescriptor"]

    sales.update_partition(PartitionValueList=DAYS[0], PartitionInput=partition(*DAYS[1]))
    renamed = sales.get_partition(PartitionValues=DAYS[1])["Partition"]
    assert ("Parameters" in renamed, renamed["CreationTime"], sales.values()) == (
        False,
        made["CreationTime"],
        [DAYS[1]],
    )

    sales.delete_partition(PartitionValues=DAYS[1])
    assert sales.values() == []


def test_batches_update_read_and_delete_and_name_missing_partitions(sales: Sales) -> None:
    sales.fill(*DAYS)
    gone = ("1999", "a", "1999-01-01")
    changed = partition(*DAYS[0]) | {"Parameters": {"rows": "7"}}
    entries = [{"PartitionValueList": day, "PartitionInput": changed} for day in (DAYS[0], gone)]
    (error,) = sales.batch_update_partition(Entries=entries)["Errors"]
    assert (error["PartitionValueList"], error["ErrorDetail"]["ErrorCode"]) == (list(gone), "EntityNotFoundException")

    answer = sales.batch_get_partition(PartitionsToGet=[{"Values": day} for day in (DAYS[0], gone)])
    assert [found["Parameters"] for found in answer["Partitions"]] == [{"rows": "7"}]

    (error,) = sales.batch_delete_partition(PartitionsToDelete=[{"Values": day} for day in (gone, *DAYS[:2])])["Errors"]
    assert (error["PartitionValues"], error["ErrorDetail"]["ErrorCode"]) == (list(gone), "EntityNotFoundException")
    assert sales.values() == DAYS[2:]


def test_pages_hold_at_most_a_thousand_and_cover_all_in_order(sales: Sales) -> None:
    days = [("2013", f"shop {number}", "2013-01-01") for number in range(1100)]
    sales.fill(*days)
    first = sales.get_partitions(ExcludeColumnSchema=True)
    assert len(first["Partitions"]) == 1000
    assert "Columns" not in first["Partitions"][0]["StorageDescriptor"]
    rest = sales.get_partitions(NextToken=first["NextToken"])
    assert (len(rest["Partitions"]), "NextToken" in rest) == (100, False)
    assert sales.values() == sales.values(PaginationConfig={"PageSize": 300}) == sorted(days)


def test_segments_divide_the_partitions(sales: Sales) -> None:
    days = [("2013", f"shop {number}", "2013-01-01") for number in range(60)]
    sales.fill(*days)
    shares = [sales.values(Segment={"SegmentNumber": number, "TotalSegments": 3}) for number in range(3)]
    assert all(shares)
    assert sorted(day for share in shares for day in share) == sorted(days)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("year = 2013", [1, 2]),
        ("year > '2012' AND shop <> 'b'", [1]),
        ("year < 2013 or (shop = 'b' and not date < '2013-02-01')", [0, 2, 3]),
        ("date BETWEEN '2012-12-31' AND '2013-02-01'", [0, 1]),
        ("date >= '2013-10-2'", [2]),
        ("Shop in ('b', 'c')", [2, 3]),
        ("shop NOT IN ('b', 'c')", [0, 1]),
        ("shop LIKE 'a%' AND year <= 2012", [0]),
        ("shop = '10'", []),
        ("date IS NULL", [3]),
        ("date IS NOT NULL AND 2013 = year", [1, 2]),
        ("year = 9", [3]),
        ("`year` = 9", None),
        ("shop = 'it''s'", []),
        ("price > 3", None),
        ("year = shop", None),
        ("year > 'soon'", None),
        ("year", None),
        ("year = 2013 AND", None),
        ("shop = 'a'; shop = 'b'", None),
        ("year = 2013 UNION SELECT 1", None),
        ("length(shop) = 1", None),
        ("shop IN (SELECT 'a')", None),
    ],
)
def test_an_expression_selects_partitions_by_the_types_of_their_keys(
    filled: Sales, expression: str, found: list[int] | None
) -> None:
    if found is None:
        with pytest.raises(ClientError, match="Unsupported expression"):
            filled.values(Expression=expression)
    else:
        assert filled.values(Expression=expression) == [TYPED[number] for number in found]


TYPED = [*DAYS, ("9", "c", NO_VALUE)]


@pytest.fixture(scope="module")
def filled(aws: Aws) -> Sales:
    sales = Sales(aws("glue"))
    sales.fill(*TYPED)
    return sales


@pytest.mark.parametrize(
    ("call", "given", "error"),
    [
        ("create_partition", {"PartitionInput": partition("2013")}, "InvalidInputException.*number of partition"),
        ("batch_create_partition", {"PartitionInputList": [partition("1", "2")]}, "InvalidInputException.*number"),
        ("batch_create_partition", {"PartitionInputList": [partition("1")] * 101}, "ValidationException.*equal to 100"),
        ("batch_delete_partition", {"PartitionsToDelete": [{"Values": ["1"]}] * 26}, "ValidationException.*to 25"),
        ("get_partition", {"PartitionValues": ["1", "2", "3"]}, "EntityNotFoundException"),
        ("delete_partition", {"PartitionValues": ["1", "2", "3"]}, "EntityNotFoundException"),
        (
            "update_partition",
            {"PartitionValueList": ["1"], "PartitionInput": partition("1")},
            "EntityNotFoundException",
        ),
        ("get_partitions", {"NextToken": "elsewhere"}, "InvalidInputException.*NextToken"),
        ("get_column_statistics_for_partition", {"PartitionValues": ["1"], "ColumnNames": ["a"]}, "EntityNotFound"),
    ],
)
def test_calls_that_glue_refuses_are_refused(filled: Sales, call: str, given: dict[str, Any], error: str) -> None:
    with pytest.raises(ClientError, match=error):
        getattr(filled, call)(**given)
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        getattr(filled.glue, call)(**{**filled.place, "TableName": "none"}, **given)


def test_a_changed_table_keeps_its_partitions_and_a_deleted_one_loses_them(sales: Sales) -> None:
    sales.fill(*DAYS)
    keys = [*sales.table["PartitionKeys"], {"Name": "hour", "Type": "int"}]
    sales.glue.update_table(DatabaseName=sales.database, TableInput={**sales.table, "PartitionKeys": keys})
    assert sales.values() == DAYS
    assert sales.values(Expression="year = 2012") == DAYS[:1]
    assert sales.values(Expression="hour = 1") == []
    sales.glue.delete_table(DatabaseName=sales.database, Name="sales")
    assert sales.made_again() == []
    sales.fill(*DAYS)
    sales.glue.batch_delete_table(DatabaseName=sales.database, TablesToDelete=["sales"])
    assert sales.made_again() == []
    sales.fill(*DAYS)
    sales.glue.delete_database(Name=sales.database)
    assert sales.database not in json.dumps(store_of(sales.glue.meta.endpoint_url))


def test_statistics_of_a_partitions_columns_are_kept_until_it_is_deleted(sales: Sales) -> None:
    sales.fill(*DAYS)
    data = {"Type": "LONG", "LongColumnStatisticsData": {"NumberOfNulls": 3, "NumberOfDistinctValues": 2}}
    told = {"ColumnName": "price", "ColumnType": "bigint", "AnalyzedTime": 1.0, "StatisticsData": data}
    sales.update_column_statistics_for_partition(PartitionValues=DAYS[0], ColumnStatisticsList=[told])

    def kept() -> tuple[int, int]:
        answer = sales.get_column_statistics_for_partition(PartitionValues=DAYS[0], ColumnNames=["price", "none"])
        return len(answer["ColumnStatisticsList"]), len(answer["Errors"])

    assert kept() == (1, 1)
    sales.delete_column_statistics_for_partition(PartitionValues=DAYS[0], ColumnName="price")
    assert kept() == (0, 2)


def test_partitions_survive_a_kill_and_those_of_an_older_folder_are_taken_over(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "aws"
    process = started(port, folder)
    sales = Sales(client("glue", f"http://127.0.0.1:{port}"))
    stopped(process)
    _as_it_was_kept_before(folder, sales.database, DAYS[0])

    process = started(port, folder)
    assert sales.values() == DAYS[:1]
    sales.fill(*DAYS[1:])
    sales.delete_partition(PartitionValues=DAYS[0])
    process.kill()
    process.wait()

    process = started(port, folder)
    found = sales.values()
    stopped(process)
    assert found == DAYS[1:]


def _as_it_was_kept_before(folder: Path, database: str, values: tuple[str, ...]) -> None:
    file = folder / "state/glue.json"
    state = json.loads(file.read_text())
    place = f"000000000000\0us-east-1\0'{database}/sales'"
    state["payload"]["partitions"]["data"][place] = [{**partition(*values), "CreationTime": 1}]
    file.write_text(json.dumps(state))
