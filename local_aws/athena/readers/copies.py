"""Copies of files that DuckDB cannot read directly: text in another charset, or compressed by bzip2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from local_aws.athena.errors import DATA_ERROR, QueryFailed
from local_aws.athena.tables import Partition, Table
from local_aws.mirror import S3File
from local_aws.plain_text import UnreadableError, codec_of, write_plain

PACKS = ("orc", "parquet")
"""Formats that compress their contents themselves."""


def readable(table: Table, files: list[tuple[S3File, Partition]], folder: Path) -> list[tuple[S3File, Partition]]:
    """Return the files; those that DuckDB cannot read directly are replaced by copies in `folder`.

    Raises:
        QueryFailed: the charset is unknown, or a file is not in it or not compressed as its name says.
    """
    return list(_readable(table, files, folder)) if table.format not in PACKS else files


def _readable(table: Table, files: list[tuple[S3File, Partition]], folder: Path) -> Iterator[tuple[S3File, Partition]]:
    for number, (file, partition) in enumerate(files):
        codec = _codec(table.read_by(partition.serde))
        is_plain = codec == "utf-8" and not file.key.lower().endswith(".bz2")
        yield (file if is_plain else _copy(file, codec, folder / str(number))), partition


def _codec(table: Table) -> str:
    given = {**table.parameters, **(table.serde.get("Parameters") or {})}.get("serialization.encoding") or "utf-8"
    if (codec := codec_of(given)) is None:
        raise QueryFailed(
            f"NOT_SUPPORTED: the property serialization.encoding = {given!r} of table {table.database}.{table.name} is "
            "no charset that is known here; allowed are names such as UTF-8, ISO-8859-1, windows-1252 and UTF-16"
        )
    return codec


def _copy(file: S3File, codec: str, target: Path) -> S3File:
    try:
        write_plain(file.path, Path(file.key).suffix, codec, target)
    except UnreadableError as error:
        raise QueryFailed(f"HIVE_BAD_DATA: {file.uri} {error}", DATA_ERROR) from error
    return replace(file, path=target, etag=f"{file.etag}/{codec}")
