"""Text read by OpenCSVSerde, LazySimpleSerDe and RegexSerDe."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from local_aws.athena.errors import QueryFailed
from local_aws.athena.readers.opencsv import Marks, cells_of

from .reading import Reader

CELLS = [
    ("u,v,w", ("u", "v", "w")),
    ("", ("", None, None)),
    ("u,", ("u", "", None)),
    (",,", ("", "", "")),
    ('"a, b",v,w', ("a, b", "v", "w")),
    ('"say ""hi""",v', ('say "hi"', "v", None)),
    (r'"say \"hi\"",v', ('say "hi"', "v", None)),
    (r'"c:\\dir",v', ("c:\\dir", "v", None)),
    (r"u\\x,\N,w", ("u\\x", "N", "w")),
    (r"u\,v", ("u", "v", None)),
    ('u,  "v",w', ("u", "v", "w")),
    (' u , v ,w', (" u ", " v ", "w")),
    ('"open,v', (None, None, None)),
    ('u,"open', ("u", None, None)),
    ("u,v,w,more", ("u", "v", "w")),
    ("null,NULL", ("null", "NULL", None)),
]  # fmt: skip


@pytest.mark.parametrize(("line", "due"), CELLS)
def test_opencsv_serde_splits_a_line_as_opencsv_does(reader: Reader, line: str, due: tuple[Any, ...]) -> None:
    assert reader.read("opencsv", "a string; b string; c string", f"{line}\nx,y,z\n") == [due, ("x", "y", "z")]


MARKS: list[tuple[dict[str, str], str, tuple[str, ...]]] = [
    ({"separatorChar": "\\t"}, "u\tv", ("u", "v")),
    ({"separatorChar": ";", "quoteChar": "'", "escapeChar": "~"}, "'a;~'b';~~c", ("a;'b", "c")),
    ({"escapeChar": '"'}, '"a ""b"" \\"c",v', ('a "b" "c', "v")),  # Hive and Trino take it for a backslash
    ({"quoteChar": "'", "escapeChar": '"'}, "'it\\'s',\"v\"", ("it's", '"v"')),
    ({"separatorChar": "|"}, "u|v", ("u", "v")),
    ({"separatorChar": "]", "quoteChar": "^"}, "^u]^]v", ("u]", "v")),
]


@pytest.mark.parametrize(("serde", "line", "due"), MARKS)
def test_opencsv_honours_other_characters(
    reader: Reader, serde: dict[str, str], line: str, due: tuple[str, ...]
) -> None:
    assert reader.read("opencsv", "a string; b string", f"{line}\n", serde=serde) == [due]


@pytest.mark.parametrize("serde", [{"quoteChar": "\\"}, {"quoteChar": "'", "escapeChar": "'"}, {"separatorChar": '"'}])
def test_opencsv_with_one_character_for_two_is_refused(reader: Reader, serde: dict[str, str]) -> None:
    with pytest.raises(QueryFailed, match="NOT_SUPPORTED: OpenCSVSerde needs three characters"):
        reader.read("opencsv", "a string", "x\n", serde=serde)


def test_a_line_end_within_quotes_ends_the_record(reader: Reader) -> None:
    rows = reader.read("opencsv", "id int; note string", '1,"first\nsecond"\n2,plain\n')
    assert rows == [(1, None), (None, None), (2, "plain")]


def test_a_quote_in_the_middle_of_a_cell_stays_in_it() -> None:
    assert cells_of('abc"d"e,f', Marks()) == ['abc"d"e', "f"]


CSV_VALUES = [
    ("int", "5", 5),
    ("double", "2.5", 2.5),
    ("double", "1e3", 1000.0),
    ("boolean", "TRUE", True),
    ("date", "19753", date(2024, 1, 31)),
    ("timestamp", "1706702400000", datetime(2024, 1, 31, 12)),
    ("decimal(5,2)", "1.005", Decimal("1.01")),
    ("int", "", None),
    ("int", " 5", None),
    ("int", "1.5", None),
    ("double", "", None),
    ("boolean", "yes", None),
    ("date", "2024-01-31", None),
    ("timestamp", "2024-01-31 12:00:00", None),
]


@pytest.mark.parametrize(("kind", "text", "due"), CSV_VALUES)
def test_opencsv_names_a_value_of_another_type_or_reads_null(reader: Reader, kind: str, text: str, due: Any) -> None:
    columns, body = f"a string; v {kind}", f'x,"{text}"\n'
    nulls = {"use.null.for.invalid.data": "TRUE"}
    assert reader.read("opencsv", columns, body, parameters=nulls) == [("x", due)]
    if due is not None:
        assert reader.read("opencsv", columns, body) == [("x", due)]
        return
    with pytest.raises(
        QueryFailed, match=rf'^HIVE_BAD_DATA: .* value "{text}" for field v: it is no .* in s3://lake/t/'
    ):
        reader.read("opencsv", columns, body)


def test_a_bad_value_in_an_unread_column_fails_nothing(reader: Reader) -> None:
    assert reader.read("opencsv", "a string; v int", "x,\n", sql="SELECT a FROM t") == [("x",)]


@pytest.mark.parametrize(("kind", "serde"), [("opencsv", {}), ("text", {"field.delim": ","})])
def test_nothing_is_made_for_the_columns_of_a_wide_table_that_a_query_does_not_name(
    reader: Reader, kind: str, serde: dict[str, str]
) -> None:
    wide = "; ".join(f"k{place} int" for place in range(1000))
    line, wanted = ",".join(map(str, range(1000))), {"k1", "k999"}
    given: dict[str, Any] = {"serde": serde, "wanted": wanted}
    assert reader.read(kind, wide, line, **given) == [(1, 999)]
    made = "SELECT count(*) FROM duckdb_functions() WHERE function_name LIKE 't_0_value_%'"
    assert reader.read(kind, wide, line, sql=made, **given) == [(2,)]


def test_opencsv_refuses_types_with_parts_by_the_column(reader: Reader) -> None:
    with pytest.raises(QueryFailed, match=r"^NOT_SUPPORTED: column v of t is array<int>"):
        reader.read("opencsv", "v array<int>", "1\n")


LAZY_VALUES = [
    ("int", "7", 7),
    ("int", "+7", 7),
    ("int", "", None),
    ("int", " 7", None),
    ("int", "1.5", None),
    ("int", "1e3", None),
    ("int", "0x10", None),
    ("int", "1_000", None),
    ("int", '"7"', None),
    ("int", "2147483648", None),
    ("tinyint", "128", None),
    ("double", "2.5", 2.5),
    ("double", " 2.5", 2.5),
    ("double", "2e3", 2000.0),
    ("double", "-Infinity", float("-inf")),
    ("double", "inf", None),
    ("double", "1_0", None),
    ("boolean", "TRUE", True),
    ("boolean", "false", False),
    ("boolean", "yes", None),
    ("boolean", "1", None),
    ("boolean", "t", None),
    ("decimal(5,2)", "1.005", Decimal("1.01")),
    ("decimal(5,2)", "1.5e2", Decimal("150.00")),
    ("decimal(5,2)", "1000", None),
    ("decimal(5,2)", "1_0", None),
    ("date", "2024-01-31", date(2024, 1, 31)),
    ("date", "2024-02-31", date(2024, 3, 2)),
    ("date", "2024/01/31", None),
    ("date", "31", None),
    ("date", "1500-02-28", date(1500, 2, 28)),
    ("timestamp", "2024-01-31 12:00:00.123456", datetime(2024, 1, 31, 12, 0, 0, 123000)),
    ("timestamp", "2024-01-31 12:00:00.123999", datetime(2024, 1, 31, 12, 0, 0, 124000)),
    ("timestamp", "2024-01-31T12:00:00", datetime(2024, 1, 31, 12)),
    ("timestamp", "2024-01-31T12:00:00Z", None),
    ("timestamp", "2024-01-31 12:00:00+02:00", None),
    ("timestamp", "1706702400", None),
    ("string", '"quoted"', '"quoted"'),
    ("string", "", ""),
    ("string", "\\N", None),
    ("varchar(2)", "abc", "ab"),
    ("char(4)", "ab  ", "ab"),
    ("binary", "aGk=", b"hi"),
    ("array<string>", "u\x02v", ["u", "v"]),
    ("array<int>", "1\x02\\N\x02x", [1, None, None]),
    ("array<int>", "", []),
    ("array<array<string>>", "u\x03v\x02w", [["u", "v"], ["w"]]),
    ("map<string,int>", "k\x031\x02l\x032\x02k\x033", {"k": 1, "l": 2}),
    ("map<string,array<int>>", "k\x031\x042", {"k": [1, 2]}),
    ("map<string,int>", "", {}),
    ("map<string,string>", "a\x03b\x02\x03c", {"a": "b", "": "c"}),
    ("struct<a:int,b:string>", "1", {"a": 1, "b": None}),
    ("struct<a:int,b:string>", "1\x02x\x02more", {"a": 1, "b": "x"}),
    ("struct<a:int,b:struct<c:int>>", "1\x022", {"a": 1, "b": {"c": 2}}),
]


@pytest.mark.parametrize(("kind", "text", "due"), LAZY_VALUES)
def test_lazy_simple_reads_null_for_an_invalid_literal(reader: Reader, kind: str, text: str, due: Any) -> None:
    assert reader.read("text", f"a string; v {kind}", f"k|{text}\n", serde={"field.delim": "|"}) == [("k", due)]


LAZY_LINES: list[tuple[dict[str, str], str, str, tuple[Any, ...]]] = [
    ({}, "a string; b int", "k\x014", ("k", 4)),
    ({"serialization.format": "44"}, "a string; b int", "k,4", ("k", 4)),
    ({"field.delim": "\\t"}, "a string; b int", "k\t4", ("k", 4)),
    ({"field.delim": ","}, "a string; b int; c string", "", ("", None, None)),
    ({"field.delim": ","}, "a string; b string", "u,v,w", ("u", "v")),
    ({"field.delim": ",", "serialization.last.column.takes.rest": "true"}, "a string; b string", "u,v,w",
     ("u", "v,w")),
    ({"field.delim": ",", "serialization.null.format": "none"}, "a string; b map<string,int>", "none,none",
     (None, None)),
    ({"field.delim": ",", "escape.delim": "\\"}, "a string; b string", r"u\,v,w\\x", ("u,v", r"w\x")),
    ({"field.delim": ",", "escape.delim": "~"}, "a string; b int", "u~Xv,4", ("uXv", 4)),
    ({"field.delim": ",", "escape.delim": "\\", "collection.delim": "|"}, "a array<string>; b int", r"u\|v|w\,x,4",
     (["u|v", "w,x"], 4)),
    ({"field.delim": ",", "colelction.delim": "|", "mapkey.delim": ":"}, "a map<string,int>; b array<int>",
     "x:1|y:2,3|4",
     ({"x": 1, "y": 2}, [3, 4])),
    ({"field.delim": ",", "timestamp.formats": "yyyy-dd-MM HH:mm:ss"}, "a timestamp", "2024-02-01 12:00:00",
     (datetime(2024, 1, 2, 12),)),
]  # fmt: skip


@pytest.mark.parametrize(("serde", "columns", "line", "due"), LAZY_LINES)
def test_lazy_simple_honours_its_properties(
    reader: Reader, serde: dict[str, str], columns: str, line: str, due: tuple[Any, ...]
) -> None:
    assert reader.read("text", columns, f"{line}\n", serde=serde) == [due]


@pytest.mark.parametrize(("body", "name"), [("a\rb\n", "a"), ("a\r", "a"), (gzip.compress(b"a\rb", mtime=0), "a.gz")])
def test_an_unsupported_line_end_is_refused(reader: Reader, body: str | bytes, name: str) -> None:
    with pytest.raises(QueryFailed, match=r"^NOT_SUPPORTED: s3://lake/t/\d+/a.* has a CR without LF"):
        reader.read("text", "a string", body, name=name)


def test_lines_end_with_lf_or_crlf_and_the_header_may_be_skipped(reader: Reader) -> None:
    parameters = {"skip.header.line.count": "1"}
    rows = reader.read("text", "a string", "head\r\nb\r\n\r\nc\n\n\r\nd", parameters=parameters)
    assert rows == [("b",), ("",), ("c",), ("",), ("",), ("d",)]


REGEX: list[tuple[dict[str, str], str, tuple[Any, ...]]] = [
    ({"input.regex": "(\\d+) (\\w+).*"}, "12 word and more", (12, "word")),
    ({"input.regex": "(\\d+) (\\w+)"}, "12 word and more", (None, None)),
    ({"input.regex": "(\\w+)?-(\\w+)?"}, "-w", (None, "w")),
    ({"input.regex": "(\\w+)-(\\w+)"}, "x-w", (None, "w")),
    ({"input.regex": "(\\d)a(?<rest>b)"}, "1AB", (None, None)),
    ({"input.regex": "(\\d)a(?<rest>b)", "input.regex.case.insensitive": "true"}, "1AB", (1, "B")),
]


@pytest.mark.parametrize(("serde", "line", "due"), REGEX)
def test_each_group_of_a_pattern_is_a_column(
    reader: Reader, serde: dict[str, str], line: str, due: tuple[Any, ...]
) -> None:
    assert reader.read("regex", "n int; w string", f"{line}\n", serde=serde) == [due]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a)", "INVALID_TABLE_PROPERTY: table db.t has 2 columns and its input.regex 1 groups"),
        ("", "INVALID_TABLE_PROPERTY: table db.t has 2 columns and its input.regex 0 groups"),
        (r"(\p{Alpha})(b)", "NOT_SUPPORTED: table db.t: input.regex is not understood here at character 1"),
    ],
)
def test_a_pattern_that_does_not_fit_its_table_is_refused(reader: Reader, pattern: str, reason: str) -> None:
    with pytest.raises(QueryFailed) as failed:
        reader.read("regex", "n int; w string", "a\n", serde={"input.regex": pattern})
    assert str(failed.value).startswith(reason)


@pytest.mark.parametrize("body", ["caf\u00e9\n".encode("latin-1"), "a\n".encode("utf-16"), b"a\r\xff", b"a\n\xc3"])
def test_a_file_that_is_not_utf_8_is_named_with_the_way_out(reader: Reader, body: bytes) -> None:
    with pytest.raises(QueryFailed, match=r"^HIVE_BAD_DATA: s3://lake/t/\S+ is not UTF-8; .* serialization.encoding"):
        reader.read("text", "a string", body)


def test_a_file_that_cannot_be_decompressed_is_named(reader: Reader) -> None:
    with pytest.raises(QueryFailed, match=r"^NOT_SUPPORTED: s3://lake/t/.*\.lz4 is compressed"):
        reader.read("text", "a string", b"", name="a.txt.lz4")
