"""Measures the quality of a job's find_matches, locally, with the code that runs on Glue."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lake.aws import Aws
from lake.configuration.model import FindMatches
from lake.configuration.reading import Lake
from lake.configuration.suggest import allowed
from lake.data.sql import query
from lake.errors import BadInput, LakeError
from lake.shipped import GLUE_SCRIPTS, importable


def evaluate(
    lake: Lake,
    job: str,
    *,
    rows: Path,
    truth: str | None = None,
    labels: Path | None = None,
    plot: Path | None = None,
) -> dict[str, Any]:
    """Match the records of a file like the job does, and compare the result with the truth.

    Args:
        rows: a CSV, JSON or Parquet file with the columns that find_matches reads.
        truth: the column that identifies records of the same entity; or instead
        labels: a CSV file in the layout of AWS Glue's FindMatches: labeling_set_id, label, then the columns.
        plot: the PNG file to write.

    Returns:
        What `evaluate` of glue_scripts/lake_etl/evaluation.py returns.

    Raises:
        BadInput: the job has no find_matches, or neither truth nor labels are given.
        LakeError: the records could not be matched. The message has the reason.
    """
    if (truth is None) == (labels is None):
        raise BadInput("give what to compare with: either --labels FILE or --truth COLUMN")
    options = step(lake, job).model_dump(exclude_unset=True)
    for file in filter(None, (rows, labels)):
        if not file.is_file():
            raise BadInput(f"{file} does not exist")
    files = {name: str(path.absolute()) if path else None for name, path in (("labels", labels), ("plot", plot))}
    request = {"rows": str(rows.absolute()), "step": options, "truth": truth, **files}
    # The project and glue_scripts do not import each other: the script runs in a separate process, as on Glue.
    done = subprocess.run(
        [sys.executable, "-m", "lake_etl.evaluation"],
        input=json.dumps(request),
        env=importable(GLUE_SCRIPTS),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise LakeError(_last_line(done.stderr))
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _last_line(text: str) -> str:
    last = (text.strip().splitlines() or ["no message"])[-1]
    return f"the matching failed: {last}" if re.match(r"[\w.]+(Error|Exception)\b", last) else last


def step(lake: Lake, job: str) -> FindMatches:
    """The job's find_matches step."""
    jobs = lake.config.jobs
    found = {name: each.find_matches for name in jobs for each in jobs[name].steps if each.find_matches}
    if job not in found:
        hint = allowed(job, found, "none has one")
        raise BadInput(f"there is no job {job!r} with a find_matches step in lake.yaml. {hint}")
    return found[job]


def fetch(aws: Aws, job: str, folder: Path) -> Path:
    """Save the rows of the job's source dataset, from Athena, as a CSV file in the folder."""
    step(aws.lake, job)
    source = aws.lake.config.jobs[job].source
    if aws.lake.config.datasets[source].in_database:
        raise BadInput(f"Athena cannot read {source}, which is a database table. Give its records with --rows FILE")
    answer = query(aws, f'SELECT * FROM "{source}"', "raw")
    place = urlsplit(answer.output)
    file = folder / f"{job}.csv"
    aws.s3.download_file(place.netloc, place.path.lstrip("/"), str(file))
    return file
