"""A job's steps, or a dataset's rows, on a sample: nothing is deployed or written.

The code that runs on Glue runs beside this process, as it does in lake.matches: glue_scripts imports nothing of the
project and is not imported by it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lake.aws import Aws
from lake.config import Lake
from lake.connections import datasets_of
from lake.errors import BadInput, LakeError
from lake.job_spec import job_spec, places
from lake.model import Job
from lake.names import ZONES


def preview(
    aws: Aws, name: str, *, step: int | None = None, rows: int = 20, file: Path | None = None
) -> dict[str, Any]:
    """Run a job's steps on a sample of its input, or read a sample of a dataset.

    Args:
        step: the last step to run, 0 for none; by default all of them, and then the sink and the expectations too.
        rows: how many to show.
        file: of a dataset, a file or a folder of this machine that is read in place of its objects.

    Returns:
        What `preview` of glue_scripts/lake_etl/preview.py returns, and `notes`: sentences on how it differs from a run.

    Raises:
        BadInput: there is no such job, dataset, step or file, or it cannot be previewed.
        LakeError: what the run would fail with.
    """
    config = aws.lake.config
    if name in config.jobs:
        if file:
            raise BadInput(f"{name} is a job, which reads its datasets. --file is for a dataset")
        return _job(aws, name, step, rows)
    if name in config.scripts:
        raise BadInput(f"{name} is a script of your own: only jobs with steps can be previewed. `lake run {name}` runs it")
    if name not in config.datasets:
        allowed = ", ".join([*config.jobs, *config.datasets])
        raise BadInput(f"there is no job or dataset {name!r} in lake.yaml. Allowed: {allowed}")
    if step is not None:
        raise BadInput(f"{name} is a dataset, which has no steps. --step is for a job")
    return _dataset(aws, name, rows, file)


def _job(aws: Aws, name: str, step: int | None, rows: int) -> dict[str, Any]:
    found = aws.lake.config.jobs[name]
    if step is not None and step > len(found.steps):
        raise BadInput(f"--step {step}: the job {name} has {len(found.steps)} steps. Allowed: 0 to {len(found.steps)}")
    request = {
        "spec": job_spec(aws.lake, name, found),
        "datasets": datasets_of(aws.lake.config, found),
        "conf": found.spark_conf,
        "step": step,
        "rows": rows,
    }
    return _answer(aws, request, _modules(aws.lake, found)) | {"notes": _notes(found)}


def _notes(job: Job) -> list[str]:
    said = {
        "it is a Scala job: the same steps run here in Python, which the golden tests hold equal": job.language == "scala",
        "it is incremental: shown is its first batch": job.incremental,
        "find_matches learns from the sample alone: the run may match otherwise": any(s.find_matches for s in job.steps),
        "its sink is a table of a database, which is not looked at": job.sink.connection is not None,
    }
    return [note for note, applies in said.items() if applies]


def _dataset(aws: Aws, name: str, rows: int, file: Path | None) -> dict[str, Any]:
    """A job without steps, whose source is the dataset."""
    dataset = aws.lake.config.datasets[name]
    if dataset.connection:
        raise BadInput(f"{name} is a table of the database {dataset.connection}. A preview reads files only")
    spec = {"job": name, "source": name, "tables": {name: name}, "steps": [], "sink": {"table": name}}
    return _answer(aws, {"spec": spec, "datasets": [], "step": 0, "rows": rows}, []) | {"notes": []}


def _modules(lake: Lake, job: Job) -> list[Path]:
    return [lake.root / file for file in job.py_files]


def _answer(aws: Aws, request: dict[str, Any], modules: list[Path]) -> dict[str, Any]:
    _need_spark()
    arguments = [word for pair in {"--JOB_NAME": "preview", "--spec": "", **places(aws.names)}.items() for word in pair]
    buckets = [aws.names.bucket(zone) for zone in ZONES]
    with tempfile.TemporaryDirectory(prefix="lake-preview-", ignore_cleanup_errors=True) as folder:
        own = Path(folder) / "modules"
        own.mkdir()
        for module in modules:
            shutil.copy(module, own / module.name)
        done = subprocess.run(
            [sys.executable, "-m", "lake_etl.preview"],
            input=json.dumps({"arguments": arguments, "buckets": buckets, "folder": f"{folder}/buckets", **request}),
            env=_surroundings(aws, own),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise LakeError((done.stderr.strip().splitlines() or ["the preview ended without a word"])[-1])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _surroundings(aws: Aws, modules: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SPARK_"))}
    path = os.pathsep.join(map(str, (aws.lake.root / "glue_scripts", modules)))
    return kept | aws.variables() | {"PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable, "TZ": "UTC"}


def _need_spark() -> None:
    if find_spec("pyspark") is None:
        raise LakeError("a preview runs on Spark, and pyspark is not installed here: `pip install pyspark==3.5.6`")
    home = os.environ.get("JAVA_HOME")
    if not (home and (Path(home) / "bin" / "java").exists()) and not shutil.which("java"):
        raise LakeError("a preview runs on Spark, which needs Java: put a JDK 17 on the PATH, or set JAVA_HOME to one")
