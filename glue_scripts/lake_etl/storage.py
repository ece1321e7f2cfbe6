"""S3 through Spark and boto3: lists the files of a location, and converts between the paths that each of them uses."""

from __future__ import annotations

import bz2
import gzip
import re
import unicodedata
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lake_etl.errors import JobError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GZIP = 31  # zlib's wbits for gzip
PACKED: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}
NOT_IN_URIS = re.compile(r"[^a-zA-Z0-9_\-!.~'()*/:@&=+$,;]")


def place_of(path: str) -> tuple[str, str]:
    """Return bucket and key, whatever characters the key has.

    >>> place_of("s3://raw/a?b#c.json")
    ('raw', 'a?b#c.json')
    """
    bucket, _, key = path.partition("://")[2].partition("/")
    return bucket, key


def list_files(s3: S3Client, location: str) -> dict[str, int]:
    """Return path -> size in bytes of each data file under the location, without _names and .names, as in Spark."""
    return dict(each_file(s3, location))


def each_file(s3: S3Client, location: str) -> Iterator[tuple[str, int]]:
    """Yield the same files lazily, from listings of a thousand."""
    return ((path, size) for path, size, _ in each_version(s3, location))


def each_version(s3: S3Client, location: str) -> Iterator[tuple[str, int, str]]:
    """Yield path, size in bytes and ETag of each data file under the location."""
    bucket, prefix = place_of(location)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    objects = (entry for page in pages for entry in page.get("Contents", []))
    for entry in objects:
        name = entry["Key"].removeprefix(prefix)
        if name and not name.endswith(("/", "_$folder$")) and not _hidden(name):
            yield f"{location}{name}", entry["Size"], entry["ETag"]


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in name.split("/"))


def head_of(s3: S3Client, path: str, most: int) -> bytes:
    """Return the first bytes of a file, decompressed; empty if its name says it is compressed but it is not."""
    bucket, key = place_of(path)
    body = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{most - 1}")["Body"].read(most)
    try:
        return zlib.decompressobj(GZIP).decompress(body, most) if path.endswith(".gz") else body
    except zlib.error:
        return b""  # the reader reports the damage


def packed_fault(s3: S3Client, path: str) -> str:
    """Return what is wrong with a compressed file. Empty if it is intact or not compressed.

    Raises JobError for a file that cannot be opened: that says nothing about its content.
    """
    opened = next((open_ for suffix, open_ in PACKED.items() if path.endswith(suffix)), None)
    if opened is None:
        return ""
    bucket, key = place_of(path)
    try:
        with opened(s3.get_object(Bucket=bucket, Key=key)["Body"]) as unpacked:
            while unpacked.read(1 << 20):
                pass
    except (BotoCoreError, ClientError, ConnectionError, TimeoutError):
        raise _closed(path) from None
    except (OSError, EOFError, zlib.error):
        return "the file is damaged, cut off, or not packed as its name says"
    return ""


def check_opens(spark: SparkSession, path: str) -> None:
    """Raise JobError unless Spark can open a file and read its beginning."""
    jvm: Any = spark._jvm
    file = jvm.org.apache.hadoop.fs.Path(path)
    try:
        stream = file.getFileSystem(spark._jsc.hadoopConfiguration()).open(file)
        try:
            stream.read()
        finally:
            stream.close()
    except Py4JJavaError:
        raise _closed(path) from None


def _closed(path: str) -> JobError:
    return JobError(
        f"{path} cannot be opened: it is gone, the job's role may not read it, or the storage does not answer. "
        "Nothing is published. Let the role read the file and its KMS key, or run the job again"
    )


def uri_of(path: str) -> str:
    """Return the path as in Spark's file metadata, quoted by java.net.URI.

    >>> uri_of("s3://raw/a b/é%.json")
    's3://raw/a%20b/é%25.json'
    """
    return NOT_IN_URIS.sub(lambda found: _quoted(found[0]), path)


def _quoted(letter: str) -> str:
    if not letter.isascii() and unicodedata.category(letter) not in ("Cc", "Zs", "Zl", "Zp"):
        return letter
    return "".join(f"%{byte:02X}" for byte in letter.encode())


def path_of(uri: str) -> str:
    """Return the path for a URI in Spark's file metadata."""
    return unquote(uri)


def literal(path: str) -> str:
    """Escape the path for Spark's reader, which takes paths for glob patterns."""
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", path)
