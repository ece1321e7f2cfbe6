"""Which files of a table a query reads, and their rows."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from .conftest import LAKE, Lake, orc, parquet


@pytest.fixture(scope="module", autouse=True)
def flights(lake: Lake) -> Iterator[None]:
    home = f"s3://{LAKE}/departures"
    lake.put("departures/year=2013/month=1/a.parquet", parquet(Dep=[1, 2], carrier=["AA", "UA"]))
    lake.put("departures/year=2013/month=2/a.parquet", parquet(carrier=["AA"], dep=[3]))
    lake.put("departures/year=2013/month=3/a.parquet", parquet(dep=[99], carrier=["not registered"]))
    lake.put("departures/year=2013/month=1/_reports/a.parquet", parquet(dep=[98], carrier=["hidden"]))
    lake.put("departures/year=2013/month=1/.a.parquet", b"hidden and not even Parquet")
    lake.put("elsewhere/a.parquet", parquet(dep=[5], carrier=["DL"]))
    lake.table("departures", "parquet", "dep bigint; carrier string; absent double", "year int; month string")
    places = {
        ("2013", "1"): f"{home}/year=2013/month=1/",
        ("2013", "2"): f"{home}/year=2013/month=2",
        ("2014", "1"): f"s3://{LAKE}/elsewhere/",
    }
    lake.partitions("departures", places)
    yield


def test_only_registered_partitions_are_read_at_any_location(lake: Lake) -> None:
    assert lake.rows("SELECT dep, carrier, absent, year, month FROM departures ORDER BY dep") == [
        ["1", "AA", None, "2013", "1"],
        ["2", "UA", None, "2013", "1"],
        ["3", "AA", None, "2013", "2"],
        ["5", "DL", None, "2014", "1"],
    ]


def test_a_partition_predicate_reads_fewer_bytes(lake: Lake) -> None:
    all_of_them = lake.run("SELECT sum(dep) FROM departures")
    one = lake.run("SELECT sum(dep) FROM departures WHERE year = 2013 AND month = '1'")
    assert (all_of_them.rows, one.rows) == ([["11"]], [["3"]])
    assert 0 < one.scanned < all_of_them.scanned


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("WITH d AS (SELECT * FROM departures) SELECT sum(dep) FROM d WHERE year = 2014", [["5"]]),
        ("SELECT sum(d.dep) FROM departures d JOIN departures e ON d.dep = e.dep AND e.year = 2014 "
         "WHERE d.year = 2014", [["5"]]),
        ("SELECT sum(dep) FROM (SELECT dep, year y FROM departures) WHERE y + 1 = 2015", [["5"]]),
    ],
)  # fmt: skip
def test_predicates_prune_partitions_through_subqueries_and_joins(
    lake: Lake, sql: str, rows: list[list[str | None]]
) -> None:
    ran, whole = lake.run(sql), lake.run("SELECT sum(dep) FROM departures")
    assert ran.rows == rows
    assert ran.scanned < whole.scanned


def test_an_outer_join_keeps_the_rows_that_a_pruned_partition_would_lose(lake: Lake) -> None:
    sql = """SELECT a.dep FROM departures a LEFT JOIN departures b ON a.dep = b.dep AND b.year = 2014
             WHERE b.year IS NULL ORDER BY a.dep"""
    assert lake.rows(sql) == [["1"], ["2"], ["3"]]


def test_parquet_scans_only_the_columns_a_query_uses(lake: Lake) -> None:
    one, two = lake.run("SELECT dep FROM departures"), lake.run("SELECT dep, carrier FROM departures")
    assert 0 < one.scanned < two.scanned
    assert lake.run("SELECT count(*) FROM departures").scanned == 0


def test_names_are_found_in_any_case_and_with_their_catalog(lake: Lake) -> None:
    sql = 'SELECT Sum("DEP") FROM "AwsDataCatalog"."Flights"."Departures" d WHERE D.Year = 2014'
    assert lake.rows(sql) == [["5"]]
    assert lake.rows("SELECT flights.departures.dep FROM flights.departures WHERE year = 2014") == [["5"]]


def test_path_is_the_object_of_a_row(lake: Lake) -> None:
    assert lake.rows('SELECT "$path" FROM departures WHERE year = 2014') == [[f"s3://{LAKE}/elsewhere/a.parquet"]]


def test_a_struct_field_is_found_by_name_at_any_position(lake: Lake) -> None:
    lake.put("parcels/old.parquet", parquet(id=[1], place=[{"city": "Porto", "shop": "b"}]))
    lake.put("parcels/new.parquet", parquet(id=[2], place=[{"shop": "c", "city": "Turin"}]))
    lake.table("parcels", "parquet", "id int; place struct<city:string,shop:string>")
    assert lake.rows("SELECT place.city FROM parcels ORDER BY id") == [["Porto"], ["Turin"]]
    assert lake.rows("SELECT id, place.shop FROM parcels ORDER BY id") == [["1", "b"], ["2", "c"]]


def test_json_keys_are_read_in_any_case(lake: Lake) -> None:
    lake.put("events/a.json", '{"ID": 1, "at": "2013-01-01 05:00:00", "s": {"a": 1, "b": [1, 2]}}\n{"id": 2}\n')
    lake.table("events", "json", "id int; at timestamp; s struct<a:int,b:array<int>>")
    assert lake.rows("SELECT id, at, s, s.b[2] FROM events ORDER BY id") == [
        ["1", "2013-01-01 05:00:00.000", "{a=1, b=[1, 2]}", "2"],
        ["2", None, None, None],
    ]


@pytest.mark.parametrize("line", ["{not json", '{"id": "one"}'])
def test_broken_json_fails_the_query_as_bad_data(lake: Lake, line: str) -> None:
    name = f"broken_{abs(hash(line))}"
    lake.put(f"{name}/a.json", f'{{"id": 1}}\n{line}\n')
    lake.table(name, "json", "id int")
    ran = lake.run(f"SELECT id FROM {name}")
    assert ran.state == "FAILED"
    assert ran.reason.startswith("HIVE_BAD_DATA")


def test_lazy_simple_csv_ignores_quotes_and_open_csv_honours_them(lake: Lake) -> None:
    lake.put("csv/a.csv", 'a,b,c\n1,"x,y",2.5\n2,z\nnone,w,1\n')
    header = {"skip.header.line.count": "1"}
    lake.table("lazy", "text", "a int; b string; c double", location=f"s3://{LAKE}/csv/",
               parameters=header, serde={"field.delim": ","})  # fmt: skip
    lake.table("quoted", "opencsv", "a string; b string", location=f"s3://{LAKE}/csv/", parameters=header)
    assert lake.rows("SELECT * FROM lazy") == [["1", '"x', None], ["2", "z", None], [None, "w", "1.0"]]
    assert lake.rows("SELECT b FROM quoted WHERE a = '1'") == [["x,y"]]


def test_open_csv_honours_the_escape_character_set_by_crawlers(lake: Lake) -> None:
    lake.put("backslash/a.csv", 'a,"x\\"y"\n,z\n')
    lake.table("backslash", "opencsv", "a string; b string", serde={"escapeChar": "\\", "quoteChar": '"'})
    assert lake.rows("SELECT * FROM backslash") == [["a", 'x"y'], ["", "z"]]


def test_records_inside_documents_are_refused_with_their_path(lake: Lake) -> None:
    lake.put("batches/a.json", '{"records": [{"a": 1}]}')
    lake.table("batches", "json", "a int", parameters={"jsonPath": "$.records[*]"})
    assert "the records of table flights.batches are at $.records[*]" in lake.run("SELECT * FROM batches").reason


def test_orc_columns_match_by_name_if_the_table_says_so(lake: Lake) -> None:
    when = datetime(2013, 1, 1, 5, 30)
    lake.put("orc/a.orc", orc(B=["x", None], a=[1, 2], s=[{"n": 1}, None], at=[when, None]))
    lake.put("orc/b.orc", orc(a=[3]))
    serde = {"orc.column.index.access": "false"}
    lake.table("orc", "orc", "a bigint; b string; s struct<n:int>; at timestamp", serde=serde)
    assert lake.rows("SELECT a, b, s.n, at FROM orc ORDER BY a") == [
        ["1", "x", "1", "2013-01-01 05:30:00.000"],
        ["2", None, None, None],
        ["3", None, None, None],
    ]


def test_a_file_that_is_not_orc_fails_the_query_as_bad_data(lake: Lake) -> None:
    lake.put("no_orc/a.orc", "text")
    lake.table("no_orc", "orc", "a int")
    assert lake.run("SELECT * FROM no_orc").reason.startswith("HIVE_BAD_DATA")


def test_avro_is_refused_and_named(lake: Lake) -> None:
    lake.table("avro", "avro", "a int")
    ran = lake.run("SELECT * FROM avro")
    assert ran.state == "FAILED"
    assert "NOT_SUPPORTED" in ran.reason
    assert "AvroSerDe".lower() in ran.reason


def test_projected_partitions_need_no_registration(lake: Lake) -> None:
    for day in ("2024/01/01", "2024/01/02", "2023/12/31"):
        lake.put(f"projected/{day}/a.parquet", parquet(n=[int(day[-2:])]))
    lake.table("projected", "parquet", "n bigint", "day string", parameters={
        "projection.enabled": "true",
        "projection.day.type": "date",
        "projection.day.format": "yyyy/MM/dd",
        "projection.day.range": "2024/01/01,NOW",
        "storage.location.template": f"s3://{LAKE}/projected/${{day}}/",
    })  # fmt: skip
    assert lake.rows("SELECT day, n FROM projected ORDER BY day") == [["2024/01/01", "1"], ["2024/01/02", "2"]]
    assert lake.rows("SELECT n FROM projected WHERE day > '2024/01/01'") == [["2"]]


def test_projection_respects_its_ranges_and_values(lake: Lake) -> None:
    for key in ("year=2012/kind=a", "year=2013/kind=a", "year=2013/kind=z"):
        lake.put(f"ranged/{key}/a.parquet", parquet(n=[1]))
    lake.table("ranged", "parquet", "n bigint", "year int; kind string", parameters={
        "projection.enabled": "true",
        "projection.year.type": "integer",
        "projection.year.range": "2013,2020",
        "projection.kind.type": "enum",
        "projection.kind.values": "a,b",
    })  # fmt: skip
    assert lake.rows("SELECT year, kind FROM ranged") == [["2013", "a"]]


def test_an_injected_column_must_be_fixed_by_the_query(lake: Lake) -> None:
    lake.put("injected/7/a.parquet", parquet(n=[1]))
    lake.table("injected", "parquet", "n bigint", "device string", parameters={
        "projection.enabled": "true",
        "projection.device.type": "injected",
        "storage.location.template": f"s3://{LAKE}/injected/${{device}}/",
    })  # fmt: skip
    assert lake.rows("SELECT n FROM injected WHERE device = '7'") == [["1"]]
    assert lake.run("SELECT n FROM injected").reason.startswith("CONSTRAINT_VIOLATION")


def test_two_thousand_small_partitions_answer_within_sensible_time(lake: Lake) -> None:
    body = parquet(n=[1, 2])
    keys = [f"many/p={i}/a.parquet" for i in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: lake.put(key, body), keys))
    lake.table("many", "parquet", "n bigint", "p int")
    lake.partitions("many", {(str(i),): f"s3://{LAKE}/many/p={i}/" for i in range(2000)})
    assert lake.rows("SELECT count(*), sum(n), count(DISTINCT p) FROM many") == [["4000", "6000", "2000"]]
    begun = time.monotonic()
    assert lake.rows("SELECT sum(n) FROM many WHERE p >= 1000") == [["3000"]]
    assert time.monotonic() - begun < 10


def test_lazy_simple_csv_honours_escaped_delimiters(lake: Lake) -> None:
    lines = [r"1,Smith\, J\\r,2013-01-01 10:00:00.25,1.50", r"2,,\N,\N", r"3,\N,\N,-2.00", r"4,\\N,\N,0"]
    lake.put("escaped/a.txt.gz", gzip.compress("\n".join(lines).encode()))
    serde = {"field.delim": ",", "escape.delim": "\\", "serialization.null.format": "\\N"}
    lake.table("escaped", "text", "id int; name string; at timestamp; price decimal(9,2)", serde=serde)
    assert lake.rows("SELECT * FROM escaped ORDER BY id") == [
        ["1", r"Smith, J\r", "2013-01-01 10:00:00.250", "1.50"],
        ["2", "", None, None],
        ["3", None, None, "-2.00"],
        ["4", r"\N", None, "0.00"],
    ]


def test_compressed_json_lines_with_timestamps_of_six_digits_are_read(lake: Lake) -> None:
    line = b'{"Id":1,"at":"2013-01-01 10:00:00.250000","day":"2013-01-01"}'
    lake.put("gzipped/a.json.gz", gzip.compress(line, mtime=0))
    lake.table("gzipped", "json", "id int; at timestamp; day date; absent string", serde={"paths": "id,at,day,absent"})
    assert lake.rows("SELECT * FROM gzipped") == [["1", "2013-01-01 10:00:00.250", "2013-01-01", None]]
