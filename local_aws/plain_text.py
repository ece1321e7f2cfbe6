"""Text files in the form DuckDB reads: decompressed, in UTF-8."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import shutil
import zlib
from pathlib import Path
from typing import Any

NOT_AS_PACKED = "is damaged, cut off, or not packed as its name says"
_UNPACKERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}


class UnreadableError(Exception):
    """A file is not compressed as its name says, or not in its encoding."""


def opened(path: Path, suffix: str = "") -> Any:
    """Open a file, decompressed by its suffix or the given one."""
    suffix = (suffix or path.suffix).lower()
    if suffix != ".zst":
        return _UNPACKERS.get(suffix, open)(path, "rb")
    import pyarrow as pa  # 40 MB of memory that only such files need

    return pa.input_stream(str(path), compression="zstd")


def codec_of(charset: str) -> str | None:
    """Return Python's name for a Java charset; None if it is unknown."""
    try:
        return codecs.lookup(charset.strip()).name
    except LookupError:
        return None


def write_plain(path: Path, suffix: str, codec: str, target: Path) -> None:
    """Write a file's contents to `target`, decompressed and in UTF-8.

    Raises:
        UnreadableError: the message says what is wrong with the file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            opened(path, suffix) as packed,
            io.TextIOWrapper(packed, codec, newline="") as text,
            target.open("w", encoding="utf-8", newline="") as plain,
        ):
            shutil.copyfileobj(text, plain, 1024 * 1024)
    except UnicodeError as error:
        raise UnreadableError(f"is not {codec} text") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UnreadableError(NOT_AS_PACKED) from error
