"""`lake put`: what it takes, and what it would do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lake.configuration.model import Dataset
from lake.data.contents import check_contents
from lake.errors import BadInput
from tests.lake.commands import Prompt

PARQUET = b"PAR1\x15\x04" + bytes(20) + b"PAR1"
GOOD = [
    ("csv", "a.csv", b"id,name\n1,ann\n"),
    ("csv", "a.csv", b""),
    ("csv", "a.csv", b"\xef\xbb\xbfid,name\n"),
    ("csv", "a.csv", b"ORCID,PAR1\n1,2\n"),
    ("csv", "a.csv", b'{"name": 1, broken\n'),
    ("csv", "a.csv.gz", gzip.compress(b"id\n1\n", mtime=0)),
    ("json", "a.json", b'\n {"a": 1}\n{"a": \n'),
    ("json", "a.json", b'[\n  {"a": 1}]'),
    ("json", "a.json.gz", gzip.compress(b'{"a": 1}\n', mtime=0)),
    ("json", "a.json.bz2", b"BZh91AY&SY\x00"),
    ("parquet", "a.parquet", PARQUET),
    ("xml", "a.xml", b"<rows><row/></rows>"),
    ("grok", "a.log", b"any line"),
]
BAD = [
    ("csv", "a.csv", PARQUET, "it is Parquet"),
    ("csv", "a.csv", b"ORC\x00\x01", "it is ORC"),
    ("csv", "a.csv", gzip.compress(b"id\n", mtime=0), "it is gzip: readers unpack it only if its name ends with .gz"),
    ("csv", "a.csv", b"\x89PNG\r\n\x1a\n", "it is a PNG image"),
    ("csv", "a.csv", b"%PDF-1.7\n", "it is a PDF document"),
    ("csv", "a.csv", "\ufeffid,name\n".encode("utf-16-le"), "it is text in UTF-16. Save it as UTF-8"),
    ("csv", "a.csv", "id,name\n".encode("utf-16-be"), "it is not text: it contains zero bytes"),
    ("csv", "a.csv", b'{"id": 1}\n{"id": 2}\n', "it is JSON: its first line is an object"),
    ("csv", "a.csv.gz", b"id\n1\n", "its name ends with .gz, but it is not gzip"),
    ("csv", "a.csv.gz", gzip.compress(PARQUET, mtime=0), "it is Parquet"),
    ("json", "a.json", b"id,name\n1,ann\n", "it is not JSON: it begins with neither an object nor a list"),
    ("json", "a.json", b"[section]\nkey=1\n", "it is not JSON"),
    ("json", "a.json.gz", PARQUET, "its name ends with .gz, but it is not gzip but Parquet"),
    ("parquet", "a.parquet", b"id,name\n", "it does not begin like a Parquet file"),
    ("parquet", "a.parquet", PARQUET[:-1], "it is truncated: it does not end like a Parquet file"),
    ("parquet", "a.parquet", b"", "it is empty"),
    ("xml", "a.xml", b'{"a": 1}', "it is not XML"),
    ("grok", "a.log", gzip.compress(b"x", mtime=0), "it is gzip"),
]


def dataset(format_: str) -> Dataset:
    return Dataset.model_validate({"format": format_})


@pytest.mark.parametrize(("format_", "name", "content"), GOOD)
def test_files_of_the_datasets_format_are_accepted(tmp_path: Path, format_: str, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    check_contents(dataset(format_), [tmp_path / name])


@pytest.mark.parametrize(("format_", "name", "content", "expected"), BAD)
def test_a_file_of_another_format_is_refused_with_its_format(
    tmp_path: Path, format_: str, name: str, content: bytes, expected: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(BadInput) as shown:
        check_contents(dataset(format_), [tmp_path / name])

    [first, line] = str(shown.value).splitlines()
    assert first == f"1 file does not fit the dataset's format, {format_}. Nothing is uploaded:"
    assert line.startswith(f"  {tmp_path / name}: {expected}")


BUCKET = "oven-local-raw-000000000000"
DATASETS = """
datasets:
  rates: {format: csv, catalog: declared, columns: {rate: double}, partitions: [month]}
  trips: {format: csv}
  rides: {format: csv, partitions: [day]}
"""


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    """With a bucket and a declared table, empty but for one file and its partition."""
    s3, glue = aws("s3"), aws("glue")
    if BUCKET not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=BUCKET)
        glue.create_database(DatabaseInput={"Name": "oven_local_raw"})
        storage = {"Columns": [{"Name": "rate", "Type": "double"}], "Location": f"s3://{BUCKET}/rates/"}
        table = {"Name": "rates", "StorageDescriptor": storage, "PartitionKeys": [{"Name": "month", "Type": "string"}]}
        glue.create_table(DatabaseName="oven_local_raw", TableInput=table)
        partition = {"Values": ["1"], "StorageDescriptor": storage}
        glue.create_partition(DatabaseName="oven_local_raw", TableName="rates", PartitionInput=partition)
    s3.put_object(Bucket=BUCKET, Key="rates/month=1/a.csv", Body=b"1\n")
    return s3


def keys(s3: Any) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_a_dry_run_shows_uploads_without_making_them(s3: Any, prompt: Callable[..., Prompt], tmp_path: Path) -> None:
    for month in "12":
        (tmp_path / f"rates/month={month}").mkdir(parents=True)
        (tmp_path / f"rates/month={month}/a.csv").write_text("2\n")
    at = prompt("oven", DATASETS)

    output = at.lake("put", "rates", str(tmp_path / "rates"), "--dry-run", "--json").json
    shown = at.lake("put", "rates", str(tmp_path / "rates"), "--dry-run").out

    assert output["objects"] == [
        {"key": "rates/month=1/a.csv", "bytes": 2, "overwrites": True},
        {"key": "rates/month=2/a.csv", "bytes": 2, "overwrites": False},
    ]
    assert (output["files"], output["bytes"], output["overwrites"], output["new_partitions"]) == (2, 4, 1, 1)
    assert (
        f"2 files, 4 B would be uploaded to s3://{BUCKET}, 1 of them replacing existing files, 1 new partitions"
        in shown
    )
    assert keys(s3) == ["rates/month=1/a.csv"]
    assert s3.get_object(Bucket=BUCKET, Key="rates/month=1/a.csv")["Body"].read() == b"1\n"


def test_a_dry_run_counts_new_partition_folders(s3: Any, prompt: Callable[..., Prompt], tmp_path: Path) -> None:
    for day in "12":
        (tmp_path / f"rides/day={day}").mkdir(parents=True)
        (tmp_path / f"rides/day={day}/b.csv").write_text("2\n")
    at = prompt("oven", DATASETS)
    at.lake("put", "rides", str(tmp_path / "rides"))
    (tmp_path / "rides/day=3").mkdir()
    (tmp_path / "rides/day=3/a.csv").write_text("3\n")

    shown = at.lake("put", "rides", str(tmp_path / "rides"), "--dry-run", "--json").json

    assert (shown["files"], shown["overwrites"], shown["new_partitions"]) == (3, 2, 1)
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": f"rides/day={day}/b.csv"} for day in "12"]})


def test_bad_files_are_listed_and_nothing_is_uploaded(s3: Any, prompt: Callable[..., Prompt], tmp_path: Path) -> None:
    (tmp_path / "trips").mkdir()
    (tmp_path / "trips/good.csv").write_text("a\n1\n")
    for number in range(12):
        (tmp_path / f"trips/{number:02}.csv").write_bytes(PARQUET)

    shown = prompt("oven", DATASETS).lake("put", "trips", str(tmp_path / "trips"))

    lines = shown.err.splitlines()
    assert (shown.code, lines[0]) == (2, "12 files do not fit the dataset's format, csv. Nothing is uploaded:")
    assert lines[10:] == [f"  {tmp_path}/trips/09.csv: it is Parquet", "  and 2 more"]
    assert keys(s3) == ["rates/month=1/a.csv"]
