"""The partition values of a table's files: from the catalog's locations, else from the names of their folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # Hive's folder for rows whose partition column is null
UNLIKE_PATHS = r"""[\x00-\x1f\x7f"#%'*/:=?\\{\[\]^]"""  # characters that Hive escapes, such as `%2F`
Values = tuple[str | None, ...]


@dataclass(frozen=True)
class Placed:
    """values: path -> a text per key, for each file in a partition. astray: path -> why it is in no partition."""

    values: dict[str, Values]
    astray: dict[str, str]


def placed(
    paths: Iterable[str], location: str, keys: Mapping[str, str], known: Mapping[tuple[str, ...], str]
) -> Placed:
    """Return the partitions of files.

    Args:
        paths: the files.
        location: the table's location, with a slash at its end.
        keys: partition key -> its type.
        known: the partitions in the catalog, values -> location with a slash at its end.

    A file outside the known partitions gets its values from its folders: by name for `key=value`, in any case and
    order, or by position if no folder names a key.
    """
    folders: dict[str, Values | str] = {}
    by_location = {place: known_values(values) for values, place in known.items()}
    found = Placed({}, {})
    for path in paths:
        folder = path.rpartition("/")[0] + "/"
        if folder not in folders:
            folders[folder] = _in_catalog(folder, by_location) or _in_names(folder.removeprefix(location), list(keys))
        values = folders[folder]
        if isinstance(values, str):
            found.astray[path] = values
        else:
            found.values[path] = values
    return found


def _in_catalog(folder: str, by_location: Mapping[str, Values]) -> Values | None:
    """Return the values of the innermost known partition that contains the folder."""
    while folder.count("/") > 2:
        if folder in by_location:
            return by_location[folder]
        folder = folder.rstrip("/").rpartition("/")[0] + "/"
    return None


def _in_names(folder: str, keys: list[str]) -> Values | str:
    parts = [part for part in folder.split("/") if part]
    named = {name.lower(): value for name, mark, value in (part.partition("=") for part in parts) if mark}
    if all(key.lower() in named for key in keys):
        return tuple(_value(unescaped(named[key.lower()])) for key in keys)
    if len(parts) >= len(keys) and not any(key.lower() in named for key in keys):
        return tuple(map(_value, parts[: len(keys)]))
    wanted = "/".join(f"{key}=..." for key in keys)
    return f"the file is in no partition: its folder is not of the form {wanted}. Move it into one"


def known_values(values: tuple[str, ...]) -> Values:
    """Return the values of a partition in the catalog."""
    return tuple(map(_value, values))


def folder(key: str, value: str | None) -> str:
    """Return the folder of a value, as Hive names it.

    >>> folder("hour", "12:30")
    'hour=12%3A30/'
    """
    text = NO_VALUE if value is None else re.sub(UNLIKE_PATHS, lambda found: f"%{ord(found[0]):02X}", value)
    return f"{key}={text}/"


def _value(text: str) -> str | None:
    return None if text == NO_VALUE else text


def unescaped(text: str) -> str:
    """Return the value of a folder's name: Hive escapes characters that paths cannot have, such as `%2F`."""
    return re.sub("%([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), text)
