"""A table, its files, and the rows that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
NO_OBJECT, NOT_JSON = "the line is not a JSON object", "the line is not valid JSON"
TWO = "there is more on the line than one JSON object: write one object a line"
PACKED = "the file is damaged, cut off, or not packed as its name says"
NO_PARTITION = "the file lies in no partition: its folder is not of the form {}. Move it into one"


@dataclass(frozen=True)
class Case:
    """A table and its files.

    format: json, csv (OpenCSVSerde), text (LazySimpleSerDe), parquet or orc.
    files: name below the table's location -> content.
    rows: those of a job, as JSON has them, in any order; dates, timestamps and decimals as text.
    bad: the text of a line that a job sets aside -> why. set_aside: the name of a file -> how the reason begins.
    athena: what Athena makes of it where that is not `rows`: rows, or the beginning of an error.
    """

    format: str
    columns: Mapping[str, str]
    files: Mapping[str, str | bytes]
    rows: list[Row]
    keys: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    bad: Mapping[str, str] = field(default_factory=dict)
    set_aside: Mapping[str, str] = field(default_factory=dict)
    athena: list[Row] | str | None = None


ID = {"id": "int"}
