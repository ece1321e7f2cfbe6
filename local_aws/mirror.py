"""S3 objects as files: DuckDB and Spark read copies that follow the bucket."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from local_aws.places import DUCKDB, places
from local_aws.store import Store

_THREADS = 8
_PARTIAL = ".partial"
"""Bucket names cannot contain it."""
_Note = dict[str, str | int]
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
"""Storage classes of S3 whose objects have to be restored before they are read."""
_IN_THE_WAY = (FileExistsError, NotADirectoryError, IsADirectoryError)


class Listed(NamedTuple):
    """An object as a listing has it. `size` is in bytes, `modified` in UTC."""

    key: str
    size: int
    etag: str
    modified: datetime
    storage_class: str = "STANDARD"


class Source(Protocol):
    """Where objects are read from."""

    def list(self, bucket: str, prefix: str) -> Iterable[Listed]: ...

    def fetch(self, bucket: str, files: Mapping[str, Path]) -> None: ...


@dataclass(frozen=True)
class S3File:
    """An S3 object and the local file that holds its bytes. `size` is in bytes, `modified` in UTC."""

    bucket: str
    key: str
    path: Path
    size: int
    etag: str
    modified: datetime
    is_archived: bool = False
    """Whether S3 gives it to nobody until it is restored."""

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def split_uri(uri: str) -> tuple[str, str]:
    """Split `s3://bucket/some/prefix/` into `("bucket", "some/prefix/")`; `s3a://` as well."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


class OverHttp:
    """Objects read by a boto3 client."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def list(self, bucket: str, prefix: str) -> Iterator[Listed]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                kind = entry.get("StorageClass", "STANDARD")
                yield Listed(entry["Key"], entry["Size"], entry["ETag"].strip('"'), entry["LastModified"], kind)

    def fetch(self, bucket: str, files: Mapping[str, Path]) -> None:
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(lambda key: self._fetch(bucket, key, files[key]), files))

    def _fetch(self, bucket: str, key: str, path: Path) -> None:
        # One request per object; `download_file` also sends a HEAD: twice the time for many small objects.
        with path.open("wb") as copy:
            shutil.copyfileobj(self._s3.get_object(Bucket=bucket, Key=key)["Body"], copy)


class Mirror:
    """Keeps `root/<bucket>/<place of key>` equal to the bucket: only objects with a changed ETag are fetched again.

    A copy is valid only as long as it is the very file that was recorded with its ETag. A file that a job changed in
    place, or that was moved into place just before a crash, is fetched again.
    """

    def __init__(self, s3: Any, root: Path, store: Store, source: Source | None = None) -> None:
        self._s3 = s3
        self._root = root
        self._store = store
        self._source = source or OverHttp(s3)
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._notes: dict[str, dict[str, _Note]] = {}
        self._numbers = itertools.count()
        shutil.rmtree(root / _PARTIAL, ignore_errors=True)

    def folder(self, bucket: str) -> Path:
        return self._root / bucket

    def list(self, bucket: str, prefix: str = "") -> list[S3File]:
        """Return the objects under a prefix in key order, without fetching. Folder markers (`key/`) are left out."""
        listed = [entry for entry in self._source.list(bucket, prefix) if not entry.key.endswith("/")]
        # A listing that includes `x` also includes `x/y`, so a key has the same place in all listings.
        found, home = places((entry.key for entry in listed), DUCKDB), self.folder(bucket)
        return [
            S3File(bucket, key, home / found[key], size, etag, modified, kind in _ARCHIVES)
            for key, size, etag, modified, kind in listed
        ]

    def pull(
        self, bucket: str, prefix: str = "", wanted: Callable[[S3File], bool] = lambda file: True
    ) -> Sequence[S3File]:
        """Fetch what changed under a prefix, and drop the copies of deleted objects.

        Returns:
            The objects that `wanted` accepts, in key order, without archived ones; only their files are guaranteed to
            exist.
        """
        with self._locks[bucket]:
            listed = self.list(bucket, prefix)
            files = [file for file in listed if wanted(file) and not file.is_archived]
            self._bring(bucket, files)
            listed_now = {file.key for file in listed}
            self._drop(bucket, [key for key in self._known(bucket) if key.startswith(prefix) and key not in listed_now])
        return files

    def why_unlistable(self, bucket: str) -> str:
        """Why whoever this mirror works for may not list a bucket; empty where they may. It counts as no call."""
        return ""

    def why_unreadable(self, file: S3File) -> str:
        """As `why_unlistable`, of reading an object."""
        return ""

    def bring(self, bucket: str, files: Sequence[S3File]) -> None:
        """Fetch what changed of files that were listed before."""
        with self._locks[bucket]:
            self._bring(bucket, files)

    def adopt(self, bucket: str, files: Mapping[str, Path]) -> None:
        """Upload local files by key, in this order. Links to them become this mirror's copies, so none is fetched."""
        with ThreadPoolExecutor(_THREADS) as pool:
            notes = list(pool.map(lambda key: self._upload(bucket, key, files[key]), files))
        found = places(files, DUCKDB)
        with self._locks[bucket]:
            for key, path in files.items():
                partial = self._partial()
                os.link(path, partial)
                _install(partial, self.folder(bucket) / found[key])
            self._remember(bucket, dict(zip(files, notes, strict=True)))

    def delete(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete objects and this mirror's copies of them."""
        deleted = set(keys)
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(lambda key: self._s3.delete_object(Bucket=bucket, Key=key), deleted))
        with self._locks[bucket]:
            self._drop(bucket, deleted)

    def forget(self, bucket: str) -> None:
        """Drop every copy of a bucket's objects."""
        with self._locks[bucket]:
            shutil.rmtree(self.folder(bucket), ignore_errors=True)
            self._notes.pop(bucket, None)
            self._store.drop(_collection(bucket))

    def _bring(self, bucket: str, files: Sequence[S3File]) -> None:
        known = self._known(bucket)
        stale = [file for file in files if known.get(file.key) != _note(file.etag, file.path)]
        if not stale:
            return
        partials = {file.key: self._partial() for file in stale}
        try:
            self._source.fetch(bucket, partials)
            for file in stale:
                _install(partials[file.key], file.path)
        finally:
            for partial in partials.values():
                partial.unlink(missing_ok=True)
        self._remember(bucket, {file.key: _note(file.etag, file.path) for file in stale})

    def _upload(self, bucket: str, key: str, path: Path) -> _Note:
        # Recorded before the upload: if a job then writes to the file, it is no longer a copy of the object.
        before = _note("", path)
        with path.open("rb") as body:
            etag = str(self._s3.put_object(Bucket=bucket, Key=key, Body=body)["ETag"]).strip('"')
        return before | {"ETag": etag}

    def _known(self, bucket: str) -> dict[str, _Note]:
        """Return the records of the copies that are complete and in place."""
        if bucket not in self._notes:
            self._notes[bucket] = self._store.all(_collection(bucket))
        return self._notes[bucket]

    def _remember(self, bucket: str, notes: Mapping[str, _Note]) -> None:
        self._store.put_all(_collection(bucket), notes)
        self._known(bucket).update(notes)

    def _drop(self, bucket: str, keys: Iterable[str]) -> None:
        dropped = list(keys)
        for key in dropped:
            # Its own place, and its place beside a folder of that name.
            for found in (places([key], DUCKDB), places([key, f"{key}/"], DUCKDB)):
                with suppress(*_IN_THE_WAY, FileNotFoundError, PermissionError):
                    (self.folder(bucket) / found[key]).unlink()
            self._known(bucket).pop(key, None)
        if dropped:
            self._store.delete_all(_collection(bucket), dropped)

    def _partial(self) -> Path:
        folder = self._root / _PARTIAL
        folder.mkdir(parents=True, exist_ok=True)
        return folder / str(next(self._numbers))


def _collection(bucket: str) -> str:
    return f"mirror/{bucket}"


def _note(etag: str, path: Path) -> _Note:
    """Return what identifies a copy: its ETag and, if it exists, its size (bytes) and time (ns)."""
    with suppress(OSError):
        found = path.stat()
        return {"ETag": etag, "Size": found.st_size, "Modified": found.st_mtime_ns}
    return {"ETag": etag}


def _install(partial: Path, target: Path) -> None:
    """Move a file into place, removing older copies in its way (`x` where `x/y` must go)."""
    try:
        _move(partial, target)
    except _IN_THE_WAY:
        if target.is_dir():
            shutil.rmtree(target)
        for folder in target.parents:
            if folder.is_file():
                folder.unlink()
        _move(partial, target)


def _move(partial: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial.replace(target)
    # A rename onto another link to the same file does nothing.
    partial.unlink(missing_ok=True)
