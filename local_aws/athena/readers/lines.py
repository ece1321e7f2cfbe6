"""Reads text files as lines."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator, Mapping, Sequence

from local_aws.athena.errors import DATA_ERROR, QueryFailed
from local_aws.athena.memory import Memory
from local_aws.mirror import S3File
from local_aws.plain_text import NOT_AS_PACKED, opened

NO_TEXT = "\x0e\x0f\x0e\x0f"
"""A text that does not occur in files; DuckDB requires separators that do not."""
LONGEST = 32 * 1024 * 1024
"""Maximum bytes of a line."""
_PACKED = (".lz4", ".snappy", ".deflate", ".lzo", ".zip")
_CHUNK = 1024 * 1024
_LONE_CR = "has a CR without LF, which ends a line in AWS; this AWS takes LF and CRLF only"
_NOT_UTF8 = "is not UTF-8; name its charset in the property serialization.encoding of the table, such as ISO-8859-1"


def raw_lines(paths: str, skipped: int = 0) -> str:
    """Return SQL that reads files as `filename` and `line`, which is null if blank. Lines end with LF or CRLF."""
    return (
        f"read_csv({paths}, columns = {{'line': 'VARCHAR'}}, auto_detect = false, header = false, skip = {skipped}, "
        f"delim = '{NO_TEXT}', quote = '', escape = '', new_line = '\\r\\n', null_padding = true, strict_mode = false, "
        f"max_line_size = {LONGEST}, filename = true)"
    )


def refuse_unreadable(files: Sequence[S3File], memory: Memory) -> None:
    """Raises QueryFailed: for a file that is packed in another way, is not UTF-8, or whose lines end with CR alone."""
    for file in files:
        if file.key.lower().endswith(_PACKED):
            raise QueryFailed(
                f"NOT_SUPPORTED: {file.uri} is compressed in a way that this AWS does not unpack; "
                "it reads plain files, .gz, .bz2 and .zst"
            )
    for file, fault in zip(files, memory.of("text", files, _faults), strict=True):
        if fault == _LONE_CR:
            raise QueryFailed(f"NOT_SUPPORTED: {file.uri} {fault}")
        if fault:
            raise QueryFailed(f"HIVE_BAD_DATA: {file.uri} {fault}", DATA_ERROR)


def _faults(files: Sequence[S3File]) -> Mapping[str, str]:
    return {str(file.path): _fault(file) for file in files}


def _fault(file: S3File) -> str:
    decoder, before, fault = codecs.getincrementaldecoder("utf-8")(), b"", ""
    try:
        for chunk in _chunks(file):
            decoder.decode(chunk)
            text = before + chunk
            before = text[-1:] if text.endswith(b"\r") else b""
            text = text.removesuffix(b"\r")
            if text.count(b"\r") != text.count(b"\r\n"):
                fault = _LONE_CR
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _NOT_UTF8
    return _LONE_CR if before else fault


def _chunks(file: S3File) -> Iterator[bytes]:
    try:
        with opened(file.path) as unpacked:
            while chunk := unpacked.read(_CHUNK):
                yield chunk
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise QueryFailed(f"HIVE_BAD_DATA: {file.uri} {NOT_AS_PACKED}", DATA_ERROR) from error
