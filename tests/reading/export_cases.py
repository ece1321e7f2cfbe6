"""JSON and CSV as common programs write them, and lines as they come from logs and merged files."""

from __future__ import annotations

import gzip

import pyarrow as pa  # type: ignore[import-untyped]

from tests.reading.case import ID, NO_OBJECT, NOT_JSON, TWO, Case
from tests.reading.csv_cases import HEADER

LARGE = "12345678901234567890"
NOTE = {"id": "int", "note": "string"}
EXPORT_CASES = {
    "JSON of MongoDB's export": Case(
        "json",
        {"_id": "struct<$oid:string>", "at": "struct<$date:timestamp>", "n": "struct<$numberlong:bigint>"},
        {
            "a.json": '{"_id":{"$oid":"65ba"},"at":{"$date":"2024-01-31T10:00:00.5Z"},'
            '"n":{"$numberLong":"9007199254740993"}}\n'
            '{"_id":{"$oid":"65bb"},"at":{"$date":"2024-01-31T10:00:01Z"},"n":null}\n'
        },
        [
            {"_id": {"$oid": "65ba"}, "at": {"$date": "2024-01-31T10:00:00.500Z"}, "n": {"$numberlong": 2**53 + 1}},
            {"_id": {"$oid": "65bb"}, "at": {"$date": "2024-01-31T10:00:01.000Z"}, "n": None},
        ],
        athena=[
            {"_id": {"$oid": "65ba"}, "at": {"$date": "2024-01-31 10:00:00.500"}, "n": {"$numberlong": 2**53 + 1}},
            {"_id": {"$oid": "65bb"}, "at": {"$date": "2024-01-31 10:00:01.000"}, "n": None},
        ],
    ),
    "JSON of DynamoDB's export": Case(
        "json",
        {"item": "struct<id:struct<n:int>,tags:struct<ss:array<string>>,m:struct<m:map<string,struct<s:string>>>>"},
        {
            "a.json": '{"Item":{"id":{"N":"1"},"tags":{"SS":["a","b"]},"m":{"M":{"K":{"S":"v"}}}}}\n'
            '{"Item":{"id":{"N":"2"}}}\n'
        },
        [
            {"item": {"id": {"n": 1}, "tags": {"ss": ["a", "b"]}, "m": {"m": {"K": {"s": "v"}}}}},
            {"item": {"id": {"n": 2}, "tags": None, "m": None}},
        ],
    ),
    "moments as Go, Python, Java, BigQuery and JavaScript write them": Case(
        "json",
        {"id": "int", "t": "timestamp"},
        {
            "a.json": '{"id":1,"t":"2024-01-31T10:00:00.123456789Z"}\n{"id":2,"t":"2024-01-31T10:00:00.123456+00:00"}\n'
            '{"id":3,"t":"2024-01-31T10:00:00+0000"}\n{"id":4,"t":"2024-01-31 10:00:00 UTC"}\n'
            '{"id":5,"t":"2024-01-31T10:00:00.000Z"}\n{"id":6,"t":"2024-01-31T10:00:00-05:30"}\n'
        },
        [
            {"id": 1, "t": "2024-01-31 10:00:00.123456"},
            {"id": 2, "t": "2024-01-31 10:00:00.123456"},
            {"id": 3, "t": "2024-01-31 10:00:00"},
            {"id": 4, "t": "2024-01-31 10:00:00"},
            {"id": 5, "t": "2024-01-31 10:00:00"},
            {"id": 6, "t": "2024-01-31 15:30:00"},
        ],
    ),
    "NaN and Infinity as Python writes them": Case(
        "json",
        {"id": "int", "x": "double"},
        {
            "a.json": '{"id":1,"x":NaN}\n{"id":2,"x":Infinity}\n{"id":3,"x":-Infinity}\n{"id":4,"x":1e400}\n'
            '{"id":5,"x":-0.0}\n'
        },
        [
            {"id": 1, "x": "NaN"}, {"id": 2, "x": "Infinity"}, {"id": 3, "x": "-Infinity"},
            {"id": 4, "x": "Infinity"}, {"id": 5, "x": -0.0},
        ],
    ),
    "NaN and Infinity under keys in capitals": Case(
        "json",
        {"id": "int", "x": "double"},
        {"a.json": '{"id":1,"X":NaN}\n{"id":2,"X":-Infinity}\n{"id":3,"x":NaN}\n'},
        [{"id": 1, "x": "NaN"}, {"id": 2, "x": "-Infinity"}, {"id": 3, "x": "NaN"}],
    ),
    "maps whose keys are numbers, or twice there": Case(
        "json",
        {"id": "int", "m": "map<int,string>", "t": "map<string,int>"},
        {"a.json": '{"id":1,"m":{"1":"x"},"t":{"a":1,"a":2}}\n{"ID":2,"m":{"2":"y"},"T":{"b":1,"b":3}}\n'},
        [{"id": 1, "m": {"1": "x"}, "t": {"a": 2}}, {"id": 2, "m": {"2": "y"}, "t": {"b": 3}}],
    ),
    "decimals as texts with commas": Case(
        "json",
        {"id": "int", "p": "decimal(10,2)"},
        {"a.json": '{"id":1,"p":"1,5"}\n{"id":2,"p":"1.5"}\n{"id":3,"p":2.5}\n'},
        [{"id": 2, "p": "1.50"}, {"id": 3, "p": "2.50"}],
        bad={'{"id":1,"p":"1,5"}': "column p: '1,5' is not decimal(10,2)"},
        athena=[{"id": 1, "p": None}, {"id": 2, "p": "1.50"}, {"id": 3, "p": "2.50"}],
    ),
    "numbers that are no moment": Case(
        "json",
        {"id": "int", "t": "timestamp"},
        {"a.json": '{"id":1,"t":99999999999999999}\n{"id":2,"t":1706695202000}\n'},
        [{"id": 2, "t": "2024-01-31 10:00:02"}],
        bad={'{"id":1,"t":99999999999999999}': "column t: '99999999999999999' is not timestamp"},
        athena="HIVE_BAD_DATA",
    ),
    "milliseconds within an array and a map": Case(
        "json",
        {"a": "array<timestamp>", "m": "map<string,timestamp>"},
        {"a.json": '{"a":[null,1706695202000],"m":{"k":1706695202000}}\n'},
        [{"a": [None, "2024-01-31T10:00:02.000Z"], "m": {"k": "2024-01-31T10:00:02.000Z"}}],
        athena=[{"a": [None, "2024-01-31 10:00:02.000"], "m": {"k": "2024-01-31 10:00:02.000"}}],
    ),
    "objects without line ends between them, as a stream leaves them": Case(
        "json",
        ID,
        {"a": '{"id":1}{"id":2}{"id":3}', "b": '{"id":4}'},
        [{"id": 4}],
        bad={'{"id":1}{"id":2}{"id":3}': TWO},
        athena="HIVE_BAD_DATA",
    ),
    "one array of objects in a file": Case(
        "json",
        ID,
        {"a.json": '[{"id":1},\n {"id":2}]\n', "b.json": '{"id":4}'},
        [{"id": 2}, {"id": 4}],
        bad={'[{"id":1},': NO_OBJECT},
        athena="HIVE_BAD_DATA",
    ),
    "an object over several lines": Case(
        "json",
        ID,
        {"a.json": '{\n  "id": 1\n}\n', "b.json": '{"id":4}'},
        [{"id": 4}],
        bad={"{": NOT_JSON, '  "id": 1': NO_OBJECT, "}": NO_OBJECT},
        athena="HIVE_BAD_DATA",
    ),
    "line ends of Windows, blanks around objects, and no last line end": Case(
        "json",
        ID,
        {"a.json": '  {"id":1}\t \r\n\t{"id":2}\r\n \t \r\n\r\n{"id" : 3}'},
        [{"id": 1}, {"id": 2}, {"id": 3}],
        athena=[{"id": each} for each in (1, 2, 3, None, None)],  # to OpenX, a blank line is an object without keys
    ),
    "characters that are line ends elsewhere": Case(
        "json",
        NOTE,
        {"a.json": '{"id":1,"note":"a\u2028b\u2029c\x85d"}\n{"id":2,"note":"a\\u0000b\\u000bc\\fd\\u001ce"}\n'},
        [{"id": 1, "note": "a\u2028b\u2029c\x85d"}, {"id": 2, "note": "a\x00b\x0bc\x0cd\x1ce"}],
    ),
    "emoji, escaped and not, and half of one": Case(
        "json",
        NOTE,
        {"a.json": '{"id":1,"note":"\\ud83d\\ude00"}\n{"id":2,"note":"\U0001f600"}\n{"id":3,"note":"x\\ud83d"}\n'},
        [{"id": 1, "note": "\U0001f600"}, {"id": 2, "note": "\U0001f600"}, {"id": 3, "note": "x?"}],
    ),
    "a log that ends in zero bytes": Case(
        "json",
        ID,
        {"a.json": b'{"id":1}\n' + bytes(20)},
        [{"id": 1}],
        bad={"\x00" * 20: NO_OBJECT},
        athena="HIVE_BAD_DATA",
    ),
    "files put together with their byte order marks": Case(
        "json",
        ID,
        {"a.json": '\ufeff{"id":1}\n\ufeff{"id":2}\n'},
        [{"id": 1}, {"id": 2}],
        athena="HIVE_BAD_DATA",
    ),
    "UTF-16, one object a file": Case(
        "json",
        ID,
        {"a.json": '{"id":1}'.encode("utf-16-le"), "b.json": '{"id":2}'.encode("utf-16"), "c.json": '{"id":3}'},
        [{"id": 1}, {"id": 2}, {"id": 3}],
        athena="HIVE_BAD_DATA",
    ),
    "JSON in a code page of Windows": Case(
        "json",
        NOTE,
        {"a.json": '{"id":1,"note":"\u201chi\u201d 5\u00b0 \u00a3"}\n{"id":2,"note":"x"}\n'.encode("cp1252")},
        [{"id": 2, "note": "x"}],
        bad={'{"id":1,"note":"\ufffdhi\ufffd 5\ufffd \ufffd"}': "the line is not UTF-8 text"},
        athena="HIVE_BAD_DATA",
    ),
    "empty texts for numbers, moments and booleans": Case(
        "json",
        {"id": "int", "x": "double", "d": "date", "ok": "boolean", "s": "string"},
        {"a.json": '{"id":"","s":"1"}\n{"x":"","s":"2"}\n{"d":"","s":"3"}\n{"ok":"","s":"4"}\n{"s":""}\n'},
        [{"id": None, "x": None, "d": None, "ok": None, "s": ""}],
        bad={
            '{"id":"","s":"1"}': "column id: '' is not int",
            '{"x":"","s":"2"}': "column x: '' is not double",
            '{"d":"","s":"3"}': "column d: '' is not date",
            '{"ok":"","s":"4"}': "column ok: '' is not boolean",
        },
        athena="HIVE_",
    ),
    "null, nested arrays, and null within them": Case(
        "json",
        {"id": "int", "l": "array<array<int>>", "t": "array<string>", "o": "array<struct<a:int>>"},
        {
            "a.json": '{"id":1,"l":[[1,null],[],null],"t":["a",null,1,true,{"b":[1]}],"o":[null,{"a":null},{}]}\n'
            '{"id":null}\nnull\n{}\n'
        },
        [
            {"id": 1, "l": [[1, None], [], None], "t": ["a", None, "1", "true", '{"b":[1]}'],
             "o": [None, {"a": None}, {"a": None}]},
            {"id": None, "l": None, "t": None, "o": None},
            {"id": None, "l": None, "t": None, "o": None},
        ],
        bad={"null": NO_OBJECT},
        athena=[
            {"id": 1, "l": [[1, None], [], None], "t": ["a", None, 1, "true", '{"b":[1]}'],
             "o": [None, {"a": None}, {"a": None}]},
            *[{"id": None, "l": None, "t": None, "o": None}] * 3,  # to OpenX, `null` is an object without keys
        ],
    ),
    "integers at the edge of their types": Case(
        "json",
        {"b": "bigint", "i": "int", "s": "smallint", "t": "tinyint"},
        {
            "a.json": '{"b":9223372036854775807,"i":2147483647,"s":32767,"t":127}\n'
            '{"b":-9223372036854775808,"i":-2147483648,"s":-32768,"t":-128}\n',
            "b.json": '{"i":2147483648}\n{"s":32768}\n{"t":128}\n{"t":-129}\n',
        },
        [
            {"b": 2**63 - 1, "i": 2**31 - 1, "s": 2**15 - 1, "t": 127},
            {"b": -(2**63), "i": -(2**31), "s": -(2**15), "t": -128},
        ],
        bad={
            '{"i":2147483648}': "column i: '2147483648' is not int",
            '{"s":32768}': "column s: '32768' is not smallint",
            '{"t":128}': "column t: '128' is not tinyint",
            '{"t":-129}': "column t: '-129' is not tinyint",
        },
        athena="HIVE_",
    ),
    "tiny integers at any level": Case(
        "json",
        {"l": "array<tinyint>", "m": "map<string,tinyint>", "o": "struct<t:tinyint>"},
        {"a.json": '{"l":[1,127],"m":{"k":-128},"o":{"t":5}}\n{"l":[1,200]}\n',
         "b.json": '{"m":{"k":200}}\n{"o":{"t":200}}\n'},
        [{"l": [1, 127], "m": {"k": -128}, "o": {"t": 5}}],
        bad={
            '{"l":[1,200]}': "column l: '[1,200]' is not array<tinyint>",
            '{"m":{"k":200}}': "column m: '{\"k\":200}' is not map<string,tinyint>",
            '{"o":{"t":200}}': "column o: '{\"t\":200}' is not struct<t:tinyint>",
        },
        athena="HIVE_",
    ),
    "numbers in columns of text": Case(
        "json",
        {"id": "int", "s": "string"},
        {
            "a.json": '{"id":1,"s":1.10}\n{"id":2,"s":1e5}\n{"id":3,"s":12345678901234567890}\n'
            '{"id":4,"s":true}\n{"id":5,"s":0.1}\n{"Id":6,"s":1.10}\n'
            '{"Id":7,"s":12345678901234567890}\n'
        },
        [
            {"id": number, "s": s}
            for number, s in enumerate(("1.1", "100000.0", LARGE, "true", "0.1", "1.1", LARGE), 1)
        ],
    ),
    "packed files of several parts, and by other means": Case(
        "json",
        ID,
        {
            "a.json.gz": gzip.compress(b'{"id":1}\n', mtime=0) + gzip.compress(b'{"id":2}\n', mtime=0),
            "b.json.zst": pa.compress(b'{"id":3}\n', codec="zstd", asbytes=True),
        },
        [{"id": 1}, {"id": 2}],
        set_aside={"b.json.zst": "Spark cannot unpack it"},
        athena=[{"id": 1}, {"id": 2}, {"id": 3}],
    ),
    "markers that programs leave beside the files": Case(
        "json",
        ID,
        {"a.json": '{"id":1}\n', "_SUCCESS": "", ".a.json.crc": b"crc\x00",
         "_temporary/0/b.json": '{"id":2}\n', "sub/c.json": '{"id":3}\n'},
        [{"id": 1}, {"id": 3}],
    ),
    "CSV with the index of pandas, and its texts for nothing": Case(
        "csv",
        {"_c0": "int", "id": "int", "x": "double", "note": "string"},
        {"a.csv": ",id,x,note\n0,1,1.5,NaN\n1,2,,\n2,3,NaN,None\n3,4,inf,x\n"},
        [
            {"_c0": 0, "id": 1, "x": 1.5, "note": "NaN"},
            {"_c0": 1, "id": 2, "x": None, "note": ""},
            {"_c0": 2, "id": 3, "x": "NaN", "note": "None"},
        ],
        parameters=HEADER,
        bad={"3,4,inf,x": "column x: 'inf' is not double"},
        athena="HIVE_BAD_DATA",
    ),
    "CSV of Excel": Case(
        "csv",
        NOTE,
        {"a.csv": '\ufeffsep=;\r\nid;note\r\n1;"a ""b"""\r\n2;x;\r\n'},
        [{"id": 1, "note": 'a "b"'}],
        parameters={**HEADER, "separatorChar": ";"},
        bad={"id;note": "column id: 'id' is not int", "2;x;": "the row does not have 2 fields"},
        athena="HIVE_BAD_DATA",
    ),
    "CSV with the line ends of old Macs": Case(
        "csv",
        NOTE,
        {"a.csv": "1,x\r2,y\r"},
        [{"id": 1, "note": "x"}, {"id": 2, "note": "y"}],
        athena="NOT_SUPPORTED",
    ),
    "CSV with a header again in the middle": Case(
        "csv",
        NOTE,
        {"a.csv": "id,note\n1,x\nid,note\n2,y\n"},
        [{"id": 1, "note": "x"}, {"id": 2, "note": "y"}],
        parameters=HEADER,
        bad={"id,note": "column id: 'id' is not int"},
        athena="HIVE_BAD_DATA",
    ),
    "of delimiters, one character, or the number of one": Case(
        "text",
        {"id": "int", "l": "array<int>", "m": "map<string,int>"},
        {"a": "1|2;3|a:4\n2|4|b:5\n"},
        [{"id": 1, "l": [2, 3], "m": {"a": 4}}, {"id": 2, "l": [4], "m": {"b": 5}}],
        parameters={"field.delim": "||", "collection.delim": "59", "mapkey.delim": "58"},
    ),
    "tabs, spelled": Case(
        "text",
        NOTE,
        {"a": "1\tx y\n2\t\n"},
        [{"id": 1, "note": "x y"}, {"id": 2, "note": ""}],
        parameters={"field.delim": "\\t"},
    ),
}  # fmt: skip
