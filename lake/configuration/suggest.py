"""Suggestions for an unknown name: the allowed names, and the nearest of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

SHOWN = 25
"""The maximum number of names in a message."""
_MEANT = {
    "array": "array<string>",
    "binary": "string",
    "bool": "boolean",
    "byte": "tinyint",
    "bz2": "bzip2",
    "char": "string",
    "datetime": "timestamp",
    "decimal": "decimal(10,2)",
    "float32": "float",
    "float64": "double",
    "gz": "gzip",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "int8": "tinyint",
    "integer": "int",
    "jsonl": "json",
    "jsonlines": "json",
    "left_anti": "anti",
    "left_outer": "left",
    "left_semi": "semi",
    "log": "grok",
    "long": "bigint",
    "ndjson": "json",
    "number": "double",
    "numeric": "decimal(10,2)",
    "object": "string",
    "outer": "full",
    "pq": "parquet",
    "psql": "postgresql",
    "real": "float",
    "right_outer": "right",
    "short": "smallint",
    "str": "string",
    "text": "string",
    "time": "timestamp",
    "timestamptz": "timestamp",
    "uuid": "string",
    "varchar": "string",
}
"""Names from other tools -> their names here."""
_IN_WORDS = {
    "tsv": 'Write format: csv with csv: {delimiter: "\\t"}',
    "txt": "Write format: csv if a character separates the columns, else format: grok with a pattern",
    "text": "Write format: csv if a character separates the columns, else format: grok with a pattern",
    "xlsx": "Save the sheet as CSV, and write format: csv",
    "xls": "Save the sheet as CSV, and write format: csv",
}
"""Format names that are not supported -> what to use instead."""


def allowed(given: str, names: Iterable[str], none: str = "none is declared") -> str:
    """The allowed names, and the nearest of them.

    >>> allowed("fligts", ["flights", "weather"])
    "Allowed: flights, weather. Did you mean 'flights'?"
    """
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"Allowed: {', '.join(names[:SHOWN]) or none}{more}.{hint(given, names)}".removesuffix(".")


def hint(given: str, names: Iterable[str]) -> str:
    """` Did you mean 'flights'?`, or an empty string if no name is near."""
    names = list(names)
    if "csv" in names and given.lower() in _IN_WORDS:
        return f" {_IN_WORDS[given.lower()]}"
    found = nearest(given, names)
    return f" Did you mean {found!r}?" if found else ""


def nearest(given: str, names: Iterable[str]) -> str | None:
    """The nearest name, ignoring case and plural; None if none is near."""
    by_lower = {name.lower(): name for name in names}
    lower = given.lower().strip()
    for word in (lower, re.sub(r"[\s.-]+", "_", lower), _MEANT.get(re.sub(r"\W.*", "", lower), "")):
        if word in by_lower:
            return by_lower[word]
    near = get_close_matches(lower, list(by_lower), n=1)
    return by_lower[near[0]] if near else None
