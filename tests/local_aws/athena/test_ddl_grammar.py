"""The grammar of catalog statements: each clause reaches the catalog, and leftover input is an error."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.athena import statements
from local_aws.athena.errors import QueryFailed

from .conftest import DATABASE, LAKE, Lake

HOME = f"LOCATION 's3://{LAKE}/grammar/'"
LEFT_OVER = {
    "DROP TABLE a b": "line 1:14: mismatched input 'b'",
    "CREATE EXTERNAL TABLE a (n int) SORTED BY (n) LOCATION 's3://b/c/'": "line 1:33: mismatched input 'SORTED'",
    "CREATE EXTERNAL TABLE a (n int)\nPARTITIONED (d int) LOCATION 's3://b/c/'": "line 2:1: mismatched input",
    "CREATE EXTERNAL TABLE a (date date) LOCATION 's3://b/c/'": "date is a reserved word and stands in backquotes",
    "CREATE EXTERNAL TABLE a (_n int) LOCATION 's3://b/c/'": "line 1:26: mismatched input '_n'",
    "CREATE EXTERNAL TABLE a (n integer) LOCATION 's3://b/c/'": "in which integer is int",
    "CREATE EXTERNAL TABLE a (n varchar) LOCATION 's3://b/c/'": "Expecting: '('",
    "CREATE EXTERNAL TABLE a (n decimal(39,0)) LOCATION 's3://b/c/'": "the precision is 1 to 38",
    "CREATE EXTERNAL TABLE a (n map<int>) LOCATION 's3://b/c/'": "a map has two",
    "CREATE EXTERNAL TABLE a (n int)": "Expecting: LOCATION 's3://bucket/folder/'",
    "CREATE EXTERNAL TABLE a (n int) LOCATION 's3://b/*'": "without wildcards",
    "CREATE EXTERNAL TABLE a (n int) LOCATION '/tmp/x'": "must be a folder in S3",
    "CREATE TABLE a (n int) LOCATION 's3://b/c/'": "needs the word EXTERNAL",
    "CREATE VIEW v (x) AS SELECT 1": "line 1:15: mismatched input '('. Expecting: 'AS'",
    "CREATE VIEW `v` AS SELECT 1 AS n": "backquoted identifiers are not supported",
    "ALTER TABLE a ADD COLUMN (n int)": "Expecting: 'COLUMNS', 'PARTITION'",
    "ALTER TABLE a ADD PARTITION (d > 1)": "a partition is named by key = value",
    "ALTER TABLE a CHANGE n n int AFTER": "Expecting: a column's name",
    "SHOW TABLES LIKE": "Expecting: a text in single quotes",
    "SHOW CREATE FUNCTION f": "mismatched input 'SHOW'",
    "MSCK REPAIR TABLE a, b": "line 1:20: mismatched input ','",
    "INSERT OVERWRITE TABLE a SELECT 1": "mismatched input 'INSERT'",
    "DROP TABLE a; DROP TABLE b": "Only one sql statement is allowed",
    "UNLOAD (SELECT 1) TO 's3://b/c/'": "Expecting: 'WITH'",
    "UNLOAD (SELECT 1) TO '/tmp/x' WITH (format = 'JSON')": "the location '/tmp/x' must be a folder in S3",
    "CREATE TABLE a WITH (external_location = 'file:///tmp') AS SELECT 1 AS n": "must be a folder in S3",
    "GRANT SELECT ON a TO b": "mismatched input 'GRANT'",
    "": "mismatched input '<EOF>'",
}


@pytest.mark.parametrize(("sql", "reason"), LEFT_OVER.items(), ids=list(LEFT_OVER))
def test_an_invalid_statement_is_refused_with_its_position(sql: str, reason: str) -> None:
    with pytest.raises(QueryFailed, match=r"^SYNTAX_ERROR: ") as refused:
        statements.parsed(sql)
    if not reason.startswith("Only one"):
        assert reason in str(refused.value)


@pytest.mark.parametrize("sql", [sql for sql in LEFT_OVER if sql])
def test_an_invalid_statement_does_not_start(lake: Lake, sql: str) -> None:
    with pytest.raises(ClientError, match="InvalidRequestException") as refused:
        lake.start(sql)
    assert LEFT_OVER[sql] in refused.value.response["Error"]["Message"]


def made(lake: Lake, name: str, rest: str) -> dict[str, Any]:
    lake.rows(f"CREATE EXTERNAL TABLE {name} {rest}")
    return dict(lake.glue.get_table(DatabaseName=DATABASE, Name=name)["Table"])


def test_every_clause_of_a_table_reaches_the_catalog(lake: Lake) -> None:
    table = made(
        lake, "whole",
        "(id int COMMENT 'the key', `order` array<struct<a:int,b:map<string,decimal(9,2)>>>, name varchar(10)) "
        "COMMENT 'it''s people' PARTITIONED BY (d string COMMENT 'day') CLUSTERED BY (id) INTO 4 BUCKETS "
        r"ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' ESCAPED BY '\\' COLLECTION ITEMS TERMINATED BY '|' "
        r"MAP KEYS TERMINATED BY ':' LINES TERMINATED BY '\n' NULL DEFINED AS 'none' STORED AS TEXTFILE "
        f"{HOME} TBLPROPERTIES ('classification'='csv', 'a'='b')",
    )  # fmt: skip
    storage = table["StorageDescriptor"]
    assert storage["Columns"] == [
        {"Name": "id", "Type": "int", "Comment": "the key"},
        {"Name": "order", "Type": "array<struct<a:int,b:map<string,decimal(9,2)>>>"},
        {"Name": "name", "Type": "varchar(10)"},
    ]
    assert table["PartitionKeys"] == [{"Name": "d", "Type": "string", "Comment": "day"}]
    assert (storage["BucketColumns"], storage["NumberOfBuckets"]) == (["id"], 4)
    assert storage["SerdeInfo"]["Parameters"] == {
        "field.delim": "\t", "serialization.format": "\t", "escape.delim": "\\", "collection.delim": "|",
        "mapkey.delim": ":", "line.delim": "\n", "serialization.null.format": "none",
    }  # fmt: skip
    assert table["Parameters"] == {"EXTERNAL": "TRUE", "classification": "csv", "a": "b", "comment": "it's people"}


def test_texts_stand_in_double_quotes_too(lake: Lake) -> None:
    rest = """(a string COMMENT "it's a") ROW FORMAT SERDE "x.OpenCSVSerde" WITH SERDEPROPERTIES ("separatorChar" = ",",
        "quoteChar" = "`", "escapeChar" = "\\\\", "none" = "")
        LOCATION "s3://x/y/" TBLPROPERTIES ("skip.header.line.count"="1")"""
    table = made(lake, "double_quoted", rest)
    storage = table["StorageDescriptor"]
    assert storage["Columns"] == [{"Name": "a", "Type": "string", "Comment": "it's a"}]
    assert storage["Location"] == "s3://x/y/"
    due = {"separatorChar": ",", "quoteChar": "`", "escapeChar": "\\", "none": ""}
    assert due.items() <= storage["SerdeInfo"]["Parameters"].items()
    assert table["Parameters"]["skip.header.line.count"] == "1"


@pytest.mark.parametrize(
    ("rows", "reader", "serde"),
    [
        ("", "TextInputFormat", "LazySimpleSerDe"),
        ("STORED AS PARQUET", "MapredParquetInputFormat", "ParquetHiveSerDe"),
        ("STORED AS ORC", "OrcInputFormat", "OrcSerde"),
        ("STORED AS AVRO", "AvroContainerInputFormat", "AvroSerDe"),
        ("STORED AS INPUTFORMAT 'x.In' OUTPUTFORMAT 'x.Out'", "In", "LazySimpleSerDe"),
        ("ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'", "TextInputFormat", "JsonSerDe"),
        ("ROW FORMAT SERDE 'x.RegexSerDe' WITH SERDEPROPERTIES ('input.regex'='(.*)')", "TextInputFormat",
         "RegexSerDe"),
    ],
)  # fmt: skip
def test_a_format_has_its_classes(lake: Lake, rows: str, reader: str, serde: str) -> None:
    name = f"format_{abs(hash(rows))}"
    storage = made(lake, name, f"(a string) {rows} {HOME}")["StorageDescriptor"]
    assert storage["InputFormat"].endswith(f".{reader}")
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith(f".{serde}")


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        (f"(n int, N string) {HOME}", "DUPLICATE_COLUMN_NAME"),
        (f"(n int) PARTITIONED BY (n int) {HOME}", "DUPLICATE_COLUMN_NAME"),
        (f"(n int) CLUSTERED BY (m) INTO 4 BUCKETS {HOME}", "COLUMN_NOT_FOUND"),
        (f"(n int) ROW FORMAT SERDE 'x.ParquetHiveSerDe' {HOME}", "HIVE_UNSUPPORTED_FORMAT"),
        (f"(n int) {HOME} TBLPROPERTIES ('table_type'='ICEBERG')", "NOT_SUPPORTED"),
    ],
)
def test_an_impossible_table_is_refused_with_athenas_code(lake: Lake, rest: str, code: str) -> None:
    assert lake.run(f"CREATE EXTERNAL TABLE wrong {rest}").reason.startswith(f"{code}: ")


def test_show_create_table_recreates_the_same_table(lake: Lake) -> None:
    rests = {
        "twin_text": r"(a int COMMENT 'it''s', m map<string,int>) COMMENT 'c' PARTITIONED BY (d date) "
        r"CLUSTERED BY (a) INTO 2 BUCKETS ROW FORMAT DELIMITED FIELDS TERMINATED BY '\u0001' ESCAPED BY '\\' "
        f"NULL DEFINED AS '' {HOME} TBLPROPERTIES ('k'='v')",
        "twin_json": "(a string) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES "
        f"('ignore.malformed.json'='true') {HOME}",
        "twin_parquet": f"(a string) STORED AS PARQUET {HOME}",
    }
    for name, rest in rests.items():
        first = made(lake, name, rest)
        text = "\n".join("\t".join(filter(None, row)) for row in lake.rows(f"SHOW CREATE TABLE {name}"))
        lake.rows(f"DROP TABLE {name}")
        lake.rows(text)
        again = lake.glue.get_table(DatabaseName=DATABASE, Name=name)["Table"]
        for field in ("StorageDescriptor", "PartitionKeys", "Parameters"):
            assert again[field] == first[field], text


def test_columns_are_added_replaced_and_changed(lake: Lake) -> None:
    made(lake, "changing", f"(a int, b string COMMENT 'old') PARTITIONED BY (d string) {HOME}")

    def columns() -> list[str]:
        return [row[0] or "" for row in lake.rows("SHOW COLUMNS IN changing")]

    lake.rows("ALTER TABLE changing ADD COLUMNS (c double, `date` date)")
    assert columns() == ["a", "b", "c", "date", "d"]
    lake.rows("ALTER TABLE changing CHANGE COLUMN c price decimal(5,2) COMMENT 'new' AFTER a")
    assert columns() == ["a", "price", "b", "date", "d"]
    lake.rows("ALTER TABLE changing CHANGE b b varchar(3) FIRST")
    described = [[value.strip() for value in row if value] for row in lake.rows("DESCRIBE changing b")]
    assert described == [["b", "varchar(3)", "old"]]
    lake.rows("ALTER TABLE changing REPLACE COLUMNS (z int)")
    assert columns() == ["z", "d"]
    assert lake.run("ALTER TABLE changing ADD COLUMNS (Z int)").reason.startswith("DUPLICATE_COLUMN_NAME")
    assert lake.run("ALTER TABLE changing CHANGE x y int").reason.startswith("COLUMN_NOT_FOUND: Column 'x'")
    assert "is for Iceberg tables" in lake.run("ALTER TABLE changing DROP COLUMN z").reason
    assert "is for Iceberg tables" in lake.run("ALTER TABLE changing RENAME TO other").reason


@pytest.mark.parametrize(
    ("path", "described"),
    [
        ("s", ["s", "struct<a:int,b:array<decimal(5,2)>>"]),
        ("s.A", ["a", "int", "from deserializer"]),
        ("s.b.'$elem$'", ["$elem$", "decimal(5,2)", "from deserializer"]),
        ("m.'$key$'", ["$key$", "string", "from deserializer"]),
        ("m.'$value$'.`x y`", ["x y", "bigint", "from deserializer"]),
    ],
)
def test_the_parts_of_a_column_are_described(lake: Lake, path: str, described: list[str]) -> None:
    columns = "(s struct<a:int,b:array<decimal(5,2)>>, m map<string,struct<`x y`:bigint>>)"
    lake.rows(f"CREATE EXTERNAL TABLE IF NOT EXISTS nested {columns} {HOME}")
    rows = lake.rows(f"DESCRIBE nested {path}")
    assert [[value.strip() for value in row if value and value.strip()] for row in rows] == [described]
    assert lake.run("DESCRIBE nested s.c").reason == (
        "COLUMN_NOT_FOUND: 'c' is no part of the type struct<a:int,b:array<decimal(5,2)>>; it has a, b"
    )


def test_properties_and_locations_are_set_and_shown(lake: Lake) -> None:
    made(lake, "set_up", f"(a int) PARTITIONED BY (d string) {HOME} TBLPROPERTIES ('one'='1')")
    lake.rows("ALTER TABLE set_up SET TBLPROPERTIES ('two'='2', 'one'='I')")
    assert lake.rows("SHOW TBLPROPERTIES set_up") == [["EXTERNAL\tTRUE"], ["one\tI"], ["two\t2"]]
    assert lake.rows("SHOW TBLPROPERTIES set_up('two')") == [["2"]]
    lake.rows(f"ALTER TABLE set_up SET LOCATION 's3://{LAKE}/other/'")
    assert lake.glue.get_table(DatabaseName=DATABASE, Name="set_up")["Table"]["StorageDescriptor"]["Location"] == (
        f"s3://{LAKE}/other/"
    )
    lake.rows("ALTER TABLE set_up ADD PARTITION (d = '1')")
    lake.rows(f"ALTER TABLE set_up PARTITION (d = '1') SET LOCATION 's3://{LAKE}/third/'")
    lake.rows("ALTER TABLE set_up PARTITION (d = '1') RENAME TO PARTITION (d = '2')")
    [partition] = lake.glue.get_partitions(DatabaseName=DATABASE, TableName="set_up")["Partitions"]
    assert (partition["Values"], partition["StorageDescriptor"]["Location"]) == (["2"], f"s3://{LAKE}/third/")


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        ("(city = 'Paris, TX', year = 2023)", ["Paris/2023", "Paris/2024", "Rome/2023"]),
        ("(city = 'Paris')", ["Paris, TX/2023", "Rome/2023"]),
        ("(year > '2023')", ["Paris, TX/2023", "Paris/2023", "Rome/2023"]),
        ("(year >= 999)", []),
        ("(city <> 'Paris')", ["Paris/2023", "Paris/2024"]),
        ("(city = 'Rome'), PARTITION (year = 2024)", ["Paris, TX/2023", "Paris/2023"]),
    ],
)
def test_only_partitions_that_meet_the_conditions_are_dropped(lake: Lake, conditions: str, left: list[str]) -> None:
    name = f"towns_{abs(hash(conditions))}"
    made(lake, name, f"(n int) PARTITIONED BY (city string, year int) {HOME}")
    for city, year in (("Paris", 2023), ("Paris", 2024), ("Paris, TX", 2023), ("Rome", 2023)):
        lake.rows(f"ALTER TABLE {name} ADD PARTITION (city = '{city}', year = {year})")
    lake.rows(f"ALTER TABLE {name} DROP PARTITION {conditions}")
    found = [str(row[0]).replace("city=", "").replace("year=", "") for row in lake.rows(f"SHOW PARTITIONS {name}")]
    assert found == left


def test_dropping_a_missing_partition_needs_if_exists(lake: Lake) -> None:
    made(lake, "few", f"(n int) PARTITIONED BY (d string) {HOME}")
    assert lake.run("ALTER TABLE few DROP PARTITION (d = '9')").reason.startswith("PARTITION_NOT_FOUND")
    lake.rows("ALTER TABLE few DROP IF EXISTS PARTITION (d = '9')")
    assert lake.run("ALTER TABLE few DROP PARTITION (nope = '9')").reason.startswith("COLUMN_NOT_FOUND: nope is no")


def test_statements_are_prepared_executed_and_deallocated(lake: Lake) -> None:
    lake.rows("PREPARE pairs FROM SELECT ? AS a, ? AS b")
    assert lake.rows("EXECUTE pairs USING 1, 'x'") == [["1", "x"]]
    with pytest.raises(ClientError, match="expected 2 but found 1"):
        lake.start("EXECUTE pairs USING 1")
    with pytest.raises(ClientError, match="mismatched input '1'"):
        lake.start("EXECUTE pairs 1, 2")
    lake.rows("DEALLOCATE PREPARE pairs")
    with pytest.raises(ClientError, match="PreparedStatement pairs was not found in workGroup primary"):
        lake.start("EXECUTE pairs USING 1, 'x'")
    assert lake.run("DEALLOCATE PREPARE pairs").reason.startswith("NOT_FOUND: PreparedStatement pairs")


def test_databases_have_comments_locations_and_properties(lake: Lake) -> None:
    lake.rows(f"CREATE DATABASE about COMMENT 'c' LOCATION 's3://{LAKE}/about/' WITH DBPROPERTIES ('a'='1')")
    lake.rows("ALTER DATABASE about SET DBPROPERTIES ('b'='2')")
    found = lake.glue.get_database(Name="about")["Database"]
    assert (found["Description"], found["LocationUri"]) == ("c", f"s3://{LAKE}/about/")
    assert found["Parameters"] == {"a": "1", "b": "2"}
    assert lake.run("CREATE SCHEMA about").reason.startswith("SCHEMA_ALREADY_EXISTS")
    assert lake.rows("SHOW SCHEMAS LIKE 'abo*|zzz'") == [["about"]]
    lake.rows("DROP SCHEMA about CASCADE")
    assert lake.run("DROP DATABASE about").reason.startswith("SCHEMA_NOT_FOUND")


def test_explain_lists_the_steps_of_a_query_as_trino_does(lake: Lake) -> None:
    made(lake, "explained", f"(a int, b string) {HOME}")
    sql = "SELECT b, count(*) AS n FROM explained WHERE a > 1 GROUP BY b ORDER BY n LIMIT 3"
    steps = [str(row[0]).strip(" └─") for row in lake.rows(f"EXPLAIN (TYPE DISTRIBUTED) {sql}")]
    assert steps == [
        "Fragment 0 [SINGLE]",
        "Output layout: [b, n]",
        "Output partitioning: SINGLE []",
        "Output[columnNames = [b, n]]",
        "Limit[count = 3]",
        "Sort[orderBy = [n]]",
        "Aggregate[keys = [b]]",
        "Filter[filterPredicate = a > 1]",
        "TableScan[table = awsdatacatalog:flights:explained]",
    ]
    assert lake.rows(f"EXPLAIN (TYPE VALIDATE) {sql}") == [["true"]]
    assert lake.run("EXPLAIN SELECT nope FROM explained").reason.startswith("COLUMN_NOT_FOUND")
    assert lake.run("EXPLAIN ANALYZE SELECT 1").reason.startswith("NOT_SUPPORTED")


def test_a_statement_over_athenas_length_limit_does_not_start(lake: Lake) -> None:
    assert lake.rows("SELECT 1 -- " + "é" * 131_000) == [["1"]]
    with pytest.raises(ClientError, match="less than or equal to 262144; it has 262"):
        lake.start("SELECT 1 -- " + "é" * 131_072)
