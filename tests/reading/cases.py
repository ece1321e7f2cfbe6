"""Small files of every format and dialect, and the rows that they hold: one table for every reader of the lake."""

from __future__ import annotations

import bz2
import datetime as dt
import decimal
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.orc as orc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

Row = dict[str, Any]
NO_OBJECT, NOT_JSON = "the line is not a JSON object", "the line is not valid JSON"
TWO = "there is more on the line than one JSON object: write one object a line"
PACKED = "the file is damaged, cut off, or not packed as its name says"
NO_PARTITION = "the file lies in no partition: its folder is not of the form {}. Move it into one"


@dataclass(frozen=True)
class Case:
    """A table and its files.

    format: json, csv (OpenCSVSerde), text (LazySimpleSerDe), parquet or orc.
    files: name below the table's location -> content.
    rows: those of a job, as JSON has them, in any order; dates, timestamps and decimals as text.
    bad: the text of a line that a job sets aside -> why. set_aside: the name of a file -> how the reason begins.
    athena: what Athena makes of it where that is not `rows`: rows, or the beginning of an error.
    """

    format: str
    columns: Mapping[str, str]
    files: Mapping[str, str | bytes]
    rows: list[Row]
    keys: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    bad: Mapping[str, str] = field(default_factory=dict)
    set_aside: Mapping[str, str] = field(default_factory=dict)
    athena: list[Row] | str | None = None


def parquet(table: Mapping[str, Any] | pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), sink, **options)
    return bytes(sink.getvalue())


def orc_file(table: Mapping[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    orc.write_table(pa.table(table), sink)
    return bytes(sink.getvalue())


ID = {"id": "int"}
HEADER = {"skip.header.line.count": "1"}
COMMA = {"field.delim": ","}
NESTED = {
    "id": "int",
    "user": "struct<firstname:string,address:struct<zipcode:int>>",
    "items": "array<struct<sku:string>>",
    "m": "map<string,int>",
}
MOMENT = dt.datetime(2024, 1, 31, 10, 0, 0, 123456)
STRUCTS = pa.struct([("a", pa.int64()), ("b", pa.int64())])

JSON_CASES = {
    "keys of nested objects in any case": Case(
        "json",
        NESTED,
        {
            "a.json": '{"Id":1,"User":{"FirstName":"Ann","Address":{"ZipCode":12}},"Items":[{"Sku":"x"}],"m":{"K":1}}\n',
            "b.json": '{"id":2,"USER":{"firstName":"Bob","address":{"ZIPCODE":13}},"items":[{"SKU":"y"},{"sku":"z"}]}\n',
        },
        [
            {"id": 1, "user": {"firstname": "Ann", "address": {"zipcode": 12}}, "items": [{"sku": "x"}], "m": {"K": 1}},
            {
                "id": 2,
                "user": {"firstname": "Bob", "address": {"zipcode": 13}},
                "items": [{"sku": "y"}, {"sku": "z"}],
                "m": None,
            },
        ],
    ),
    "one key in three spellings, in one file and among files": Case(
        "json",
        {"id": "int", "name": "string"},
        {"a.json": '{"Id":1,"name":"a"}\n{"id":2,"Name":"b"}\n{"ID":3}\n', "b.json": '{"id":4,"NAME":"d"}\n'},
        [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 3, "name": None}, {"id": 4, "name": "d"}],
        parameters={"paths": "Id,name"},
    ),
    "keys with escapes, spaces and letters beyond ASCII": Case(
        "json",
        {"id": "int", "caf\u00e9": "string", "a b": "int"},
        {"a.json": '{"\\u0069d":1,"caf\\u00e9":"x","A B" : 2}\n{"id":2,"CAF\u00c9":"y","a b":3}\n'},
        [{"id": 1, "caf\u00e9": "x", "a b": 2}, {"id": 2, "caf\u00e9": "y", "a b": 3}],
    ),
    "a key that is there twice": Case(
        "json", ID, {"a.json": '{"id":1,"id":2}\n{"id":3,"x":{"Id":9}}\n'}, [{"id": 2}, {"id": 3}]
    ),
    "keys that are mapped to columns": Case(
        "json",
        {"cs_uri": "string", "user_id": "int"},
        {"a.json": '{"cs-uri":"/","user.id":1}\n'},
        [{"cs_uri": "/", "user_id": 1}],
        parameters={"mapping.cs_uri": "cs-uri", "dots.in.keys": "true"},
    ),
    "keys in their own case alone": Case(
        "json",
        {"url1": "string", "url2": "string"},
        {"a.json": '{"URL":"a","Url":"b"}\n'},
        [{"url1": "a", "url2": "b"}],
        parameters={"case.insensitive": "FALSE", "mapping.url1": "URL", "mapping.url2": "Url"},
    ),
    "numbers and booleans in quotation marks": Case(
        "json",
        {"id": "int", "x": "double", "ok": "boolean", "s": "string"},
        {"a.json": '{"id":"7","x":"1.5","ok":"TRUE","s":5}\n{"id":8.0,"x":2,"ok":false,"s":{"k":[1,2]}}\n'},
        [{"id": 7, "x": 1.5, "ok": True, "s": "5"}, {"id": 8, "x": 2.0, "ok": False, "s": '{"k":[1,2]}'}],
    ),
    "values that do not fit": Case(
        "json",
        {"id": "int", "d": "date", "l": "array<int>"},
        {"a.json": '{"id":"x"}\n{"id":1.5}\n{"id":1,"d":"2013-02-30"}\n{"id":2,"l":["1","x"]}\n{"id":3,"l":["1"]}\n'},
        [{"id": 3, "d": None, "l": [1]}],
        bad={
            '{"id":"x"}': "column id: 'x' is not int",
            '{"id":1.5}': "column id: '1.5' is not int",
            '{"id":1,"d":"2013-02-30"}': "column d: '2013-02-30' is not date",
            '{"id":2,"l":["1","x"]}': 'column l: \'["1","x"]\' is not array<int>',
        },
        athena="HIVE_",
    ),
    "one value where an array is due": Case(
        "json",
        {"id": "int", "tags": "array<string>"},
        {"a.json": '{"id":1,"tags":"one"}\n{"id":2,"tags":["a","b"]}\n{"id":3,"tags":[]}\n'},
        [{"id": 1, "tags": ["one"]}, {"id": 2, "tags": ["a", "b"]}, {"id": 3, "tags": []}],
    ),
    "moments": Case(
        "json",
        {"t": "timestamp"},
        {
            "a.json": '{"t":"2024-01-31T10:00:00Z"}\n{"t":"2024-01-31 10:00:01"}\n{"t":1706695202000}\n',
            "b.json": '{"t":"2024-01-31T12:00:03+02:00"}\n{"t":"2024-01-31T10:00:04.5"}\n{"t":1706695205}\n',
            "c.json": '{"T":"0001-01-01 00:00:00"}\n{"t":null}\n',
        },
        [
            *({"t": f"2024-01-31 10:00:0{second}"} for second in (0, 1, 2, 3, "4.5", 5)),
            {"t": "0001-01-01 00:00:00"},
            {"t": None},
        ],
    ),
    "moments that are none": Case(
        "json",
        {"t": "timestamp", "d": "date"},
        {
            "a.json": '{"t":"10:00"}\n{"t":"2024-01"}\n{"d":"2024-01-31T10:00:00"}\n{"d":"31.01.2024"}\n{"d":"2024-01-31"}\n'
        },
        [{"t": None, "d": "2024-01-31"}],
        bad={
            '{"t":"10:00"}': "column t: '10:00' is not timestamp",
            '{"t":"2024-01"}': "column t: '2024-01' is not timestamp",
            '{"d":"2024-01-31T10:00:00"}': "column d: '2024-01-31T10:00:00' is not date",
            '{"d":"31.01.2024"}': "column d: '31.01.2024' is not date",
        },
        athena="HIVE_",
    ),
    "decimals": Case(
        "json",
        {"p": "decimal(20,10)"},
        {"a.json": '{"p":1234567890.0123456789}\n{"P":9876543210.0123456789}\n{"p":"2.25"}\n'},
        [{"p": "1234567890.0123456789"}, {"p": "9876543210.0123456789"}, {"p": "2.2500000000"}],
    ),
    "a decimal in an object, whose digits the reader of odd lines would cut off": Case(
        "json",
        {"o": "struct<p:decimal(38,18)>"},
        {"a.json": '{"o":{"p":2.5}}\n{"o":{"p":3}}\n{"O":{"p":1.123456789012345678}}\n'},
        [{"o": {"p": 2.5}}, {"o": {"p": 3.0}}],
        bad={
            '{"O":{"p":1.123456789012345678}}': "column o: '{\"p\":1.1234567890123457}' is not struct<p:decimal(38,18)>"
        },
        athena=[{"o": {"p": 1.123456789012345678}}, {"o": {"p": 2.5}}, {"o": {"p": 3.0}}],
    ),
    "lines that are no object": Case(
        "json",
        ID,
        {"a.json": '{"id":1}\nnot json\n77\n[{"id":2}]\n{"id":\n\n{"id":3}\n'},
        [{"id": 1}, {"id": 3}],
        bad={"not json": NO_OBJECT, "77": NO_OBJECT, '[{"id":2}]': NO_OBJECT, '{"id":': NOT_JSON},
        athena="HIVE_",
    ),
    "several objects on a line": Case(
        "json",
        {"id": "int", "l": "array<struct<a:int>>"},
        {
            "a.json": '{"id":1}{"id":2}\n{"id":3};{"id":4}\n{"id":5,"l":[{"a":1},{"a":2}]}\n',
            "b.json": '{"id":6,"l":[{"a":1},{"A":2}]} \n',
        },
        [
            {"id": 5, "l": [{"a": 1}, {"a": 2}]},
            {"id": 6, "l": [{"a": 1}, {"a": 2}]},
        ],
        bad={'{"id":1}{"id":2}': TWO, '{"id":3};{"id":4}': TWO},
        athena="HIVE_BAD_DATA",
    ),
    "single quotation marks": Case("json", ID, {"a.json": "{'ID':1}\n{'id':2}\n"}, [{"id": 1}, {"id": 2}]),
    "packed files and a byte order mark": Case(
        "json",
        ID,
        {
            "a.json.gz": gzip.compress(b'{"id":1}\n'),
            "b.json.bz2": bz2.compress(b'{"id":2}\n'),
            "c.json": '\ufeff{"id":3}\r\n',
            "cut.json.gz": gzip.compress(b'{"id":4}\n' * 999)[:-20],
        },
        [{"id": 1}, {"id": 2}, {"id": 3}],
        set_aside={"cut.json.gz": PACKED},
        athena="HIVE_",
    ),
    "names of files with any characters": Case(
        "json",
        ID,
        {
            name: f'{{"id":{number}}}\n'
            for number, name in enumerate(("a?b.json", "caf\u00e9 x.json", "a+b%20.json", "[1]{2}*.json", "#h.json"))
        },
        [{"id": number} for number in range(5)],
    ),
}
PARTITION_CASES = {
    "a file beside the partitions": Case(
        "json",
        ID,
        {
            "day=1/a.json": '{"id":1}\n',
            "day=2/b.json": '{"id":2}\n',
            "stray.json": '{"id":3}\n',
            "0.json": '{"id":4}\n',
        },
        [{"id": 1, "day": "1"}, {"id": 2, "day": "2"}],
        keys={"day": "string"},
        set_aside={"stray.json": NO_PARTITION.format("day=..."), "0.json": NO_PARTITION.format("day=...")},
    ),
    "folders named in another case": Case(
        "json",
        ID,
        {"Day=1/a.json": '{"id":1}\n', "DAY=02/b.json": '{"id":2}\n'},
        [{"id": 1, "day": 1}, {"id": 2, "day": 2}],
        keys={"day": "int"},
    ),
    "leading zeros, escapes, and no value": Case(
        "json",
        ID,
        {
            "c=01/a.json": '{"id":1}\n',
            "c=Paris%2C TX/b.json": '{"id":2}\n',
            "c=__HIVE_DEFAULT_PARTITION__/c.json": '{"id":3}\n',
            "c=x=y/d.json": '{"id":4}\n',
            "c=S\u00e3o/e.json": '{"id":5}\n',
            "c=/f.json": '{"id":6}\n',
        },
        [
            {"id": number, "c": value}
            for number, value in enumerate(("01", "Paris, TX", None, "x=y", "S\u00e3o", ""), 1)
        ],
        keys={"c": "string"},
    ),
    "folders without names, and deeper ones": Case(
        "json",
        ID,
        {"2024/01/a.json": '{"id":1}\n', "2024/02/x/b.json": '{"id":2}\n', "2024/c.json": '{"id":3}\n'},
        [{"id": 1, "year": "2024", "month": 1}, {"id": 2, "year": "2024", "month": 2}],
        keys={"year": "string", "month": "int"},
        set_aside={"2024/c.json": NO_PARTITION.format("year=.../month=...")},
    ),
    "a folder that does not fit its key's type": Case(
        "json",
        ID,
        {"day=1/a.json": '{"id":1}\n', "day=one/b.json": '{"id":2}\n'},
        [{"id": 1, "day": 1}],
        keys={"day": "int"},
        set_aside={"day=one/b.json": "the folder day=one does not fit the types of the keys: day int"},
    ),
}
CSV_CASES = {
    "quotes within quotes": Case(
        "csv",
        {"id": "int", "note": "string"},
        {"a.csv": 'id,note\n1,"say ""hi"" now"\n2,"back\\"slash"\n3,plain\n4,"a, b"\n5,"c:\\\\dir"\n6,""\n7,\n'},
        [
            {"id": number, "note": note}
            for number, note in enumerate(('say "hi" now', 'back"slash', "plain", "a, b", "c:\\dir", "", ""), 1)
        ],
        parameters=HEADER,
    ),
    "other marks": Case(
        "csv",
        {"id": "int", "note": "string"},
        {"a.csv": "1;'it''s; new'\n2;'a\\'b'\n", "b.csv": '3;"c"\n'},
        [{"id": 1, "note": "it's; new"}, {"id": 2, "note": "a'b"}, {"id": 3, "note": '"c"'}],
        parameters={"separatorChar": ";", "quoteChar": "'"},
    ),
    "a quote that is not closed": Case(
        "csv",
        {"id": "int", "note": "string", "n": "int"},
        {"a.csv": '1,"first\nsecond",2\n2,plain,3\n'},
        [{"id": 2, "note": "plain", "n": 3}],
        bad={'1,"first': "a quote on the line is not closed", 'second",2': "a quote on the line is not closed"},
        athena="HIVE_BAD_DATA",
    ),
    "rows of another width, blank lines and blank numbers": Case(
        "csv",
        {"id": "int", "n": "int", "note": "string"},
        {"a.csv": "1,5,a\r\n2,6\r\n3,7,b,c\r\n\r\n4,,d\r\n5, 8 ,e\r\n"},
        [
            {"id": 1, "n": 5, "note": "a"},
            {"id": 4, "n": None, "note": "d"},
            {"id": 5, "n": 8, "note": "e"},
        ],
        bad={"2,6": "the row does not have 3 fields", "3,7,b,c": "the row does not have 3 fields"},
        athena="HIVE_BAD_DATA",
    ),
    "values of other types": Case(
        "csv",
        {"id": "bigint", "ok": "boolean", "x": "double", "d": "date"},
        {"a.csv": "1,yes,1,19000\n2,true,1e3,0\n3,FALSE,0x10,1\n4,true,2,31.01.2024\n5,1,2,2\n"},
        [{"id": 2, "ok": True, "x": 1000.0, "d": "1970-01-01"}],
        bad={
            "1,yes,1,19000": "column ok: 'yes' is not boolean",
            "3,FALSE,0x10,1": "column x: '0x10' is not double",
            "4,true,2,31.01.2024": "column d: '31.01.2024' is not date",
            "5,1,2,2": "column ok: '1' is not boolean",
        },
        athena="HIVE_BAD_DATA",
    ),
    "Latin-1, packed": Case(
        "csv",
        {"id": "int", "name": "string"},
        {"a.csv.gz": gzip.compress("id,name\n1,caf\u00e9\n".encode("latin-1"))},
        [{"id": 1, "name": "caf\u00e9"}],
        parameters={**HEADER, "serialization.encoding": "ISO-8859-1"},
    ),
    "text that is not UTF-8": Case(
        "csv",
        {"id": "int", "name": "string"},
        {"a.csv": "1,caf\u00e9\n".encode("latin-1"), "b.csv": "\ufeff2,caf\u00e9\n"},
        [{"id": 2, "name": "caf\u00e9"}],
        bad={"1,caf\ufffd": "the line is not UTF-8 text"},
        athena=[{"id": 1, "name": "caf\ufffd"}, {"id": 2, "name": "caf\u00e9"}],
    ),
    "no quotes in LazySimpleSerDe": Case(
        "text",
        {"id": "int", "note": "string", "n": "int"},
        {"a.csv": '1,"a",5\n2,hello\\, you,6\n3,\\N,\\N\n4,c:\\\\dir,7\n5,,8\n'},
        [
            {"id": 1, "note": '"a"', "n": 5},
            {"id": 2, "note": "hello, you", "n": 6},
            {"id": 3, "note": None, "n": None},
            {"id": 4, "note": "c:\\dir", "n": 7},
            {"id": 5, "note": "", "n": 8},
        ],
        parameters={**COMMA, "escape.delim": "\\"},
    ),
    "arrays, maps and structs in text": Case(
        "text",
        {"id": "int", "tags": "array<string>", "m": "map<string,int>", "s": "struct<a:int,b:string>", "note": "string"},
        {"a.csv": "1,a|b|c,x:1|y:2,7|q,none\n2,d,z:3,8|r,e\n3,none,none,none,f\n"},
        [
            {"id": 1, "tags": ["a", "b", "c"], "m": {"x": 1, "y": 2}, "s": {"a": 7, "b": "q"}, "note": None},
            {"id": 2, "tags": ["d"], "m": {"z": 3}, "s": {"a": 8, "b": "r"}, "note": "e"},
            {"id": 3, "tags": None, "m": None, "s": None, "note": "f"},
        ],
        parameters={
            **COMMA,
            "collection.delim": "|",
            "mapkey.delim": ":",
            "serialization.null.format": "none",
        },
    ),
    "LazySimpleSerDe's own delimiters, and a moment": Case(
        "text",
        {"id": "int", "t": "timestamp", "d": "date"},
        {"a": "1\x012024-01-31 10:00:00.123\x012024-1-5\n2\x01\\N\x01\\N\n"},
        [
            {"id": 1, "t": "2024-01-31 10:00:00.123", "d": "2024-01-05"},
            {"id": 2, "t": None, "d": None},
        ],
    ),
}
OLD = [dt.date(1, 1, 1), dt.date(1582, 10, 4), dt.date(9999, 12, 31)]
EARLY = [dt.datetime(1, 1, 1), dt.datetime(1850, 1, 1, 0, 0, 0, 1), MOMENT]
BINARY_CASES = {
    "Parquet: fields of a struct in any order and case, and one that is not there": Case(
        "parquet",
        {"id": "bigint", "st": "struct<a:bigint,b:bigint>"},
        {
            "a.parquet": parquet({"id": [1], "st": pa.array([{"a": 1, "b": 10}], STRUCTS)}),
            "b.parquet": parquet({"ID": [2], "st": pa.array([{"B": 20, "A": 2}])}),
            "c.parquet": parquet({"id": [3], "st": pa.array([{"b": 30}])}),
            "d.parquet": parquet({"st": pa.array([{"z": 9, "a": 4, "b": 40}]), "id": [4]}),
        },
        [
            {"id": 1, "st": {"a": 1, "b": 10}},
            {"id": 2, "st": {"a": 2, "b": 20}},
            {"id": 3, "st": {"a": None, "b": 30}},
            {"id": 4, "st": {"a": 4, "b": 40}},
        ],
    ),
    "Parquet: numbers of other types, where every value fits": Case(
        "parquet",
        {"n": "bigint", "x": "double"},
        {
            "a.parquet": parquet({"n": pa.array([2**40], pa.int64()), "x": [1.5]}),
            "b.parquet": parquet({"n": pa.array([7], pa.int32()), "x": pa.array([2], pa.int64())}),
            "c.parquet": parquet({"n": pa.array([8], pa.int16()), "x": pa.array([0.5], pa.float32())}),
            "d.parquet": parquet({"n": pa.nulls(1), "x": pa.array([3], pa.uint64())}),
        },
        [{"n": 2**40, "x": 1.5}, {"n": 7, "x": 2.0}, {"n": 8, "x": 0.5}, {"n": None, "x": 3.0}],
        athena="HIVE_BAD_DATA",
    ),
    "Parquet: numbers that do not fit": Case(
        "parquet",
        {"n": "int", "s": "string"},
        {
            "a.parquet": parquet({"n": pa.array([1], pa.int32()), "s": ["x"]}),
            "big.parquet": parquet({"n": pa.array([2**40], pa.int64()), "s": ["y"]}),
            "half.parquet": parquet({"n": [1.5], "s": ["z"]}),
            "text.parquet": parquet({"n": pa.array([2], pa.int32()), "s": [5]}),
        },
        [{"n": 1, "s": "x"}],
        set_aside={
            "big.parquet": "column n is bigint in the file and int in the table, which cannot hold 1099511627776",
            "half.parquet": "column n is double in the file and int in the table, which cannot hold 1.5",
            "text.parquet": "column s is bigint in the file and string in the table. Write the file anew",
        },
        athena="HIVE_BAD_DATA",
    ),
    "Parquet: nanoseconds": Case(
        "parquet",
        {"id": "bigint", "ts": "timestamp"},
        {
            "a.parquet": parquet({"id": [1], "ts": pa.array([MOMENT], pa.timestamp("ns"))}),
            "b.parquet": parquet({"id": [2], "ts": pa.array([MOMENT], pa.timestamp("us"))}),
            "c.parquet": parquet({"id": [3], "ts": pa.array([1], pa.timestamp("ns"))}),
        },
        [{"id": 1, "ts": str(MOMENT)}, {"id": 2, "ts": str(MOMENT)}],
        set_aside={"c.parquet": "column ts is timestamp in nanoseconds in the file and timestamp in the table, which"},
        athena=[
            {"id": 1, "ts": str(MOMENT)},
            {"id": 2, "ts": str(MOMENT)},
            {"id": 3, "ts": "1970-01-01 00:00:00"},
        ],
    ),
    "Parquet: moments long ago": Case(
        "parquet",
        {"d": "date", "ts": "timestamp"},
        {
            "a.parquet": parquet({"d": OLD, "ts": pa.array(EARLY, pa.timestamp("us"))}),
            "b.parquet": parquet(
                pa.table({"d": OLD[:1], "ts": pa.array(EARLY[1:2], pa.timestamp("us"))}),
                use_deprecated_int96_timestamps=True,
            ),
        },
        [
            {"d": "0001-01-01", "ts": "0001-01-01 00:00:00"},
            {"d": "1582-10-04", "ts": "1850-01-01 00:00:00.000001"},
            {"d": "9999-12-31", "ts": str(MOMENT)},
            {"d": "0001-01-01", "ts": "1850-01-01 00:00:00.000001"},
        ],
    ),
    "Parquet: decimals, numbers without sign": Case(
        "parquet",
        {"p": "decimal(10,2)", "u": "decimal(20,0)"},
        {"a.parquet": parquet({"p": [decimal.Decimal("1.10")], "u": pa.array([2**63 + 1], pa.uint64())})},
        [{"p": "1.10", "u": str(2**63 + 1)}],
    ),
    "Parquet: damaged files": Case(
        "parquet",
        {"id": "bigint"},
        {
            "a.parquet": parquet({"id": [1]}),
            "caf\u00e9 cut.parquet": parquet({"id": [2]})[:-20],
            "json.parquet": b'{"id":3}\n',
            "none.parquet": b"",
        },
        [{"id": 1}],
        set_aside={"caf\u00e9 cut.parquet": "", "json.parquet": "", "none.parquet": "the file is empty (0 bytes)"},
        athena="HIVE_",
    ),
    "ORC": Case(
        "orc",
        {"id": "bigint", "name": "string"},
        {
            "day=1/a.orc": orc_file({"id": [1], "name": ["x"]}),
            "day=2/b.orc": orc_file({"Name": ["y"], "ID": [2]}),
            "day=3/cut.orc": orc_file({"id": [3]})[:-9],
        },
        [{"id": 1, "name": "x", "day": 1}, {"id": 2, "name": "y", "day": 2}],
        keys={"day": "int"},
        set_aside={"day=3/cut.orc": ""},
        athena="HIVE_",
    ),
}
CASES = JSON_CASES | PARTITION_CASES | CSV_CASES | BINARY_CASES
