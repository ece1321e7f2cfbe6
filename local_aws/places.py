"""The one place of an S3 key in a folder: its own path where that is a path, an encoded name where it is not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile
from urllib.parse import quote, unquote

HADOOP = ":"
"""Characters of a name that Hadoop cannot list."""
DUCKDB = "*?[{\\"
"""Characters of a name that DuckDB takes for a pattern."""
_MARK = ".key-"
_LONGEST = 200
"""Bytes of a plain name, and characters of an encoded one: file systems take 255, and tools add endings."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OF_HADOOP = re.compile(r"_temporary|\..*\.crc")
_COMPRESSED = re.compile(r"%2E(gz|bz2|zst|snappy)$")


def place(key: str, avoid: str = "") -> str:
    """The relative path of a key: two keys never have the same, and none leads out of the folder.

    What is not plain is one hidden name from there on, so that Spark, which reads no hidden files, passes over it.

    Args:
        avoid: characters that no plain name has: `HADOOP` or `DUCKDB`.

    Example:
        >>> place("flights/month=1/a.json")
        'flights/month=1/a.json'
        >>> place("flights/../../a.json")
        'flights/.key-%2E%2E%2F%2E%2E%2Fa%2Ejson'
    """
    names = key.split("/")
    plain = list(takewhile(lambda name: _is_plain(name, avoid), names))
    return key if len(plain) == len(names) else "/".join([*plain, *_encoded("/".join(names[len(plain) :]))])


def places(keys: Iterable[str], avoid: str = "") -> dict[str, str]:
    """The relative path of each key. Beside `x/y`, the key `x` has an encoded name: a folder stands at its own."""
    found = {key: place(key, avoid) for key in keys}
    folders = set(_folders(found.values()))
    return {key: _beside_folder(at) if at in folders else at for key, at in found.items()}


def key_at(path: str) -> str:
    """The key whose place a path is, of `place` and of `places`."""
    names = path.split("/")
    plain = list(takewhile(lambda name: not name.startswith(_MARK), names))
    encoded = "".join(name.removeprefix(_MARK).removesuffix("+") for name in names[len(plain) :])
    return path if len(plain) == len(names) else "/".join([*plain, unquote(encoded)])


def _is_plain(name: str, avoid: str) -> bool:
    return (
        name not in ("", ".", "..")
        and len(name.encode()) <= _LONGEST
        and not name.startswith(_MARK)
        and not _OF_HADOOP.fullmatch(name)
        and not _CONTROL.search(name)
        and not any(character in name for character in avoid)
    )


def _encoded(rest: str) -> Iterator[str]:
    """Names one in the other, as a file's name has a limit; those of folders end with `+`, which no file's does."""
    # A dot at the end could make it a checksum of Hadoop's; DuckDB knows what is compressed by its ending.
    text = _COMPRESSED.sub(r".\1", quote(rest, safe="").replace(".", "%2E"))
    parts = [text[at : at + _LONGEST] for at in range(0, len(text), _LONGEST)] or [""]
    yield from (f"{_MARK}{part}+" for part in parts[:-1])
    yield f"{_MARK}{parts[-1]}"


def _beside_folder(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return folder + slash + "/".join(_encoded(name))


def _folders(paths: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in seen:
            seen.add(folder)
            folder = folder.rpartition("/")[0]
    return iter(seen)
