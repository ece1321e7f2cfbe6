"""Every bucket as a folder for one job run: filled before the run, and uploaded during and after it."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from botocore.exceptions import ClientError

from local_aws.context import Context
from local_aws.mirror import S3File
from local_aws.places import HADOOP, key_at, places

_OF_HADOOP = "_temporary"
REFUSALS = ("AccessDenied", "InvalidObjectState")
_CHECKSUMS, _CHUNK = b"crc\0", 512
"""How a file of Hadoop's checksums begins, and how many bytes each is of. No chunk of zeros has the checksum zero."""


@dataclass(frozen=True)
class _Seen:
    """What distinguishes one version of a file from the next."""

    size: int
    modified: int
    inode: int


class BucketFolders:
    """Folders `root/<bucket>/<place of key>` that start with the buckets' contents and belong to the run.

    The files are hard links to the mirror's, so 10,000 objects cost no copy. One that a run overwrites in place is
    its own all the same: the mirror takes a file that has changed for no copy of its.
    As on AWS, what a run wrote is in S3 however the run ends: `publish` is called for failed and killed runs too.
    A bucket that the run may not list is not there, so Spark fails; in the place of an object that it may not read is
    a file whose checksum is wrong, so that reading it fails too.

    Args:
        context: finds the buckets.
        acting: the run's own.

    Attributes:
        unseen: URIs of the objects whose key cannot be a path, so that Spark does not see them.
    """

    def __init__(self, context: Context, acting: Context, root: Path) -> None:
        self._context = context
        self._mirror = acting.mirror
        self._root = root
        self._refused: dict[str, Callable[[], object]] = {}
        """The calls that are refused, by the place that Spark names when it misses what they would give."""
        self._before: dict[str, dict[str, _Seen]] = {}
        self.unseen: list[str] = []
        self._lock = threading.Lock()

    def fill(self) -> dict[str, Path]:
        """Fetch what changed in any bucket. Returns the folder of each bucket."""
        buckets = [entry["Name"] for entry in self._context.client("s3").list_buckets()["Buckets"]]
        for bucket in buckets:
            if self._mirror.why_unlistable(bucket):
                self._refused[f"//{bucket}"] = partial(self._mirror.list, bucket)
            else:
                self._link(bucket)
                self._before[bucket] = dict(_files(self._root / bucket))
        return {bucket: self._root / bucket for bucket in self._before}

    def refusal(self, error: str) -> str:
        """The refusal that a run met, `code: message`; empty where it met none. It counts as a call of the run."""
        met = [call for place, call in self._refused.items() if re.search(rf"{re.escape(place)}(?![\w.-])", error)]
        return next(filter(None, map(_refusal_of, met)), "")

    def publish(self, buckets: Container[str] | None = None) -> None:
        """Upload what is new or changed since the last time, in all buckets or only these, in the order it was written.

        What was deleted here is deleted from S3.

        Raises:
            ClientError: the run may not write to one of them. The others have what it wrote.
        """
        refused = list[ClientError]()
        with self._lock:
            for bucket in self._before:
                if buckets is None or bucket in buckets:
                    try:
                        self._publish(bucket)
                    except ClientError as error:
                        refused.append(error)
        if refused:
            raise refused[0]

    def _publish(self, bucket: str) -> None:
        folder, before = self._root / bucket, self._before[bucket]
        after = dict(_files(folder))
        fresh = sorted((path for path in after if after[path] != before.get(path)), key=lambda p: after[p].modified)
        self._mirror.adopt(bucket, {key_at(path): folder / path for path in fresh})
        self._mirror.delete(bucket, map(key_at, before.keys() - after.keys()))
        self._before[bucket] = after

    def _link(self, bucket: str) -> None:
        folder = self._root / bucket
        folder.mkdir(parents=True)
        closed: dict[str, S3File] = {}

        def is_open(file: S3File) -> bool:
            is_closed = file.is_archived or bool(self._mirror.why_unreadable(file))
            if is_closed:
                closed[file.key] = file
            return not is_closed

        files = self._mirror.pull(bucket, wanted=is_open)
        found = places([*(file.key for file in files), *closed], HADOOP)
        self.unseen += [f"s3://{bucket}/{key}" for key, place in found.items() if place != key]
        for file in files:
            os.link(file.path, _with_parents(folder / found[file.key]))
        for key, file in closed.items():
            bring = partial(_refuse_archived, file) if file.is_archived else partial(self._mirror.bring, bucket, [file])
            self._refused[str(folder / found[key])] = bring
            _spoil(_with_parents(folder / found[key]), file.size)


def _refuse_archived(file: S3File) -> None:
    message = f"The operation is not valid for the object's storage class: {file.uri} has to be restored first"
    raise ClientError({"Error": {"Code": "InvalidObjectState", "Message": message}}, "GetObject")


def _refusal_of(call: Callable[[], object]) -> str:
    """Why a call is refused; empty where it is not any more."""
    try:
        call()
    except ClientError as error:
        refused = error.response["Error"]
        return f"{refused['Code']}: {refused['Message']}" if refused["Code"] in REFUSALS else ""
    return ""


def _with_parents(path: Path) -> Path:
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    return path


def _spoil(path: Path, size: int) -> None:
    """A file of this many bytes that Hadoop refuses to read: it has the checksums of another."""
    with path.open("wb") as file:
        file.truncate(max(size, 1))
    with path.with_name(f".{path.name}.crc").open("wb") as sums:
        sums.write(_CHECKSUMS + _CHUNK.to_bytes(4))
        sums.truncate(len(_CHECKSUMS) + 4 + 4 * -(-max(size, 1) // _CHUNK))


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
