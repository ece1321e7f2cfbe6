"""The Hive type for each kind of value."""

from __future__ import annotations

import gzip
import io
import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local_aws.crawlers.hive import arrow_to_hive, hive_type, settled, widened


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_csv_columns_are_bigint_double_boolean_or_string(lake: Any) -> None:
    rows = [
        "Id,price,mixed,flag,name,day,at,na,nothing,code",
        "1,1.5,1,true,ann,2024-01-01,2024-01-01 10:00:00,NA,,x1",
        "-2,2,2.5,FALSE,bob,2024-01-02,2024-01-02 10:00:00,3,,7",
        "3,,-1e3,true,,2024-01-03,2024-01-03 10:00:00,4,,8",
    ]
    lake.put({"people/a.csv": "\n".join(rows)})
    lake.crawl("people/")
    assert lake.columns("people") == {
        "id": "bigint",
        "price": "double",
        "mixed": "double",
        "flag": "boolean",
        "name": "string",
        "day": "string",
        "at": "string",
        "na": "string",
        "nothing": "string",
        "code": "string",
    }


def test_json_types_fit_the_values_of_every_line(lake: Any) -> None:
    lines = [
        {"Id": 1, "big": 2**31, "n": 1, "t": "2024-01-01T00:00:00Z", "x": None, "ok": True, "m": 1},
        {"Id": -2, "big": 5, "n": 2.5, "t": "2024-01-02T00:00:00Z", "x": None, "ok": None, "m": "one"},
        {
            "Id": 2**31 - 1,
            "address": {"Zip": 1, "tags": ["a"]},
            "lines": [{"qty": 2**40, "sku": "s"}],
            "e": [],
        },
    ]
    lake.put({"orders/a.json": "\n".join(map(json.dumps, lines))})
    lake.crawl("orders/")
    assert lake.columns("orders") == {
        "id": "int",
        "big": "bigint",
        "n": "double",
        "t": "string",
        "x": "string",
        "ok": "boolean",
        "m": "string",
        "address": "struct<zip:int,tags:array<string>>",
        "lines": "array<struct<qty:bigint,sku:string>>",
        "e": "array<string>",
    }


@pytest.mark.parametrize(
    ("cells", "type_"),
    [
        (["1234567890123456789", "2"], "bigint"),
        (["9223372036854775807", "-9223372036854775808"], "bigint"),
        (["9223372036854775808", "2"], "string"),
        (["-9223372036854775809", "2"], "string"),
        (["12345678901234567890123", "2"], "string"),
        (["12345678901234567890123", "2.5"], "double"),
        (["00000000000000000000001", "2"], "bigint"),
    ],
)
@pytest.mark.parametrize(("header", "names"), [(["id,name"], ["id", "name"]), ([], ["col0", "col1"])])
@pytest.mark.parametrize("order", [1, -1])
def test_integers_of_csv_keep_all_their_digits(
    lake: Any, cells: list[str], type_: str, header: list[str], names: list[str], order: int
) -> None:
    lake.put({"t/a.csv": "\n".join([*header, *(f"{cell},x" for cell in [*cells, cells[0]][::order])])})
    lake.crawl("t/")
    assert lake.columns("t") == dict(zip(names, [type_, "string"], strict=True))


def test_large_integers_of_json_have_types_that_hold_them(lake: Any) -> None:
    record = {
        'a"b': {"c/d~": 2**40},
        "in": [{'x"': [2**31, 1]}, {'x"': [None, -(2**31)]}],
        "least": -(2**31),
        "small": -(2**63),
        "large": 2**63 - 1,
        "larger": 2**63,
        "lists": [[1], [2**64 - 1]],
        "odd": [{"n": 1}, {"n": 2**35}, {}],
    }
    lake.put({"big/a.json": json.dumps({"larger": 1}) + "\n" + json.dumps(record)})
    lake.crawl("big/")
    assert lake.columns("big") == {
        'a"b': "struct<c/d~:bigint>",
        "in": 'array<struct<x":array<bigint>>>',
        "least": "int",
        "small": "bigint",
        "large": "bigint",
        "larger": "decimal(20,0)",
        "lists": "array<array<decimal(20,0)>>",
        "odd": "array<struct<n:bigint>>",
    }


def test_parquet_types_come_from_the_file(lake: Any) -> None:
    columns = {
        "Small": pa.array([1], pa.int16()),
        "i": pa.array([1], pa.int32()),
        "l": pa.array([1], pa.int64()),
        "f": pa.array([1.0], pa.float32()),
        "d": pa.array([1.0], pa.float64()),
        "money": pa.array([Decimal("1.50")], pa.decimal128(10, 2)),
        "day": pa.array([date(2024, 1, 1)]),
        "at": pa.array([datetime(2024, 1, 1)], pa.timestamp("us")),
        "ok": pa.array([True]),
        "raw": pa.array([b"x"]),
        "text": pa.array(["x"]),
        "tags": pa.array([["a"]]),
        "place": pa.array([{"lat": 1.0, "city": "x"}]),
        "props": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    }
    lake.put({"all/a.parquet": parquet(**columns)})
    lake.crawl("all/")
    assert lake.columns("all") == {
        "small": "smallint",
        "i": "int",
        "l": "bigint",
        "f": "float",
        "d": "double",
        "money": "decimal(10,2)",
        "day": "date",
        "at": "timestamp",
        "ok": "boolean",
        "raw": "binary",
        "text": "string",
        "tags": "array<string>",
        "place": "struct<lat:double,city:string>",
        "props": "map<string,bigint>",
    }


def test_files_of_one_table_have_the_widest_of_their_types(lake: Any) -> None:
    lake.put(
        {
            "t/a.json": '{"n": 1, "big": 1, "s": 1, "void": null}\n',
            "t/b.json": '{"n": 2.5, "big": 3000000000, "s": "x", "void": 7}\n',
        }
    )
    lake.crawl("t/")
    assert lake.columns("t") == {"n": "double", "big": "bigint", "s": "string", "void": "int"}


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("int", "bigint", "bigint"),
        ("int", "double", "double"),
        ("float", "int", "double"),
        ("bigint", "string", "string"),
        ("boolean", "int", "string"),
        ("date", "timestamp", "string"),
        ("decimal(10,2)", "decimal(12,4)", "decimal(12,4)"),
        ("decimal(10,2)", "int", "decimal(12,2)"),
        ("decimal(10,2)", "double", "double"),
        ("null", "array<int>", "array<int>"),
        ("array<null>", "array<int>", "array<int>"),
        ("array<int>", "array<double>", "array<double>"),
        ("struct<a:int>", "struct<a:double,b:string>", "struct<a:double,b:string>"),
        ("map<string,int>", "map<string,bigint>", "map<string,bigint>"),
        ("struct<a:int>", "string", "string"),
    ],
)
def test_two_types_widen_to_the_narrowest_common_type(one: str, other: str, both: str) -> None:
    assert widened(one, other) == both
    assert widened(other, one) == both


@pytest.mark.parametrize(
    ("duckdb_type", "hive"),
    [
        ("UBIGINT", "decimal(20,0)"),
        ("UINTEGER", "bigint"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp"),
        ("TIMESTAMP_NS", "timestamp"),
        ("UUID", "string"),
        ("INTEGER[3]", "array<int>"),
        ('STRUCT("first name" VARCHAR, n NULL)', "struct<first name:string,n:string>"),
    ],
)
def test_types_without_a_hive_counterpart_get_one_that_holds_them(duckdb_type: str, hive: str) -> None:
    assert settled(hive_type(duckdb_type)) == hive


def test_fields_of_orc_files_keep_names_with_any_characters_when_types_widen() -> None:
    one = pa.struct([("User.Id", pa.int32()), ("a-b c", pa.list_(pa.struct([("@x", pa.string())])))])
    other = pa.struct([("User.Id", pa.int64())])
    both = widened(arrow_to_hive(one), arrow_to_hive(other))
    assert settled(both) == "struct<user.id:bigint,a-b c:array<struct<@x:string>>>"


def test_compressed_text_is_read_whatever_its_name(lake: Any) -> None:
    lake.put(
        {
            "c/a.csv.gz": gzip.compress(b"id;ok\n1;true\n2;false\n", mtime=0),
            "j/noname": gzip.compress(b'{"a": 1}\n{"a": 2}\n', mtime=0),
        }
    )
    lake.crawl("c/", "j/")
    assert lake.columns("c") == {"id": "bigint", "ok": "boolean"}
    assert lake.columns("j") == {"a": "int"}
    assert {table["Parameters"]["compressionType"] for table in lake.tables().values()} == {"gzip"}


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ("a,b\nx,1\ny,2\n", {"a": "string", "b": "bigint"}),
        ("a,b\nx,y\nz,w\n", {"col0": "string", "col1": "string"}),
        ("1,2\n3,x\n", {"col0": "bigint", "col1": "string"}),
        ("a,a,\nx,1,2\n", {"a": "string", "a_1": "bigint", "col2": "bigint"}),
        ("a\tb\n1\t2\n", {"a": "bigint", "b": "bigint"}),
        ("a|b\n1|2\n", {"a": "bigint", "b": "bigint"}),
        ("a\x01b\n1\x012\n", {"a": "bigint", "b": "bigint"}),
        ('a;b\n1;"x;y"\n2;"z"\n', {"a": "bigint", "b": "string"}),
        ("a,b\r\n1,x\r\n2,y\r\n", {"a": "bigint", "b": "string"}),
    ],
)
def test_a_first_line_is_a_header_if_it_alone_is_all_strings(lake: Any, body: str, columns: dict[str, str]) -> None:
    lake.put({"t/a.csv": body})
    lake.crawl("t/")
    assert lake.columns("t") == columns


def test_one_json_document_per_file_may_span_lines(lake: Any) -> None:
    lake.put({"docs/a.json": '{\n  "a": 1,\n  "b": {"c": [1.5]}\n}', "lists/a.json": '[{"a": 1},\n {"a": 2}]'})
    lake.crawl("docs/", "lists/")
    assert lake.columns("docs") == {"a": "int", "b": "struct<c:array<double>>"}
    assert lake.columns("lists") == {"array": "array<struct<a:int>>"}
