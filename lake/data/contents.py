"""What a file is, by its first bytes: `lake put` takes only files of their dataset's format."""

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
GZIP = 31  # zlib's number for it
PARQUET = b"PAR1"
KINDS = {
    PARQUET: "Parquet",
    b"ORC": "ORC",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "a ZIP archive, as Excel's files are",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
    b"Obj\x01": "Avro",
    b"SQLite format 3": "an SQLite database",
    b"\xff\xfe": "text in UTF-16, where UTF-8 is needed",
    b"\xfe\xff": "text in UTF-16, where UTF-8 is needed",
}
PACKED = {".gz": "gzip", ".bz2": "bzip2", ".zst": "Zstandard"}
"""By the end of a file's name, what readers unpack."""
TEXT = (PARQUET, b"ORC", b"BZh")
"""Which a text could begin with as well."""
BOM = b"\xef\xbb\xbf"
JSON = re.compile(rb'\s*(\{\s*["}]|\[\s*[\[\]{"\d\-tfn]|[{\[]\s*$)')


def check_contents(dataset: Dataset, files: Iterable[Path]) -> None:
    """Raise BadInput where files are not of the dataset's format: the first of them by name, and how many there are."""
    bad = [(file, fault) for file in files if (fault := _fault(dataset, file))]
    if not bad:
        return
    lines = [f"  {file}: {fault}" for file, fault in bad[:SHOWN]]
    lines += [f"  and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    summary = (
        "1 file is not what the dataset holds" if len(bad) == 1 else f"{len(bad)} files are not what the dataset holds"
    )
    raise BadInput("\n".join([f"{summary}, {dataset.format}. Nothing is uploaded:", *lines]))


def _fault(dataset: Dataset, file: Path) -> str:
    """Why a file is not of the dataset's format; empty where it seems to be."""
    with file.open("rb") as opened:
        head = opened.read(HEAD)
        if dataset.format == "parquet":
            opened.seek(max(0, opened.seek(0, SEEK_END) - len(PARQUET)))
            return _parquet_fault(head, opened.read())
    kind, packed = _kind(head), PACKED.get(file.suffix)
    if head and packed and kind != packed:
        return f"its name ends with {file.suffix}, and it is not {packed}" + (f" but {kind}" if kind else "")
    if packed == "gzip":
        head, packed = _unpacked(head), ""
        kind = _kind(head)
    if kind in PACKED.values() and not packed:
        suffix = next(suffix for suffix, name in PACKED.items() if name == kind)
        return f"it is {kind}: readers unpack it only if its name ends with {suffix}"
    return (f"it is {kind}" if kind else next(_text_faults(dataset, head), "")) if head and not packed else ""


def _parquet_fault(head: bytes, last: bytes) -> str:
    if not head.startswith(PARQUET):
        return f"it is {_kind(head)}" if _kind(head) else "it does not begin as Parquet does" if head else "it is empty"
    return "" if last == PARQUET else "it is cut off: it does not end as Parquet does"


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
        yield "it is no text: it has bytes of zero"
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
