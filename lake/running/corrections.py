"""Writes corrected rows of the quarantine zone as new files of their datasets."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lake.aws import Aws
from lake.configuration.model import Dataset
from lake.configuration.suggest import allowed
from lake.errors import BadInput
from lake.running import quarantine

_SPACE, _COLON = re.compile(r"[\s,]*"), re.compile(r"\s*:\s*")
Place = tuple[str, str, str]
"""A dataset, a folder in it, and an id for the rows' source file: `flights`, `year=2013/month=1`, `0f3a...`.

The folder is empty if there are no partitions.
"""


@dataclass(frozen=True)
class Corrected:
    """A line of the file: a row from `lake quarantine --export FILE.jsonl` with its `raw` corrected."""

    where: str
    dataset: str
    source_file: str | None
    raw: str
    found_by: str


def write(aws: Aws, job: str, file: Path, folder: Path) -> dict[str, int]:
    """Write corrected rows as files of their datasets: `folder/<dataset>/<partitions>/mended-...`.

    A row that is in an earlier file for the same source file was sent before, and is not written again.

    Returns:
        Dataset -> the number of its rows, including those sent before.

    Raises:
        BadInput: a line is not a row of the export, or not a valid row of its dataset.
    """
    rows = _read(aws, job, file)
    texts: dict[Place, list[str]] = defaultdict(list)
    headers: dict[Place, str] = {}
    for row in rows:
        dataset = aws.lake.config.datasets[row.dataset]
        place = (row.dataset, _folder(aws, row, dataset), _digest(row.source_file or ""))
        if dataset.format == "csv" and place not in headers:
            headers[place] = _header(aws, row)
        texts[place].append(_csv(row, dataset, headers[place]) if dataset.format == "csv" else _json(aws, row, dataset))
    for place, lines in texts.items():
        if fresh := _fresh(aws, place, lines):
            _save(aws.lake.config.datasets[place[0]], place, [headers.get(place, ""), *fresh], folder)
    return {name: sum(len(lines) for (of, *_), lines in texts.items() if of == name) for name, *_ in texts}


def _fresh(aws: Aws, place: Place, lines: list[str]) -> list[str]:
    name, inside, of = place
    bucket, prefix = aws.names.bucket("raw"), "/".join(filter(None, (name, inside, f"mended-{of}-")))
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    sent: Counter[str] = Counter()
    for key in (entry["Key"] for page in pages for entry in page.get("Contents", [])):
        sent.update(quarantine.lines_of(aws.s3.get_object(Bucket=bucket, Key=key)["Body"], key))
    fresh = []
    for line in lines:
        if sent[line]:
            sent[line] -= 1
        else:
            fresh.append(line)
    return fresh


def _save(dataset: Dataset, place: Place, lines: list[str], folder: Path) -> None:
    """Write the lines. The first line is the header, which some datasets do not have."""
    name, inside, of = place
    has_header = dataset.format == "csv" and dataset.csv.header
    text = "".join(f"{line}\n" for line in (lines if has_header else lines[1:]))
    (folder / name / inside).mkdir(parents=True, exist_ok=True)
    (folder / name / inside / f"mended-{of}-{_digest(text)}.{dataset.format}").write_bytes(text.encode())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(aws: Aws, job: str, file: Path) -> list[Corrected]:
    quarantine.check_steps(aws, job)
    if not file.is_file():
        raise BadInput(f"{file} does not exist")
    # Not splitlines, which also splits at characters that a row may contain.
    lines = enumerate(file.read_text(encoding="utf-8-sig").split("\n"), start=1)
    found = [_row(aws, f"{file} line {number}", line) for number, line in lines if line.strip()]
    if not found:
        raise BadInput(f"{file} has no rows")
    return found


def _row(aws: Aws, where: str, line: str) -> Corrected:
    try:
        given = json.loads(line)
        row = Corrected(where, given["dataset"], given["source_file"], given["raw"], given.get("found_by") or "")
    except (ValueError, KeyError, TypeError):
        needed = "a row of `lake quarantine JOB --export FILE.jsonl`: JSON with dataset, source_file and raw"
        raise BadInput(f"{where}: is not {needed}") from None
    dataset = aws.lake.config.datasets.get(row.dataset)
    if dataset is None:
        raise BadInput(
            f"{where}: there is no dataset {row.dataset!r}. {allowed(row.dataset, aws.lake.config.datasets)}"
        )
    if dataset.format not in ("csv", "json") or dataset.json_:
        fix = f"correct it at its source, or upload your own file: `lake put {row.dataset} FILE`"
        raise BadInput(
            f"{where}: the files of {row.dataset} do not have one row per line. To send the row again, {fix}"
        )
    if not isinstance(row.raw, str) or not row.raw.strip() or {"\n", "\r"} & set(row.raw):
        raise BadInput(f"{where}: raw must be the corrected row as one line of text. Remove the lines without raw")
    return row


def _folder(aws: Aws, row: Corrected, dataset: Dataset) -> str:
    """The partition folders: from the row's source file, else from the row's values."""
    root = f"s3://{aws.names.bucket('raw')}/{row.dataset}/"
    if row.source_file and row.source_file.startswith(root):
        return row.source_file.removeprefix(root).rpartition("/")[0]
    values = _object(row) if dataset.keys else {}
    if missing := [key for key in dataset.keys if values.get(key) is None]:
        raise BadInput(f"{row.where}: neither source_file nor raw gives the value of {', '.join(missing)}")
    return "/".join(f"{key}={values[key]}" for key in dataset.keys)


def _header(aws: Aws, row: Corrected) -> str:
    """The first line of the row's source file, or else the columns in lake.yaml."""
    dataset = aws.lake.config.datasets[row.dataset]
    if not dataset.csv.header:
        return dataset.csv.delimiter.join(dataset.columns)
    place = urlsplit(row.source_file or "", allow_fragments=False)
    try:
        body = aws.s3.get_object(Bucket=place.netloc, Key=place.path[1:])["Body"] if row.source_file else None
    except aws.s3.exceptions.NoSuchKey:
        body = None
    header = next(quarantine.lines_of(body, row.source_file or ""), "") if body else ""
    if not header:
        raise BadInput(f"{row.where}: source_file does not exist, so the columns of {row.dataset} are unknown")
    return header


def _csv(row: Corrected, dataset: Dataset, header: str) -> str:
    """The row's text if it has as many fields as the header; for a row that a step rejected, its values as CSV."""
    names = _fields(header, dataset)
    if row.found_by == quarantine.READER:
        given = _fields(row.raw, dataset)
        if names and len(given) != len(names):
            raise BadInput(f"{row.where}: raw has {len(given)} fields. {row.dataset} has {len(names)}: {header}")
        return row.raw
    values = _own(row, dataset, names)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="", **_dialect(dataset))
    writer.writerow([values.get(name) for name in names])
    return written.getvalue()


def _fields(line: str, dataset: Dataset) -> list[str]:
    return next(csv.reader([line], **_dialect(dataset)), [])


def _dialect(dataset: Dataset) -> dict[str, Any]:
    """The CSV dialect for quotes within values, as the dataset's SerDe and the jobs read them."""
    how: dict[str, Any] = {"delimiter": dataset.csv.delimiter, "quotechar": dataset.csv.quote}
    return how | ({"doublequote": False, "escapechar": "\\"} if dataset.csv.serde == "OpenCSVSerDe" else {})


def _json(aws: Aws, row: Corrected, dataset: Dataset) -> str:
    if row.found_by == quarantine.READER:
        _object(row)
        return row.raw
    own, written = _own(row, dataset, _columns(aws, row.dataset)), _as_written(row.raw)
    return "{" + ", ".join(f"{json.dumps(name, ensure_ascii=False)}: {written[name]}" for name in own) + "}"


def _as_written(text: str) -> dict[str, str]:
    """The values of a JSON object by name, as text, because a float would round a decimal."""
    decoder, found, at = json.JSONDecoder(), {}, text.index("{") + 1
    while (at := _SPACE.match(text, at).end()) < len(text) and text[at] != "}":  # type: ignore[union-attr]
        name, at = decoder.raw_decode(text, at)
        begin = _COLON.match(text, at).end()  # type: ignore[union-attr]
        _, at = decoder.raw_decode(text, begin)
        found[name] = text[begin:at]
    return found


def _own(row: Corrected, dataset: Dataset, names: list[str]) -> dict[str, Any]:
    """The values of a row that a step rejected, without partition keys. Only the dataset's columns are allowed."""
    values = {name: value for name, value in _object(row).items() if name not in dataset.keys}
    if strange := [name for name in values if name not in names]:
        raise BadInput(
            f"{row.where}: {row.dataset} has no {', '.join(strange)}: {row.found_by} rejected the row after other "
            f"steps had changed it. Write raw as a row of {row.dataset}, with {', '.join(names)}"
        )
    return values


def _object(row: Corrected) -> dict[str, Any]:
    try:
        found = json.loads(row.raw, parse_float=Decimal)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadInput(f"{row.where}: raw is not a JSON object")
    return found


def _columns(aws: Aws, dataset: str) -> list[str]:
    try:
        table = aws.glue.get_table(DatabaseName=aws.names.database("raw"), Name=dataset)["Table"]
    except aws.glue.exceptions.EntityNotFoundException:
        return []
    return [column["Name"] for column in table["StorageDescriptor"]["Columns"]]
