"""JSON files, and files of any format in partitions."""

from __future__ import annotations

import bz2
import gzip

from tests.reading.case import DOCUMENTS, ID, NO_OBJECT, NO_PARTITION, NOT_JSON, PACKED, TWO, Case, Row

NESTED = {
    "id": "int",
    "user": "struct<firstname:string,address:struct<zipcode:int>>",
    "items": "array<struct<sku:string>>",
    "m": "map<string,int>",
}
SMALL = ["0.100000000000000001", "0.100000000000000002"]


def _of_decimals(
    one: object, two: object, three: object, four: object, seven: object, small: object, k: str
) -> list[Row]:
    as_json = f'{{"k":{k},"i":12345678901234567890}}'
    return [
        {"o": {"p": one, "l": None, "s": None}, "m": None},
        {"o": {"p": two, "l": None, "s": None}, "m": None},
        {"o": {"p": three, "l": [*SMALL, seven], "s": 'a " : 1.123456789012345678'}, "m": None},
        {"o": {"p": four, "l": None, "s": as_json}, "m": {"x": small}},
    ]


JSON_CASES = {
    "keys of nested objects in any case": Case(
        "json",
        NESTED,
        {
            "a.json": '{"Id":1,"User":{"FirstName":"Ann","Address":{"ZipCode":12}},"Items":[{"Sku":"x"}],"m":{"K":1}}',
            "b.json": '{"id":2,"USER":{"firstName":"Bob","address":{"ZIPCODE":13}},"items":[{"SKU":"y"},{"sku":"z"}]}',
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
    "keys of nested objects with any characters": Case(
        "json",
        {
            "o": "struct<user.id:int,@type:string,x-at ms:double>",
            "l": "array<struct<1st:int,$a(b):int,o'k:string>>",
            "dc": "struct<dc:title:string,a:b:struct<c::int>>",
        },
        {
            "a.json": '{"o":{"user.id":1,"@type":"t","x-at ms":0.5},"l":[{"1st":2,"$a(b)":3,"o\'k":"x"}],'
            '"dc":{"dc:title":"t","a:b":{"c:":2}}}\n',
            "b.json": '{"O":{"User.Id":4,"@Type":null,"X-At ms":1.5},"l":[{"1ST":5,"$A(b)":6,"O\'K":"y"}]}\n',
        },
        [
            {
                "o": {"user.id": 1, "@type": "t", "x-at ms": 0.5},
                "l": [{"1st": 2, "$a(b)": 3, "o'k": "x"}],
                "dc": {"dc:title": "t", "a:b": {"c:": 2}},
            },
            {
                "o": {"user.id": 4, "@type": None, "x-at ms": 1.5},
                "l": [{"1st": 5, "$a(b)": 6, "o'k": "y"}],
                "dc": None,
            },
        ],
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
            "a.json": '{"t":"10:00"}\n{"t":"2024-01"}\n{"d":"2024-01-31T10:00:00"}\n',
            "b.json": '{"d":"31.01.2024"}\n{"d":"2024-01-31"}\n',
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
    "decimals at any level, beside text that looks like them": Case(
        "json",
        {"o": "struct<p:decimal(38,18),l:array<decimal(38,18)>,s:string>", "m": "map<string,decimal(20,18)>"},
        {
            "a.json": '{"o":{"p":2.5}}\n{"o":{"p":-1.123456789012345678}}\n',
            "b.json": '{"O":{"p":1.123456789012345678,"L":[0.100000000000000001,0.100000000000000002,"7"],'
            '"s":"a \\" : 1.123456789012345678"}}\n'
            '{"o":{"P":3,"s":{"k":1.123456789012345678,"i":12345678901234567890}},"M":{"x":1.5e-17}}\n',
        },
        _of_decimals(2.5, "-1.123456789012345678", "1.123456789012345678", 3.0, 7.0, 1.5e-17, "1.123456789012345678"),
        athena=_of_decimals(
            "2.500000000000000000",
            "-1.123456789012345678",
            "1.123456789012345678",
            "3.000000000000000000",
            "7.000000000000000000",
            "0.000000000000000015",
            "1.1234567890123457",  # OpenX makes text of a double
        ),
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
    "single quotation marks": Case(
        "json",
        {"id": "int", "p": "decimal(38,18)"},
        {"a.json": "{'ID':1}\n{'id':2,'p':1.123456789012345678}\n"},
        [{"id": 1, "p": None}, {"id": 2, "p": "1.123456789012345678"}],
        athena="HIVE_BAD_DATA",
    ),
    "packed files and a byte order mark": Case(
        "json",
        ID,
        {
            "a.json.gz": gzip.compress(b'{"id":1}\n', mtime=0),
            "b.json.bz2": bz2.compress(b'{"id":2}\n'),
            "c.json": '\ufeff{"id":3}\r\n',
            "cut.json.gz": gzip.compress(b'{"id":4}\n' * 999, mtime=0)[:-20],
        },
        [{"id": 1}, {"id": 2}, {"id": 3}],
        set_aside={"cut.json.gz": PACKED},
        athena="HIVE_BAD_DATA",
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
OF_DETAIL = {"jsonPath": "$.detail"}
IN_DOCUMENTS = "NOT_SUPPORTED: the records of table"
DOCUMENT_CASES = {
    "documents on lines, after blank ones": Case(
        "json",
        ID,
        {
            "a.json": '\n{"detail":{"id":1}}\n\r\n{"detail":{"id":2}}\n',
            "b.json": '{\n"detail":{"id":3}\n}\n',
            "c.json": '{"detail":{"id":4,"note":"a\tb}{"}}',
        },
        [{"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}],
        parameters=OF_DETAIL,
        athena=IN_DOCUMENTS,
    ),
    "documents side by side": Case(
        "json",
        ID,
        {
            "a.json": '{"detail":{"id":1}}{"detail":{"id":2}}',
            "b.json": '{"detail":{"id":3}}\n{"detail":{"id":4}} {"detail":{"id":5}}\n',
            "c.json": '{\n"detail":{"id":6}}\n{\n"detail":{"id":7}}\n',
            "d.json": '{"detail":{"id":8}} and more\n{"detail":{"id":9}\n',
        },
        [{"id": 3}],
        parameters=OF_DETAIL,
        bad={
            '{"detail":{"id":1}}{"detail":{"id":2}}': DOCUMENTS,
            '{"detail":{"id":4}} {"detail":{"id":5}}': DOCUMENTS,
            '{\n"detail":{"id":6}}\n{\n"detail":{"id":7}}\n': DOCUMENTS,
            '{"detail":{"id":8}} and more': DOCUMENTS,
            '{"detail":{"id":9}': "the document has nothing at $.detail",
        },
        athena=IN_DOCUMENTS,
    ),
    "arrays of records side by side": Case(
        "json",
        ID,
        {"a.json": '[{"id":1},{"id":2}][{"id":3}]', "b.json": '[{"id":4}]\n[{"id":5},\n', "c.json": "[]\n[]"},
        [{"id": 4}],
        parameters={"jsonPath": "$[*]"},
        bad={'[{"id":1},{"id":2}][{"id":3}]': DOCUMENTS, '[{"id":5},': "the document has nothing at $[*]"},
        athena=IN_DOCUMENTS,
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
        athena=[],
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
        athena=[
            {"id": number, "c": value} for number, value in enumerate(("01", "Paris, TX", None, "x=y", "S\u00e3o"), 1)
        ],
        keys={"c": "string"},
    ),
    "folders without names, and deeper ones": Case(
        "json",
        ID,
        {"2024/01/a.json": '{"id":1}\n', "2024/02/x/b.json": '{"id":2}\n', "2024/c.json": '{"id":3}\n'},
        [{"id": 1, "year": "2024", "month": 1}, {"id": 2, "year": "2024", "month": 2}],
        keys={"year": "string", "month": "int"},
        athena=[],
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
