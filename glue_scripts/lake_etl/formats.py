"""The file formats, from formats.json, which the jobs in both languages, lake.yaml and the stacks share."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Format:
    """A format that jobs write.

    Attributes:
        input: Hive's input format class in the Data Catalog; `output`: its output format; `serde`: its SerDe.
        recognised_by: words in a table's classification or SerDe. Jobs do not read a format without one.
        is_text: whether its rows are lines of text.
        by_position: whether Athena finds a column by its position instead of its name.
        compressions: the codecs that jobs write, the default first.
        shuffled: approximate bytes in a shuffle per byte in a file.
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
    """Read a JSON file of this package, which may be in a zip."""
    return json.loads(pkgutil.get_data(__package__, file) or b"")


FORMATS: dict[str, Format] = {name: Format(**facts) for name, facts in described("formats.json").items()}
READ = [name for name, format_ in FORMATS.items() if format_.recognised_by]
