"""Every bucket as a folder for one job run: synced in before it, and out as it goes on and when it has ended."""

from __future__ import annotations

import os
import threading
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from local_aws.context import Context

_OF_HADOOP = "_temporary"


@dataclass(frozen=True)
class _Seen:
    """What tells one version of a file from the next."""

    size: int
    modified: int
    inode: int


class BucketFolders:
    """Folders `root/<bucket>/<key>` that start as the buckets are and are a run's own to change.

    The files are hard links to the mirror's, so 10,000 objects cost no copy.
    As on AWS, what a run wrote is in S3 however the run ends: `publish` is called for failed and killed runs too.
    """

    def __init__(self, context: Context, root: Path) -> None:
        self._context = context
        self._root = root
        self._before: dict[str, dict[str, _Seen]] = {}
        self._lock = threading.Lock()

    def fill(self) -> dict[str, Path]:
        """Fetch what changed in any bucket. Returns the folder of every bucket."""
        buckets = [entry["Name"] for entry in self._context.client("s3").list_buckets()["Buckets"]]
        for bucket in buckets:
            self._link(bucket)
            self._before[bucket] = dict(_files(self._root / bucket))
        return {bucket: self._root / bucket for bucket in buckets}

    def publish(self, buckets: Container[str] | None = None) -> None:
        """Upload what is new or changed since the last time, in all buckets or only these, in the order it was written.

        What was deleted here is deleted from S3.
        """
        with self._lock:
            for bucket in self._before:
                if buckets is None or bucket in buckets:
                    self._publish(bucket)

    def _publish(self, bucket: str) -> None:
        folder, before = self._root / bucket, self._before[bucket]
        after = dict(_files(folder))
        fresh = sorted((key for key in after if after[key] != before.get(key)), key=lambda key: after[key].modified)
        self._context.mirror.adopt(bucket, {key: folder / key for key in fresh})
        self._context.mirror.delete(bucket, before.keys() - after.keys())
        self._before[bucket] = after

    def release(self) -> None:
        """Drop the mirror's copies that a run overwrote in place: they share an inode with its own."""
        for bucket, before in self._before.items():
            for key, seen in _files(self._root / bucket):
                if key in before and seen != before[key] and seen.inode == before[key].inode:
                    (self._context.mirror.folder(bucket) / key).unlink(missing_ok=True)

    def _link(self, bucket: str) -> None:
        folder = self._root / bucket
        folder.mkdir(parents=True)
        for file in self._context.mirror.pull(bucket):
            link = folder / file.key
            if not link.parent.is_dir():
                link.parent.mkdir(parents=True)
            os.link(file.path, link)


def _files(folder: Path, prefix: str = "") -> Iterator[tuple[str, _Seen]]:
    """The files that count as objects, by key: no checksums of Hadoop, no leftovers of a failed attempt."""
    with os.scandir(folder) as entries:
        for entry in entries:
            key = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name != _OF_HADOOP:
                    yield from _files(Path(entry.path), f"{key}/")
            elif entry.is_file(follow_symlinks=False) and not (
                entry.name.startswith(".") and entry.name.endswith(".crc")
            ):
                stat = entry.stat()
                yield key, _Seen(stat.st_size, stat.st_mtime_ns, stat.st_ino)
