"""The effect of a second crawl on the tables of the first."""

from __future__ import annotations

import json
from typing import Any

import pytest

OLD = '{"a": 1, "b": 1, "c": 1}\n'
NEW = '{"a": 2.5, "c": 1, "d": "x"}\n'
LOG = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
CSV = "id,name\n1,ann\n2,bob\n"


def deleting(behaviour: str) -> dict[str, Any]:
    return {"SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": behaviour}}


def merging() -> dict[str, str]:
    output = {"Tables": {"AddOrUpdateBehavior": "MergeNewColumns"}}
    return {"Configuration": json.dumps({"Version": 1.0, "CrawlerOutput": output})}


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ({}, {"a": "double", "c": "int", "d": "string"}),
        (merging(), {"a": "double", "b": "int", "c": "int", "d": "string"}),
        ({"SchemaChangePolicy": LOG}, {"a": "int", "b": "int", "c": "int"}),
    ],
)
def test_changed_columns_follow_the_policy(lake: Any, settings: dict[str, Any], columns: dict[str, str]) -> None:
    lake.put({"t/a.json": OLD})
    lake.crawl("t/", **settings)
    lake.put({"t/a.json": NEW})
    lake.run()
    assert lake.columns("t") == columns


def test_a_second_crawl_of_unchanged_data_changes_nothing(lake: Any) -> None:
    lake.put({"t/d=1/a.json": OLD, "c/a.csv": CSV})
    lake.crawl("t/", "c/")
    before = lake.tables(), lake.partitions("t")
    assert (lake.metrics()["TablesCreated"], lake.metrics()["TablesUpdated"]) == (2, 0)
    lake.run()
    assert (lake.tables(), lake.partitions("t")) == before
    assert (lake.metrics()["TablesCreated"], lake.metrics()["TablesUpdated"]) == (0, 0)


def test_new_folders_become_partitions_and_new_columns_table_columns(lake: Any) -> None:
    lake.put({"t/day=1/a.json": OLD})
    lake.crawl("t/")
    lake.put({"t/day=2/a.json": NEW})
    lake.run()
    assert lake.columns("t") == {"a": "double", "b": "int", "c": "int", "d": "string"}
    columns = lake.partitions("t")["1",]["StorageDescriptor"]["Columns"]
    assert {column["Name"]: column["Type"] for column in columns} == {"a": "int", "b": "int", "c": "int"}
    assert set(lake.partitions("t")) == {("1",), ("2",)}


def test_partitions_can_inherit_the_columns_of_their_table(lake: Any) -> None:
    inherit = {"CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}}}
    lake.put({"t/day=1/a.json": OLD})
    lake.crawl("t/", Configuration=json.dumps(inherit))
    lake.put({"t/day=2/a.json": NEW})
    lake.run()
    table = lake.tables()["t"]["StorageDescriptor"]["Columns"]
    assert [part["StorageDescriptor"]["Columns"] for part in lake.partitions("t").values()] == [table, table]


@pytest.mark.parametrize(
    ("behaviour", "tables", "deprecated", "partitions", "deleted"),
    [
        ("DELETE_FROM_DATABASE", {"t"}, set(), {("2",)}, 1),
        ("DEPRECATE_IN_DATABASE", {"t", "u"}, {"u"}, {("1",), ("2",)}, 0),
        ("LOG", {"t", "u"}, set(), {("1",), ("2",)}, 0),
    ],
)
def test_vanished_data_follows_the_policy(
    lake: Any,
    behaviour: str,
    tables: set[str],
    deprecated: set[str],
    partitions: set[tuple[str, ...]],
    deleted: int,
) -> None:
    lake.put({"raw/t/d=1/a.json": OLD, "raw/t/d=2/a.json": OLD, "raw/u/a.csv": CSV})
    lake.crawl("raw/", **deleting(behaviour))
    lake.drop("raw/t/d=1/a.json", "raw/u/a.csv")
    lake.run()
    found = lake.tables()
    assert set(found) == tables
    assert {name for name in found if "DEPRECATED_BY_CRAWLER" in found[name]["Parameters"]} == deprecated
    assert set(lake.partitions("t")) == partitions
    assert lake.metrics()["TablesDeleted"] == deleted


def test_a_deprecated_table_is_restored_when_its_data_is_back(lake: Any) -> None:
    lake.put({"t/a.csv": CSV, "u/a.json": OLD})
    lake.crawl("t/", "u/")
    lake.drop("t/a.csv")
    lake.run()
    assert "DEPRECATED_BY_CRAWLER" in lake.tables()["t"]["Parameters"]
    lake.put({"t/a.csv": CSV})
    lake.run()
    assert "DEPRECATED_BY_CRAWLER" not in lake.tables()["t"]["Parameters"]


def test_a_table_whose_files_became_unreadable_is_not_lost(lake: Any) -> None:
    lake.put({"t/a.csv": CSV})
    lake.crawl("t/", **deleting("DELETE_FROM_DATABASE"))
    lake.put({"t/a.csv": b"\0\0\0\0"})
    lake.run()
    assert lake.columns("t") == {"id": "bigint", "name": "string"}
    assert any("t/a.csv" in line for line in lake.warnings())


def test_tables_of_other_owners_are_never_changed(lake: Any) -> None:
    storage = {"Columns": [], "Location": f"s3://{lake.name}/t/gone/"}
    lake.glue.create_table(DatabaseName=lake.name, TableInput={"Name": "mine", "StorageDescriptor": storage})
    lake.put({"t/a.csv": CSV})
    lake.crawl("t/", **deleting("DELETE_FROM_DATABASE"))
    assert lake.tables()["mine"]["StorageDescriptor"] == storage


def test_an_existing_table_is_adopted_with_its_description(lake: Any) -> None:
    column = {"Name": "id", "Type": "string", "Comment": "who"}
    storage = {"Columns": [column], "Location": f"s3://{lake.name}/t"}
    table = {
        "Name": "people",
        "Description": "by hand",
        "StorageDescriptor": storage,
        "Parameters": {"k": "v"},
    }
    lake.glue.create_table(DatabaseName=lake.name, TableInput=table)
    lake.put({"t/a.csv": CSV})
    lake.crawl("t/")
    (found,) = lake.tables().values()
    assert (found["Name"], found["Description"], found["Parameters"]["k"]) == ("people", "by hand", "v")
    assert found["StorageDescriptor"]["Columns"][0] == {"Name": "id", "Type": "bigint", "Comment": "who"}


def test_crawling_only_new_folders_skips_known_ones(lake: Any) -> None:
    lake.put({"t/us/d=1/a.json": OLD, "t/eu/d=1/a.json": OLD})
    new_only = {"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}, "SchemaChangePolicy": LOG}
    lake.crawl("t/", **new_only)
    lake.put({"t/us/d=1/b.json": b"\0 not data", "t/asia/d=1/a.json": OLD, "t/v/d=1/a.csv": CSV})
    lake.run()
    assert set(lake.partitions("t")) == {("us", "1"), ("eu", "1"), ("asia", "1")}
    assert not [line for line in lake.warnings() if "b.json" in line]


@pytest.mark.parametrize(
    ("setting", "names"), [({}, ["crawler_partition_index"]), ({"CreatePartitionIndex": False}, [])]
)
def test_a_partitioned_table_gets_an_index_unless_disabled(
    lake: Any, setting: dict[str, bool], names: list[str]
) -> None:
    lake.put({"t/year=1/month=2/a.json": OLD, "u/a.csv": CSV})
    lake.crawl("t/", "u/", Configuration=json.dumps({"Version": 1.0, **setting}))
    lake.run()
    place = {"DatabaseName": lake.name, "TableName": "t"}
    indexes = lake.glue.get_partition_indexes(**place)["PartitionIndexDescriptorList"]
    assert [index["IndexName"] for index in indexes] == names
    assert all([key["Name"] for key in index["Keys"]] == ["year", "month"] for index in indexes)
    place["TableName"] = "u"
    assert not lake.glue.get_partition_indexes(**place)["PartitionIndexDescriptorList"]


@pytest.mark.parametrize(("changed", "type_"), [("2.5", "double"), ('"x"', "string"), ("9000000000", "bigint")])
@pytest.mark.parametrize("policy", ["UPDATE_IN_DATABASE", "LOG"])
def test_a_widened_or_changed_type_follows_the_policy(lake: Any, changed: str, type_: str, policy: str) -> None:
    lake.put({"t/d=1/a.json": '{"a": 1, "b": 1}\n'})
    lake.crawl("t/", SchemaChangePolicy={"UpdateBehavior": policy, "DeleteBehavior": "LOG"})
    lake.put({"t/d=2/a.json": f'{{"a": {changed}, "b": 1}}\n'})
    lake.run()
    assert lake.columns("t") == {"a": type_ if policy == "UPDATE_IN_DATABASE" else "int", "b": "int"}
    assert set(lake.partitions("t")) == {("1",), ("2",)}


def test_bare_folders_are_partitions_and_new_ones_are_found_later(lake: Any) -> None:
    lake.put({"t/2013/01/a.json": OLD, "t/2013/02/a.json": OLD})
    lake.crawl("t/")
    keys = [key["Name"] for key in lake.tables()["t"]["PartitionKeys"]]
    lake.put({"t/2014/01/a.json": OLD})
    lake.run()
    assert keys == ["partition_0", "partition_1"]
    assert set(lake.partitions("t")) == {("2013", "01"), ("2013", "02"), ("2014", "01")}
