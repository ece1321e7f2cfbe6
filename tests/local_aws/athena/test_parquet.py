"""Parquet and ORC: fields match by name at every level, and types must fit."""

from __future__ import annotations

import io
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.orc as po  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from local_aws.athena.errors import QueryFailed

from .conftest import parquet
from .reading import Reader

NOON = datetime(2024, 1, 31, 12, 0, 0, 123456)
NOON_READ = NOON.replace(microsecond=123000)
PLACE = [("city", pa.string()), ("n", pa.int64())]
ENTRY = pa.map_(pa.string(), pa.struct(PLACE))


def one(value: Any, kind: Any, **options: Any) -> bytes:
    """Return a file with the column `V`."""
    target = io.BytesIO()
    pq.write_table(pa.table({"V": pa.array([value], kind)}), target, **options)
    return target.getvalue()


VALUES = [
    ("bigint", one(7, pa.int32()), 7),
    ("bigint", one(7, pa.int8()), 7),
    ("bigint", one(7, pa.uint32()), 7),
    ("int", one(7, pa.int64()), 7),
    ("smallint", one(7, pa.int32()), 7),
    ("double", one(2.5, pa.float32()), 2.5),
    ("string", one("é", pa.string()), "é"),
    ("string", one("é".encode(), pa.binary()), "é"),
    ("binary", one(b"\xff\x00", pa.binary()), b"\xff\x00"),
    ("decimal(10,2)", one(Decimal("1.10"), pa.decimal128(38, 10)), Decimal("1.10")),
    ("decimal(20,0)", one(2**63 + 1, pa.uint64()), Decimal(2**63 + 1)),
    ("decimal(10,2)", one(7, pa.int64()), Decimal("7.00")),
    ("date", one(date(1500, 2, 28), pa.date32()), date(1500, 2, 28)),
    ("timestamp", one(NOON, pa.timestamp("ns")), NOON_READ),
    ("timestamp", one(NOON, pa.timestamp("ns"), use_deprecated_int96_timestamps=True), NOON_READ),
    ("timestamp", one(datetime(1500, 2, 28, 12), pa.timestamp("us")), datetime(1500, 2, 28, 12)),
    ("timestamp", one(NOON, pa.timestamp("us", tz="America/New_York")), NOON_READ),
    ("struct<n:bigint,city:string>", one({"city": "Oslo", "n": 1}, pa.struct(PLACE)), {"n": 1, "city": "Oslo"}),
    ("struct<city:string,gone:int>", one({"city": "Oslo", "n": 1}, pa.struct(PLACE)), {"city": "Oslo", "gone": None}),
    ("struct<n:bigint>", one({"N": 1}, pa.struct([("N", pa.int32())])), {"n": 1}),
    ("array<struct<n:bigint,city:string>>", one([{"n": 1, "city": "x"}], pa.list_(pa.struct(PLACE))),
     [{"n": 1, "city": "x"}]),
    ("map<string,struct<n:bigint,city:string>>", one([("k", {"city": "x", "n": 1})], ENTRY),
     {"k": {"n": 1, "city": "x"}}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "due"), VALUES)
def test_a_parquet_value_is_read_as_the_tables_type(reader: Reader, kind: str, body: bytes, due: Any) -> None:
    assert reader.read("parquet", f"v {kind}", body) == [(due,)]


ROW = [("at", pa.timestamp("us")), ("s", pa.string())]
LATE = {"at": datetime(2024, 1, 31, 12, 0, 0, 123999), "s": "Ålesund"}
CUT = {"at": datetime(2024, 1, 31, 12, 0, 0, 124000), "s": "Åle"}
FITTED = [
    ("timestamp", datetime(1960, 1, 1, 0, 0, 0, 999500), pa.timestamp("us"), datetime(1960, 1, 1, 0, 0, 1)),
    ("timestamp", LATE["at"], pa.timestamp("us"), CUT["at"]),
    ("varchar(3)", "Ålesund", pa.string(), "Åle"),
    ("struct<at:timestamp,s:varchar(3)>", LATE, pa.struct(ROW), CUT),
    ("struct<at:timestamp,s:varchar(3)>", None, pa.struct(ROW), None),
    ("array<struct<at:timestamp,s:varchar(3)>>", [LATE, None], pa.list_(pa.struct(ROW)), [CUT, None]),
    ("map<varchar(3),timestamp>", [("Ålesund", LATE["at"])], pa.map_(pa.string(), pa.timestamp("us")),
     {"Åle": CUT["at"]}),
    ("map<string,timestamp>", None, pa.map_(pa.string(), pa.timestamp("us")), None),
]  # fmt: skip


@pytest.mark.parametrize("write", [pq.write_table, po.write_table])
@pytest.mark.parametrize(("kind", "value", "own", "due"), FITTED)
def test_a_moment_is_rounded_and_a_text_is_cut_to_the_columns_type(
    reader: Reader, write: Any, kind: str, value: Any, own: Any, due: Any
) -> None:
    target = io.BytesIO()
    write(pa.table({"v": pa.array([value], own)}), target)
    form = "orc" if write is po.write_table else "parquet"
    assert reader.read(form, f"v {kind}", target.getvalue()) == [(due,)]


def test_moments_of_one_millisecond_are_one_group(reader: Reader) -> None:
    moments = [NOON, NOON.replace(microsecond=123499)]
    body = parquet(ts=pa.array(moments, pa.timestamp("us")))
    sql = "SELECT count(*) FROM t WHERE ts = TIMESTAMP '2024-01-31 12:00:00.123' GROUP BY ts"
    assert reader.read("parquet", "ts timestamp", body, sql=sql) == [(2,)]


MISFITS = [
    ("string", one(7, pa.int64()), "INT64", "varchar"),
    ("bigint", one("x", pa.string()), r"BYTE_ARRAY \(text\)", "bigint"),
    ("double", one(7, pa.int64()), "INT64", "double"),
    ("float", one(2.5, pa.float64()), "DOUBLE", "real"),
    ("int", one(True, pa.bool_()), "BOOLEAN", "integer"),
    ("date", one(7, pa.int32()), "INT32", "date"),
    ("date", one(NOON, pa.timestamp("us")), r"INT64 \(timestamp\)", "date"),
    ("timestamp", one(7, pa.int64()), "INT64", "timestamp"),
    ("bigint", one(NOON, pa.timestamp("us")), r"INT64 \(timestamp\)", "bigint"),
    ("bigint", one(time(12), pa.time64("us")), r"INT64 \(time\)", "bigint"),
    ("bigint", one(Decimal("1.10"), pa.decimal128(10, 2)), r".* \(decimal\)", "bigint"),
    ("string", one({"n": 1}, pa.struct([("n", pa.int64())])), r"group \(n INT64\)", "varchar"),
    ("struct<n:string>", one({"n": 1}, pa.struct([("n", pa.int64())])), r"group \(n INT64\)", "struct"),
    ("array<string>", one([1], pa.list_(pa.int64())), r"group .*INT64.*", "array"),
    ("map<string,string>", one([("k", 1)], pa.map_(pa.string(), pa.int64())), r"group .*INT64.*", "map"),
    ("array<int>", one(7, pa.int32()), "INT32", "array"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "own", "wanted"), MISFITS)
def test_a_type_that_does_not_fit_is_named_with_its_column_and_file(
    reader: Reader, kind: str, body: bytes, own: str, wanted: str
) -> None:
    reason = (
        rf"^HIVE_BAD_DATA: Field v's type {own} in parquet file s3://lake/t/\d+/a is incompatible with type {wanted} "
        "defined in table schema$"
    )
    with pytest.raises(QueryFailed, match=reason):
        reader.read("parquet", f"v {kind}", body)


def test_a_column_that_does_not_fit_fails_only_queries_that_read_it(reader: Reader) -> None:
    body = parquet(n=[1], s=["x"])
    assert reader.read("parquet", "n bigint; s double", body, sql="SELECT n FROM t") == [(1,)]


NAN = float("nan")
REAL_ROWS = pa.table(
    {
        "id": [1, 2, 3],
        "d": [1.0, NAN, 1.0],
        "r": pa.array([1.0, NAN, 1.0], pa.float32()),
        "s": [{"d": 1.0}, {"d": NAN}, {"d": 1.0}],
        "a": [[1.0], [NAN], [1.0]],
    }
)


@pytest.mark.parametrize("value", ["d", "r", "s.d", "a[1]"])
@pytest.mark.parametrize("condition", ["isnan({})", "{} <> 1.0", "NOT {} = 1.0", "{} IS DISTINCT FROM 1.0"])
def test_a_condition_finds_nan_though_it_is_outside_the_range_that_a_file_states(
    reader: Reader, value: str, condition: str
) -> None:
    file = io.BytesIO()
    pq.write_table(REAL_ROWS, file)
    columns = "id int; d double; r float; s struct<d:double>; a array<double>"
    sql = f"SELECT id FROM t WHERE {condition.format(value)}"
    assert reader.read("parquet", columns, file.getvalue(), sql=sql) == [(2,)]


def test_a_number_too_large_for_its_column_is_named(reader: Reader) -> None:
    bodies = [one(7, pa.int32()), one(2**40, pa.int64())]
    with pytest.raises(
        QueryFailed, match=r"^HIVE_BAD_DATA: .* 1099511627776 for field v: it is no int, in s3://lake/t"
    ):
        reader.read("parquet", "v int", *bodies)
    assert reader.read("parquet", "v bigint", *bodies, sql="SELECT v FROM t ORDER BY v") == [(7,), (2**40,)]


def test_structs_of_several_files_are_read_by_field_names(reader: Reader) -> None:
    """Two files read together, with the fields in another order in the second: one DuckDB release swapped them."""
    kinds = [pa.struct([("a", pa.int64()), ("b", pa.int64())]), pa.struct([("b", pa.int64()), ("a", pa.int64())])]
    bodies = [one({"a": 1, "b": 10}, kinds[0]), one({"a": 2, "b": 20}, kinds[1])]
    lists = [one([{"a": 1, "b": 10}], pa.list_(kinds[0])), one([{"a": 2, "b": 20}], pa.list_(kinds[1]))]
    sql = "SELECT v.a, v.b, v FROM t WHERE v.a > 0 ORDER BY v.a"
    due = [(1, 10, {"a": 1, "b": 10}), (2, 20, {"a": 2, "b": 20})]
    assert reader.read("parquet", "v struct<a:bigint,b:bigint>", *bodies, sql=sql) == due
    sql = "SELECT v[1].a, v[1].b, v[1] FROM t ORDER BY v[1].a"
    assert reader.read("parquet", "v array<struct<a:bigint,b:bigint>>", *lists, sql=sql) == due


def test_unannotated_bytes_for_text_and_binary_columns_are_refused(reader: Reader) -> None:
    with pytest.raises(QueryFailed, match=r"^NOT_SUPPORTED: s3://lake/t/\d+/a has bytes"):
        reader.read("parquet", "a string; b binary", parquet(a=[b"x"], b=[b"y"]))


def test_a_table_with_a_duplicate_column_is_refused_and_named(reader: Reader) -> None:
    with pytest.raises(QueryFailed, match=r"^HIVE_INVALID_METADATA: .* duplicate columns: a$"):
        reader.read("parquet", "a int; a int", parquet(a=[1]))


@pytest.mark.parametrize(("kind", "name"), [("parquet", "Parquet"), ("orc", "ORC")])
@pytest.mark.parametrize("body", [b"", b"text", parquet(a=[1])[:-20] + b"PAR1"])
def test_a_file_in_another_format_is_named(reader: Reader, kind: str, name: str, body: bytes) -> None:
    with pytest.raises(QueryFailed, match=rf"^HIVE_BAD_DATA: s3://lake/t/\d+/a is no valid {name} file$"):
        reader.read(kind, "a int", body)
