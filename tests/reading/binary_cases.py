"""Parquet and ORC files."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Mapping
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.orc as orc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from tests.reading.case import Case

MOMENT = dt.datetime(2024, 1, 31, 10, 0, 0, 123456)
STRUCTS = pa.struct([("a", pa.int64()), ("b", pa.int64())])


def parquet(table: Mapping[str, Any] | pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), sink, **options)
    return bytes(sink.getvalue())


def orc_file(table: Mapping[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    orc.write_table(pa.table(table), sink)
    return bytes(sink.getvalue())


OLD = [dt.date(1, 1, 1), dt.date(1582, 10, 4), dt.date(9999, 12, 31)]
EARLY = [dt.datetime(1, 1, 1), dt.datetime(1850, 1, 1, 0, 0, 0, 1), MOMENT]
UNREADABLE = "it cannot be read as {}: it is of another format, or damaged"
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
    "Parquet: fields of a struct with any characters": Case(
        "parquet",
        {"st": "struct<user.id:bigint,a-b c:array<struct<@x:string>>>"},
        {
            "a.parquet": parquet({"st": pa.array([{"user.id": 1, "a-b c": [{"@x": "y"}]}])}),
            "b.parquet": parquet({"ST": pa.array([{"A-b C": [{"@X": "z"}], "User.Id": 2}])}),
        },
        [
            {"st": {"user.id": 1, "a-b c": [{"@x": "y"}]}},
            {"st": {"user.id": 2, "a-b c": [{"@x": "z"}]}},
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
            "text.parquet": "column s is bigint in the file and string in the table. Rewrite the file",
        },
        athena="HIVE_BAD_DATA",
    ),
    "Parquet: whole numbers of wider types, where every value fits": Case(
        "parquet",
        {"n": "smallint", "t": "tinyint", "l": "array<smallint>", "i": "int"},
        {
            "a.parquet": parquet(
                {
                    "n": pa.array([300], pa.int32()),
                    "t": pa.array([1], pa.int16()),
                    "l": pa.array([[1, None, 3]], pa.list_(pa.int32())),
                    "i": pa.array([70000], pa.int32()),
                    "at": pa.array([1], pa.time64("us")),
                }
            ),
            "b.parquet": parquet(
                {
                    "N": pa.array([2], pa.int8()),
                    "t": pa.array([-128], pa.int8()),
                    "l": pa.array([[4]], pa.list_(pa.int16())),
                    "i": pa.array([3], pa.int16()),
                }
            ),
        },
        [
            {"n": 300, "t": 1, "l": [1, None, 3], "i": 70000},
            {"n": 2, "t": -128, "l": [4], "i": 3},
        ],
        athena="HIVE_BAD_DATA",
    ),
    "Parquet: numbers, dates and moments that Spark takes for one another": Case(
        "parquet",
        {"n": "smallint", "t": "tinyint", "l": "array<smallint>", "d": "date", "b": "bigint", "i": "int"},
        {
            "a.parquet": parquet({"n": pa.array([1], pa.int16()), "d": [dt.date(2024, 1, 31)]}),
            "wide.parquet": parquet({"n": pa.array([1, 70000], pa.int32())}),
            "unsigned.parquet": parquet({"n": pa.array([60000], pa.uint16())}),
            "tiny.parquet": parquet({"t": pa.array([200], pa.uint8())}),
            "list.parquet": parquet({"l": pa.array([[1], [70000]], pa.list_(pa.int32()))}),
            "days.parquet": parquet({"d": pa.array([200], pa.int32())}),
            "day.parquet": parquet({"i": [dt.date(2024, 1, 31)]}),
            "moment.parquet": parquet({"b": pa.array([MOMENT], pa.timestamp("us"))}),
            "price.parquet": parquet({"i": [decimal.Decimal("1234567.89")]}, store_decimal_as_integer=True),
        },
        [{"n": 1, "t": None, "l": None, "d": "2024-01-31", "b": None, "i": None}],
        set_aside={
            "wide.parquet": "column n is int in the file and smallint in the table, which cannot hold 70000",
            "unsigned.parquet": "column n is int in the file and smallint in the table, which cannot hold 60000",
            "tiny.parquet": "column t is smallint in the file and tinyint in the table, which cannot hold 200",
            "list.parquet": "column l is array<int> in the file and array<smallint> in the table, which cannot hold",
            "days.parquet": "column d is int in the file and date in the table. Rewrite the file",
            "day.parquet": "column i is date in the file and int in the table. Rewrite the file",
            "moment.parquet": "column b is timestamp_ntz in the file and bigint in the table. Rewrite the file",
            "price.parquet": "column i is decimal(9,2) in the file and int in the table, which cannot hold 1234567.89",
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
        set_aside={
            "caf\u00e9 cut.parquet": UNREADABLE.format("Parquet"),
            "json.parquet": UNREADABLE.format("Parquet"),
            "none.parquet": "the file is empty (0 bytes)",
        },
        athena="HIVE_",
    ),
    "ORC: fields of a struct with any characters": Case(
        "orc",
        {"st": "struct<user.id:bigint,a-b c:array<struct<@x:string>>>"},
        {
            "a.orc": orc_file({"st": pa.array([{"user.id": 1, "a-b c": [{"@x": "y"}]}])}),
            "b.orc": orc_file({"st": pa.array([{"user.id": 2, "a-b c": [{"@x": "z"}]}])}),
        },
        [
            {"st": {"user.id": 1, "a-b c": [{"@x": "y"}]}},
            {"st": {"user.id": 2, "a-b c": [{"@x": "z"}]}},
        ],
        parameters={"orc.column.index.access": "false"},
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
        parameters={"orc.column.index.access": "false"},
        set_aside={"day=3/cut.orc": UNREADABLE.format("ORC")},
        athena="HIVE_",
    ),
}
