"""Copies a sample of a dataset for a preview: a few files, text files cut, into a folder that stands for S3."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from lake_etl.catalog import Table
from lake_etl.csv_rows import MULTILINE
from lake_etl.errors import JobError
from lake_etl.formats import FORMATS
from lake_etl.partitions import Values, folder, known_values, placed
from lake_etl.storage import GZIP, each_file, place_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROWS = 1000  # of the source
FILES = 3  # of the source
PARTNERS, LISTED = 200, 10_000  # limits of another dataset: files to read, and files to list
HEAD = 8 * 1024**2  # bytes of a text file
WHOLE = 64 * 1024**2  # bytes to copy of another dataset
UNCUT = 256 * 1024**2  # maximum bytes of a file that cannot be cut
PACKED = (".bz2", ".deflate", ".lz4", ".snappy", ".zst", ".xz")
CHUNK = 256 * 1024


class Place(Protocol):
    """The storage of a dataset's files."""

    def files(self, location: str) -> Iterator[tuple[str, int]]: ...

    def open(self, path: str) -> IO[bytes]: ...


@dataclass(frozen=True)
class InS3:
    s3: S3Client

    def files(self, location: str) -> Iterator[tuple[str, int]]:
        return each_file(self.s3, location)

    def open(self, path: str) -> Any:
        bucket, key = place_of(path)
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"]


@dataclass(frozen=True)
class OnDisk:
    """Local files (`s3://` path -> file), presented as if they were in S3."""

    paths: Mapping[str, str]

    def files(self, location: str) -> Iterator[tuple[str, int]]:
        found = (path for path in self.paths if path.startswith(location))
        return ((path, Path(self.paths[path]).stat().st_size) for path in found)

    def open(self, path: str) -> IO[bytes]:
        return Path(self.paths[path]).open("rb")


@dataclass(frozen=True)
class Sample:
    """The sample of a dataset. files: path -> size in bytes, with empty files; description: which files these are."""

    files: dict[str, int]
    description: str
    partitions: tuple[dict[str, str | None], ...] = ()


@dataclass(frozen=True)
class Copies:
    """The folder of copies: `s3://bucket/key` is `folder/bucket/key`. Readers use it in place of an S3 client."""

    folder: Path

    def file(self, path: str) -> Path:
        return self.folder / path.removeprefix("s3://")

    def get_object(self, *, Bucket: str, Key: str, **_: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": (self.folder / Bucket / Key).open("rb")}


Cut = Callable[[Iterator[bytes]], Iterator[bytes]]


@dataclass(frozen=True)
class Sampler:
    place: Place
    copies: Copies

    def first(self, table: Table) -> Sample:
        """Copy the first rows of the first files."""
        listed = _listed(self.place, table.locations)
        full = _readable(listed)
        some = dict(islice(full.items(), FILES))
        lines = -(-ROWS // max(1, len(some)))
        self._copy(table, some, lines, HEAD)
        description = f"the first {len(some)} of {_number(len(full))} files" if len(some) < len(full) else _all(some)
        description += f", at most {lines:,} rows each" if len(some) > 1 else f", at most {lines:,} rows"
        return Sample(self._found(some, listed), description, tuple(_partition(table, path) for path in some))

    def partner(self, table: Table, source: Sample) -> Sample:
        """Copy a dataset, so that joins find their partners; of a large one, the partitions that fit the source's."""
        listed = _listed(self.place, table.locations, PARTNERS)
        small = len(listed) <= PARTNERS and sum(listed.values()) <= WHOLE
        alike = [] if small or table.is_closed else _alike(table, source)
        if alike:
            listed = _listed(self.place, alike, PARTNERS)
        some = _bounded(listed)
        self._copy(table, some, None, WHOLE)
        which = "in partitions like the source's" if alike else "the first ones"
        description = _all(some) if small else f"{len(some)} files, {which}"
        return Sample(self._found(some, listed if small else {}), description)

    def _copy(self, table: Table, files: Mapping[str, int], lines: int | None, most: int) -> None:
        header = int(table.parameters.get("skip.header.line.count", "0"))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda path: self._copy_one(table, path, lines and lines + header, most), files))

    def _copy_one(self, table: Table, path: str, lines: int | None, most: int) -> None:
        self.copies.file(path).parent.mkdir(parents=True, exist_ok=True)
        by_file = "jsonPath" in table.parameters or MULTILINE in table.parameters
        text = FORMATS[table.format].is_text and not by_file and not path.endswith(PACKED)
        try:
            self._write(path, (lambda chunks: _head(chunks, lines, most)) if text else None)
        except zlib.error:  # the reader reports the damage
            self._write(path, None)

    def _write(self, path: str, cut: Cut | None) -> None:
        with self.place.open(path) as body, self.copies.file(path).open("wb") as copy:
            chunks = _chunks(body)
            if cut is None:
                pieces = _complete_lines(path, chunks)
            else:
                pieces = _packed(cut(_unpacked(chunks))) if path.endswith(".gz") else cut(chunks)
            copy.writelines(pieces)

    def _found(self, some: Mapping[str, int], listed: Mapping[str, int]) -> dict[str, int]:
        empty = {path: 0 for path, size in listed.items() if not size}
        return {path: self.copies.file(path).stat().st_size for path in some} | empty


def _listed(place: Place, locations: list[str], most: int = LISTED) -> dict[str, int]:
    """Return the first files: up to `most`, plus one if there are more."""
    return dict(islice(chain.from_iterable(map(place.files, locations)), most + 1))


def _number(files: int) -> str:
    return f"more than {LISTED:,}" if files > LISTED else f"{files:,}"


def _all(files: Mapping[str, int]) -> str:
    return f"all {len(files):,} files" if len(files) > 1 else "its only file" if files else "no file"


def _bounded(listed: Mapping[str, int]) -> dict[str, int]:
    some: dict[str, int] = {}
    total = 0
    for path, size in _readable(listed).items():
        if len(some) < PARTNERS and (total + size <= WHOLE or not some):
            some[path], total = size, total + size
    return some


def _readable(listed: Mapping[str, int]) -> dict[str, int]:
    """Return the files with content whose paths can exist in a folder: no `a` beside `a/b`, none that Spark ignores."""
    folders = {path[:place] for path in listed for place, letter in enumerate(path) if letter == "/"}
    return {path: size for path, size in listed.items() if size and _fits(path) and path not in folders}


def _fits(path: str) -> bool:
    """Whether the key can be a file path within its folder."""
    parts = path.removeprefix("s3://").split("/")
    return all(part not in ("", ".", "..") and "\0" not in part and len(part.encode()) < 256 for part in parts)


def _partition(table: Table, path: str) -> dict[str, str | None]:
    found = placed([path], table.location, table.partition_keys, table.partitions).values.get(path, ())
    return dict(zip(table.partition_keys, found, strict=False))  # a file outside all partitions has no values


def _alike(table: Table, source: Sample) -> list[str]:
    """Return the folders of a partitioned dataset with the same partition values as the source, for shared keys."""
    folders: list[str] = []
    for values in source.partitions:
        keys = list(takewhile(values.__contains__, table.partition_keys))
        folders += _with_values(table, keys, tuple(values[key] for key in keys)) if keys else []
    return list(dict.fromkeys(folders))


def _with_values(table: Table, keys: list[str], wanted: Values) -> list[str]:
    """Return the locations where the first keys have these values: from the catalog, else by folder names."""
    known = {place: known_values(values) for values, place in table.partitions.items()}
    found = [place for place, values in known.items() if values[: len(keys)] == wanted]
    return found or [table.location + "".join(map(folder, keys, wanted))]


def _chunks(body: IO[bytes]) -> Iterator[bytes]:
    while chunk := body.read(CHUNK):
        yield chunk


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress gzip as far as it can be read: the reader reports the damage in the rest."""
    unpacker = zlib.decompressobj(GZIP)
    for chunk in chunks:
        while chunk:
            yield unpacker.decompress(chunk)
            chunk = unpacker.unused_data
            unpacker = zlib.decompressobj(GZIP) if chunk else unpacker


def _packed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, wbits=GZIP)
    yield from (packer.compress(piece) for piece in pieces)
    yield packer.flush()


def _head(chunks: Iterator[bytes], lines: int | None, most: int) -> Iterator[bytes]:
    """Yield whole lines: the first `lines`, and at most `most` bytes unless a single line is longer."""
    left, taken = lines, 0
    for chunk in chunks:
        if left is not None and chunk.count(b"\n") >= left:
            yield b"".join(part + b"\n" for part in chunk.split(b"\n", left)[:left])
            return
        if taken + len(chunk) > most and b"\n" in chunk:
            yield chunk[: chunk.rindex(b"\n") + 1]
            return
        left = None if left is None else left - chunk.count(b"\n")
        taken += len(chunk)
        yield chunk


def _complete_lines(path: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    taken = 0
    for chunk in chunks:
        taken += len(chunk)
        if taken > UNCUT:
            raise JobError(
                f"{path} has more than {UNCUT // 1024**2} MB and cannot be cut. A preview reads smaller ones"
            )
        yield chunk
