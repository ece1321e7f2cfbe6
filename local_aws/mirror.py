"""S3 objects as files: what DuckDB and Spark read is a copy that follows the bucket."""

from __future__ import annotations

import os
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.store import Store

_THREADS = 8


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
    """Keeps `root/<bucket>/<key>` equal to the bucket: only objects whose ETag changed are fetched again."""

    def __init__(self, s3: Any, root: Path, store: Store) -> None:
        self._s3 = s3
        self._root = root
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
            stale = [file for file in files if known.get(file.key) != file.etag or not file.path.exists()]
            with ThreadPoolExecutor(_THREADS) as pool:
                list(pool.map(self._fetch, stale))
            gone = self._vanished(bucket, prefix, known, listed)
            self._remember(bucket, {file.key: file.etag for file in stale}, gone)
        return files

    def adopt(self, bucket: str, files: Mapping[str, Path]) -> None:
        """Upload local files by key, in this order; links to them are this mirror's copies: none is fetched again."""
        with ThreadPoolExecutor(_THREADS) as pool:
            tags = list(pool.map(lambda key: self._upload(bucket, key, files[key]), files))
        with self._locks[bucket]:
            for key, path in files.items():
                _link(path, self.folder(bucket) / key)
            self._remember(bucket, dict(zip(files, tags, strict=True)), set())

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

    def _upload(self, bucket: str, key: str, path: Path) -> str:
        with path.open("rb") as body:
            return str(self._s3.put_object(Bucket=bucket, Key=key, Body=body)["ETag"]).strip('"')

    def _remember(self, bucket: str, tags: dict[str, str], gone: set[str]) -> None:
        if tags or gone:
            known = (self._store.get("mirror", bucket) or {}) | tags
            self._store.put("mirror", bucket, {key: tag for key, tag in known.items() if key not in gone})

    def _file(self, bucket: str, entry: dict[str, Any]) -> S3File:
        key = entry["Key"]
        return S3File(bucket, key, self.folder(bucket) / key, entry["Size"], entry["ETag"].strip('"'))

    def _fetch(self, file: S3File) -> None:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        partial = file.path.with_name(f".{file.path.name}.partial")
        # One request an object; `download_file` asks for the head first: twice the time for many small ones.
        with partial.open("wb") as copy:
            shutil.copyfileobj(self._s3.get_object(Bucket=file.bucket, Key=file.key)["Body"], copy)
        partial.replace(file.path)

    def _vanished(self, bucket: str, prefix: str, known: dict[str, str], listed: Sequence[S3File]) -> set[str]:
        there = {file.key for file in listed}
        gone = {key for key in known if key.startswith(prefix) and key not in there}
        for key in gone:
            (self.folder(bucket) / key).unlink(missing_ok=True)
        return gone


def _link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    os.link(path, partial)
    partial.replace(target)
    # A rename onto another link to the same file does nothing at all.
    partial.unlink(missing_ok=True)
