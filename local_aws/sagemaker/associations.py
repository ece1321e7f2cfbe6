"""Which columns of a CSV line a model gets, and how its answer joins the line again: a transform's DataProcessing."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local_aws.jobs.process import JobError
from local_aws.protocol import Document

_SLICE = re.compile(r"\$\[(-?\d*):(-?\d*)\]")
_LIST = re.compile(r"\$\[(-?\d+(?:,-?\d+)*)\]")
Choose = Callable[[list[str]], list[str]]


@dataclass(frozen=True)
class Association:
    """The filters of a transform job. Without any, bytes go in and out as they are."""

    given: str
    answered: str
    joins: bool

    @classmethod
    def of(cls, job: Document) -> Association:
        settings = job.get("DataProcessing") or {}
        joins = settings.get("JoinSource", "None") == "Input"
        return cls(settings.get("InputFilter", "$"), settings.get("OutputFilter", "$"), joins)

    def write_input(self, source: Path, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.given == "$":
            target.write_bytes(source.read_bytes())
        else:
            _write(target, [choice(self.given)(line) for line in _read(source)])
        return target

    def write_output(self, source: Path, plain: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not self.joins and self.answered == "$":
            target.write_bytes(plain.read_bytes())
            return
        answers = _read(plain)
        if self.joins:
            lines = _read(source)
            if len(lines) != len(answers):
                raise JobError(
                    f"ClientError: the model answered {len(answers)} lines to {len(lines)}, which cannot be joined"
                )
            answers = [[*line, *answer] for line, answer in zip(lines, answers, strict=True)]
        _write(target, [choice(self.answered)(line) for line in answers])


def choice(path: str) -> Choose:
    """The columns that a JSONPath of a CSV line chooses: `$`, `$[2:]`, `$[0,3]`, `$[-1]`. Raises JobError."""
    if path == "$":
        return lambda line: line
    if found := _SLICE.fullmatch(path):
        begin, end = (int(text) if text else None for text in found.groups())
        return lambda line: line[begin:end]
    if found := _LIST.fullmatch(path):
        places = [int(text) for text in found[1].split(",")]
        return lambda line: [line[place] for place in places]
    raise JobError(f"ClientError: the filter {path} is not there on the embedded AWS. Allowed: $, $[1:], $[0,2], $[-1]")


def _read(file: Path) -> list[list[str]]:
    with file.open(newline="") as opened:
        lines = list(reader := csv.reader(opened))
    if reader.line_num != len(lines):
        raise JobError("ClientError: a value has a line break, and a batch transform takes each line of CSV for a row")
    return lines


def _write(file: Path, lines: list[list[str]]) -> None:
    with file.open("w", newline="") as opened:
        csv.writer(opened, lineterminator="\n").writerows(lines)
