"""Bulk conversion gives the same results as converting each record alone, in the same order."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from local_aws.streams.firehose import bulk
from local_aws.streams.firehose.bulk import converted
from local_aws.streams.firehose.records import Record
from local_aws.streams.firehose.values import ConversionError, convert

COLUMNS = {
    "s": "string", "b": "boolean", "y": "tinyint", "i": "int", "l": "bigint", "d": "double", "t": "timestamp",
    "u": "timestamp", "day": "date",
}  # fmt: skip
OPENX: dict[str, Any] = {"OpenXJsonSerDe": {}}
AS_TERRAFORM_SAYS = {
    "ConvertDotsInJsonKeysToUnderscores": False, "CaseInsensitive": True, "ColumnToJsonKeyMappings": {},
}  # fmt: skip
PLAIN = {
    "s": "Zürich \\ \"x\"\u0001", "b": True, "y": -128, "i": 2147483647, "l": -(2**63), "d": 0.1,
    "t": "2013-01-01T05:00:00.123456Z", "u": 1_356_998_400, "day": "2013-01-01",
}  # fmt: skip
ODD_VALUES = [
    "1", 1, 1.0, 1.5, -0.0, 1e400, 300, 2**31, 2**63, True, None, "", "true", "x", [1], {"a": 1}, "2013-02-31",
    "2013-01-01 05:00:00", "2013-01-01T05:00:00.123456789Z", "2013-01-01T05:00:00+02:00", "2013-01-01T24:00:00Z",
    "0000-01-01", "0001-01-01T00:00:00Z", 1_356_998_400_123, -1, 10**11, 253_402_300_800_000, "\ud800", "2013-1-1",
]  # fmt: skip
ODD_RECORDS = [
    b"", b" ", b"{", b"{}", b"[]", b"1", b'{"i": 1}{"i": 2}', b'{"i": 1} {"i": 2}\n', b' {"i": 1}', b'{"I": 1}',
    b'{"i": 1, "i": 2}', b'{"i": 1, "I": 2}', b'{"other": NaN}', b'{"d": NaN}', b'{"d": Infinity}', b'{"i": 01}',
    b'{"s": "\xff"}', b'{"s": "a\tb"}', b'{"s": "\\ud83d\\ude00"}', b'{"s": "\\ud83d"}', b'\xef\xbb\xbf{"i": 1}',
    b'{"i":\n 1}', b'{"other": {"i": 5}}', b'{"other": 1}', b'{"other": "x"}', b'{"i": 1,}', b'{"i": 1} x', b"{'i': 1}",
    b'{"s": "\\u0000"}', b'{"s": 1.10}', b'{"s": {"b": [1, 2.0]}}', b'{"d": 1e5}', b'{"l": 1e3}', b'{"d": "1e3"}',
]  # fmt: skip


def records(*documents: Any) -> list[Record]:
    as_bytes = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in documents]
    return [Record(0, data) for data in as_bytes]


def one_by_one(given: list[Record]) -> tuple[list[dict[str, Any]], list[tuple[bytes, str]]]:
    rows, refused = list[dict[str, Any]](), list[tuple[bytes, str]]()
    for record in given:
        try:
            rows += convert(record.data, COLUMNS, OPENX)
        except ConversionError as error:
            refused.append((record.data, f"{error.code}: {error}"))
    return rows, refused


def at_once(
    given: list[Record], deserializer: dict[str, Any] = OPENX
) -> tuple[list[dict[str, Any]], list[tuple[bytes, str]]]:
    tables, refused = converted(given, COLUMNS, deserializer)
    rows = [row for table in tables for row in table.to_pylist()]
    return rows, [(record.data, f"{error.code}: {error}") for record, error in refused]


@pytest.mark.parametrize("openx", [{}, AS_TERRAFORM_SAYS], ids=["nothing set", "every default set"])
def test_plain_records_are_read_at_once(openx: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    given = records(*[{**PLAIN, "i": number, "more": "x"} for number in range(1000)])
    expected = one_by_one(given)
    monkeypatch.setattr(bulk, "convert", None)

    assert at_once(given, {"OpenXJsonSerDe": openx}) == expected


@pytest.mark.parametrize("name", COLUMNS)
def test_odd_values_among_plain_records_convert_as_they_do_alone(name: str) -> None:
    given = [record for value in ODD_VALUES for record in records(*[PLAIN] * 20, {**PLAIN, name: value})]

    assert at_once(given) == one_by_one(given)


@pytest.mark.parametrize("name", COLUMNS)
def test_only_odd_records_convert_as_each_does_alone(name: str) -> None:
    for value in ODD_VALUES:
        given = records(*[{**PLAIN, name: value}] * 17)
        assert at_once(given) == one_by_one(given), value


def test_odd_records_among_plain_records_convert_as_they_do_alone() -> None:
    given = [record for odd in ODD_RECORDS for record in records(*[PLAIN] * 20, odd)]

    assert at_once(given) == one_by_one(given)


@pytest.mark.parametrize("record", ODD_RECORDS, ids=repr)
def test_an_odd_first_record_hides_no_values(record: bytes) -> None:
    given = records(record, *[{"i": 1}] * 20)

    assert at_once(given) == one_by_one(given)


@pytest.mark.parametrize("seed", range(10))
def test_any_mixture_of_records_converts_as_each_does_alone(seed: int) -> None:
    chance = random.Random(seed)
    plain = [{name: PLAIN[name] for name in COLUMNS if chance.random() < 0.8} for _ in range(80)]
    odd = [{**PLAIN, chance.choice(list(COLUMNS)): chance.choice(ODD_VALUES)} for _ in range(chance.randrange(4))]
    given = records(*plain, *odd, *chance.sample(ODD_RECORDS, chance.randrange(4)))
    chance.shuffle(given)

    assert at_once(given) == one_by_one(given)
