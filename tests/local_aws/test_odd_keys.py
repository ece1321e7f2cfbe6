"""A bucket with 60 unusual keys: they can be read back, and everything beside them keeps working."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from lake.aws import Aws
from lake.data import zones
from local_aws.context import Context
from tests import embedded
from tests.local_aws.conftest import free_port, started, stopped, until
from tests.local_aws.jobs.conftest import Lab
from tests.local_aws.odd_keys import KEYS

GOOD = "good/part=2/a.json"
ROWS = b'{"id": 1, "name": "x"}\n{"id": 2, "name": "y"}\n'


def _body(key: str) -> bytes:
    return b'{"id": 3, "key": "' + quote(key).encode() + b'"}\n'


@pytest.fixture(scope="module")
def bucket(aws: Callable[[str], Any]) -> Iterator[str]:
    """Its odd objects contain JSON too: a crawler can read those that are not hidden files."""
    name, s3 = "odd-keys", aws("s3")
    s3.create_bucket(Bucket=name)
    for key in KEYS:
        s3.put_object(Bucket=name, Key=key, Body=_body(key))
    s3.put_object(Bucket=name, Key=GOOD, Body=ROWS)
    s3.create_bucket(Bucket="odd-results")
    yield name


def _listed(s3: Any, bucket: str, what: str = "list_objects_v2", of: str = "Contents") -> set[str]:
    pages = s3.get_paginator(what).paginate(Bucket=bucket, PaginationConfig={"PageSize": 7})
    return {entry["Key"] for page in pages for entry in page.get(of, [])}


def _assert_all_there(s3: Any, bucket: str, keys: set[str]) -> None:
    assert _listed(s3, bucket) == _listed(s3, bucket, "list_object_versions", "Versions") == keys
    for key in KEYS:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == _body(key), ascii(key)


def test_every_key_is_listed_and_read_back(aws: Callable[[str], Any], bucket: str) -> None:
    _assert_all_there(aws("s3"), bucket, {*KEYS, GOOD})


def test_every_key_survives_a_kill(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "aws"
    process = started(port, folder)
    s3 = embedded.client("s3", embedded.at(port, folder))
    s3.create_bucket(Bucket="killed")
    for key in KEYS:
        s3.put_object(Bucket="killed", Key=key, Body=_body(key))
    process.kill()
    process.wait()
    process = started(port, folder)
    _assert_all_there(s3, "killed", set(KEYS))
    stopped(process)


def test_a_key_of_more_than_1024_bytes_is_refused_as_by_s3(aws: Callable[[str], Any], bucket: str) -> None:
    with pytest.raises(ClientError, match=r"KeyTooLongError.*Your key is too long"):
        aws("s3").put_object(Bucket=bucket, Key="é" * 512 + "x", Body=b"")
    assert _listed(aws("s3"), bucket) == {*KEYS, GOOD}


def test_every_object_has_a_copy_of_its_own(endpoint: str, tmp_path: Path, bucket: str) -> None:
    context = Context.at(endpoint, tmp_path, embedded.keys_of(endpoint))
    pulled = context.mirror.pull(bucket)
    assert {file.key: file.path.read_bytes() for file in pulled} == {
        **{key: _body(key) for key in KEYS if not key.endswith("/")},
        GOOD: ROWS,
    }
    assert len({file.path for file in pulled}) == len(pulled)
    assert all(file.path.resolve().is_relative_to(context.mirror.folder(bucket)) for file in pulled)
    context.mirror.forget(bucket)
    assert not [path for path in context.mirror.folder(bucket).rglob("*") if path.is_file()]


@pytest.mark.spark
def test_a_spark_job_beside_odd_keys_succeeds_and_names_the_unseen_ones(aws: Callable[[str], Any], bucket: str) -> None:
    aws("s3").create_bucket(Bucket="odd-lab")
    lab = Lab(aws, "odd-lab")
    run = lab.run(
        f"""
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.getOrCreate()
        rows = spark.read.json("s3://{bucket}/good/")
        rows.coalesce(1).write.mode("overwrite").json("s3://{bucket}/out/")
        every = spark.read.option("recursiveFileLookup", True).text("s3://{bucket}/*")
        print("rows", rows.count(), "every", every.count())
        """,
        kind="glueetl",
    )
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    s3 = aws("s3")
    written = {key for key in _listed(s3, bucket) if key.startswith("out/")}
    assert len([key for key in written if key.endswith(".json")]) == 1
    unseen = [line for line in lab.lines(run, "error") if line.startswith("Spark does not see")]
    assert len(unseen) == len(set(unseen))
    assert f"Spark does not see s3://{bucket}/a//b: its key cannot be a path of files" in unseen
    assert f"Spark does not see s3://{bucket}/nul%00byte: its key cannot be a path of files" in unseen
    assert not [line for line in unseen if "good/" in line and "part=1" not in line]
    for key in written:
        s3.delete_object(Bucket=bucket, Key=key)
    _assert_all_there(s3, bucket, {*KEYS, GOOD})


def _crawled(aws: Callable[[str], Any], bucket: str, prefix: str) -> list[dict[str, Any]]:
    glue, name = aws("glue"), f"odd-{prefix.strip('/') or 'all'}".replace("/", "-")
    glue.create_database(DatabaseInput={"Name": name})
    target = {"Path": f"s3://{bucket}/{prefix}"}
    glue.create_crawler(Name=name, Role="role", DatabaseName=name, Targets={"S3Targets": [target]})
    glue.start_crawler(Name=name)
    until(lambda: glue.get_crawler(Name=name)["Crawler"]["State"] == "READY")
    last = glue.get_crawler(Name=name)["Crawler"]["LastCrawl"]
    assert last["Status"] == "SUCCEEDED", last
    tables: list[dict[str, Any]] = glue.get_tables(DatabaseName=name)["TableList"]
    return tables


def _answer(aws: Callable[[str], Any], database: str, sql: str) -> list[list[str]]:
    athena = aws("athena")
    execution = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": database},
        ResultConfiguration={"OutputLocation": "s3://odd-results/"},
    )["QueryExecutionId"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.05)
    assert status["State"] == "SUCCEEDED", status
    rows = athena.get_query_results(QueryExecutionId=execution)["ResultSet"]["Rows"]
    return [[value.get("VarCharValue", "") for value in row["Data"]] for row in rows[1:]]


def test_crawls_of_and_beside_odd_keys_succeed(aws: Callable[[str], Any], bucket: str) -> None:
    assert _crawled(aws, bucket, "")
    (table,) = _crawled(aws, bucket, "good/")
    # The object `good/part=1` is next to the partition folders: the table has no row of it.
    assert _answer(aws, "odd-good", f'SELECT count(*) FROM "{table["Name"]}"') == [["2"]]


def test_a_tables_object_with_an_odd_key_is_read_like_any_file(aws: Callable[[str], Any], bucket: str) -> None:
    names = (
        "*.json",
        "ab.json",
        "a//b.json",
        "n" * 240 + ".json",
        "q?[1]{2}.json",
        "caf\u00e9.json",
        "cafe\u0301.json",
    )
    s3 = aws("s3")
    s3.create_bucket(Bucket="odd-table")
    for name in names:
        s3.put_object(Bucket="odd-table", Key=f"t/{name}", Body=b'{"id": 1}\n')
    (table,) = _crawled(aws, "odd-table", "t/")
    found = _answer(aws, "odd-t", f'SELECT "$path", sum(id) FROM "{table["Name"]}" GROUP BY 1')
    assert sorted(found) == sorted([f"s3://odd-table/t/{name}", "1"] for name in names)


def test_the_bucket_can_be_emptied_and_deleted(aws: Callable[[str], Any], bucket: str) -> None:
    """Runs last: it deletes the bucket of this module."""
    s3 = aws("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in KEYS[:20]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"anew")
        s3.delete_object(Bucket=bucket, Key=key)
    lake = cast("Aws", type("Login", (), {"s3": s3})())
    assert zones.empty(lake, bucket) == len(KEYS) + 1 + 40
    s3.delete_bucket(Bucket=bucket)
