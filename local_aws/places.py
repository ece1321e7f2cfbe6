"""Maps each S3 key to one path in a folder: its own path if that is valid, else an encoded name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile
from urllib.parse import quote, unquote

HADOOP = ":"
"""Characters of a name that Hadoop cannot list."""
DUCKDB = "*?[{\\"
"""Characters of a name that DuckDB takes for a glob pattern."""
_MARK = ".key-"
_LONGEST = 200
"""Bytes of a plain name, and characters of an encoded one: file systems allow 255, and tools add suffixes."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OF_HADOOP = re.compile(r"_temporary|\..*\.crc")
_COMPRESSED = re.compile(r"%2E(gz|bz2|zst|snappy)$")


def place(key: str, avoid: str = "") -> str:
    """Return the relative path of a key: unique to the key, and always inside the folder.

    From the first part that is not plain, the rest becomes one hidden name, which Spark ignores like all hidden files.

    Args:
        avoid: characters that make a name not plain: `HADOOP` or `DUCKDB`.

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
    """Return the relative path of each key. Beside `x/y`, the key `x` gets an encoded name: `x` is a folder there."""
    found = {key: place(key, avoid) for key in keys}
    folders = set(_folders(found.values()))
    return {key: _beside_folder(at) if at in folders else at for key, at in found.items()}


def key_at(path: str) -> str:
    """Return the key of a path made by `place` or `places`."""
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
    """Yield nested names, as file names have a limit; folder names end with `+`, which no file name does."""
    # A dot near the end could make it a Hadoop checksum; DuckDB recognises compression by the suffix.
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
