"""Text in other charsets, compressed files, and ORC by position and by name."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Lake, orc

PLACES = {"orc.column.index.access": "true"}
NAMES = {"orc.column.index.access": "false"}


@pytest.mark.parametrize("charset", ["ISO-8859-1", "windows-1252", "UTF-16", "UTF-16LE", "utf8"])
@pytest.mark.parametrize(
    ("kind", "text", "serde"),
    [
        ("opencsv", '1,"caf\u00e9, \u00fc"\r\n2,b\n', {}),
        ("text", "1,caf\u00e9\\, \u00fc\n2,b\n", {"field.delim": ",", "escape.delim": "\\"}),
        ("json", '{"id":1,"note":"caf\u00e9, \u00fc"}\n{"id":2,"note":"b"}\n', {}),
    ],
)
def test_text_is_read_in_the_charset_that_the_table_names(
    lake: Lake, charset: str, kind: str, text: str, serde: dict[str, str]
) -> None:
    name = f"charset_{charset.replace('-', '_').lower()}_{kind}"
    lake.put(f"{name}/a", text.encode(charset))
    lake.table(name, kind, "id int; note string", serde={**serde, "serialization.encoding": charset})
    assert lake.rows(f"SELECT * FROM {name} ORDER BY id") == [["1", "caf\u00e9, \u00fc"], ["2", "b"]]


@pytest.mark.parametrize(("pack", "suffix"), [(bz2.compress, "bz2"), (gzip.compress, "gz")])
def test_compressed_text_is_read_in_any_charset(lake: Lake, pack: Callable[[bytes], bytes], suffix: str) -> None:
    for number, charset in enumerate(("utf-8", "latin-1")):
        name = f"packed_{suffix}_{number}"
        lake.put(f"{name}/a.csv.{suffix}", pack("1,caf\u00e9\n".encode(charset)))
        lake.put(f"{name}/b.csv", "2,\u00fc\n".encode(charset))
        lake.table(name, "text", "id int; note string", serde={"field.delim": ",", "serialization.encoding": charset})
        assert lake.rows(f"SELECT * FROM {name} ORDER BY id") == [["1", "caf\u00e9"], ["2", "\u00fc"]]


@pytest.mark.parametrize(
    ("name", "file", "body", "charset", "reason"),
    [
        ("unknown", "a", b"1\n", "klingon", "NOT_SUPPORTED: the property serialization.encoding = 'klingon'"),
        (
            "unfit",
            "a",
            b"1,caf\x81\n",
            "windows-1252",
            "HIVE_BAD_DATA: s3://athena-lake/bad_unfit/a is not cp1252 text",
        ),
        (
            "cut",
            "a.bz2",
            bz2.compress(b"1,x\n" * 9999)[:-20],
            "",
            "HIVE_BAD_DATA: s3://athena-lake/bad_cut/a.bz2 is dam",
        ),
        (
            "cut_gz",
            "a.gz",
            gzip.compress(b"1,x\n", mtime=0)[:-9],
            "",
            "HIVE_BAD_DATA: s3://athena-lake/bad_cut_gz/a.gz is dama",
        ),
        ("named", "a.bz2", b"1,x\n", "", "HIVE_BAD_DATA: s3://athena-lake/bad_named/a.bz2 is damaged"),
        ("lz4", "a.lz4", b"1,x\n", "", "NOT_SUPPORTED: s3://athena-lake/bad_lz4/a.lz4 is compressed in a way"),
    ],
)
def test_a_file_that_does_not_fit_its_table_is_named(
    lake: Lake, name: str, file: str, body: bytes, charset: str, reason: str
) -> None:
    lake.put(f"bad_{name}/{file}", body)
    serde = {"field.delim": ",", **({"serialization.encoding": charset} if charset else {})}
    lake.table(f"bad_{name}", "text", "id int; note string", serde=serde)
    ran = lake.run(f"SELECT * FROM bad_{name}")
    assert ran.state == "FAILED" and ran.reason.startswith(reason), ran.reason


@pytest.mark.parametrize(
    ("serde", "rows"),
    [
        ({}, [["1", "x", "7"], ["2", "y", None]]),
        (PLACES, [["1", "x", "7"], ["2", "y", None]]),
        (NAMES, [["1", None, None], ["2", "y", None]]),
    ],
)
def test_orc_columns_match_by_position_or_by_name(lake: Lake, serde: dict[str, str], rows: list[Any]) -> None:
    name = f"orc_{serde.get('orc.column.index.access', 'unsaid')}"
    lake.put(f"{name}/a.orc", orc(ID=[1], old_name=["x"], more=[7]))
    lake.put(f"{name}/b.orc", orc(id=[2], name=["y"]))
    lake.table(name, "orc", "id bigint; name string; n bigint", serde=serde)
    assert lake.rows(f"SELECT * FROM {name} ORDER BY id") == rows


@pytest.mark.parametrize(
    ("column", "values", "fits"),
    [
        ("int", [1], True),
        ("double", [1.5], True),
        ("string", [1], False),
        ("bigint", ["1"], False),
        ("boolean", [1], False),
        ("array<bigint>", [[1]], True),
        ("array<string>", [[1]], False),
        ("struct<b:string,c:int>", [{"a": 1, "B": "x"}], True),
        ("struct<b:bigint>", [{"b": "x"}], False),
        ("timestamp", [1], False),
    ],
)
def test_an_orc_column_of_another_type_is_bad_data_and_never_cast(
    lake: Lake, column: str, values: list[Any], fits: bool
) -> None:
    name = "orc_type_" + "".join(letter if letter.isalnum() else "_" for letter in column)
    lake.put(f"{name}/a.orc", orc(v=values))
    lake.table(name, "orc", f"v {column}")
    ran = lake.run(f"SELECT * FROM {name}")
    assert (ran.state == "SUCCEEDED") is fits, ran.reason
    assert fits or ran.reason.startswith("HIVE_BAD_DATA: Field v's type"), ran.reason
