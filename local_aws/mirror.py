"""S3 objects as files: what DuckDB and Spark read is a copy that follows the bucket."""

from __future__ import annotations

import os
import shutil
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.store import Store

_THREADS = 8

_Note = list[str | int]
"""Of a copy: the object's ETag, and the size and time of the file."""


@dataclass(frozen=True)
class S3File:
    """An S3 object and the local file that holds its bytes. `size` is in bytes."""

    bucket: str
    key: str
    path: Path
    size: int
    etag: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/some/prefix/` as `("bucket", "some/prefix/")`; `s3a://` as well."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


class Mirror:
    """Keeps `root/<bucket>/<key>` equal to the bucket: only objects whose ETag changed are fetched again.

    A copy counts only as long as it is the very file that was noted with its ETag. One that a job wrote to in place, or
    that came to its place just before a crash, is fetched again.
    """

    def __init__(self, s3: Any, root: Path, store: Store) -> None:
        self._s3 = s3
        self._root = root
        # Here a copy is made, and then moved to its place; what a crash left behind is of no use.
        self._unfinished = root / ".unfinished"
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self._store = store
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def folder(self, bucket: str) -> Path:
        return self._root / bucket

    def list(self, bucket: str, prefix: str = "") -> list[S3File]:
        """The objects under a prefix in key order, none fetched. Folder markers (`key/`) are left out."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        objects = (entry for page in pages for entry in page.get("Contents", []))
        return [self._file(bucket, entry) for entry in objects if not entry["Key"].endswith("/")]

    def pull(
        self, bucket: str, prefix: str = "", wanted: Callable[[S3File], bool] = lambda file: True
    ) -> Sequence[S3File]:
        """Fetch what changed under a prefix and drop the copies of objects that are gone.

        Returns:
            The objects that `wanted` accepts, in key order; only their files are sure to be there.
        """
        with self._locks[bucket]:
            listed = self.list(bucket, prefix)
            files = [file for file in listed if wanted(file)]
            known = self._store.get("mirror", bucket) or {}
            stale = [file for file in files if known.get(file.key) != [file.etag, *_seen(file.path)]]
            with ThreadPoolExecutor(_THREADS) as pool:
                notes = list(pool.map(self._fetch, stale))
            gone = self._vanished(bucket, prefix, known, listed)
            self._remember(bucket, dict(zip((file.key for file in stale), notes, strict=True)), gone)
        return files

    def adopt(self, bucket: str, files: Mapping[str, Path]) -> None:
        """Upload local files by key, in this order; links to them are this mirror's copies: none is fetched again."""
        with ThreadPoolExecutor(_THREADS) as pool:
            notes = list(pool.map(lambda key: self._upload(bucket, key, files[key]), files))
        with self._locks[bucket]:
            for key, path in files.items():
                self._link(path, self.folder(bucket) / key)
            self._remember(bucket, dict(zip(files, notes, strict=True)), set())

    def delete(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete objects, and this mirror's copies of them."""
        gone = set(keys)
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(lambda key: self._s3.delete_object(Bucket=bucket, Key=key), gone))
        with self._locks[bucket]:
            for key in gone:
                (self.folder(bucket) / key).unlink(missing_ok=True)
            self._remember(bucket, {}, gone)

    def forget(self, bucket: str) -> None:
        """Drop every copy of a bucket's objects."""
        with self._locks[bucket]:
            shutil.rmtree(self.folder(bucket), ignore_errors=True)
            self._store.delete("mirror", bucket)

    def _upload(self, bucket: str, key: str, path: Path) -> _Note:
        # Noted as it was before: if a job goes on writing to it, it is no copy of what was uploaded.
        seen = _seen(path)
        with path.open("rb") as body:
            return [_etag(self._s3.put_object(Bucket=bucket, Key=key, Body=body)), *seen]

    def _remember(self, bucket: str, notes: Mapping[str, _Note], gone: set[str]) -> None:
        if notes or gone:
            known = {**(self._store.get("mirror", bucket) or {}), **notes}
            self._store.put("mirror", bucket, {key: note for key, note in known.items() if key not in gone})

    def _file(self, bucket: str, entry: dict[str, Any]) -> S3File:
        key = entry["Key"]
        return S3File(bucket, key, self.folder(bucket) / key, entry["Size"], _etag(entry))

    def _fetch(self, file: S3File) -> _Note:
        partial = self._new_file()
        # One request an object; `download_file` asks for the head first: twice the time for many small ones.
        answer = self._s3.get_object(Bucket=file.bucket, Key=file.key)
        with partial.open("xb") as copy:
            shutil.copyfileobj(answer["Body"], copy)
        file.path.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(file.path)
        return [_etag(answer), *_seen(file.path)]

    def _link(self, path: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = self._new_file()
        os.link(path, partial)
        partial.replace(target)
        # A rename onto another link to the same file does nothing at all.
        partial.unlink(missing_ok=True)

    def _new_file(self) -> Path:
        self._unfinished.mkdir(parents=True, exist_ok=True)
        return self._unfinished / uuid.uuid4().hex

    def _vanished(self, bucket: str, prefix: str, known: Mapping[str, Any], listed: Sequence[S3File]) -> set[str]:
        there = {file.key for file in listed}
        gone = {key for key in known if key.startswith(prefix) and key not in there}
        for key in gone:
            (self.folder(bucket) / key).unlink(missing_ok=True)
        return gone


def _seen(path: Path) -> list[int]:
    """What tells a file from what it was before: its size (bytes) and time (ns); empty where it is not there."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [found.st_size, found.st_mtime_ns]


def _etag(answer: Mapping[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')
