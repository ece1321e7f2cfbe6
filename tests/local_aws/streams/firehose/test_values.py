"""How Firehose converts a JSON record, one table per rule."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from local_aws.streams.firehose.values import ConversionError, convert

HIVE: dict[str, Any] = {"HiveJsonSerDe": {}}


def converted(kind: str, value: str, deserializer: dict[str, Any] | None = None) -> Any:
    """Return the value of a column `c`, given as JSON."""
    (row,) = convert(f'{{"c": {value}}}'.encode(), {"c": kind}, deserializer)
    return row["c"]


@pytest.mark.parametrize(
    ("rule", "kind", "value", "becomes"),
    [
        ("a whole number is an int", "int", "2", 2),
        ("a whole number as text is an int", "int", '" 2 "', 2),
        ("the greatest bigint stays exact", "bigint", "9223372036854775807", 9223372036854775807),
        ("a fraction is a double", "double", "1.9", 1.9),
        ("a text is a double", "double", '"1e3"', 1000.0),
        ("a decimal keeps all digits", "decimal(38,10)", "1234567890123456789012345678.0123456789",
         Decimal("1234567890123456789012345678.0123456789")),
        ("a decimal is rounded half up to its scale", "decimal(10,2)", "2.345", Decimal("2.35")),
        ("true is a boolean", "boolean", "true", True),
        ("a text of any case is a boolean", "boolean", '"False"', False),
        ("a text is a text", "string", '"a b"', "a b"),
        ("a number is a text", "string", "5", "5"),
        ("an object in a text column is JSON, with keys in lower case", "string",
         '{"Outer": {"Inner": [1, "x", null, true]}}', '{"outer":{"inner":[1,"x",null,true]}}'),
        ("an array in a text column is JSON", "string", '[1, {"A": "b"}]', '[1,{"a":"b"}]'),
        ("letters beyond ASCII stay as they are", "string", '{"k": "\u00e5"}', '{"k":"\u00e5"}'),
        ("a text is cut at its length", "varchar(2)", '"abc"', "ab"),
        ("null is null", "int", "null", None),
        ("a scalar for an array is an array of one", "array<string>", '"solo"', ["solo"]),
        ("an object for an array is an array of one", "array<struct<a:int>>", '{"a": 1}', [{"a": 1}]),
        ("items are converted", "array<string>", "[1, 2.5, null]", ["1", "2.5", None]),
        ("fields are found in any case, and absent ones are null", "struct<name:string,age:int>",
         '{"NAME": "Bob", "extra": 1}', {"name": "Bob", "age": None}),
        ("an empty object has all fields null", "struct<a:int>", "{}", {"a": None}),
        ("an array for a struct gives its fields in their order", "struct<name:string,age:int>", '["Bob", 41]',
         {"name": "Bob", "age": 41}),
        ("keys of a map are in lower case", "map<string,int>", '{"MixedKey": 1, "n": null}',
         [("mixedkey", 1), ("n", None)]),
        ("a date", "date", '"2024-2-9"', date(2024, 2, 9)),
        ("bytes are base64", "binary", '"AQI="', b"\x01\x02"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)  # fmt: skip
def test_a_value_is_converted_to_its_columns_type(rule: str, kind: str, value: str, becomes: Any) -> None:
    assert converted(kind, value) == becomes
    assert type(converted(kind, value)) is type(becomes)


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ('"2017-02-07T15:13:01.39256Z"', datetime(2017, 2, 7, 15, 13, 1, 392560)),
        ('"2017-02-07 15:13:01.14"', datetime(2017, 2, 7, 15, 13, 1, 140000)),
        ('"2017-2-7 15:13:01"', datetime(2017, 2, 7, 15, 13, 1)),
        ('"2017-02-07T15:13:01+02:00"', datetime(2017, 2, 7, 13, 13, 1)),
        ('"2017-02-07T23:13:01-0130"', datetime(2017, 2, 8, 0, 43, 1)),
        ("1518033528", datetime(2018, 2, 7, 19, 58, 48)),
        ("1518033528123", datetime(2018, 2, 7, 19, 58, 48, 123000)),
        ("1518033528.123", datetime(2018, 2, 7, 19, 58, 48, 123000)),
        ("1518033528.000001", datetime(2018, 2, 7, 19, 58, 48, 1)),
        ('"1518033528"', datetime(2018, 2, 7, 19, 58, 48)),
        ('"1518033528123"', datetime(2018, 2, 7, 19, 58, 48, 123000)),
        ("0", datetime(1970, 1, 1)),
        ("-1.5", datetime(1969, 12, 31, 23, 59, 58, 500000)),
    ],
)
def test_a_timestamp_is_accepted_in_all_documented_forms_and_is_in_utc(value: str, becomes: datetime) -> None:
    assert converted("timestamp", value) == becomes


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("int", "1.9", 'For input string: "1.9"'),
        ("int", '"1.9"', 'For input string: "1.9"'),
        ("int", "1e1000000000", 'For input string: "1E+1000000000"'),
        ("int", "true", 'For input string: "true"'),
        ("int", '""', 'For input string: ""'),
        ("tinyint", "128", 'For input string: "128"'),
        ("bigint", "9223372036854775808", 'For input string: "9223372036854775808"'),
        ("int", "[1]", "The value is an array"),
        ("double", '"oops"', 'For input string: "oops"'),
        ("double", "1e999", 'For input string: "1E+999"'),
        ("float", "1e39", 'For input string: "1E+39"'),
        ("decimal(4,2)", "123.4", 'For input string: "123.4"'),
        ("boolean", '"yes"', 'For input string: "yes"'),
        ("date", '"2024-02-30"', 'For input string: "2024-02-30"'),
        ("date", "19000", 'For input string: "19000"'),
        ("timestamp", '"2024-02-30 00:00:00"', 'For input string: "2024-02-30 00:00:00"'),
        ("timestamp", '"2024-2-3T00:00:00Z"', 'For input string: "2024-2-3T00:00:00Z"'),
        ("timestamp", "1e30", 'For input string: "1E+30"'),
        ("timestamp", '"noon"', 'For input string: "noon"'),
        ("struct<a:int>", "42", "Data is not JSONObject"),
        ("map<string,int>", "[1]", "Start of Object expected"),
        ("array<struct<q:int>>", '[{"q": "oops"}]', 'For input string: "oops"'),
    ],
)
def test_a_value_that_does_not_fit_its_column_fails_the_record(kind: str, value: str, reason: str) -> None:
    with pytest.raises(ConversionError) as failed:
        converted(kind, value)
    assert failed.value.code == "DataFormatConversion.MalformedData"
    assert str(failed.value) == f"Data does not match the schema. {reason} (column c, {kind})"


@pytest.mark.parametrize(
    ("record", "code", "message"),
    [
        (b"", "MalformedData", "The record was empty or contained only whitespace."),
        (b" \n", "MalformedData", "The record was empty or contained only whitespace."),
        (b"7", "MalformedData", "The input JSON contained a primitive at the top level. "
         "The top level must be an object or array."),
        (b'[{"a": 1}]', "MalformedData", "Data does not match the schema. The record is an array, not an object"),
        (b'{"a": 1', "ParseError", "Encountered malformed JSON. It cannot be read at character 8"),
        (b'{"a": 1} x', "ParseError", "Encountered malformed JSON. It cannot be read at character 10"),
        (b'{"a": NaN}', "ParseError", "Encountered malformed JSON. It cannot be read as a whole"),
        (b'{"a": ' + b"[" * 100_000, "ParseError", "Encountered malformed JSON. It cannot be read as a whole"),
        (b'{"a": "\xff"}', "ParseError", "Encountered malformed JSON. Invalid UTF-8 at byte 7"),
    ],
    ids=["empty", "blank", "primitive", "array", "open", "text after", "nan", "deep", "no utf-8"],
)  # fmt: skip
def test_a_record_that_is_not_an_object_fails(record: bytes, code: str, message: str) -> None:
    with pytest.raises(ConversionError) as failed:
        convert(record, {"a": "int"})
    assert (failed.value.code, str(failed.value)) == (f"DataFormatConversion.{code}", message)


def test_a_record_of_several_objects_gives_several_rows() -> None:
    record = b'\xef\xbb\xbf{"a": 1}{"A": 2}\n {"b": 3}\n'
    assert convert(record, {"a": "int", "b": "int"}) == [
        {"a": 1, "b": None}, {"a": 2, "b": None}, {"a": None, "b": 3},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "record", "row"),
    [
        ({"CaseInsensitive": False}, {"TS": 1, "p": {"N": 2, "n": 3}}, {"ts": None, "p": {"n": 3}}),
        ({"ColumnToJsonKeyMappings": {"ts": "Timestamp"}}, {"timestamp": 1}, {"ts": 1, "p": None}),
        ({"CaseInsensitive": False, "ColumnToJsonKeyMappings": {"ts": "Time"}}, {"Time": 1}, {"ts": 1, "p": None}),
    ],
)
def test_openx_finds_keys_by_the_streams_settings(
    settings: dict[str, Any], record: dict[str, Any], row: dict[str, Any]
) -> None:
    columns = {"ts": "int", "p": "struct<n:int>"}
    assert convert(json.dumps(record).encode(), columns, {"OpenXJsonSerDe": settings}) == [row]


def test_openx_replaces_dots_by_underscores_if_configured() -> None:
    record = b'{"a.b": 1}'
    assert convert(record, {"a_b": "int"}) == [{"a_b": None}]
    assert convert(record, {"a_b": "int"}, {"OpenXJsonSerDe": {"ConvertDotsInJsonKeysToUnderscores": True}}) == [
        {"a_b": 1}
    ]


@pytest.mark.parametrize(
    ("kind", "value", "becomes"),
    [
        ("array<string>", "[1, null]", ["1", None]),
        ("map<string,int>", '{"MixedKey": 1}', [("MixedKey", 1)]),
        ("struct<a:int>", '{"A": 1}', {"a": 1}),
        ("timestamp", '"2017-02-07 15:13:01.14"', datetime(2017, 2, 7, 15, 13, 1, 140000)),
    ],
)
def test_hives_serde_keeps_the_keys_of_maps(kind: str, value: str, becomes: Any) -> None:
    assert converted(kind, value, HIVE) == becomes


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("array<string>", '"solo"', "Start of Array expected"),
        ("struct<a:int>", "[1]", "Start of Object expected"),
        ("int", '"7"', "Current token (VALUE_STRING) not numeric, can not use numeric value accessors"),
        ("boolean", '"true"', "Current token (VALUE_STRING) not of boolean type"),
        ("string", '{"a": 1}', "One or more fields have incorrect format. Exception when validating field (root)"),
        ("timestamp", '"2017-02-07T15:13:01Z"', "Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff]"),
        ("timestamp", "1518033528", "Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff]"),
    ],
)
def test_hives_serde_refuses_what_openx_coerces(kind: str, value: str, reason: str) -> None:
    with pytest.raises(ConversionError) as failed:
        converted(kind, value, HIVE)
    assert str(failed.value) == f"Data does not match the schema. {reason} (column c, {kind})"


def test_hives_serde_reads_timestamps_by_the_streams_formats() -> None:
    formats = {"HiveJsonSerDe": {"TimestampFormats": ["millis", "dd/MM/yyyy, HH:mm"]}}
    assert converted("timestamp", "1518033528123", formats) == datetime(2018, 2, 7, 19, 58, 48, 123000)
    assert converted("timestamp", '"07/02/2018, 19:58"', formats) == datetime(2018, 2, 7, 19, 58)


@pytest.mark.parametrize(
    ("kind", "deserializer", "named"),
    [
        ("uniontype<int,string>", None, "Column c"),
        ("interval", None, "Column c"),
        ("timestamp", {"HiveJsonSerDe": {"TimestampFormats": ["QQ"]}}, "TimestampFormats"),
    ],
)
def test_an_unknown_schema_type_fails_every_record_and_is_named(
    kind: str, deserializer: dict[str, Any] | None, named: str
) -> None:
    with pytest.raises(ConversionError, match=named) as failed:
        converted(kind, "1", deserializer)
    assert failed.value.code == "DataFormatConversion.InvalidSchema"
