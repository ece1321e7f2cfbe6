"""A table, its files, and their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
NO_OBJECT, NOT_JSON = "the line is not a JSON object", "the line is not valid JSON"
TWO = "there is more on the line than one JSON object: write one object a line"
DOCUMENTS = "there is more than one document: write one document a line, or one in a file"
PACKED = "the file is damaged, cut off, or not packed as its name says"
NO_PARTITION = "the file is in no partition: its folder is not of the form {}. Move it into one"


@dataclass(frozen=True)
class Case:
    """A table and its files.

    format: json, csv (OpenCSVSerde), text (LazySimpleSerDe), parquet or orc.
    files: path below the table's location -> content.
    rows: the rows that a job reads, as JSON, in any order; dates, timestamps and decimals as text.
    bad: text of a line that a job sets aside -> reason. set_aside: file name -> prefix of the reason.
    athena: Athena's result, if it is not `rows`: rows, or the prefix of an error.
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
