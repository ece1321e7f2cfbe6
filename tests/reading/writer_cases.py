"""Parquet and ORC files as writers vary them: codecs, encodings, types, and columns."""

from __future__ import annotations

import datetime as dt
import decimal

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.orc as orc  # type: ignore[import-untyped]

from tests.reading.binary_cases import MOMENT, orc_file, parquet
from tests.reading.case import Case

D = decimal.Decimal
NUMBERS = {"id": [1, 2, None], "x": [1.5, float("nan"), None], "s": ["a", "", None]}
READ = [{"id": 1, "x": 1.5, "s": "a"}, {"id": 2, "x": "NaN", "s": ""}, {"id": None, "x": None, "s": None}]
COLUMNS = {"id": "bigint", "x": "double", "s": "string"}
UNKNOWN = "Spark cannot read its values"
PLUS_ONE = dt.timezone(dt.timedelta(hours=1))


def zlib_orc(codec: str) -> bytes:
    sink = pa.BufferOutputStream()
    orc.write_table(pa.table({"id": [1]}), sink, compression=codec)
    return bytes(sink.getvalue())


WRITER_CASES = {
    "Parquet: codecs": Case(
        "parquet",
        {"id": "bigint"},
        {
            f"{codec}.parquet": parquet({"id": [number]}, compression=codec)
            for number, codec in enumerate(("none", "snappy", "gzip", "zstd", "lz4"))
        },
        [{"id": number} for number in range(5)],
    ),
    "Parquet: a codec that Spark does not know": Case(
        "parquet",
        {"id": "bigint"},
        {"a.parquet": parquet({"id": [1]}), "b.parquet": parquet({"id": [2]}, compression="brotli")},
        [{"id": 1}],
        set_aside={"b.parquet": UNKNOWN},
        athena=[{"id": 1}, {"id": 2}],
    ),
    "Parquet: pages of version 2, and encodings by difference": Case(
        "parquet",
        COLUMNS,
        {
            "a.parquet": parquet(
                NUMBERS,
                version="2.6",
                data_page_version="2.0",
                use_dictionary=False,
                column_encoding={"id": "DELTA_BINARY_PACKED", "s": "DELTA_BYTE_ARRAY", "x": "PLAIN"},
            ),
            "b.parquet": parquet(NUMBERS, use_dictionary=False, column_encoding={"s": "DELTA_LENGTH_BYTE_ARRAY"}),
        },
        READ * 2,
    ),
    "Parquet: an encoding by bytes": Case(
        "parquet",
        COLUMNS,
        {
            "a.parquet": parquet(NUMBERS),
            "b.parquet": parquet(NUMBERS, use_dictionary=False, column_encoding={"x": "BYTE_STREAM_SPLIT"}),
        },
        READ,
        set_aside={"b.parquet": UNKNOWN},
        athena=READ * 2,
    ),
    "Parquet: files and groups without rows": Case(
        "parquet",
        COLUMNS,
        {"a.parquet": parquet(NUMBERS, row_group_size=1), "none.parquet": parquet(pa.table(NUMBERS).slice(0, 0))},
        READ,
    ),
    "Parquet: names that differ in case alone": Case(
        "parquet",
        {"id": "bigint", "name": "string"},
        {
            "a.parquet": parquet({"id": [1], "name": ["x"]}),
            "b.parquet": parquet({"id": [2], "Name": ["y"], "name": ["z"]}),
        },
        [{"id": 1, "name": "x"}],
        set_aside={"b.parquet": "its columns Name and name differ in case alone. Rewrite the file"},
        athena="HIVE_BAD_DATA",
    ),
    "Parquet: moments in milliseconds and with a zone": Case(
        "parquet",
        {"id": "bigint", "ts": "timestamp"},
        {
            "ms.parquet": parquet({"id": [1], "ts": pa.array([MOMENT], pa.timestamp("ms"))}),
            "s.parquet": parquet({"id": [2], "ts": pa.array([MOMENT], pa.timestamp("s"))}),
            "utc.parquet": parquet({"id": [3], "ts": pa.array([MOMENT], pa.timestamp("us", "UTC"))}),
            "zone.parquet": parquet(
                {"id": [4], "ts": pa.array([MOMENT.replace(tzinfo=PLUS_ONE)], pa.timestamp("us", "+01:00"))}
            ),
        },
        [
            {"id": 1, "ts": "2024-01-31 10:00:00.123"},
            {"id": 2, "ts": "2024-01-31 10:00:00"},
            {"id": 3, "ts": str(MOMENT)},
            {"id": 4, "ts": "2024-01-31 09:00:00.123456"},
        ],
    ),
    "Parquet: dates for moments, moments for dates, texts for dates": Case(
        "parquet",
        {"id": "bigint", "d": "date", "ts": "timestamp"},
        {
            "a.parquet": parquet(
                {"id": [1], "d": [dt.date(2024, 1, 31)], "ts": pa.array([MOMENT], pa.timestamp("us"))}
            ),
            "d.parquet": parquet({"id": [2], "d": ["2024-01-31"]}),
            "m.parquet": parquet({"id": [3], "d": pa.array([MOMENT], pa.timestamp("us"))}),
            "t.parquet": parquet({"id": [4], "ts": [dt.date(2024, 1, 31)]}),
        },
        [{"id": 1, "d": "2024-01-31", "ts": str(MOMENT)}],
        set_aside={
            "d.parquet": "column d is string in the file and date in the table. Rewrite",
            "m.parquet": "column d is timestamp_ntz in the file and date in the table. Rewrite",
            "t.parquet": "column ts is date in the file and timestamp in the table. Rewrite",
        },
        athena="HIVE_BAD_DATA",
    ),
    "Parquet: decimals of other widths": Case(
        "parquet",
        {"p": "decimal(12,2)"},
        {
            "a.parquet": parquet({"p": pa.array([D("1.10")], pa.decimal128(12, 2))}),
            "narrow.parquet": parquet({"p": pa.array([D("2.20")], pa.decimal128(5, 2))}, store_decimal_as_integer=True),
            "less.parquet": parquet({"p": pa.array([D("3.3")], pa.decimal128(12, 1))}),
            "more.parquet": parquet({"p": pa.array([D("4.44000")], pa.decimal128(20, 5))}),
            "lost.parquet": parquet({"p": pa.array([D("5.55555")], pa.decimal128(20, 5))}),
            "int.parquet": parquet({"p": [6]}),
            "double.parquet": parquet({"p": [7.25]}),
        },
        [{"p": each} for each in ("1.10", "2.20", "3.30", "4.44", "6.00", "7.25")],
        set_aside={
            "lost.parquet": "column p is decimal(20,5) in the file and decimal(12,2) in the table, which cannot hold 5."
        },
        athena="HIVE_BAD_DATA",
    ),
    "Parquet: whole numbers without sign in columns with one": Case(
        "parquet",
        {"i": "int", "b": "bigint"},
        {
            "a.parquet": parquet({"i": pa.array([7], pa.uint8()), "b": pa.array([2**32 - 1], pa.uint32())}),
            "b.parquet": parquet({"i": pa.array([8], pa.uint16()), "b": pa.array([9], pa.uint64())}),
            "c.parquet": parquet({"i": pa.array([2**32 - 1], pa.uint32())}),
            "d.parquet": parquet({"b": pa.array([2**64 - 1], pa.uint64())}),
        },
        [{"i": 7, "b": 2**32 - 1}, {"i": 8, "b": 9}],
        set_aside={
            "c.parquet": "column i is bigint in the file and int",
            "d.parquet": "column b is decimal(20,0) in the file and bigint",
        },
        athena="HIVE_BAD_DATA",
    ),
    "Parquet: texts as bytes, categories and large texts": Case(
        "parquet",
        {"s": "string", "b": "string"},
        {
            "a.parquet": parquet({"s": pa.array(["x"], pa.large_string()), "b": pa.array([b"y"])}),
            "b.parquet": parquet({"s": pa.array(["x"]).dictionary_encode(), "b": ["y"]}),
        },
        [{"s": "x", "b": "y"}] * 2,
    ),
    "Parquet: lists and maps, empty, null, and of structs": Case(
        "parquet",
        {"id": "bigint", "l": "array<struct<a:bigint,b:string>>", "m": "map<string,array<bigint>>"},
        {
            "a.parquet": parquet(
                {
                    "id": [1, 2, 3],
                    "l": [[{"a": 1, "b": "x"}, None], [], None],
                    "m": pa.array([[("k", [1, None])], [], None], pa.map_(pa.string(), pa.list_(pa.int64()))),
                }
            ),
            "b.parquet": parquet({"id": [4], "l": [[{"b": "y"}]]}, use_compliant_nested_type=False),
        },
        [
            {"id": 1, "l": [{"a": 1, "b": "x"}, None], "m": {"k": [1, None]}},
            {"id": 2, "l": [], "m": {}},
            {"id": 3, "l": None, "m": None},
            {"id": 4, "l": [{"a": None, "b": "y"}], "m": None},
        ],
    ),
    "Parquet: numbers of other types within structs": Case(
        "parquet",
        {"id": "bigint", "st": "struct<a:bigint>"},
        {
            "a.parquet": parquet({"id": [1], "st": [{"a": 1}]}),
            "b.parquet": parquet({"id": [2], "st": pa.array([{"a": 2}], pa.struct([("a", pa.int32())]))}),
        },
        [{"id": 1, "st": {"a": 1}}],
        set_aside={"b.parquet": "column st is struct<a:int> in the file and struct<a:bigint> in the table"},
        athena=[{"id": 1, "st": {"a": 1}}, {"id": 2, "st": {"a": 2}}],
    ),
    "Parquet: none of the table's columns": Case(
        "parquet",
        {"id": "bigint"},
        {"a.parquet": parquet({"id": [1]}), "b.parquet": parquet({"other": [2, 3]})},
        [{"id": 1}, {"id": None}, {"id": None}],
    ),
    "ORC: codecs, and a file without rows": Case(
        "orc",
        {"id": "bigint"},
        {f"{codec}.orc": zlib_orc(codec) for codec in ("uncompressed", "zlib", "snappy", "zstd", "lz4")}
        | {"none.orc": orc_file({"id": pa.array([], pa.int64())})},
        [{"id": 1}] * 5,
    ),
    "ORC: decimals, lists and maps": Case(
        "orc",
        {"ts": "timestamp", "p": "decimal(10,2)", "d": "date", "l": "array<bigint>", "m": "map<string,bigint>"},
        {
            "a.orc": orc_file(
                {
                    "ts": pa.array([MOMENT, None], pa.timestamp("us")),
                    "p": [D("1.10"), None],
                    "d": [dt.date(2024, 1, 31), dt.date(1969, 12, 31)],
                    "l": [[1, None], []],
                    "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
                }
            )
        },
        [
            {"ts": str(MOMENT), "p": "1.10", "d": "2024-01-31", "l": [1, None], "m": {"k": 1}},
            {"ts": None, "p": None, "d": "1969-12-31", "l": [], "m": None},
        ],
    ),
    "ORC: a part of a second before 1970, as Arrow writes it": Case(
        "orc",
        {"ts": "timestamp"},
        {
            "a.orc": orc_file({"ts": pa.array([MOMENT], pa.timestamp("us"))}),
            "b.orc": orc_file({"ts": pa.array([dt.datetime(1969, 12, 31, 23, 59, 59, 999999)], pa.timestamp("us"))}),
        },
        [{"ts": str(MOMENT)}],
        set_aside={"b.orc": UNKNOWN},
        athena=[{"ts": str(MOMENT)}, {"ts": "1969-12-31 23:59:59.999999"}],
    ),
    "ORC: numbers of other types": Case(
        "orc",
        {"n": "bigint"},
        {
            "a.orc": orc_file({"n": [1]}),
            "b.orc": orc_file({"n": pa.array([2], pa.int32())}),
            "c.orc": orc_file({"n": ["3"]}),
            "d.orc": orc_file({"n": [1.5]}),
        },
        [{"n": 1}, {"n": 2}],
        set_aside={
            "c.orc": "column n is string in the file and bigint in the table",
            "d.orc": "column n is double in the file and bigint in the table, which cannot hold 1.5",
        },
        athena="HIVE_BAD_DATA",
    ),
}
