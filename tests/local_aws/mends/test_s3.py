"""Versions of objects take disk, not memory; lists and refusals of S3 are AWS's.

The emulator alone has no disk, so it is not asked about that.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.embedded import at, client
from tests.local_aws.conftest import free_port, started, stopped
from tests.local_aws.mends.conftest import Aws

MEGABYTE = 1024 * 1024


def versioned_bucket(s3: Any) -> str:
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    return "versioned"


def test_versions_of_objects_are_not_kept_in_memory(tmp_path: Path) -> None:
    port = free_port()
    endpoint = at(port, tmp_path / "aws")
    process = started(port, tmp_path / "aws")
    s3 = client("s3", endpoint)
    try:
        bucket, memory = versioned_bucket(s3), psutil.Process(process.pid).memory_info
        before = memory().rss
        for part in range(40):
            s3.put_object(Bucket=bucket, Key=f"{part % 20}", Body=os.urandom(4 * MEGABYTE))
        assert memory().rss - before < 60 * MEGABYTE
    finally:
        stopped(process)


@pytest.mark.parametrize("is_restarted", [False, True], ids=["at once", "after a restart"])
def test_every_version_is_read_and_comes_back_when_those_after_it_are_deleted(
    tmp_path: Path, is_restarted: bool
) -> None:
    port = free_port()
    endpoint = at(port, tmp_path / "aws")
    process = started(port, tmp_path / "aws")
    s3 = client("s3", endpoint)
    try:
        s3.create_bucket(Bucket="versioned")
        s3.put_object(Bucket="versioned", Key="k", Body=b"before versions")
        bucket = versioned_bucket(s3)
        ids = [s3.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] for body in (b"one", b"two", b"")]
        ids.append(s3.delete_object(Bucket=bucket, Key="k")["VersionId"])
        if is_restarted:
            stopped(process)
            process = started(port, tmp_path / "aws")
        seen = [s3.get_object(Bucket=bucket, Key="k", VersionId=each)["Body"].read() for each in ("null", *ids[:-1])]
        assert seen == [b"before versions", b"one", b"two", b""]
        for version, body in zip(reversed(ids), (b"", b"two", b"one", b"before versions"), strict=True):
            s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
            assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body
    finally:
        stopped(process)


@pytest.fixture
def bucket(side: Aws, name: str) -> str:
    made = name.replace("_", "-")
    side("s3").create_bucket(Bucket=made)
    return made


@pytest.mark.parametrize("size", [1, 2, 3])
def test_objects_without_versions_are_listed_once_in_pages_of_any_size(side: Aws, bucket: str, size: int) -> None:
    s3 = side("s3")
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=b"")
    found: list[str] = []
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
    for page, _ in zip(pages, range(10), strict=False):
        found += [version["Key"] for version in page["Versions"]]
    assert found == [f"k{number}" for number in range(5)]


def test_versions_of_one_object_are_listed_once_in_pages(endpoint: str, name: str) -> None:
    s3, made = client("s3", endpoint), name.replace("_", "-")
    s3.create_bucket(Bucket=made)
    s3.put_object(Bucket=made, Key="old", Body=b"")
    s3.put_bucket_versioning(Bucket=made, VersioningConfiguration={"Status": "Enabled"})
    put = [s3.put_object(Bucket=made, Key=key, Body=b"")["VersionId"] for key in ("new", "new", "old")]
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=made, PaginationConfig={"PageSize": 1})
    found = [(version["Key"], version["VersionId"]) for page in pages for version in page["Versions"]]
    assert found == [("new", put[1]), ("new", put[0]), ("old", put[2]), ("old", "null")]


@pytest.mark.parametrize(
    ("sizes", "order", "refusal"),
    [([1, 1], [1, 2], "EntityTooSmall"), ([5 * MEGABYTE, 1], [2, 1], "InvalidPartOrder")],
)
def test_parts_that_are_too_small_or_out_of_order_are_refused(
    side: Aws, bucket: str, sizes: list[int], order: list[int], refusal: str
) -> None:
    s3 = side("s3")
    place = {"Bucket": bucket, "Key": "parts"}
    place["UploadId"] = s3.create_multipart_upload(**place)["UploadId"]
    etags = {
        number: s3.upload_part(**place, PartNumber=number, Body=b"x" * size)["ETag"]
        for number, size in enumerate(sizes, 1)
    }
    parts = [{"PartNumber": number, "ETag": etags[number]} for number in order]
    with pytest.raises(ClientError, match=refusal):
        s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})


def test_parts_of_the_smallest_size_become_an_object(endpoint: str, name: str) -> None:
    s3, place = client("s3", endpoint), {"Bucket": name.replace("_", "-"), "Key": "parts"}
    s3.create_bucket(Bucket=place["Bucket"])
    upload = {**place, "UploadId": s3.create_multipart_upload(**place)["UploadId"]}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=b"x" * size)["ETag"]}
        for number, size in ((3, 5 * MEGABYTE), (7, 1))
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.head_object(**place)["ContentLength"] == 5 * MEGABYTE + 1


def test_a_copy_of_an_object_to_itself_that_changes_nothing_is_refused(side: Aws, bucket: str) -> None:
    s3, place = side("s3"), {"Bucket": bucket, "Key": "a b"}
    s3.put_object(**place, Body=b"1", Metadata={"a": "1"})
    source = {"CopySource": place}
    s3.copy_object(**place, **source, MetadataDirective="REPLACE", Metadata={"a": "2"})
    s3.copy_object(**place, **source, StorageClass="STANDARD_IA")
    s3.copy_object(Bucket=bucket, Key="other", **source)
    assert s3.head_object(**place)["Metadata"] == {"a": "2"}
    with pytest.raises(ClientError, match=r"InvalidRequest.* to itself without changing"):
        s3.copy_object(**place, **source)
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.copy_object(Bucket=bucket, Key="none", CopySource={"Bucket": bucket, "Key": "none"})
