"""Detects the format of a file from its first bytes: by the crawler's own classifiers, then by the built-in ones."""

from __future__ import annotations

import bz2
import csv
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from local_aws.protocol import Document

DELIMITERS = ",|\t;\x01"
_HEAD = 64 * 1024
_MAGIC = {b"PAR1": "parquet", b"ORC": "orc"}
_GZIP, _BZIP2 = b"\x1f\x8b", b"BZh"


class UnsupportedError(Exception):
    """The crawler uses something that only AWS's own crawler supports."""


@dataclass(frozen=True)
class Format:
    """The format of a file.

    Attributes:
        classification: `csv`, `json`, `parquet` or `orc`.
        compression: `none`, `gzip` or `bzip2`.
        header: CSV: `PRESENT`, `ABSENT`, or `UNKNOWN` until the types are inspected.
        names: CSV: the column names from a classifier.
        first_row: CSV: the cells of the first line.
        layout: JSON: `newline_delimited` (one object per line) or `unstructured` (documents over several lines).
    """

    classification: str
    compression: str = "none"
    delimiter: str = ","
    quote: str = '"'
    quoted: bool = False
    header: str = "UNKNOWN"
    names: tuple[str, ...] = ()
    first_row: tuple[str, ...] = ()
    width: int = 0
    serde: str = "LazySimpleSerDe"
    layout: str = ""
    json_path: str = ""


@dataclass(frozen=True)
class Head:
    """The decompressed beginning of a file. `whole`: the file is no longer than this."""

    bytes: bytes
    compression: str
    complete: bool

    @classmethod
    def of(cls, path: Path) -> Head:
        with path.open("rb") as file:
            raw = file.read(_HEAD)
            complete = not file.read(1)
        if raw.startswith(_BZIP2):
            return cls._of_bzip2(path)
        if not raw.startswith(_GZIP):
            return cls(raw, "none", complete)
        unpacker = zlib.decompressobj(wbits=31)
        try:
            data = unpacker.decompress(raw, _HEAD)
        except zlib.error:
            return cls(b"", "gzip", False)
        return cls(data, "gzip", complete and not unpacker.unconsumed_tail)

    @classmethod
    def _of_bzip2(cls, path: Path) -> Head:
        """Read a bzip2 head: its blocks are longer than the heads of other files."""
        try:
            with bz2.open(path) as file:
                data = file.read(_HEAD)
                return cls(data, "bzip2", not file.read(1))
        except (OSError, EOFError, ValueError):
            return cls(b"", "bzip2", False)

    @cached_property
    def lines(self) -> list[str]:
        """Return the complete lines of text."""
        lines = self.bytes.decode("utf-8-sig", errors="replace").splitlines()
        return lines if self.complete or len(lines) < 2 else lines[:-1]


def recognised(path: Path, classifiers: Sequence[Document]) -> Format | None:
    """Return the format of a file; None if no classifier fits: neither the crawler's, as from GetClassifier,
    nor a built-in one.
    """
    head = Head.of(path)
    return next((found for found in _attempts(head, classifiers) if found), None)


def check(classifiers: Sequence[Document]) -> None:
    """Raise UnsupportedError for the first classifier that is neither a CSV nor a JSON one."""
    for classifier in classifiers:
        for kind, settings in classifier.items():
            if kind not in ("CsvClassifier", "JsonClassifier"):
                raise UnsupportedError(
                    f"The classifier {settings['Name']} is a {kind}, which the embedded crawler cannot run; "
                    "it can run CsvClassifier and JsonClassifier. Take it out of the crawler's Classifiers "
                    "to crawl here, or crawl on AWS."
                )


def _attempts(head: Head, classifiers: Sequence[Document]) -> Iterator[Format | None]:
    if packed := next((name for magic, name in _MAGIC.items() if head.bytes.startswith(magic)), ""):
        yield Format(packed)
        return
    if not head.bytes or b"\0" in head.bytes:
        return
    # A CSV classifier would also match JSON lines, which have commas; nobody wants that.
    json_ = _json(head)
    for classifier in classifiers:
        if "CsvClassifier" not in classifier:
            yield _json(head, classifier["JsonClassifier"]["JsonPath"])
        elif json_ is None:
            yield _csv(head, classifier["CsvClassifier"])
    yield json_
    yield _csv(head, {})


def _json(head: Head, json_path: str = "") -> Format | None:
    lines = [line for line in head.lines if line.strip()]
    if not lines or lines[0].lstrip()[0] not in "{[":
        return None
    # The first line decides almost every file, and parsing the others would be the slowest part of a crawl.
    by_line = _is_object(lines[0]) or sum(map(_is_object, lines)) * 2 > len(lines)
    layout = "newline_delimited" if by_line else "unstructured"
    return Format("json", head.compression, layout=layout, json_path="" if json_path == "$" else json_path)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _csv(head: Head, settings: dict[str, Any]) -> Format | None:
    quote = settings.get("QuoteSymbol") or '"'
    delimiter = settings.get("Delimiter") or _delimiter(head.lines, quote)
    rows = _rows(head.lines, delimiter, quote)
    width = _usual_width(rows)
    names = tuple(settings.get("Header") or ())
    names_are_known = bool(names) or settings.get("ContainsHeader") in ("PRESENT", "ABSENT")
    few_columns = width < 2 and not settings.get("AllowSingleColumn")
    if few_columns or (len(rows) < 2 and not names_are_known) or (names and len(names) != width):
        return None
    found = Format("csv", head.compression, delimiter, quote, width=width, names=names, first_row=tuple(rows[0]))
    serde = settings.get("Serde") or "LazySimpleSerDe"
    return replace(
        found,
        quoted=any(line.startswith(quote) or delimiter + quote in line for line in head.lines),
        header=_configured_header(settings, rows[0]),
        serde="LazySimpleSerDe" if serde == "None" else serde,
    )


def _configured_header(settings: dict[str, Any], first: list[str]) -> str:
    header: str = settings.get("ContainsHeader") or "UNKNOWN"
    if header == "UNKNOWN" and settings.get("Header"):
        same = [cell.strip().lower() for cell in first] == [name.lower() for name in settings["Header"]]
        return "PRESENT" if same else "ABSENT"
    return header


def _delimiter(lines: list[str], quote: str) -> str:
    """Return the built-in delimiter with the most uniform number of cells, and of those the one with most cells."""

    def evenness(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(row) for row in _rows(lines, delimiter, quote))
        width, lines_of_it = max(widths.items(), key=lambda item: item[1], default=(0, 0))
        return (lines_of_it if width > 1 else 0, width)

    return max(DELIMITERS, key=evenness)


def _rows(lines: list[str], delimiter: str, quote: str) -> list[list[str]]:
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, quotechar=quote)
    try:
        return [row for row in reader if row]
    except csv.Error:
        return []


def _usual_width(rows: list[list[str]]) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
