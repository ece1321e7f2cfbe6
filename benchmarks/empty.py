"""Emptying a bucket of 100,000 objects with versions: calls side by side, against one after the other.

`python -m benchmarks.empty` takes two minutes. S3 is stood in for by what it keeps in memory, with the time that its
answers take: a page of a listing and a deletion of 1,000 versions. So it measures how the calls are arranged, and
neither AWS nor the embedded AWS, whose one thread removes files whatever the client does. `--embedded` shows
that: it fills a bucket of an embedded AWS twice, with `--objects` of them, and empties it in both ways.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lake.data import zones
from tests.embedded import client
from tests.local_aws.conftest import free_port, started, stopped

VERSIONS = 2
PAGE = 1000
BUCKET = "emptied"
TARGET = 0.5


class S3:
    """Keys with two versions each. `list_seconds` and `delete_seconds` are those of an answer."""

    def __init__(self, objects: int, list_seconds: float, delete_seconds: float) -> None:
        self.left = {(f"year=2026/{number:06}.json", str(v)) for number in range(objects) for v in range(VERSIONS)}
        self._list_seconds, self._delete_seconds = list_seconds, delete_seconds
        self._lock = threading.Lock()

    def get_paginator(self, _: str) -> S3:
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        versions = sorted(self.left)
        for start in range(0, len(versions), PAGE):
            time.sleep(self._list_seconds)
            page = versions[start : start + PAGE]
            yield {"Versions": [{"Key": key, "VersionId": id_, "IsLatest": True, "Size": 1} for key, id_ in page]}

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        time.sleep(self._delete_seconds)
        with self._lock:
            self.left -= {(each["Key"], each["VersionId"]) for each in Delete["Objects"]}
        return {}


def one_after_the_other(s3: Any) -> None:
    """As it was: a page is listed, then deleted, then the next."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
        objects = [{"Key": found["Key"], "VersionId": found["VersionId"]} for found in page["Versions"]]
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects, "Quiet": True})


def side_by_side(s3: Any) -> None:
    zones.empty(SimpleNamespace(s3=s3), BUCKET)  # type: ignore[arg-type]


@contextmanager
def embedded() -> Iterator[Any]:
    """A client of an embedded AWS with a bucket that keeps versions."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = started(port, Path(folder) / "aws")
        try:
            s3 = client("s3", f"http://127.0.0.1:{port}")
            s3.create_bucket(Bucket=BUCKET)
            s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
            yield s3
        finally:
            stopped(process)


def filled(s3: Any, objects: int) -> None:
    keys = [f"year=2026/{number:06}.json" for number in range(objects)] * VERSIONS
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=BUCKET, Key=key, Body=b"1"), keys))


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.empty")
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--list-seconds", type=float, default=0.1)
    parser.add_argument("--delete-seconds", type=float, default=0.4)
    parser.add_argument("--embedded", action="store_true", help="of an embedded AWS, in the place of the stand-in")
    options = parser.parse_args()
    if options.embedded:
        with embedded() as s3:
            before, now = (_of_embedded(s3, options.objects, empty) for empty in (one_after_the_other, side_by_side))
    else:
        times = options.objects, options.list_seconds, options.delete_seconds
        before, now = (_of_stand_in(S3(*times), empty) for empty in (one_after_the_other, side_by_side))
    versions = options.objects * VERSIONS
    print(
        f"{versions:,} versions of {options.objects:,} objects: {before:.0f} s one after the other, "
        f"{now:.0f} s side by side"
    )
    print(f"ratio {now / before:.2f}, target {TARGET}")
    return int(now / before > TARGET)


def _of_stand_in(s3: S3, empty: Callable[[Any], None]) -> float:
    taken = _seconds(s3, empty)
    assert not s3.left
    return taken


def _of_embedded(s3: Any, objects: int, empty: Callable[[Any], None]) -> float:
    filled(s3, objects)
    taken = _seconds(s3, empty)
    assert "Versions" not in s3.list_object_versions(Bucket=BUCKET)
    return taken


def _seconds(s3: Any, empty: Callable[[Any], None]) -> float:
    begun = time.monotonic()
    empty(s3)
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())
