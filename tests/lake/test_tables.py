"""`lake tables` and `lake rm`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.lake.commands import Prompt

DATASETS = """
datasets:
  rates: {format: csv, catalog: declared, columns: {rate: double}, partitions: [month]}
  trips: {format: csv}
  reports: {zone: curated, format: json}
"""
BUCKET = "mint-local-raw-000000000000"
ROWS = b"1.5\n2.5\n"
TABLES = ("rates", "a_view")


@pytest.fixture
def files(aws: Callable[[str], Any]) -> Any:
    """S3, with a bucket that keeps versions: a declared table of months 1 and 10, month 2 that nobody registered."""
    s3, glue = aws("s3"), aws("glue")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for key in ("month=1/a.csv", "month=1/b.csv", "month=10/a.csv", "month=2/a.csv", "month=1/_hidden"):
        s3.put_object(Bucket=BUCKET, Key=f"rates/{key}", Body=ROWS)
    s3.put_object(Bucket=BUCKET, Key="rates/month=1/a.csv", Body=ROWS)
    glue.create_database(DatabaseInput={"Name": "mint_local_raw"})
    storage = {"Columns": [{"Name": "rate", "Type": "double"}], "Location": f"s3://{BUCKET}/rates/"}
    table = {"StorageDescriptor": storage, "Parameters": {"classification": "csv"}, "TableType": "EXTERNAL_TABLE"}
    keys = [{"Name": "month", "Type": "string"}]
    glue.create_table(DatabaseName="mint_local_raw", TableInput=table | {"Name": "rates", "PartitionKeys": keys})
    view = {"Name": "a_view", "TableType": "VIRTUAL_VIEW", "StorageDescriptor": {"Columns": []}}
    glue.create_table(DatabaseName="mint_local_raw", TableInput=view)
    for month in ("1", "10"):
        place = {**storage, "Location": f"s3://{BUCKET}/rates/month={month}"}
        partition = {"Values": [month], "StorageDescriptor": place}
        glue.create_partition(DatabaseName="mint_local_raw", TableName="rates", PartitionInput=partition)
    yield s3
    for name in TABLES:
        glue.delete_table(DatabaseName="mint_local_raw", Name=name)
    glue.delete_database(Name="mint_local_raw")
    for version in _versions(s3):
        s3.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=BUCKET)


def _versions(s3: Any) -> list[Any]:
    answer = s3.list_object_versions(Bucket=BUCKET)
    return [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]


def keys(s3: Any) -> list[str]:
    return [each["Key"].removeprefix("rates/") for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_a_table_counts_the_files_that_a_query_reads(files: Any, prompt: Callable[..., Prompt]) -> None:
    view, rates = prompt("mint", DATASETS).lake("tables", "--json").json

    assert {name: rates[name] for name in ("name", "database", "format", "files", "bytes", "partitions")} == {
        "name": "rates",
        "database": "raw",
        "format": "csv",
        "files": 3,
        "bytes": 3 * len(ROWS),
        "partitions": ["month=1", "month=10"],
    }
    assert (rates["columns"], rates["keys"]) == ({"rate": "double"}, {"month": "string"})
    assert (view["name"], view["format"], view["files"]) == ("a_view", "view", None)


def test_tables_shows_all_tables_or_one_with_its_columns(files: Any, prompt: Callable[..., Prompt]) -> None:
    at = prompt("mint", DATASETS)

    assert "rates" in at.lake("tables").out and "24 B" in at.lake("tables").out
    shown = at.lake("tables", "raw.rates").out
    for words in ("month=1, month=10", "double", "string (partition key)", f"s3://{BUCKET}/rates/"):
        assert words in shown
    unknown = at.lake("tables", "rate")
    assert (unknown.code, unknown.err.splitlines()) == (
        2,
        ["there is no table 'rate'. Allowed: raw.a_view, raw.rates. Did you mean 'raw.rates'?"],
    )


def test_missing_databases_are_reported_with_the_command_that_deploys_them(prompt: Callable[..., Prompt]) -> None:
    shown = prompt("nomint", DATASETS).lake("tables")

    assert (shown.code, "`lake up catalog`" in shown.err) == (1, True)


def test_rm_deletes_a_folder_with_versions_and_partition_but_no_neighbour(
    files: Any, prompt: Callable[..., Prompt], aws: Callable[[str], Any]
) -> None:
    done = prompt("mint", DATASETS).lake("rm", "rates/month=1", "--delete-data", "--json").json

    assert (done["files"], done["versions"], done["bytes"], done["dropped_partitions"]) == (3, 4, 3 * len(ROWS), 1)
    assert keys(files) == ["month=10/a.csv", "month=2/a.csv"]
    assert not [version for version in _versions(files) if version["Key"].startswith("rates/month=1/")]
    left = aws("glue").get_partitions(DatabaseName="mint_local_raw", TableName="rates")["Partitions"]
    assert [partition["Values"] for partition in left] == [["10"]]


def test_rm_of_one_file_keeps_a_partition_that_has_others(files: Any, prompt: Callable[..., Prompt]) -> None:
    done = prompt("mint", DATASETS).lake("rm", "rates/month=1/b.csv", "--delete-data", "--json").json

    assert (done["files"], done["dropped_partitions"]) == (1, 0)
    assert "month=1/b.csv" not in keys(files)


def test_rm_needs_two_confirmations(files: Any, prompt: Callable[..., Prompt]) -> None:
    without_word = prompt("mint", DATASETS).lake("rm", "rates/month=10")
    not_destroyable = prompt("mint", DATASETS, destroyable=False).lake("rm", "rates/month=10", "--delete-data")

    what = f"1 files (8 B; 1 versions) in s3://{BUCKET}/rates/month=10"
    assert (without_word.code, without_word.err.strip()) == (2, f"this deletes {what}. Confirm with --delete-data")
    assert not_destroyable.code == 2
    assert f"environments.local.destroyable is false, so {what} cannot be deleted" in not_destroyable.err
    assert "month=10/a.csv" in keys(files)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (
            "rates/month=3",
            f"there is nothing in s3://{BUCKET}/rates/month=3. There are rates/month=1/, rates/month=10/",
        ),
        ("rates/month=", "there is nothing in"),
        ("rates/../trips", "rates/../trips is not a path in rates"),
        ("rates//month=1", "is not a path in rates"),
        ("/rates", "there is no dataset ''"),
        ("trips", f"there is nothing in s3://{BUCKET}/trips. It is empty"),
        ("reports", "reports is in the curated zone"),
        ("nothing/a", "there is no dataset 'nothing'"),
    ],
)
def test_rm_refuses_paths_outside_of_datasets(
    files: Any, prompt: Callable[..., Prompt], target: str, expected: str
) -> None:
    shown = prompt("mint", DATASETS).lake("rm", target, "--delete-data")

    assert shown.code == 2 and expected in shown.err
    assert len(keys(files)) == 5
