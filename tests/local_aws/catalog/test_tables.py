"""Glue's catalog for clients: names in any case, versions, searches, expressions and pages."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[[str], Any]


@pytest.fixture
def database(aws: Aws) -> str:
    name = f"catalog_{uuid.uuid4().hex[:8]}"
    aws("glue").create_database(DatabaseInput={"Name": name})
    return name


def make(aws: Aws, database: str, name: str, **fields: Any) -> None:
    storage = {"Columns": [{"Name": "n", "Type": "int"}], "Location": f"s3://b/{name}/"}
    aws("glue").create_table(DatabaseName=database, TableInput={"Name": name, "StorageDescriptor": storage, **fields})


def test_a_table_has_no_field_that_was_not_set(aws: Aws, database: str) -> None:
    make(aws, database, "bare")
    table = aws("glue").get_table(DatabaseName=database, Name="bare")["Table"]
    assert {"Owner", "Description", "ViewOriginalText"} & table.keys() == set()
    [listed] = aws("glue").get_tables(DatabaseName=database)["TableList"]
    assert "Owner" not in listed


def test_names_are_folded_to_lower_case_in_every_call(aws: Aws, database: str) -> None:
    glue = aws("glue")
    make(aws, database.upper(), "MixedCase", PartitionKeys=[{"Name": "d", "Type": "string"}])
    assert glue.get_table(DatabaseName=database.title(), Name="mixedCASE")["Table"]["Name"] == "mixedcase"
    given = {"Values": ["1"], "StorageDescriptor": {"Location": "s3://b/d/"}}
    glue.create_partition(DatabaseName=database.upper(), TableName="MIXEDCASE", PartitionInput=given)
    assert len(glue.get_partitions(DatabaseName=database, TableName="mixedcase")["Partitions"]) == 1
    glue.batch_delete_table(DatabaseName=database, TablesToDelete=["MixedCase"])
    assert glue.get_tables(DatabaseName=database)["TableList"] == []


def test_an_update_replaces_the_table_and_keeps_the_old_version(aws: Aws, database: str) -> None:
    glue = aws("glue")
    make(aws, database, "versions", Description="first", Parameters={"a": "1"})
    glue.update_table(DatabaseName=database, TableInput={"Name": "versions", "Parameters": {"b": "2"}})
    glue.update_table(DatabaseName=database, TableInput={"Name": "versions"}, SkipArchive=True)
    table = glue.get_table(DatabaseName=database, Name="versions")["Table"]
    assert "Description" not in table
    assert table["Parameters"] == {}
    versions = glue.get_table_versions(DatabaseName=database, TableName="versions")["TableVersions"]
    assert [version["Table"].get("Description") for version in versions] == [None, "first"]
    oldest = versions[-1]["VersionId"]
    named = {"DatabaseName": database, "TableName": "versions"}
    assert glue.get_table_version(**named, VersionId=oldest)["TableVersion"]["Table"]["Parameters"] == {"a": "1"}
    glue.delete_table_version(**named, VersionId=oldest)
    errors = glue.batch_delete_table_version(**named, VersionIds=[oldest])["Errors"]
    assert [error["VersionId"] for error in errors] == [oldest]
    assert len(glue.get_table_versions(**named)["TableVersions"]) == 1


def test_versions_are_deleted_with_their_table(aws: Aws, database: str) -> None:
    glue = aws("glue")
    make(aws, database, "gone", Description="before")
    glue.update_table(DatabaseName=database, TableInput={"Name": "gone"})
    glue.delete_table(DatabaseName=database, Name="gone")
    make(aws, database, "gone")
    assert len(glue.get_table_versions(DatabaseName=database, TableName="gone")["TableVersions"]) == 1


@pytest.mark.parametrize(
    ("expression", "found"),
    [("sales*", ["sales_2023", "sales_2024"]), (".*2024", ["sales_2024"]), ("sales|costs", ["costs"]), ("x*", [])],
)
def test_tables_are_listed_by_an_expression_of_their_names(
    aws: Aws, database: str, expression: str, found: list[str]
) -> None:
    for name in ("sales_2024", "sales_2023", "costs"):
        make(aws, database, name)
    tables = aws("glue").get_tables(DatabaseName=database, Expression=expression)["TableList"]
    assert [table["Name"] for table in tables] == found
    metadata = aws("athena").list_table_metadata(
        CatalogName="AWSDATACATALOG", DatabaseName=database.upper(), Expression=expression
    )
    assert [table["Name"] for table in metadata["TableMetadataList"]] == found


def test_tables_are_listed_in_pages(aws: Aws, database: str) -> None:
    for number in range(5):
        make(aws, database, f"t{number}")
    first = aws("glue").get_tables(DatabaseName=database, MaxResults=3)
    second = aws("glue").get_tables(DatabaseName=database, MaxResults=3, NextToken=first["NextToken"])
    assert [len(page["TableList"]) for page in (first, second)] == [3, 2]
    assert "NextToken" not in second
    pages = aws("athena").get_paginator("list_table_metadata")
    pages = pages.paginate(CatalogName="awsdatacatalog", DatabaseName=database, PaginationConfig={"PageSize": 2})
    assert sum(len(page["TableMetadataList"]) for page in pages) == 5


def test_tables_are_searched_by_text_and_filters(aws: Aws, database: str) -> None:
    glue = aws("glue")
    make(aws, database, "orders_of_ada", Description=f"About {database}", Parameters={"classification": "csv"})
    make(aws, database, "orders_of_bo")

    def found(**asked: Any) -> list[str]:
        here = {"Key": "DatabaseName", "Value": database}
        answer = glue.search_tables(Filters=[here, *asked.pop("Filters", [])], **asked)
        return [table["Name"] for table in answer["TableList"]]

    assert found(SearchText="orders_of") == ["orders_of_ada", "orders_of_bo"]
    assert found(SearchText='"orders_of_bo"') == ["orders_of_bo"]
    assert found(SearchText='"orders_of"') == []
    assert found(Filters=[{"Key": "classification", "Value": "csv"}]) == ["orders_of_ada"]
    assert found(SortCriteria=[{"FieldName": "Name", "Sort": "DESC"}]) == ["orders_of_bo", "orders_of_ada"]


def test_missing_resources_are_named(aws: Aws, database: str) -> None:
    for act, words in {
        lambda: aws("glue").get_table_versions(DatabaseName=database, TableName="none"): "EntityNotFound.*none",
        lambda: aws("athena").get_table_metadata(
            CatalogName="AwsDataCatalog", DatabaseName=database, TableName="none"
        ): "MetadataException.*none",
        lambda: aws("athena").list_table_metadata(CatalogName="hive", DatabaseName=database): "Catalog hive not found",
    }.items():
        with pytest.raises(ClientError, match=words):
            act()


def test_tables_that_are_deleted_while_they_are_listed_hide_no_other(aws: Aws, database: str) -> None:
    glue = aws("glue")
    for number in range(6):
        make(aws, database, f"t{number}")
    for page in glue.get_paginator("get_tables").paginate(DatabaseName=database, PaginationConfig={"PageSize": 2}):
        for table in page["TableList"]:
            glue.delete_table(DatabaseName=database, Name=table["Name"])
    assert glue.get_tables(DatabaseName=database)["TableList"] == []


def test_versions_that_are_deleted_while_they_are_listed_hide_no_other(aws: Aws, database: str) -> None:
    glue, named = aws("glue"), {"DatabaseName": database, "TableName": "changed"}
    make(aws, database, "changed")
    for _ in range(5):
        glue.update_table(DatabaseName=database, TableInput={"Name": "changed"})
    current, *_ = glue.get_table_versions(**named)["TableVersions"]
    for page in glue.get_paginator("get_table_versions").paginate(**named, PaginationConfig={"PageSize": 2}):
        old = [version["VersionId"] for version in page["TableVersions"] if version != current]
        glue.batch_delete_table_version(**named, VersionIds=old)
    assert glue.get_table_versions(**named)["TableVersions"] == [current]


@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_tables_that_are_deleted_while_they_are_searched_hide_no_other(aws: Aws, database: str, order: str) -> None:
    glue, owner = aws("glue"), uuid.uuid4().hex
    for number in range(6):
        make(aws, database, f"t{number}", Owner=owner, Description=f"d{number // 2}")
    asked: dict[str, Any] = {
        "Filters": [{"Key": "Owner", "Value": owner}],
        "SortCriteria": [{"FieldName": "Description", "Sort": order}],
        "MaxResults": 1,
    }
    page, seen = glue.search_tables(**asked), []
    while True:
        seen += [table["Description"] for table in page["TableList"]]
        for table in page["TableList"]:
            glue.delete_table(DatabaseName=database, Name=table["Name"])
        if "NextToken" not in page:
            break
        page = glue.search_tables(**asked, NextToken=page["NextToken"])
    assert seen == sorted(["d0", "d1", "d2"] * 2, reverse=order == "DESC")


@pytest.mark.parametrize("token", ["5", "none", '{"a": 1}', "[[]]"])
def test_a_token_that_no_page_had_is_refused(aws: Aws, database: str, token: str) -> None:
    make(aws, database, "t")
    with pytest.raises(ClientError, match=r"InvalidInputException.*NextToken"):
        aws("glue").get_tables(DatabaseName=database, NextToken=token)
