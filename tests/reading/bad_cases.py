"""Files that do not belong in a table, and lines of unusual size."""

from __future__ import annotations

import json

from tests.reading.binary_cases import parquet
from tests.reading.case import NO_OBJECT, Case

LONG = "x" * 5_000_000
MANY = 10_000
IMAGE = b"\x89PNG\r\n\x1a\n\x00\xff\xfe,\n"
WIDE = ",".join(map(str, range(MANY)))
BAD_CASES = {
    "files of other formats in a table of CSV": Case(
        "csv",
        {"id": "int", "note": "string"},
        {"a.csv": "1,x\n", "json.csv": '{"id":2}\n', "image.csv": IMAGE},
        [{"id": 1, "note": "x"}],
        bad={
            '{"id":2}': "the row does not have 2 fields",
            "\ufffdPNG": "the line is not UTF-8 text",
            "\x00\ufffd\ufffd,": "the line is not UTF-8 text",
        },
        athena="HIVE_BAD_DATA",
    ),
    "files of other formats in a table of JSON": Case(
        "json",
        {"id": "int"},
        {"a.json": '{"id":1}\n', "csv.json": "id\n2\n"},
        [{"id": 1}],
        bad={"id": NO_OBJECT, "2": NO_OBJECT},
        athena="HIVE_BAD_DATA",
    ),
    "a file of text in a table of Parquet": Case(
        "parquet",
        {"id": "bigint"},
        {"a.parquet": parquet({"id": [1]}), "csv.parquet": "id,name\n2,x\n3,y\n"},
        [{"id": 1}],
        set_aside={"csv.parquet": ""},
        athena="HIVE_BAD_DATA",
    ),
    "JSON that is not UTF-8": Case(
        "json",
        {"id": "int", "name": "string"},
        {"a.json": b'{"id":1,"name":"caf\xe9"}\n{"id":2,"name":"caf\xc3\xa9"}\n'},
        [{"id": 2, "name": "caf\u00e9"}],
        bad={'{"id":1,"name":"caf\ufffd"}': "the line is not UTF-8 text"},
        athena="HIVE_BAD_DATA",
    ),
    "lines of 5 MB": Case(
        "csv", {"id": "int", "note": "string"}, {"a.csv": f'1,"{LONG}"\n2,x\n'},
        [{"id": 1, "note": LONG}, {"id": 2, "note": "x"}],
    ),
    "objects of 5 MB": Case(
        "json", {"id": "int", "note": "string"}, {"a.json": f'{{"id":1,"note":"{LONG}"}}\n{{"id":2}}\n'},
        [{"id": 1, "note": LONG}, {"id": 2, "note": None}],
    ),
    "a row of 10,000 fields": Case(
        "csv",
        {"id": "int", "note": "string"},
        {"a.csv": f"1,x\n{WIDE}\n"},
        [{"id": 1, "note": "x"}],
        bad={WIDE: "the row does not have 2 fields"},
        athena=[{"id": 1, "note": "x"}, {"id": 0, "note": "1"}],
    ),
    "an object of 10,000 keys": Case(
        "json",
        {"id": "int", "k9999": "int"},
        {"a.json": json.dumps({"id": 1} | {f"k{number}": number for number in range(MANY)})},
        [{"id": 1, "k9999": 9999}],
    ),
}  # fmt: skip
