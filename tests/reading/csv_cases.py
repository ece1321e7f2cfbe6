"""CSV files for each SerDe that reads them."""

from __future__ import annotations

import gzip

from tests.reading.case import Case

HEADER = {"skip.header.line.count": "1"}
COMMA = {"field.delim": ","}
EMPTY = [{"a": "", "n": None}, {"a": "", "n": None}]
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
    "records of several lines, where the dataset says so": Case(
        "csv",
        {"id": "int", "note": "string", "n": "int"},
        {
            "a.csv": '\ufeffid,note,n\r\n1,"first\r\nsecond",2\r\n2,"a ""b""\n\n, \\"c",3\r\n\r\n3,plain,4',
            "b.csv": 'id,note,n\n4,"x",5\n5,"open\n6,lost,7\n',
            "c.csv.gz": gzip.compress(b'id,note,n\n7,"y\nz",8\n8,w\n', mtime=0),
            "d.csv": "id,note,n\n",
        },
        [
            {"id": 1, "note": "first\r\nsecond", "n": 2},
            {"id": 2, "note": 'a "b"\n\n, "c', "n": 3},
            {"id": 3, "note": "plain", "n": 4},
            {"id": 4, "note": "x", "n": 5},
            {"id": 7, "note": "y\nz", "n": 8},
        ],
        parameters={**HEADER, "lake.multiline": "true"},
        bad={
            '5,"open\n6,lost,7\n': "a quote on the line is not closed",
            "8,w": "the row does not have 3 fields",
        },
        athena="HIVE_BAD_DATA",
    ),
    "a quote that is not closed": Case(
        "csv",
        {"id": "int", "note": "string", "n": "int"},
        {"a.csv": '1,"first\nsecond",2\n2,plain,3\n'},
        [{"id": 2, "note": "plain", "n": 3}],
        bad={'1,"first': "a quote on the line is not closed", 'second",2': "a quote on the line is not closed"},
        athena=[
            {"id": 1, "note": None, "n": None},
            {"id": None, "note": None, "n": None},
            {"id": 2, "note": "plain", "n": 3},
        ],
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
    "rows of empty fields between tabs": Case(
        "text",
        {"a": "string", "n": "int"},
        {"a.tsv": "x\t1\r\n\t\r\n\t2\n", "b.tsv": "\ufeffy\t3\n\t\n"},
        [*EMPTY, {"a": "", "n": 2}, {"a": "x", "n": 1}, {"a": "y", "n": 3}],
        parameters={"field.delim": "\t"},
    ),
    "rows of empty fields between tabs, below a header": Case(
        "text",
        {"a": "string", "n": "int"},
        {
            "a.tsv": "a\tn\r\nx\t1\r\n\t\r\n",
            "b.tsv": "a\tn\ny\t2\n",
            "c.tsv.gz": gzip.compress("a\tn\ncaf\u00e9\t3\n\t\n".encode("latin-1"), mtime=0),
            "d.tsv": "a\tn\n",
        },
        [*EMPTY, {"a": "x", "n": 1}, {"a": "y", "n": 2}, {"a": "caf\u00e9", "n": 3}],
        parameters={**HEADER, "field.delim": "\t", "serialization.encoding": "ISO-8859-1"},
    ),
    "rows of empty fields between control characters": Case(
        "text",
        {"a": "string", "b": "string"},
        {"a": "x\x01y\n\x01\n"},
        [{"a": "x", "b": "y"}, {"a": "", "b": ""}],
    ),
    "rows of empty fields between tabs, with quotes": Case(
        "csv",
        {"a": "string", "b": "string"},
        {"a.tsv": 'x\t"y\tz"\n\t\n'},
        [{"a": "x", "b": "y\tz"}, {"a": "", "b": ""}],
        parameters={"separatorChar": "\t"},
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
        athena="HIVE_BAD_DATA",
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
