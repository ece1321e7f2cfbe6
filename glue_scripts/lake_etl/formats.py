"""The formats of files, as formats.json describes them for the jobs in both languages, lake.yaml and the stacks."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Format:
    """A format that jobs write.

    Attributes:
        input: Hive's class that reads it, as the Data Catalog names it; `output` writes it, `serde` knows its rows.
        recognised_by: words of a table's classification or SerDe. Without one, jobs do not read the format.
        is_text: whether its rows are lines.
        by_position: whether Athena finds a column by its place, and not by its name.
        compressions: those that jobs write, the default first.
        shuffled: bytes in a shuffle for one in a file, about.
    """

    input: str
    output: str
    serde: str
    recognised_by: list[str]
    is_text: bool
    by_position: bool
    compressions: list[str]
    shuffled: int


def described(file: str) -> Any:
    """A JSON file of this package, which may be a zip."""
    return json.loads(pkgutil.get_data(__package__, file) or b"")


FORMATS: dict[str, Format] = {name: Format(**facts) for name, facts in described("formats.json").items()}
READ = [name for name, format_ in FORMATS.items() if format_.recognised_by]
