"""JSON read by the OpenX SerDe and by Hive's."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from math import isnan
from typing import Any

import pytest

from local_aws.athena.errors import QueryFailed

from .reading import Reader

BAD = QueryFailed
NOON = datetime(2024, 1, 31, 12)

VALUES = [
    ("int", "7", 7),
    ("int", '"7"', 7),
    ("int", "7.9", 7),
    ("int", "-7.9", -7),
    ("int", "6.5e1", 65),
    ("int", "2147483648", BAD),
    ("int", '"2147483648"', BAD),
    ("int", '"7.9"', BAD),
    ("int", '"word"', BAD),
    ("int", '""', BAD),
    ("int", "true", BAD),
    ("int", "[7]", BAD),
    ("int", '{"x": 7}', BAD),
    ("tinyint", "127", 127),
    ("tinyint", "128", BAD),
    ("bigint", "9223372036854775807", 2**63 - 1),
    ("bigint", "9223372036854775808", BAD),
    ("double", "2.5", 2.5),
    ("double", '"2.5"', 2.5),
    ("double", '"-Infinity"', float("-inf")),
    ("double", "Infinity", float("inf")),
    ("double", "3", 3.0),
    ("double", '"word"', BAD),
    ("double", "[2.5]", BAD),
    ("decimal(5,2)", "1.005", Decimal("1.01")),
    ("decimal(5,2)", '"1.5"', Decimal("1.50")),
    ("decimal(5,2)", "7", Decimal("7.00")),
    ("decimal(5,2)", "1000", None),
    ("decimal(5,2)", '"word"', None),
    ("decimal(5,2)", "[1]", BAD),
    ("boolean", "true", True),
    ("boolean", '"True"', True),
    ("boolean", '"yes"', False),
    ("boolean", "1", False),
    ("boolean", "[true]", False),
    ("string", '""', ""),
    ("string", '"a\\tb"', "a\tb"),
    ("string", "17", "17"),
    ("string", "1.50", "1.5"),
    ("string", "1e3", "1000.0"),
    ("string", "2.5e10", "2.5E10"),
    ("string", "true", "true"),
    ("string", '{ "Y": [1, null, "é"] }', '{"Y":[1,null,"é"]}'),
    ("string", '"\\ud83d\\ude00 \\ud800"', "😀 ?"),
    ("string", '"{ \\"y\\": 1 }"', '{ "y": 1 }'),
    ("varchar(3)", '"abcd"', "abc"),
    ("date", '"2024-01-31"', date(2024, 1, 31)),
    ("date", '"2024-02-31"', date(2024, 3, 2)),
    ("date", "19753", date(2024, 1, 31)),
    ("date", '"31.01.2024"', BAD),
    ("date", '"2024/01/31"', BAD),
    ("date", "[1]", BAD),
    ("timestamp", '"2024-01-31 12:00:00"', NOON),
    ("timestamp", '"2024-01-31T12:00:00"', NOON),
    ("timestamp", '"2024-01-31T12:00:00Z"', NOON),
    ("timestamp", '"2024-01-31T14:00:00+02:00"', NOON),
    ("timestamp", '"2024-01-31T04:00:00-0800"', NOON),
    ("timestamp", '"2024-01-31 12:00:00.25"', NOON.replace(microsecond=250_000)),
    ("timestamp", "1706702400", NOON),
    ("timestamp", '"1706702400"', NOON),
    ("timestamp", "1706702400000", NOON),
    ("timestamp", '"noon"', BAD),
    ("timestamp", "true", BAD),
    ("array<int>", "[1, 2.9, null]", [1, 2, None]),
    ("array<int>", "[]", []),
    ("array<int>", "5", [5]),
    ("array<int>", '""', None),
    ("array<int>", '["x"]', BAD),
    ("array<struct<city:string>>", '[{"City": "Oslo"}, {"CITY": "Bern"}]', [{"city": "Oslo"}, {"city": "Bern"}]),
    ("map<string,int>", '{"A": 1, "a": 2}', {"A": 1, "a": 2}),
    ("map<string,int>", "{}", {}),
    ("map<string,int>", "[5]", BAD),
    ("map<string,struct<n:int>>", '{"k": {"N": 1}}', {"k": {"n": 1}}),
    ("struct<a:int,b:string>", '{"B": "x", "z": 0, "A": 1}', {"a": 1, "b": "x"}),
    ("struct<a:int,b:string>", '{"a": 1}', {"a": 1, "b": None}),
    ("struct<a:int,b:string>", '""', {"a": None, "b": None}),
    ("struct<a:int,b:string>", "5", BAD),
    ("struct<a:struct<at:timestamp>>", '{"A": {"AT": "2024-01-31T14:00:00+02:00"}}', {"a": {"at": NOON}}),
    ("int", "null", None),
    ("struct<a:int>", "null", None),
]  # fmt: skip


@pytest.mark.parametrize("last", ["", "\n"], ids=["plain", "beside a blank line"])
@pytest.mark.parametrize(("kind", "value", "due"), VALUES)
def test_openx_converts_a_value_to_its_columns_type_or_names_it(
    reader: Reader, kind: str, value: str, due: Any, last: str
) -> None:
    """A blank line makes the whole file be read the other way; both ways give the same."""
    body = f'{{"V": {value}}}\n{last}'
    if due is not BAD:
        assert reader.read("json", f"v {kind}", body)[0] == (due,)
        return
    with pytest.raises(QueryFailed, match=r"^HIVE_BAD_DATA: .*field") as failed:
        reader.read("json", f"v {kind}", body)
    assert "field v" in str(failed.value)
    assert "s3://lake/t/" in str(failed.value)


def test_nan_is_read_as_a_double(reader: Reader) -> None:
    assert isnan(reader.read("json", "v double", '{"v": NaN}\n')[0][0])


HIVE_VALUES = [
    ("bigint", "7", 7),
    ("bigint", "6.5e1", 65),
    ("bigint", "true", BAD),
    ("double", "true", BAD),
    ("boolean", '"yes"', False),
    ("boolean", "[true]", BAD),
    ("string", "1.50", "1.50"),
    ("string", '{"y": 2}', BAD),
    ("array<int>", "5", BAD),
    ("struct<a:int>", "[1]", BAD),
    ("struct<a:int>", '{"A": 1}', {"a": 1}),
]


@pytest.mark.parametrize(("kind", "value", "due"), HIVE_VALUES)
def test_hives_serde_refuses_an_array_or_object_for_a_scalar(reader: Reader, kind: str, value: str, due: Any) -> None:
    body = f'{{"v": {value}}}\n'
    if due is not BAD:
        assert reader.read("hive_json", f"v {kind}", body) == [(due,)]
        return
    with pytest.raises(QueryFailed, match=r"^HIVE_BAD_DATA: .* for field v: it is no .* in s3://lake/t/"):
        reader.read("hive_json", f"v {kind}", body)


NOTHING = (None, None)
LINES = [
    ("", NOTHING),
    ("77", NOTHING),
    ('"text"', NOTHING),
    ('{"n": 1} and more', (1, None)),
    ('{"n": 1, "n": 2}', (2, None)),
    ('{"n": 1, "N": 2}', (2, None)),
    ('[1, "x"]', (1, "x")),
    ('{"n": 1}{"n": 2}', "There are several objects on a line"),
    ('{"n": 1}, {"n": 2}', "There are several objects on a line"),
    ('{"n": 1', "Row is not a valid JSON Object"),
    ("not json", "Row is not a valid JSON Object"),
]


@pytest.mark.parametrize(("line", "due"), LINES)
def test_every_line_is_a_row_or_named_as_bad(reader: Reader, line: str, due: Any) -> None:
    body = f'{{"n": 0}}\n{line}\n{{"n": 9}}\n'
    rows = [(0, None), (9, None)]
    if isinstance(due, tuple):
        assert reader.read("json", "n int; s string", body) == [rows[0], due, rows[1]]
        return
    with pytest.raises(QueryFailed, match=rf"^HIVE_BAD_DATA: {due}: .* in s3://lake/t/"):
        reader.read("json", "n int; s string", body)
    lenient = reader.read("json", "n int; s string", body, serde={"ignore.malformed.json": "TRUE"})
    assert lenient == [rows[0], NOTHING, rows[1]]


@pytest.mark.parametrize("line", ["[4]", "4", '{"n": 1, "n": 2}', "{"])
def test_hives_serde_requires_an_object_without_duplicate_keys(reader: Reader, line: str) -> None:
    with pytest.raises(QueryFailed, match=r"^HIVE_BAD_DATA: Row is not a valid JSON Object"):
        reader.read("hive_json", "n int", f"{line}\n")


KEYS: list[tuple[dict[str, str], str, dict[str, Any], Any]] = [
    ({}, "k_l int", {"k.l": 4}, None),
    ({"dots.in.keys": "true"}, "k_l int", {"K.l": 4}, 4),
    ({"dots.in.keys": "true"}, "s struct<k_l:int>", {"s": {"k.l": 4}}, {"k_l": 4}),
    ({"mapping.at": "ts"}, "at int", {"TS": 4}, 4),
    ({"mapping.at": "ts"}, "at int", {"at": 4}, None),
    ({"mapping.at": "ts"}, "s struct<at:int>", {"s": {"ts": 4}}, {"at": 4}),
    ({"case.insensitive": "false"}, "n int", {"N": 4}, None),
    ({"case.insensitive": "false", "mapping.n": "N"}, "n int", {"N": 4, "n": 5}, 4),
    ({"timestamp.formats": "dd.MM.yyyy HH:mm"}, "t timestamp", {"t": "31.01.2024 12:00"}, NOON),
    ({"timestamp.formats": "yyyy,yyyy-dd-MM HH:mm:ss"}, "t timestamp", {"t": "2024-02-01 12:00:00"},
     datetime(2024, 1, 2, 12)),
    ({"timestamp.formats": "dd.MM.yyyy"}, "t timestamp", {"t": "2024-01-31 12:00:00"}, NOON),
    ({"timestamp.formats": "yyyy-MM-dd'T'HH:mm:ssX"}, "t timestamp", {"t": "2024-01-31T13:00:00+01"}, NOON),
]  # fmt: skip


@pytest.mark.parametrize("last", ["", "\n"], ids=["plain", "beside a blank line"])
@pytest.mark.parametrize(("serde", "column", "record", "due"), KEYS)
def test_openx_properties_map_keys_to_columns(
    reader: Reader, serde: dict[str, str], column: str, record: dict[str, Any], due: Any, last: str
) -> None:
    assert reader.read("json", column, json.dumps(record) + "\n" + last, serde=serde)[0] == (due,)


def test_two_columns_are_read_from_keys_that_differ_only_in_case(reader: Reader) -> None:
    serde = {"case.insensitive": "false", "mapping.a": "URL", "mapping.b": "Url"}
    assert reader.read("json", "a string; b string", '{"URL": "x", "Url": "y"}\n', serde=serde) == [("x", "y")]


def test_files_with_different_key_spellings_are_one_table(reader: Reader) -> None:
    files = ['{"Id": 1, "S": {"N": 1}}\n', '{"id": 2, "s": {"n": 2}}\n', '{"ID": 3}\n{"id": 4}\n', '{"x": 0}\n']
    rows = reader.read("json", "id int; s struct<n:int>", *files, sql="SELECT id, s.n, s FROM t ORDER BY id")
    assert rows == [
        (1, 1, {"n": 1}), (2, 2, {"n": 2}), (3, None, None), (4, None, None), (None, None, None),
    ]  # fmt: skip


def test_a_file_that_is_not_plain_does_not_affect_the_others(reader: Reader) -> None:
    rows = reader.read("json", "n int", '{"n": 1}\n', '{"n": 2.9}\n', '{"n": "3"}\n', sql="SELECT n FROM t ORDER BY n")
    assert rows == [(1,), (2,), (3,)]


def test_an_unsupported_timestamp_pattern_is_refused_and_named(reader: Reader) -> None:
    with pytest.raises(QueryFailed, match=r"^NOT_SUPPORTED: timestamp.formats: .* has 'EEE'; allowed are"):
        reader.read("json", "t timestamp", "{}\n", serde={"timestamp.formats": "EEE yyyy"})
