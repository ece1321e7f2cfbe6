"""Counts the rows of a stream's files in S3: from the footers of Parquet and ORC, and by the lines of JSON."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from lake.aws import THREADS, Aws
from lake.errors import LakeError

_FRAME, _CHECKSUM = 4, 4
"""Bytes of the head of a Snappy frame, and of the checksum after it."""
_COMPRESSED, _PLAIN = 0, 1
"""Kinds of Snappy frames with data."""


def in_files(aws: Aws, stream: str, since: float | None) -> tuple[int, int]:
    """The rows in the table's files that were written `since`, and how many files are older.

    Args:
        since: in seconds since 1970; None counts every file.

    Raises:
        LakeError: pyarrow is not installed.
    """
    delivery = aws.lake.config.streams[stream].delivery
    lines = partial(_in_lines, delivery.compressed)
    counts: dict[str, Callable[[Object], int]] = {"parquet": _in_parquet, "orc": _in_orc, "json": lines}
    files = [Object(aws, entry) for entry in _listed(aws, f"{stream}/")]
    newer = [file for file in files if file.is_from(since)]
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            return sum(pool.map(counts[delivery.format], newer)), len(files) - len(newer)
    except ImportError:
        raise LakeError("counting rows needs pyarrow, which is not installed: pip install pyarrow") from None


def with_errors(aws: Aws, stream: str, since: float | None) -> int:
    """The records under the error prefix that arrived `since`. Firehose writes one JSON line for each."""
    files = [Object(aws, entry) for entry in _listed(aws, f"_errors/{stream}/")]
    bodies = (file.body() for file in files if file.is_from(since))
    texts = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body for body in bodies)
    return sum(_has_arrived(line, since) for text in texts for line in text.splitlines())


def _has_arrived(line: bytes, since: float | None) -> bool:
    return since is None or json.loads(line).get("arrivalTimestamp", float("inf")) >= int(since * 1000)


def _listed(aws: Aws, prefix: str) -> Iterator[Any]:
    for page in aws.s3.get_paginator("list_objects_v2").paginate(Bucket=aws.names.bucket("raw"), Prefix=prefix):
        yield from (entry for entry in page.get("Contents", []) if entry["Size"])


class Object(io.RawIOBase):
    """An object of the raw zone as a file, of which only what is read is fetched."""

    def __init__(self, aws: Aws, entry: Any) -> None:
        self._get: Callable[..., Any] = partial(aws.s3.get_object, Bucket=aws.names.bucket("raw"), Key=entry["Key"])
        self._size, self._written, self._at = entry["Size"], entry["LastModified"], 0

    def is_from(self, since: float | None) -> bool:
        """Whether it was written since then. S3 gives whole seconds."""
        return since is None or self._written.timestamp() >= int(since)

    def body(self) -> bytes:
        return bytes(self._get()["Body"].read())

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        end = min(self._at + len(view), self._size)
        if end <= self._at:
            return 0
        found = self._get(Range=f"bytes={self._at}-{end - 1}")["Body"].read()
        view[: len(found)] = found
        self._at += len(found)
        return len(found)


def _in_parquet(file: Object) -> int:
    from pyarrow import parquet

    return int(parquet.read_metadata(file).num_rows)


def _in_orc(file: Object) -> int:
    from pyarrow import orc

    return int(orc.ORCFile(file).nrows)


def _in_lines(compression: str, file: Object) -> int:
    return len(_UNPACK[compression](file.body()).splitlines())


def _zip(body: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return b"".join(map(archive.read, archive.namelist()))


def _frames(body: bytes) -> bytes:
    """Snappy's frames: a byte for the kind, three for the length, a checksum, the data."""
    at, parts = 0, list[bytes]()
    while at < len(body):
        kind, size = body[at], int.from_bytes(body[at + 1 : at + _FRAME], "little")
        data = body[at + _FRAME + _CHECKSUM : at + _FRAME + size]
        if kind in (_COMPRESSED, _PLAIN):
            parts.append(_block(data) if kind == _COMPRESSED else data)
        at += _FRAME + size
    return b"".join(parts)


def _hadoop_blocks(body: bytes) -> bytes:
    """Hadoop's blocks: the length of the content, then its parts, each after its own length."""
    at, parts = 0, list[bytes]()
    while at < len(body):
        left, at = int.from_bytes(body[at : at + 4], "big"), at + 4
        while left > 0:
            size = int.from_bytes(body[at : at + 4], "big")
            parts.append(_block(body[at + 4 : at + 4 + size]))
            left, at = left - len(parts[-1]), at + 4 + size
    return b"".join(parts)


def _block(data: bytes) -> bytes:
    """Unpack a block of Snappy, which begins with the length of its content in groups of seven bits."""
    import pyarrow as pa

    size = shift = 0
    for byte in data:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return bytes(pa.Codec("snappy").decompress(data, size, asbytes=True))


_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.decompress,
    "zip": _zip,
    "snappy": _frames,
    "hadoop_snappy": _hadoop_blocks,
}
