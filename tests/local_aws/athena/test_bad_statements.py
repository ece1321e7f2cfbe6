"""Errors around a statement: Athena's code and a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.errors import QueryFailed
from tests.embedded import client

from ..conftest import free_port, started, stopped
from .conftest import DATABASE, LAKE, Lake


def test_a_recursive_view_is_neither_created_nor_read(lake: Lake) -> None:
    lake.rows("CREATE VIEW first AS SELECT 1 AS n")
    lake.rows("CREATE VIEW second AS SELECT n FROM first")
    for sql in ("SELECT n FROM first", "SELECT n FROM second"):
        reason = lake.run(f"CREATE OR REPLACE VIEW first AS {sql}").reason
        assert reason == f"VIEW_IS_RECURSIVE: View 'awsdatacatalog.{DATABASE}.first' is recursive"
    assert lake.rows("SELECT n FROM second") == [["1"]]


def test_a_view_whose_table_has_changed_is_stale(lake: Lake) -> None:
    make = f"CREATE EXTERNAL TABLE below (a int, b string) LOCATION 's3://{LAKE}/below/'"
    lake.rows(make)
    lake.rows("CREATE VIEW all_below AS SELECT * FROM below")
    lake.rows("CREATE VIEW some_below AS SELECT b FROM below")
    lake.rows("ALTER TABLE below REPLACE COLUMNS (a int, c string)")
    assert lake.run("SELECT * FROM all_below").reason.startswith(
        "INVALID_VIEW: View 'awsdatacatalog.flights.all_below' is stale or in invalid state: it has the columns a, c, "
    )
    assert lake.run("SELECT * FROM some_below").reason == (
        "INVALID_VIEW: Failed analyzing stored view 'awsdatacatalog.flights.some_below': "
        "COLUMN_NOT_FOUND: Column 'b' cannot be resolved"
    )


def test_a_view_does_not_replace_a_table(lake: Lake) -> None:
    lake.rows(f"CREATE EXTERNAL TABLE IF NOT EXISTS kept (n int) LOCATION 's3://{LAKE}/kept/'")
    reason = lake.run("CREATE OR REPLACE VIEW kept AS SELECT 1 AS n").reason
    assert reason == "TABLE_ALREADY_EXISTS: 'flights.kept' is a table, and no view to replace"


@pytest.mark.parametrize("sql", ["CREATE DATABASE other.d", "SHOW TABLES IN other.d", "DROP TABLE other.d.t"])
def test_a_missing_catalog_is_named(lake: Lake, sql: str) -> None:
    assert lake.run(sql).reason.startswith("CATALOG_NOT_FOUND: Catalog 'other' does not exist")


def test_a_view_of_an_unnamed_column_is_refused(lake: Lake) -> None:
    reason = lake.run("CREATE VIEW unnamed AS SELECT 1 AS a, 2").reason
    assert reason == "MISSING_COLUMN_NAME: Column name not specified at position 2"


@pytest.mark.parametrize("name", ["odd", "`odd`", '"odd"', "ODD", "`Odd`", "flights.odd", "`flights`.`odd`"])
def test_a_table_is_found_by_its_name_in_any_quotes(lake: Lake, name: str) -> None:
    lake.rows(f"CREATE EXTERNAL TABLE IF NOT EXISTS odd (n int) LOCATION 's3://{LAKE}/odd/'")
    assert lake.rows(f"SHOW COLUMNS IN {name}") == [["n"]]


def test_a_quoted_name_with_a_dot_is_one_name() -> None:
    assert Cursor('`a``b`."c""d"').table().table == 'c"d'
    with pytest.raises(QueryFailed, match=r"^CATALOG_NOT_FOUND: Catalog 'other' does not exist"):
        Cursor("other.a.b").table()


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("CREATE TABLE x WITH (partitioned_by = ARRAY['p']) AS SELECT 'a' AS p, 1 AS id", "HIVE_COLUMN_ORDER_MISMATCH"),
        ("CREATE TABLE x WITH (partitioned_by = ARRAY['p']) AS SELECT 'a' AS p", "INVALID_TABLE_PROPERTY"),
        ("CREATE TABLE x WITH (partitioned_by = 'p') AS SELECT 1 AS id, 'a' AS p", "INVALID_TABLE_PROPERTY"),
        ("CREATE TABLE x WITH (foo = 'bar') AS SELECT 1 AS id", "INVALID_TABLE_PROPERTY"),
        ("CREATE TABLE x WITH (format = 'JSON', parquet_compression = 'GZIP') AS SELECT 1 a", "INVALID_TABLE_PROPERTY"),
        ("CREATE TABLE x WITH (write_compression = 'LZO') AS SELECT 1 AS a", "NOT_SUPPORTED"),
        ("CREATE TABLE x WITH (bucketed_by = ARRAY['id'], bucket_count = 4) AS SELECT 1 AS id", "NOT_SUPPORTED"),
        ("CREATE TABLE x WITH (table_type = 'ICEBERG', is_external = false) AS SELECT 1 AS id", "NOT_SUPPORTED"),
        ("CREATE TABLE x AS SELECT 1 AS id, 2 AS ID", "DUPLICATE_COLUMN_NAME"),
        ("CREATE TABLE x AS SELECT 1, 2 AS id", "MISSING_COLUMN_NAME"),
        ("CREATE TABLE x AS SELECT NULL AS id", "COLUMN_TYPE_UNKNOWN"),
        ("INSERT INTO filled VALUES ('text', 'a')", "TYPE_MISMATCH"),
        ("INSERT INTO filled VALUES (1)", "TYPE_MISMATCH"),
        ("INSERT INTO filled (n, nope) VALUES (1, 2)", "COLUMN_NOT_FOUND"),
        ("INSERT INTO filled (n, n) VALUES (1, 2)", "DUPLICATE_COLUMN_NAME"),
        ("INSERT INTO bucketed VALUES (1)", "NOT_SUPPORTED"),
    ],
)
def test_an_impossible_write_is_refused_with_athenas_code_and_leaves_nothing(lake: Lake, sql: str, code: str) -> None:
    lake.rows(f"CREATE EXTERNAL TABLE IF NOT EXISTS filled (n int, s string) LOCATION 's3://{LAKE}/filled/'")
    lake.rows(
        "CREATE EXTERNAL TABLE IF NOT EXISTS bucketed (n int) CLUSTERED BY (n) INTO 2 BUCKETS "
        f"LOCATION 's3://{LAKE}/bucketed/'"
    )
    assert lake.run(sql).reason.startswith(f"{code}: ")
    assert lake.rows("SHOW TABLES 'x'") == []
    assert lake.rows("SELECT count(*) FROM filled") == [["0"]]


ANY_TYPES = """CREATE EXTERNAL TABLE {} (n int, f double, s string, v varchar(3), c char(3), day date, at timestamp,
                 xs array<int>) STORED AS PARQUET LOCATION 's3://{}/{}/'"""


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("n", "2.5e0", "3"),
        ("n", "DECIMAL '-2.5'", "-3"),
        ("n", "BIGINT '7'", "7"),
        ("n", "NULL", None),
        ("f", "7", "7.0"),
        ("s", "CAST('a' AS char(3))", "a  "),
        ("v", "'abc   '", "abc"),
        ("c", "'a'", "a  "),
        ("day", "TIMESTAMP '2024-01-31 10:00:00'", "2024-01-31"),
        ("at", "DATE '2024-01-31'", "2024-01-31 00:00:00.000"),
        ("xs", "ARRAY[BIGINT '1', NULL]", "[1, null]"),
    ],
)
def test_an_insert_casts_to_the_types_of_the_columns_as_trino_does(
    lake: Lake, column: str, value: str, stored: str | None
) -> None:
    lake.rows(ANY_TYPES.format("typed", LAKE, "typed").replace("EXTERNAL TABLE", "EXTERNAL TABLE IF NOT EXISTS"))
    lake.rows(f"INSERT INTO typed ({column}) VALUES ({value})")
    assert [stored] in lake.rows(f"SELECT {column} FROM typed")


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("n", "'1'", "TYPE_MISMATCH: Insert query has mismatched column types: column n of the table is integer, and"),
        ("n", "true", "TYPE_MISMATCH"),
        ("n", "BIGINT '9999999999'", "NUMERIC_VALUE_OUT_OF_RANGE"),
        ("s", "1", "TYPE_MISMATCH"),
        ("s", "DATE '2024-01-31'", "TYPE_MISMATCH"),
        ("s", "JSON '1'", "TYPE_MISMATCH"),
        ("v", "'abcd'", "INVALID_CAST_ARGUMENT: Cannot truncate non-space characters when casting from varchar(4)"),
        ("day", "'2024-01-31'", "TYPE_MISMATCH"),
        ("xs", "ARRAY['1']", "TYPE_MISMATCH"),
        ("xs", "1", "TYPE_MISMATCH"),
    ],
)
def test_an_insert_refuses_what_trino_coerces_to_no_columns_type(
    lake: Lake, column: str, value: str, reason: str
) -> None:
    lake.rows(ANY_TYPES.format("strict", LAKE, "strict").replace("EXTERNAL TABLE", "EXTERNAL TABLE IF NOT EXISTS"))
    assert lake.run(f"INSERT INTO strict ({column}) VALUES ({value})").reason.startswith(reason)
    assert lake.rows("SELECT count(*) FROM strict") == [["0"]]


def test_a_statement_writes_at_most_a_hundred_partitions(lake: Lake) -> None:
    place = f"WITH (partitioned_by = ARRAY['p'], external_location = 's3://{LAKE}/hundred/')"
    rows = "SELECT x AS id, CAST(x AS varchar) AS p FROM UNNEST(sequence({}, {})) AS s(x)"
    over = "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets"
    assert lake.run(f"CREATE TABLE hundred {place} AS {rows.format(1, 101)}").reason.startswith(over)
    assert lake.run(f"CREATE TABLE hundred {place} AS {rows.format(1, 100)}").state == "SUCCEEDED"
    assert lake.run(f"INSERT INTO hundred {rows.format(201, 301)}").reason.startswith(over)
    assert lake.rows("SELECT count(*), count(DISTINCT p) FROM hundred") == [["100", "100"]]


@pytest.mark.parametrize("value", ["a b", "x/y", "12:30", "50%", "k=v", "Zürich", None])
def test_a_partition_with_any_value_is_written_and_found(lake: Lake, value: str | None) -> None:
    name = f"any_{abs(hash(value))}"
    literal = "CAST(NULL AS varchar)" if value is None else f"'{value}'"
    place = f"WITH (partitioned_by = ARRAY['p'], external_location = 's3://{LAKE}/{name}/')"
    lake.rows(f"CREATE TABLE {name} {place} AS SELECT 1 AS id, {literal} AS p")
    condition = "p IS NULL" if value is None else f"p = '{value}'"
    assert lake.rows(f"SELECT id, p FROM {name} WHERE {condition}") == [["1", value]]
    shown = "__HIVE_DEFAULT_PARTITION__" if value is None else value
    assert lake.rows(f"SHOW PARTITIONS {name}") == [[f"p={shown}"]]


@pytest.mark.parametrize(
    ("how", "suffix"),
    [
        ("format = 'PARQUET', write_compression = 'ZSTD', compression_level = 4", ".parquet"),
        ("format = 'JSON', write_compression = 'GZIP'", ".json.gz"),
        ("format = 'TEXTFILE', field_delimiter = '|', write_compression = 'GZIP'", ".txt.gz"),
    ],
)
def test_properties_of_a_written_table_are_honoured(lake: Lake, how: str, suffix: str) -> None:
    name = f"how_{abs(hash(how))}"
    place = f"{how}, partitioned_by = ARRAY['p'], external_location = 's3://{LAKE}/{name}/'"
    lake.rows(f"CREATE TABLE {name} WITH ({place}) AS SELECT 1 AS id, 'x' AS s, 'a' AS p")
    [file] = lake.s3.list_objects_v2(Bucket=LAKE, Prefix=f"{name}/")["Contents"]
    assert file["Key"].endswith(suffix)
    assert lake.rows(f"SELECT id, s, p FROM {name}") == [["1", "x", "a"]]


def test_a_table_is_created_with_no_data(lake: Lake) -> None:
    lake.rows("CREATE TABLE no_data AS SELECT 1 AS id, 'x' AS s WITH NO DATA")
    assert lake.rows("SELECT * FROM no_data") == []
    assert lake.rows("SHOW COLUMNS IN no_data") == [["id"], ["s"]]


def test_a_missing_result_bucket_fails_the_query_and_is_named(lake: Lake) -> None:
    lake.s3.create_bucket(Bucket="results-gone")
    output = {"OutputLocation": "s3://results-gone/"}
    assert lake.run("SELECT 1", ResultConfiguration=output).state == "SUCCEEDED"
    for file in lake.s3.list_objects_v2(Bucket="results-gone")["Contents"]:
        lake.s3.delete_object(Bucket="results-gone", Key=file["Key"])
    lake.s3.delete_bucket(Bucket="results-gone")
    ran = lake.run("SELECT 1", ResultConfiguration=output)
    assert (ran.state, "results-gone" in ran.reason) == ("FAILED", True)


def test_a_table_dropped_before_the_query_is_not_found(tmp_path: Path) -> None:
    """Queries run in order: one that starts after the table was dropped fails."""
    port = free_port()
    process = started(port, tmp_path / "aws")
    try:
        lake = Lake(lambda service: client(service, f"http://127.0.0.1:{port}"))
        for bucket in (LAKE, "athena-results"):
            lake.s3.create_bucket(Bucket=bucket)
        lake.glue.create_database(DatabaseInput={"Name": DATABASE})
        lake.rows(f"CREATE EXTERNAL TABLE short (n int) LOCATION 's3://{LAKE}/short/'")
        slow = [lake.start("SELECT count(*) FROM short, UNNEST(sequence(1, 1000)) AS t(x)") for _ in range(12)]
        lake.glue.delete_table(DatabaseName=DATABASE, Name="short")
        for execution in slow:
            status = lake.wait(execution)["Status"]
            reason = status.get("StateChangeReason", "")
            assert status["State"] == "SUCCEEDED" or reason.startswith("TABLE_NOT_FOUND: Table 'awsdatacatalog.flights")
    finally:
        stopped(process)
