"""Detects the format of a file by its first bytes: `lake put` accepts only files of the dataset's format."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from os import SEEK_END
from pathlib import Path

from lake.configuration.model import Dataset
from lake.errors import BadInput

HEAD = 4096
SHOWN = 10
GZIP = 31  # zlib's wbits for gzip
PARQUET = b"PAR1"
KINDS = {
    PARQUET: "Parquet",
    b"ORC": "ORC",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "a ZIP archive (Excel files are ZIP archives)",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
    b"Obj\x01": "Avro",
    b"SQLite format 3": "an SQLite database",
    b"\xff\xfe": "text in UTF-16. Save it as UTF-8",
    b"\xfe\xff": "text in UTF-16. Save it as UTF-8",
}
PACKED = {".gz": "gzip", ".bz2": "bzip2", ".zst": "Zstandard"}
"""File suffix -> the compression that readers expect."""
TEXT = (PARQUET, b"ORC", b"BZh")
"""Magic bytes that a text could also begin with."""
BOM = b"\xef\xbb\xbf"
JSON = re.compile(rb'\s*(\{\s*["}]|\[\s*[\[\]{"\d\-tfn]|[{\[]\s*$)')


def check_contents(dataset: Dataset, files: Iterable[Path]) -> None:
    """Raise BadInput if files are not of the dataset's format. The message counts them, and names the first ones."""
    bad = [(file, fault) for file in files if (fault := _fault(dataset, file))]
    if not bad:
        return
    lines = [f"  {file}: {fault}" for file, fault in bad[:SHOWN]]
    lines += [f"  and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    summary = (
        "1 file does not fit the dataset's format"
        if len(bad) == 1
        else f"{len(bad)} files do not fit the dataset's format"
    )
    raise BadInput("\n".join([f"{summary}, {dataset.format}. Nothing is uploaded:", *lines]))


def _fault(dataset: Dataset, file: Path) -> str:
    """Why a file is not of the dataset's format; empty if it seems to be."""
    with file.open("rb") as opened:
        head = opened.read(HEAD)
        if dataset.format == "parquet":
            opened.seek(max(0, opened.seek(0, SEEK_END) - len(PARQUET)))
            return _parquet_fault(head, opened.read())
    kind, packed = _kind(head), PACKED.get(file.suffix)
    if head and packed and kind != packed:
        return f"its name ends with {file.suffix}, but it is not {packed}" + (f" but {kind}" if kind else "")
    if packed == "gzip":
        head, packed = _unpacked(head), ""
        kind = _kind(head)
    if kind in PACKED.values() and not packed:
        suffix = next(suffix for suffix, name in PACKED.items() if name == kind)
        return f"it is {kind}: readers unpack it only if its name ends with {suffix}"
    return (f"it is {kind}" if kind else next(_text_faults(dataset, head), "")) if head and not packed else ""


def _parquet_fault(head: bytes, last: bytes) -> str:
    if not head.startswith(PARQUET):
        return (
            f"it is {_kind(head)}"
            if _kind(head)
            else "it does not begin like a Parquet file"
            if head
            else "it is empty"
        )
    return "" if last == PARQUET else "it is truncated: it does not end like a Parquet file"


def _kind(head: bytes) -> str:
    found = next((magic for magic in KINDS if head.startswith(magic)), b"")
    return "" if not found or (found in TEXT and _is_text(head)) else KINDS[found]


def _is_text(head: bytes) -> bool:
    return not any(byte < ord("\t") for byte in head)


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(GZIP).decompress(head, HEAD)
    except zlib.error:
        return b""


def _text_faults(dataset: Dataset, head: bytes) -> Iterator[str]:
    text = head.removeprefix(BOM)
    if b"\0" in text:
        yield "it is not text: it contains zero bytes"
    if dataset.format == "json" and text.strip() and not JSON.match(text):
        yield "it is not JSON: it begins with neither an object nor a list"
    if dataset.format == "xml" and text.strip() and not text.lstrip().startswith(b"<"):
        yield "it is not XML: it does not begin with <"
    if dataset.format == "csv" and _is_object(text.partition(b"\n")[0]):
        yield "it is JSON: its first line is an object"


def _is_object(line: bytes) -> bool:
    try:
        return line.startswith(b"{") and isinstance(json.loads(line), dict)
    except ValueError:
        return False
