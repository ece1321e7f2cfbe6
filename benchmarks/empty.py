"""Emptying a bucket of 100,000 objects with versions: calls side by side, against one after the other.

`python -m benchmarks.empty` takes two minutes. S3 is stood in for by what it keeps in memory, with the time that its
answers take: a page of a listing and a deletion of 1,000 versions. So it measures how the calls are arranged, and
neither AWS nor the embedded AWS, whose one thread removes files of the disk whatever the client does.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from lake.data import zones

VERSIONS = 2
PAGE = 1000
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


def one_after_the_other(s3: S3) -> None:
    """As it was: a page is listed, then deleted, then the next."""
    for page in s3.paginate():
        objects = [{"Key": found["Key"], "VersionId": found["VersionId"]} for found in page["Versions"]]
        s3.delete_objects(Bucket="b", Delete={"Objects": objects, "Quiet": True})


def side_by_side(s3: S3) -> None:
    zones.empty(SimpleNamespace(s3=s3), "b")  # type: ignore[arg-type]


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.empty")
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--list-seconds", type=float, default=0.1)
    parser.add_argument("--delete-seconds", type=float, default=0.4)
    options = parser.parse_args()

    def taken(empty: Callable[[S3], None]) -> float:
        s3 = S3(options.objects, options.list_seconds, options.delete_seconds)
        begun = time.monotonic()
        empty(s3)
        assert not s3.left
        return time.monotonic() - begun

    before, now = taken(one_after_the_other), taken(side_by_side)
    versions = options.objects * VERSIONS
    print(
        f"{versions:,} versions of {options.objects:,} objects: {before:.0f} s one after the other, "
        f"{now:.0f} s side by side"
    )
    print(f"ratio {now / before:.2f}, target {TARGET}")
    return int(now / before > TARGET)


if __name__ == "__main__":
    sys.exit(main())
