"""Calls of Athena clients besides queries: work groups, engine versions, saved queries, reused results."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.embedded import unchecked

from .conftest import DATABASE, LAKE, RESULTS, Lake


def test_the_primary_work_group_returns_its_whole_configuration(lake: Lake) -> None:
    configuration = lake.athena.get_work_group(WorkGroup="primary")["WorkGroup"]["Configuration"]
    assert configuration["EnforceWorkGroupConfiguration"] is False
    assert configuration["RequesterPaysEnabled"] is False
    assert configuration["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"


def test_engine_versions_are_listed(lake: Lake) -> None:
    versions = lake.athena.list_engine_versions()["EngineVersions"]
    assert [version["SelectedEngineVersion"] for version in versions] == ["AUTO", "Athena engine version 3"]


def test_a_named_query_is_updated_and_keeps_its_id(lake: Lake) -> None:
    made = lake.athena.create_named_query(Name="a", Database=DATABASE, QueryString="SELECT 1")["NamedQueryId"]
    lake.athena.update_named_query(NamedQueryId=made, Name="b", QueryString="SELECT 2")
    found = lake.athena.get_named_query(NamedQueryId=made)["NamedQuery"]
    assert (found["Name"], found["QueryString"], found["Database"]) == ("b", "SELECT 2", DATABASE)
    [batch] = lake.athena.batch_get_named_query(NamedQueryIds=[made])["NamedQueries"]
    assert batch["Name"] == "b"
    lake.athena.delete_named_query(NamedQueryId=made)
    with pytest.raises(ClientError, match="does not exist"):
        lake.athena.update_named_query(NamedQueryId=made, Name="c", QueryString="SELECT 3")


def test_a_prepared_statement_is_updated(lake: Lake) -> None:
    given = {"StatementName": "changing", "WorkGroup": "primary"}
    lake.athena.create_prepared_statement(**given, QueryStatement="SELECT 1")
    lake.athena.update_prepared_statement(**given, QueryStatement="SELECT 2")
    answer = lake.athena.batch_get_prepared_statement(PreparedStatementNames=["changing", "none"], WorkGroup="primary")
    assert [found["QueryStatement"] for found in answer["PreparedStatements"]] == ["SELECT 2"]
    assert [absent["StatementName"] for absent in answer["UnprocessedPreparedStatementNames"]] == ["none"]


def test_a_refused_update_of_a_prepared_statement_changes_nothing(lake: Lake, endpoint: str) -> None:
    given = {"StatementName": "kept", "WorkGroup": "primary"}
    lake.athena.create_prepared_statement(**given, QueryStatement="SELECT 1")
    with pytest.raises(ClientError, match="Description is 1: allowed is a text"):
        unchecked("athena", endpoint).update_prepared_statement(**given, QueryStatement="SELECT 2", Description=1)
    found = lake.athena.get_prepared_statement(**given)["PreparedStatement"]
    assert found["QueryStatement"] == "SELECT 1"


@pytest.mark.parametrize("name", ["`flights`", '"flights"', "FLIGHTS"])
def test_a_database_may_be_named_in_quotes_and_in_any_case(lake: Lake, name: str) -> None:
    context = {"Database": name, "Catalog": "AWSDataCatalog"}
    assert lake.run("SHOW TABLES 'none'", QueryExecutionContext=context).state == "SUCCEEDED"


def test_another_catalog_is_refused_and_named(lake: Lake) -> None:
    with pytest.raises(ClientError, match="Catalog other is not found"):
        lake.start("SELECT 1", QueryExecutionContext={"Database": DATABASE, "Catalog": "other"})


def test_a_result_is_reused_if_it_is_recent_and_still_exists(lake: Lake) -> None:
    sql = f"SELECT '{uuid.uuid4()}' AS x"
    reuse = {"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 60}}}

    def is_reused(**options: object) -> bool:
        ran = lake.run(sql, **options)
        assert len(ran.rows) == 1
        return bool(ran.document["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"])

    assert not is_reused(**reuse)
    assert is_reused(**reuse)
    assert not is_reused()
    never = {"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 0}}}
    assert not is_reused(**never)
    for file in lake.s3.list_objects_v2(Bucket=RESULTS)["Contents"]:
        lake.s3.delete_object(Bucket=RESULTS, Key=file["Key"])
    assert not is_reused(**reuse)


def test_column_statistics_of_a_table_are_kept(lake: Lake) -> None:
    lake.table("counted", "json", "n int")
    numbers = {"NumberOfNulls": 0, "NumberOfDistinctValues": 2}
    data = {"Type": "LONG", "LongColumnStatisticsData": numbers}
    given = {"ColumnName": "n", "ColumnType": "int", "AnalyzedTime": 0, "StatisticsData": data}
    named = {"DatabaseName": DATABASE.upper(), "TableName": "COUNTED"}
    lake.glue.update_column_statistics_for_table(**named, ColumnStatisticsList=[given])
    [kept] = lake.glue.get_column_statistics_for_table(**named, ColumnNames=["n"])["ColumnStatisticsList"]
    assert kept["StatisticsData"]["LongColumnStatisticsData"] == numbers


def test_information_schema_lists_databases_tables_and_columns(lake: Lake) -> None:
    lake.rows(
        "CREATE EXTERNAL TABLE told (a int COMMENT 'first', m map<string,array<struct<x:float>>>) PARTITIONED BY "
        f"(d date) LOCATION 's3://{LAKE}/told/'"
    )
    lake.rows("CREATE VIEW told_too AS SELECT a FROM told")
    where = f"table_schema = '{DATABASE}' AND table_name LIKE 'told%'"
    tables = f'SELECT table_name, table_type FROM "AwsDataCatalog".information_schema.tables WHERE {where} ORDER BY 1'
    assert lake.rows(tables) == [["told", "BASE TABLE"], ["told_too", "VIEW"]]
    columns = "SELECT column_name, ordinal_position, data_type, comment, extra_info FROM information_schema.columns "
    assert lake.rows(f"{columns} WHERE table_schema = '{DATABASE}' AND table_name = 'told' ORDER BY 2") == [
        ["a", "1", "integer", "first", None],
        ["m", "2", "map(varchar, array(row(x real)))", None, None],
        ["d", "3", "date", None, "partition key"],
    ]
    views = f"SELECT view_definition FROM information_schema.views WHERE {where}"
    assert lake.rows(views) == [["SELECT a FROM told"]]
    schemas = "SELECT schema_name FROM information_schema.schemata WHERE schema_name IN ('flights', 'nowhere')"
    assert lake.rows(schemas) == [["flights"]]
    assert lake.run("SELECT * FROM information_schema.nothing").reason.startswith("TABLE_NOT_FOUND")


def test_a_session_describes_itself(lake: Lake) -> None:
    ran = lake.run("SELECT current_catalog, current_schema, current_timezone(), upper(current_schema) AS big")
    assert ran.rows == [["awsdatacatalog", DATABASE, "UTC", "FLIGHTS"]]
    assert [column["Name"] for column in ran.columns] == ["_col0", "_col1", "_col2", "big"]
    assert lake.rows("SELECT current_user = current_user") == [["true"]]


def test_the_partitions_of_a_table_can_be_queried(lake: Lake) -> None:
    lake.rows(
        "CREATE EXTERNAL TABLE parted (n int) PARTITIONED BY (year int, town string) "
        f"ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://{LAKE}/parted/'"
    )
    lake.rows("ALTER TABLE parted ADD PARTITION (year = 2024, town = 'Rome') PARTITION (year = 2023, town = 'Bonn')")
    sql = 'SELECT year + 1, town FROM "parted$partitions" WHERE year > 2000 ORDER BY year'
    assert lake.rows(sql) == [["2024", "Bonn"], ["2025", "Rome"]]
    lake.put("parted/year=2024/town=Rome/a.csv", "7\n")
    sql = f'SELECT "$path", "$file_size" FROM {DATABASE}.parted'
    assert lake.rows(sql) == [[f"s3://{LAKE}/parted/year=2024/town=Rome/a.csv", "2"]]
    assert lake.rows("SELECT * FROM parted") == [["7", "2024", "Rome"]]
    modified = lake.s3.head_object(Bucket=LAKE, Key="parted/year=2024/town=Rome/a.csv")["LastModified"]
    moment = lake.rows('SELECT to_unixtime("$file_modified_time"), typeof("$file_modified_time") FROM parted')
    assert moment[0][1] == "timestamp(3) with time zone"
    assert abs(float(moment[0][0] or 0) - modified.timestamp()) <= 1
