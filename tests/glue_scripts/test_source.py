"""Reading source tables: every good row arrives, and every other row is kept with a reason."""

import bz2
import gzip
from itertools import count
from typing import Any

import boto3
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.orc as orc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from pyspark.sql import DataFrame, SparkSession

from lake_etl.binary_source import Damage
from lake_etl.catalog import find_table
from lake_etl.errors import JobError
from lake_etl.source import NO_DAMAGE, Source, read_source
from lake_etl.storage import list_files
from lake_etl.text_source import TextFiles
from tests.glue_scripts.small_lake import Lake

PLANES = {"tailnum": "string", "seats": "int", "model": "string"}
ONE_A_LINE = "there is more on the line than one JSON object: write one object a line"
HEADER = {"skip.header.line.count": "1"}


def read(spark: SparkSession, lake: Lake, name: str, known: Damage = NO_DAMAGE) -> Source:
    table = find_table(boto3.client("glue"), lake.database, name, name)
    return read_source(spark, boto3.client("s3"), table, known=known)


def good(source: Source) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in source.rows.collect())


def bad(source: Source) -> dict[str, str]:
    assert source.rejected is not None
    return {row.raw: row.reason for row in source.rejected().collect()}


def parquet(**columns: list[object]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())


def test_csv_rows_that_do_not_fit_are_rejected_each_with_its_reason(spark: SparkSession, lake: Lake) -> None:
    text = 'tailnum,seats,model\nN1,5,"A, B"\nN2,5\nN3,5,C,D\nN4,many,C\nN5,,C\n'
    lake.put("raw", f"{lake.database}/planes/planes.csv", text)
    lake.table("planes", "csv", PLANES, parameters=HEADER)
    source = read(spark, lake, "planes")
    assert good(source) == [("N1", 5, "A, B"), ("N5", None, "C")]
    assert bad(source) == {
        "N2,5": "the row does not have 3 fields",
        "N3,5,C,D": "the row does not have 3 fields",
        "N4,many,C": "column seats: 'many' is not int",
    }
    assert (source.counts.get["rows"], source.counts.get["bad"]) == (5, 3)


def test_csv_options_of_the_open_csv_serde_are_followed(spark: SparkSession, lake: Lake) -> None:
    lake.put("raw", f"{lake.database}/planes/planes.csv", "N1;5;'it''s; new'\n")
    lake.table("planes", "csv", PLANES, parameters={"separatorChar": ";", "quoteChar": "'"})
    assert good(read(spark, lake, "planes")) == [("N1", 5, "it's; new")]


def test_a_bad_value_counts_even_in_a_column_the_job_does_not_use(spark: SparkSession, lake: Lake) -> None:
    lake.put("raw", f"{lake.database}/planes/planes.csv", "N1,5,A\nN2,x,B\n")
    lake.put("raw", f"{lake.database}/events/e.json", '{"id": 1, "seats": 2}\n{"id": 2, "seats": "x"}\n')
    lake.table("planes", "csv", PLANES)
    lake.table("events", "json", {"id": "int", "seats": "int"})
    assert [row.tailnum for row in read(spark, lake, "planes").rows.select("tailnum").collect()] == ["N1"]
    assert [row.id for row in read(spark, lake, "events").rows.select("id").collect()] == [1]


def test_json_lines_that_do_not_fit_are_rejected_each_with_its_reason(spark: SparkSession, lake: Lake) -> None:
    lines = [
        '{"id": 1, "tags": ["a"]}',
        '{"id": 2, "tags": ',
        '{"id": "two"}',
        '{"id": 3, "tags": ["a", {"b"]}',
        '{"id": 4}',
    ]
    lake.put("raw", f"{lake.database}/events/day=7/events.json", "\n".join(lines))
    lake.table("events", "json", {"id": "int", "tags": "array<string>"}, {"day": "string"})
    source = read(spark, lake, "events")
    assert good(source) == [(1, ["a"], "7"), (4, None, "7")]
    assert bad(source) == {
        lines[1]: "the line is not valid JSON",
        lines[2]: "column id: 'two' is not int",
        lines[3]: "the line is not valid JSON",
    }
    assert source.rejected is not None
    assert {row.source_file for row in source.rejected().collect()} == {
        f"s3://raw/{lake.database}/events/day=7/events.json"
    }


def test_a_line_with_more_than_one_object_is_set_aside(spark: SparkSession, lake: Lake) -> None:
    files = {
        "as_delivered": '{"id": 1}{"id": 2}{"id": 3}',
        "with space": '{"id": 4} {"id": 5}\n',
        "far in": '{"id": 6}\n' * 60_000 + '{"id": 7},{"id": 8}\n',
        "semicolon": '{"id": 16};{"id": 17}\n{"id": 18}\n',
        "good": '{"id": 9, "text": "} {"}\n\n  {"id": 10}  \r\n',
        "bad line": '{"id": 11},\n{"id"\n{"id": 12} # the last\n',
        "zipped.gz": gzip.compress(b'{"id": 13}{"id": 14}', mtime=0),
        "good.gz": gzip.compress(b'{"id": 15}\n' * 30_000, mtime=0),
    }
    for name, body in files.items():
        lake.put("raw", f"{lake.database}/events/{name}", body)
    lake.table("events", "json", {"id": "int", "text": "string"})
    source = read(spark, lake, "events")
    assert {row[0] for row in good(source)} == {6, 9, 10, 11, 12, 15, 18}
    assert (source.counts.get["rows"], source.counts.get["bad"]) == (90_011, 6)
    assert bad(source) == {
        '{"id"': "the line is not valid JSON",
        '{"id": 1}{"id": 2}{"id": 3}': ONE_A_LINE,
        '{"id": 4} {"id": 5}': ONE_A_LINE,
        '{"id": 7},{"id": 8}': ONE_A_LINE,
        '{"id": 16};{"id": 17}': ONE_A_LINE,
        '{"id": 13}{"id": 14}': ONE_A_LINE,
    }


def test_a_truncated_or_uncompressed_gz_file_is_set_aside(spark: SparkSession, lake: Lake) -> None:
    lines = "".join(f'{{"id": {number}}}\n' for number in range(5000)).encode()
    packed = {
        "a.json.gz": gzip.compress(lines, mtime=0)[:-50],
        "b.json.gz": b'{"id": 1}\n',
        "c.json.bz2": bz2.compress(lines)[:-9],
    }
    for name, body in (packed | {"d.json.gz": gzip.compress(b'{"id": -1}\n', mtime=0)}).items():
        lake.put("raw", f"{lake.database}/events/{name}", body)
    lake.table("events", "json", {"id": "int"})
    source = read(spark, lake, "events", read(spark, lake, "events").damage())
    assert good(source) == [(-1,)]
    fault = "the file is damaged, cut off, or not packed as its name says"
    assert {path.rpartition("/")[2]: why for path, why in source.files.items()} == dict.fromkeys(packed, fault)


def test_a_file_that_arrives_while_others_are_looked_through_loses_no_value(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, read_files = count(2), TextFiles._read

    def as_one_more_arrives(files: TextFiles, *given: Any) -> DataFrame:
        found = read_files(files, *given)
        lake.put("raw", f"{lake.database}/t/{(number := next(late))}.json", f'{{"id": {number}, "userId": "late"}}\n')
        return found

    lake.put("raw", f"{lake.database}/t/1.json", '{"id": 1, "userid": "x"}\n')
    lake.table("t", "json", {"id": "int", "userid": "string"})
    monkeypatch.setattr(TextFiles, "_read", as_one_more_arrives)
    first, *others = good(read(spark, lake, "t"))
    assert first == (1, "x")
    assert {name for _, name in others} <= {"late"}, "a row is read right, or left to the next run"


def test_upper_case_json_names_are_found_by_the_serdes_paths(spark: SparkSession, lake: Lake) -> None:
    lake.put("raw", f"{lake.database}/events/e.json", '{"TailNum": "N1", "seats": 2}\n')
    lake.table("events", "json", {"tailnum": "string", "seats": "int"}, parameters={"paths": "TailNum,seats"})
    assert [row.tailnum for row in read(spark, lake, "events").rows.select("tailnum").collect()] == ["N1"]


def test_parquet_files_that_cannot_be_read_are_set_aside_and_the_others_read(spark: SparkSession, lake: Lake) -> None:
    whole, none = parquet(id=[1, 2]), parquet(id=pa.array([], pa.int64()))
    files = {"hour=1/a": whole, "hour=2/b c%3A": whole[:-20], "hour=3/c": b"", "hour=4/d": none, "hour=5/e": whole}
    for name, body in files.items():
        lake.put("raw", f"{lake.database}/weather/{name}.parquet", body)
    lake.table("weather", "parquet", {"id": "bigint"}, {"hour": "int"})
    first = read(spark, lake, "weather")
    with pytest.raises(Exception, match="is not a Parquet file"):
        good(first)
    source = read(spark, lake, "weather", known=first.damage())
    assert good(source) == [(1, 1), (1, 5), (2, 1), (2, 5)]
    assert {path.rsplit("/", 1)[1]: fault for path, fault in source.files.items()} == {
        "b c%3A.parquet": "it cannot be read as Parquet: it is of another format, or damaged",
        "c.parquet": "the file is empty (0 bytes)",
    }


@pytest.mark.parametrize("format_", ["parquet", "orc"])
def test_a_file_that_cannot_be_opened_stops_the_run(spark: SparkSession, lake: Lake, format_: str) -> None:
    """Whatever keeps it closed, such as a missing permission, says nothing about its content."""
    for name in ("a", "b"):
        write = pq.write_table if format_ == "parquet" else orc.write_table
        write(pa.table({"id": [1]}), sink := pa.BufferOutputStream())
        lake.put("raw", f"{lake.database}/t/{name}.{format_}", bytes(sink.getvalue()))
    lake.close("raw", f"{lake.database}/t/b.{format_}")
    lake.table("t", format_, {"id": "bigint"})
    with pytest.raises(JobError, match=rf"/t/b\.{format_} cannot be opened: .* Nothing is published"):
        read(spark, lake, "t").damage()


@pytest.mark.parametrize("format_", ["parquet", "json"])
def test_a_dataset_of_which_no_file_can_be_read_stops_the_run(spark: SparkSession, lake: Lake, format_: str) -> None:
    for name in ("a", "b", "empty"):
        lake.put("raw", f"{lake.database}/t/{name}.gz", b"" if name == "empty" else b"no gzip")
    lake.table("t", format_, {"id": "bigint"})
    with pytest.raises(JobError, match=r"dataset t: none of its files can be read\. .* Nothing is published"):
        read(spark, lake, "t", known=read(spark, lake, "t").damage())


def test_damage_within_a_parquet_file_fails_loudly(spark: SparkSession, lake: Lake) -> None:
    body = bytearray(parquet(id=list(range(1000))))
    body[4:400] = b"\xff" * 396
    lake.put("raw", f"{lake.database}/weather/a.parquet", bytes(body))
    lake.table("weather", "parquet", {"id": "bigint"})
    with pytest.raises(Exception, match=r"a\.parquet"):
        read(spark, lake, "weather").rows.collect()


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
def test_a_dataset_without_any_good_row_is_not_an_error(spark: SparkSession, lake: Lake, format: str) -> None:
    lake.put("raw", f"{lake.database}/planes/day=1/planes", "")
    lake.table("planes", format, PLANES, {"day": "int"})
    source = read(spark, lake, "planes")
    assert good(source) == []
    assert source.rows.columns == ["tailnum", "seats", "model", "day"]
    assert list(source.files.values()) == ["the file is empty (0 bytes)"]


def test_plain_folders_give_partition_values_by_position(spark: SparkSession, lake: Lake) -> None:
    lake.put("raw", f"{lake.database}/events/2013/01/e.json", '{"id": 1}\n')
    lake.put("raw", f"{lake.database}/events/2013/02/e.json", '{"id": 2}\n')
    lake.table("events", "json", {"id": "int"}, {"partition_0": "string", "partition_1": "int"})
    assert good(read(spark, lake, "events")) == [(1, "2013", 1), (2, "2013", 2)]


def test_hidden_objects_and_folder_markers_are_ignored(lake: Lake) -> None:
    for name in ("_SUCCESS", "_temporary/a.json", ".b.json", "x_$folder$", "day=1/c.json", "_day=1/d.json"):
        lake.put("raw", f"{lake.database}/events/{name}", "{}")
    boto3.client("s3").put_object(Bucket="raw", Key=f"{lake.database}/events/day=2/", Body=b"")
    location = f"s3://raw/{lake.database}/events/"
    assert list_files(boto3.client("s3"), location) == {
        f"{location}_day=1/d.json": 2,
        f"{location}day=1/c.json": 2,
    }


def test_a_missing_table_says_to_run_the_crawler(lake: Lake) -> None:
    with pytest.raises(JobError, match=r"dataset planes: .* has no table 'planes'. Run the dataset's crawler first"):
        find_table(boto3.client("glue"), lake.database, "planes", "planes")


def test_a_table_of_another_format_is_refused(lake: Lake) -> None:
    lake.table("planes", "csv", PLANES)
    glue = boto3.client("glue")
    storage: Any = {"Location": "s3://raw/x/", "Columns": [], "SerdeInfo": {}}
    table: Any = {"Name": "planes", "StorageDescriptor": storage, "Parameters": {"classification": "avro"}}
    glue.update_table(DatabaseName=lake.database, TableInput=table)
    with pytest.raises(JobError, match="its table is of format 'avro'"):
        find_table(glue, lake.database, "planes", "planes")


@pytest.mark.parametrize(
    ("path", "text", "rows", "rejected"),
    [
        (
            "$.records[*]",
            '{"n": 2,\n "records": [{"id": 1, "tag": {"a": 1}}, {"id": "x"}, {"id": 2}]}\n',
            [(1, '{"a":1}', "7"), (2, None, "7")],
            {'{"id":"x"}': "column id: 'x' is not int"},
        ),
        (
            "$.records[*]",
            '{"records": [{"id": 1}]}\n{"records": []}\n{"other": 1}\n{"records": [\n',
            [(1, None, "7")],
            {
                '{"other": 1}': "the document has nothing at $.records[*]",
                '{"records": [': "the document has nothing at $.records[*]",
            },
        ),
        ("$[*]", '[\n{"id": 1},\n{"id": 2}\n]', [(1, None, "7"), (2, None, "7")], {}),
        ("$.a.b", '{"a": {"b": {"id": 1}}}\n\n{"a": {"b": {"id": 2}}}\n', [(1, None, "7"), (2, None, "7")], {}),
        ("$[*]", '[{"id": 1}, {"id"', [], {'[{"id": 1}, {"id"': "the document has nothing at $[*]"}),
    ],
)
def test_records_inside_documents_are_rows(
    spark: SparkSession, lake: Lake, path: str, text: str, rows: list[Any], rejected: dict[str, str]
) -> None:
    lake.put("raw", f"{lake.database}/batches/day=7/a.json", text)
    columns = {"id": "int", "tag": "string"}
    lake.table("batches", "json", columns, {"day": "string"}, parameters={"jsonPath": path})
    source = read(spark, lake, "batches")
    assert good(source) == rows
    assert bad(source) == rejected
    assert source.counts.get["rows"] == len(rows) + len(rejected)


def test_declared_partition_keys_have_their_types(spark: SparkSession, lake: Lake) -> None:
    lake.put("raw", f"{lake.database}/readings/year=2024/month=03/a.json", '{"id": 1}')
    keys = {"year": "int", "month": "string"}
    lake.table("readings", "json", {"id": "int"}, keys, parameters={"projection.enabled": "true"})
    assert good(read(spark, lake, "readings")) == [(1, 2024, "03")]


def test_a_column_of_an_unknown_type_is_named(spark: SparkSession, lake: Lake) -> None:
    lake.put("raw", f"{lake.database}/odd/a.csv", "1,2\n")
    lake.table("odd", "csv", {"id": "int", "sketch": "hyperloglog"})
    with pytest.raises(
        JobError, match="dataset odd: column sketch is of type 'hyperloglog', which jobs do not support"
    ):
        read(spark, lake, "odd")


def test_an_unknown_serde_is_named(spark: SparkSession, lake: Lake) -> None:
    glue = boto3.client("glue")
    storage: Any = {"Location": "s3://raw/x/", "Columns": [], "SerdeInfo": {"SerializationLibrary": "org.acme.Serde"}}
    glue.create_table(DatabaseName=lake.database, TableInput={"Name": "acme", "StorageDescriptor": storage})
    with pytest.raises(JobError, match=r"dataset acme: its table is of format 'org\.acme\.serde'\. Jobs read "):
        read(spark, lake, "acme")


@pytest.mark.parametrize("body", ["id\n1\n2\n3\n", "id\n1\n2\n4\n", None])
def test_a_file_replaced_or_deleted_while_being_read_is_detected(
    spark: SparkSession, lake: Lake, body: str | None
) -> None:
    lake.put("raw", f"{lake.database}/t/a.csv", "id\n1\n2\n3\n" if body != "id\n1\n2\n3\n" else "id\n1\n")
    lake.put("raw", f"{lake.database}/t/b.csv", "id\n5\n")
    lake.table("t", "csv", {"id": "int"}, parameters=HEADER)
    source = read(spark, lake, "t")
    assert source.changed() is None
    lake.put("raw", f"{lake.database}/t/new.csv", "id\n6\n")
    assert source.changed() is None, "the next run reads a file that is new"
    if body is None:
        lake.remove("raw", f"{lake.database}/t/a.csv")
    else:
        lake.put("raw", f"{lake.database}/t/a.csv", body)
    assert source.changed() == f"s3://raw/{lake.database}/t/a.csv"
