"""Versions of objects take disk, not memory. The emulator alone has no disk, so it is not asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.embedded import at, client
from tests.local_aws.conftest import free_port, started, stopped

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
