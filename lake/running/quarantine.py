"""Reads the rows that jobs rejected from the quarantine zone, and exports them."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from lake.aws import Aws
from lake.errors import BadInput, LakeError
from lake.running import jobs, runs

READER = "reader"
"""`found_by` of a row that could not be read. Its raw text is a line of its file."""
LARGEST = 200_000_000
"""The maximum size of a file in which lines are looked up, in bytes."""


@dataclass(frozen=True)
class Rejected:
    """A row that a run rejected, or an entire file if `raw` is None.

    Attributes:
        source_file: its file; None if Spark no longer knew it, after a join.
        line: its line in the file, from 1; None if unknown.
        reason: why it was rejected.
        raw: the row's text; or the row as JSON, if a step or an expectation rejected it.
        found_by: `reader`, `step 2 (map)`, ..., or `expect`.
    """

    dataset: str
    source_file: str | None
    line: int | None
    reason: str
    raw: str | None
    found_by: str
    job: str
    run_id: str
    quarantined_at: str


COLUMNS = tuple(field.name for field in fields(Rejected))


def read(aws: Aws, job: str, run: str | None = None, limit: int | None = None) -> tuple[str, list[Rejected], int]:
    """The rows that a run of a job rejected, with their lines: (run id, the first `limit` rows, their total number).

    Args:
        run: a run id or its beginning; by default the last run that has ended.

    Raises:
        BadInput: the job is not in lake.yaml or has no steps, or there is no such run.
        LakeError: the job has never run.
    """
    check_steps(aws, job)
    folders = _folders(aws, job)
    run_id = _named(folders, aws, run, job) if run else _last(aws, job, folders)
    found: list[Rejected] = []
    count = 0
    for count, row in enumerate(_rows(aws, folders.get(run_id, [])), start=1):
        if limit is None or count <= limit:
            found.append(row)
    return run_id, _with_lines(aws, found), count


def others(aws: Aws, job: str, run_id: str) -> list[str]:
    """The other runs of the job that rejected rows, newest first."""
    return [other for other in reversed(_folders(aws, job)) if other != run_id]


def write(rows: list[Rejected], suffix: str, file: IO[bytes]) -> None:
    """Write rows as `.csv`, `.jsonl` or `.parquet`."""
    records = [asdict(row) for row in rows]
    if suffix == ".jsonl":
        file.writelines(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)
        return
    import pyarrow as pa
    from pyarrow import csv, parquet

    types = {name: pa.int64() if name == "line" else pa.string() for name in COLUMNS}
    table = pa.Table.from_pylist(records, schema=pa.schema(types.items()))
    (csv.write_csv if suffix == ".csv" else parquet.write_table)(table, file)


def check_steps(aws: Aws, job: str) -> None:
    """Raise BadInput for a job that is not in lake.yaml, or is a user's own script."""
    jobs.check_job(aws, job)
    if job not in aws.lake.config.jobs:
        raise BadInput(f"{job} is your own script, and only jobs of steps quarantine rows")


def _folders(aws: Aws, job: str) -> dict[str, list[str]]:
    """Run id -> the keys of its files, ordered by the runs' last writes."""
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=aws.names.bucket("quarantine"), Prefix=f"{job}/")
    objects = [entry for page in pages for entry in page.get("Contents", [])]
    found: dict[str, list[str]] = defaultdict(list)
    for entry in sorted(objects, key=lambda entry: entry["LastModified"]):
        _, _, *rest = entry["Key"].split("/")  # JOB/run_date=.../RUN/part-...
        if len(rest) == 2 and rest[1].endswith(".json"):
            found[rest[0]].append(entry["Key"])
    return dict(found)


def _named(folders: dict[str, list[str]], aws: Aws, given: str, job: str) -> str:
    """The full id of a run, from the zone if Glue no longer lists it: Glue deletes runs after some months."""
    here = [run_id for run_id in folders if run_id.startswith(given) or run_id[3:].startswith(given)]
    if len(here) == 1 or given in here:
        return given if given in here else here[0]
    run = runs.find(aws, given)
    if run.name != job or run.kind != "job":
        raise BadInput(f"the run {run.id} belongs to {run.name}, not to {job}")
    return run.id


def _last(aws: Aws, job: str, folders: dict[str, list[str]]) -> str:
    ended = next((run.id for run in runs.of_job(aws, job, 20) if run.state in jobs.ENDED), None)
    if not (last := ended or next(reversed(folders), None)):
        raise LakeError(f"the job {job} has no run that has ended. Start one: `lake run {job}`")
    return last


def _rows(aws: Aws, keys: Iterable[str]) -> Iterator[Rejected]:
    for key in keys:
        body = aws.s3.get_object(Bucket=aws.names.bucket("quarantine"), Key=key)["Body"]
        for line in body.iter_lines():
            record = dict.fromkeys(COLUMNS) | {"found_by": READER} | json.loads(line)
            if record["source_file"] and record["raw"] is not None:
                record["source_file"] = unquote(record["source_file"])  # Spark's file names are URIs
            yield Rejected(**{name: record[name] for name in COLUMNS})


def _with_lines(aws: Aws, rows: list[Rejected]) -> list[Rejected]:
    """The rows with line numbers. Spark does not know these, so the texts are looked up in the files."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.source_file and row.raw is not None and row.found_by == READER:
            wanted[row.source_file].add(row.raw)
    written = min((row.quarantined_at for row in rows), default="")
    numbers = {file: _numbers(aws, file, texts, written) for file, texts in wanted.items()}
    return [replace(row, line=_next(numbers.get(row.source_file or "", {}), row)) for row in rows]


def _next(numbers: dict[str, Iterator[int]], row: Rejected) -> int | None:
    """The next line with the row's text. Lines with the same text are interchangeable, and each is used once."""
    return next(numbers.get(row.raw or "", iter(())), None) if row.found_by == READER else None


def _numbers(aws: Aws, file: str, texts: set[str], before: str) -> dict[str, Iterator[int]]:
    """Text -> the numbers of its lines. Empty for a file that has changed since, or is too large."""
    found: dict[str, list[int]] = {text: [] for text in texts}
    place = urlsplit(file, allow_fragments=False)
    try:
        answer = aws.s3.get_object(Bucket=place.netloc, Key=place.path[1:])
    except (aws.s3.exceptions.NoSuchKey, aws.s3.exceptions.NoSuchBucket):
        return {}
    if answer["ContentLength"] > LARGEST or answer["LastModified"] > _moment(before):
        return {}
    for number, line in enumerate(lines_of(answer["Body"], file), start=1):
        if line in found:
            found[line].append(number)
    return {text: iter(numbers) for text, numbers in found.items()}


def lines_of(body: Any, file: str) -> Iterator[str]:
    """The lines of an object, decompressed if necessary, split like in Spark."""
    opened: Any = gzip.GzipFile(fileobj=body) if file.endswith(".gz") else body
    try:
        for line in io.TextIOWrapper(io.BufferedReader(opened), encoding="utf-8", errors="replace", newline=None):
            yield line.rstrip("\n")
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.now(UTC)
