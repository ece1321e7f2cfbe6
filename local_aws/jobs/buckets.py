"""Every bucket as a folder for one job run: filled before the run, and uploaded during and after it."""

from __future__ import annotations

import os
import threading
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from local_aws.context import Context
from local_aws.places import HADOOP, key_at, places

_OF_HADOOP = "_temporary"


@dataclass(frozen=True)
class _Seen:
    """What distinguishes one version of a file from the next."""

    size: int
    modified: int
    inode: int


class BucketFolders:
    """Folders `root/<bucket>/<place of key>` that start with the buckets' contents and belong to the run.

    The files are hard links to the mirror's, so 10,000 objects need no copying. A run may still overwrite one in place:
    the mirror no longer treats a changed file as its copy.
    As on AWS, what a run wrote is in S3 however the run ends: `publish` also runs for failed and killed runs.

    Attributes:
        unseen: URIs of the objects whose key cannot be a path, so that Spark does not see them.
    """

    def __init__(self, context: Context, root: Path) -> None:
        self._context = context
        self._root = root
        self._before: dict[str, dict[str, _Seen]] = {}
        self.unseen: list[str] = []
        self._lock = threading.Lock()

    def fill(self) -> dict[str, Path]:
        """Fetch what changed in any bucket. Returns the folder of each bucket."""
        buckets = [entry["Name"] for entry in self._context.client("s3").list_buckets()["Buckets"]]
        for bucket in buckets:
            self._link(bucket)
            self._before[bucket] = dict(_files(self._root / bucket))
        return {bucket: self._root / bucket for bucket in buckets}

    def publish(self, buckets: Container[str] | None = None) -> None:
        """Upload what is new or changed since the last time, in all buckets or only these, in the order it was written.

        Files deleted here are deleted from S3.
        """
        with self._lock:
            for bucket in self._before:
                if buckets is None or bucket in buckets:
                    self._publish(bucket)

    def _publish(self, bucket: str) -> None:
        folder, before = self._root / bucket, self._before[bucket]
        after = dict(_files(folder))
        fresh = sorted((path for path in after if after[path] != before.get(path)), key=lambda p: after[p].modified)
        self._context.mirror.adopt(bucket, {key_at(path): folder / path for path in fresh})
        self._context.mirror.delete(bucket, map(key_at, before.keys() - after.keys()))
        self._before[bucket] = after

    def _link(self, bucket: str) -> None:
        folder = self._root / bucket
        folder.mkdir(parents=True)
        files = self._context.mirror.pull(bucket)
        found = places((file.key for file in files), HADOOP)
        self.unseen += [file.uri for file in files if found[file.key] != file.key]
        for file in files:
            link = folder / found[file.key]
            if not link.parent.is_dir():
                link.parent.mkdir(parents=True)
            os.link(file.path, link)


def _files(folder: Path, prefix: str = "") -> Iterator[tuple[str, _Seen]]:
    """Yield the files that become objects, by path: no Hadoop checksums, no leftovers of a failed attempt."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name != _OF_HADOOP:
                    yield from _files(Path(entry.path), f"{path}/")
            elif entry.is_file(follow_symlinks=False) and not (
                entry.name.startswith(".") and entry.name.endswith(".crc")
            ):
                stat = entry.stat()
                yield path, _Seen(stat.st_size, stat.st_mtime_ns, stat.st_ino)
