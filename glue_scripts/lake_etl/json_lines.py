"""Lines of JSON that have more than one object: Spark's reader takes the first, and drops the others without a word."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FILES, BYTES = 32, 256 * 1024
GZIP = 31  # zlib's number for it


def with_more(s3: S3Client, paths: Iterable[str]) -> dict[str, str]:
    """Path -> reason of the files that have more than one object on a line.

    Whoever writes files without line ends (a delivery stream does, unless told otherwise) does so in all of them. So
    the beginnings of some files are looked at, and only where one is such a file, those of all.
    """
    paths, look = list(paths), partial(_fault, s3)
    some = paths[:: len(paths) // FILES + 1]
    with ThreadPoolExecutor(8) as pool:
        found = dict(zip(some, pool.map(look, some), strict=True))
        if any(found.values()):
            found = dict(zip(paths, pool.map(look, paths), strict=True))
    return {path: fault for path, fault in found.items() if fault}


def _fault(s3: S3Client, path: str) -> str:
    for number, line in enumerate(_lines(_head(s3, path)), 1):
        if _goes_on(line):
            return f"there is more on line {number} than one JSON object: write one object a line"
    return ""


def _head(s3: S3Client, path: str) -> bytes:
    place = urlsplit(path, allow_fragments=False)
    body = s3.get_object(Bucket=place.netloc, Key=place.path[1:], Range=f"bytes=0-{BYTES - 1}")["Body"].read()
    try:
        return zlib.decompressobj(GZIP).decompress(body, BYTES) if path.endswith(".gz") else body
    except zlib.error:
        return b""  # the reader says what is wrong with it


def _lines(head: bytes) -> list[str]:
    """The head's lines, without one that is cut off."""
    lines = head.decode(errors="replace").split("\n")
    return lines if len(head) < BYTES else lines[:-1]


def _goes_on(line: str) -> bool:
    """Whether an object follows the line's first. A line that is no JSON is found when it is read."""
    try:
        end = json.JSONDecoder().raw_decode(line := line.strip())[1]
    except ValueError:
        return False
    return line[end:].lstrip(", \t").startswith("{")
