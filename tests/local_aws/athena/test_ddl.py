"""Statements about the catalog and statements that write data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import LAKE, Lake, parquet


@pytest.fixture(scope="module", autouse=True)
def orders(lake: Lake) -> Iterator[None]:
    lake.put("orders/a.parquet", parquet(item=["pen", "ink", "pen"], amount=[1, 2, 3], year=[2023, 2023, 2024]))
    lake.table("orders", "parquet", "item string; amount bigint; year int")
    yield


def test_show_and_describe_list_what_the_catalog_holds(lake: Lake) -> None:
    assert ["flights"] in lake.rows("SHOW DATABASES")
    assert lake.rows("SHOW TABLES IN flights 'ord*'") == [["orders"]]
    assert lake.rows("SHOW COLUMNS IN orders") == [["item"], ["amount"], ["year"]]
    described = [[value.strip() for value in row if value] for row in lake.rows("DESCRIBE orders")]
    assert described == [["item", "string", ""], ["amount", "bigint", ""], ["year", "int", ""]]


def test_text_results_have_no_header_and_the_suffix_txt(lake: Lake) -> None:
    ran = lake.run("SHOW TABLES 'orders'")
    assert ran.result.endswith(".txt")
    assert lake.text(ran.result) == "orders\n"


def test_a_view_answers_like_its_query_and_can_be_replaced_and_dropped(lake: Lake) -> None:
    lake.rows("CREATE VIEW pens AS SELECT item, sum(amount) total FROM orders WHERE item = 'pen' GROUP BY item")
    assert lake.rows("SELECT p.total FROM pens p") == [["4"]]
    assert lake.rows("SHOW VIEWS") == [["pens"]]
    assert lake.run("CREATE VIEW pens AS SELECT 1 a").reason.startswith("TABLE_ALREADY_EXISTS")
    lake.rows("CREATE OR REPLACE VIEW pens AS SELECT count(*) n FROM orders")
    assert lake.rows("SELECT n FROM flights.pens") == [["3"]]
    lake.rows("DROP VIEW pens")
    assert lake.run("SELECT * FROM pens").reason.startswith("TABLE_NOT_FOUND")


@pytest.mark.parametrize("kind", ["PARQUET", "JSON", "TEXTFILE"])
def test_create_table_as_writes_partitions_that_insert_into_extends(lake: Lake, kind: str) -> None:
    name = f"made_{kind.lower()}"
    lake.rows(
        f"CREATE TABLE {name} WITH (format = '{kind}', external_location = 's3://{LAKE}/{name}/', "
        "partitioned_by = ARRAY['year']) AS SELECT item, sum(amount) AS total, year FROM orders GROUP BY item, year"
    )
    assert lake.rows(f"SHOW PARTITIONS {name}") == [["year=2023"], ["year=2024"]]
    inserted = lake.run(f"INSERT INTO {name} SELECT 'cap', 9, 2025")
    assert inserted.state == "SUCCEEDED", inserted.reason
    assert lake.rows(f"SELECT * FROM {name} ORDER BY year, item") == [
        ["ink", "2", "2023"],
        ["pen", "1", "2023"],
        ["pen", "3", "2024"],
        ["cap", "9", "2025"],
    ]


def test_create_table_as_refuses_a_folder_with_data(lake: Lake) -> None:
    ran = lake.run(f"CREATE TABLE again WITH (external_location = 's3://{LAKE}/orders/') AS SELECT 1 a")
    assert ran.reason.startswith("HIVE_PATH_ALREADY_EXISTS")


def test_unload_writes_files_and_a_manifest(lake: Lake) -> None:
    ran = lake.run(f"UNLOAD (SELECT item FROM orders WHERE amount = 2) TO 's3://{LAKE}/out/' WITH (format = 'JSON')")
    assert ran.state == "SUCCEEDED", ran.reason
    files = lake.text(ran.document["Statistics"]["DataManifestLocation"]).split()
    assert [lake.text(file) for file in files] == ['{"item":"ink"}\n']


def test_an_external_table_finds_its_partitions_when_repaired(lake: Lake) -> None:
    for day in (1, 2):
        lake.put(f"ext/day={day}/a.csv", f"{day},x\n")
    lake.rows(
        "CREATE EXTERNAL TABLE IF NOT EXISTS ext (n int, s string) PARTITIONED BY (day int) "
        f"ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://{LAKE}/ext/'"
    )
    assert lake.rows("SELECT count(*) FROM ext") == [["0"]]
    lake.rows("MSCK REPAIR TABLE ext")
    assert lake.rows("SELECT day, n, s FROM ext ORDER BY day") == [["1", "1", "x"], ["2", "2", "x"]]


def test_partitions_are_added_and_dropped_by_hand(lake: Lake) -> None:
    lake.put("hand/one/a.json", '{"n": 1}\n')
    lake.table("hand", "json", "n int", "day string")
    add = f"ALTER TABLE hand ADD PARTITION (day = 'one') LOCATION 's3://{LAKE}/hand/one/'"
    lake.rows(add)
    assert lake.rows("SELECT day, n FROM hand") == [["one", "1"]]
    assert lake.run(add).reason.startswith("PARTITION_ALREADY_EXISTS")
    lake.rows("ALTER TABLE hand DROP PARTITION (day = 'one')")
    assert lake.rows("SELECT count(*) FROM hand") == [["0"]]


def test_databases_are_created_and_dropped(lake: Lake) -> None:
    lake.rows("CREATE DATABASE IF NOT EXISTS passing")
    assert ["passing"] in lake.rows("SHOW DATABASES")
    lake.rows("DROP DATABASE passing")
    assert ["passing"] not in lake.rows("SHOW DATABASES")


def test_explain_answers_with_a_plan_and_reads_nothing(lake: Lake) -> None:
    ran = lake.run("EXPLAIN SELECT item FROM orders")
    assert ran.state == "SUCCEEDED"
    assert ran.scanned == 0
    assert ran.rows


def test_every_clause_of_a_delimited_row_format_counts(lake: Lake) -> None:
    lake.put("delimited/a.csv", "1,a|b|c,x:1|y:2,none\n2,d,z:3,hello\\, you\n")
    lake.rows(
        "CREATE EXTERNAL TABLE delimited (id int, tags array<string>, m map<string,int>, note string) "
        "ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' ESCAPED BY '\\\\' COLLECTION ITEMS TERMINATED BY '|' "
        "MAP KEYS TERMINATED BY ':' LINES TERMINATED BY '\\n' NULL DEFINED AS 'none' "
        f"LOCATION 's3://{LAKE}/delimited/'"
    )
    assert lake.rows("SELECT * FROM delimited ORDER BY id") == [
        ["1", "[a, b, c]", "{x=1, y=2}", None],
        ["2", "[d]", "{z=3}", "hello, you"],
    ]


@pytest.mark.parametrize("written", ["\\\\001", "\\\\u0001", "\\x01"])
def test_a_delimiter_may_be_given_as_a_number(lake: Lake, written: str) -> None:
    name = f"by_number_{len(written)}_{written.count('u')}"
    lake.put(f"{name}/a", "1\x01x\n")
    written = written.encode().decode("unicode_escape")
    lake.rows(
        f"CREATE EXTERNAL TABLE {name} (id int, note string) ROW FORMAT DELIMITED FIELDS TERMINATED BY '{written}' "
        f"LOCATION 's3://{LAKE}/{name}/'"
    )
    assert lake.rows(f"SELECT * FROM {name}") == [["1", "x"]]


def test_another_line_delimiter_is_refused_and_named(lake: Lake) -> None:
    lake.put("other_lines/a", "1,x|2,y|")
    lake.rows(
        "CREATE EXTERNAL TABLE other_lines (id int, note string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        f"LINES TERMINATED BY '|' LOCATION 's3://{LAKE}/other_lines/'"
    )
    assert lake.run("SELECT * FROM other_lines").reason.startswith("NOT_SUPPORTED: the property line.delim = '|'")


NESTED = (
    "SELECT ARRAY[1, NULL, 2] AS a, MAP(ARRAY['k'], ARRAY[ARRAY['x', 'y']]) AS m, "
    "CAST(ROW(1, X'6162') AS ROW(p int, q varbinary)) AS r, X'6162' AS b, nan() AS d, REAL '1.5' AS f, "
    "'' AS e, CAST(NULL AS varchar) AS n"
)
NESTED_ROW = ["[1, null, 2]", "{k=[x, y]}", "{p=1, q=61 62}", "61 62", "NaN", "1.5", "", None]


@pytest.mark.parametrize("kind", ["TEXTFILE", "JSON", "PARQUET"])
def test_nested_values_and_bytes_are_read_as_they_were_written(lake: Lake, kind: str) -> None:
    name = f"nested_{kind.lower()}"
    lake.rows(f"CREATE TABLE {name} WITH (format = '{kind}') AS {NESTED}")
    assert lake.rows(f"SELECT * FROM {name}") == [NESTED_ROW]
    lake.rows(f"DROP TABLE {name}")


SERDES = {
    "null": {"field.delim": ",", "serialization.null.format": "NULL"},
    "format": {"serialization.format": ","},
    "byte": {"field.delim": "9"},
    "escape": {"field.delim": ",", "escape.delim": "\\"},
    "delims": {"field.delim": ",", "collection.delim": "|", "mapkey.delim": ":", "escape.delim": "~"},
}


@pytest.mark.parametrize("name", SERDES)
def test_insert_into_text_obeys_the_tables_serde(lake: Lake, name: str) -> None:
    header = {"skip.header.line.count": "1"}
    lake.table(f"text_{name}", "text", "n int; s string; m map<string,int>", serde=SERDES[name], parameters=header)
    lake.rows(
        f"INSERT INTO text_{name} VALUES (1, 'a', MAP(ARRAY['k', 'l'], ARRAY[1, NULL])), (2, NULL, NULL), (3, '', NULL)"
    )
    due = [["1", "a", "{k=1, l=null}"], ["2", None, None], ["3", "", None]]
    assert lake.rows(f"SELECT * FROM text_{name} ORDER BY n") == due
    if "escape.delim" in SERDES[name]:
        lake.rows(f"INSERT INTO text_{name} VALUES (4, 'a,b|c:d~e\\f', MAP(ARRAY['x|y:z'], ARRAY[1]))")
        assert lake.rows(f"SELECT s, m FROM text_{name} WHERE n = 4") == [["a,b|c:d~e\\f", "{x|y:z=1}"]]
    lake.rows(f"DROP TABLE text_{name}")


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("text", {"serialization.encoding": "ISO-8859-1"}),
        ("text", {"timestamp.formats": "yyyy/dd/MM"}),
        ("text", {"skip.header.line.count": "2"}),
        ("json", {"mapping.n": "number"}),
        ("json", {"skip.header.line.count": "1"}),
    ],
)
def test_insert_is_refused_by_the_property_that_it_would_not_obey(lake: Lake, kind: str, given: dict[str, str]) -> None:
    lake.table("refusing", kind, "n int; t timestamp", serde=given)
    reason = lake.run("INSERT INTO refusing VALUES (1, NULL)").reason
    assert reason.startswith(f"NOT_SUPPORTED: INSERT INTO refusing: its property {next(iter(given))} = "), reason
    lake.rows("DROP TABLE refusing")


@pytest.mark.parametrize("source", ["orders AS o(a, b, c)", "(orders) AS o(a, b, c)"])
def test_columns_are_read_by_the_names_of_an_alias(lake: Lake, source: str) -> None:
    assert lake.rows(f"SELECT o.b FROM {source} WHERE a = 'ink'") == [["2"]]


def test_a_view_is_stale_if_a_column_of_its_tables_has_another_type(lake: Lake) -> None:
    lake.put("aging/a.json", '{"n": 1}\n')
    lake.table("aging", "json", "n int")
    lake.rows("CREATE VIEW old AS SELECT n FROM aging")
    assert lake.rows("SELECT * FROM old") == [["1"]]
    lake.rows("DROP TABLE aging")
    lake.table("aging", "json", "n string")
    reason = lake.run("SELECT * FROM old").reason
    assert reason.startswith("INVALID_VIEW: View 'awsdatacatalog.flights.old' is stale or in invalid state: its query")
    lake.rows("DROP VIEW old")
    lake.rows("DROP TABLE aging")
