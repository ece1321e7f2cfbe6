"""Runs a job's steps, or reads a dataset, on a sample. Nothing is deployed or written.

The Glue code runs in a separate process, as in lake.running.matches, because the project and glue_scripts do not import
each other.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from lake.aws import Aws
from lake.configuration.connections import datasets_of
from lake.configuration.formats import declared_table, table_input
from lake.configuration.job_spec import job_spec, places
from lake.configuration.model import Job
from lake.configuration.names import ZONES, Names
from lake.configuration.reading import Lake
from lake.configuration.suggest import allowed
from lake.data import dry_run
from lake.errors import BadInput, LakeError
from lake.shipped import GLUE_SCRIPTS

NO_ACCOUNT = "000000000000"
ANSWER = "LAKE_PREVIEW "
"""The prefix of the line with the answer. Java prints to the same stream."""


def preview(
    lake: Lake,
    aws: Callable[[], Aws],
    name: str,
    *,
    step: int | None = None,
    rows: int = 20,
    file: Path | None = None,
) -> dict[str, Any]:
    """Run a job's steps on a sample of its input, or read a sample of a dataset.

    Args:
        aws: called only if needed: local files need no AWS.
        step: the last step to run, 0 for none; by default all steps, the sink and the expectations.
        rows: how many rows to show.
        file: for a dataset, a local file or folder to read instead of its objects.

    Returns:
        What `preview` of glue_scripts/lake_etl/preview.py returns, and `notes`: how the preview differs from a run.

    Raises:
        BadInput: there is no such job, dataset, step or file, or it cannot be previewed.
        LakeError: the error that a run would fail with.
    """
    config = lake.config
    if name in config.scripts:
        raise BadInput(f"{name} is your own script, and only jobs of steps have a preview. `lake run {name}` runs it")
    if name not in {**config.jobs, **config.datasets}:
        known = allowed(name, [*config.jobs, *config.datasets])
        raise BadInput(f"there is no job or dataset {name!r} in lake.yaml. {known}")
    if name in config.jobs:
        _check_job(name, config.jobs[name], step, file)
        return _job(aws(), name, step, rows)
    _check_dataset(lake, name, step)
    spec = {"job": name, "source": name, "tables": {name: name}, "steps": [], "sink": {"table": name}}
    request = {"spec": spec, "datasets": [], "step": 0, "rows": rows}
    return _on_disk(lake, name, file, request) if file else _dataset(aws(), name, request)


def _check_job(name: str, job: Job, step: int | None, file: Path | None) -> None:
    if file:
        raise BadInput(f"--file is only for datasets, but {name} is a job")
    if step is not None and step > len(job.steps):
        raise BadInput(f"--step {step}: the job {name} has {len(job.steps)} steps. Allowed: 0 to {len(job.steps)}")


def _check_dataset(lake: Lake, name: str, step: int | None) -> None:
    if step is not None:
        raise BadInput(f"--step is only for jobs, but {name} is a dataset")
    if connection := lake.config.datasets[name].connection:
        raise BadInput(f"{name} is a table of the database {connection}. A preview can only read files")


def _job(aws: Aws, name: str, step: int | None, rows: int) -> dict[str, Any]:
    job = aws.lake.config.jobs[name]
    request = {
        "spec": job_spec(aws.lake, name, job),
        "datasets": datasets_of(aws.lake.config, job),
        "conf": job.spark_conf,
        "step": step,
        "rows": rows,
    }
    modules = [aws.lake.root / file for file in job.py_files]
    return _answer(aws.names, request, aws.variables(), modules=modules) | {"notes": _notes(job)}


def _notes(job: Job) -> list[str]:
    notes = {
        "a Scala job: its steps run here in Python, which gives the same results": job.language == "scala",
        "an incremental job: the preview is like its first run": job.incremental,
        "find_matches learns only from the sample: a run may match differently": any(s.find_matches for s in job.steps),
        "the sink is a database table, which the preview does not check": job.sink.connection is not None,
    }
    return [note for note, applies in notes.items() if applies]


def _dataset(aws: Aws, name: str, request: dict[str, Any]) -> dict[str, Any]:
    """Preview a job without steps, whose source is the dataset."""
    database = aws.names.database(aws.lake.config.datasets[name].zone)
    return _answer(aws.names, request, aws.variables(), database=database) | {"notes": []}


def _on_disk(lake: Lake, name: str, file: Path, request: dict[str, Any]) -> dict[str, Any]:
    """The same for local files, as if they were the dataset's objects."""
    names = lake.names(NO_ACCOUNT)
    location, dataset = f"s3://{names.bucket('raw')}/{name}/", lake.config.datasets[name]
    files = {f"{location}{path.relative_to(_home(file)).as_posix()}": str(path) for path in _files(file)}
    if not files:
        raise BadInput(f"there are no files in {file}")
    crawled = dataset.catalog == "crawled"
    table = _crawled(lake, name, file) if crawled else declared_table(dataset)
    table["StorageDescriptor"]["Location"] = location
    note = (
        "the columns are those that a first crawl of these files would find"
        if crawled
        else "the columns are those of lake.yaml"
    )
    return _answer(names, request | {"files": files, "tables": {name: table}}, {}) | {"notes": [note]}


def _home(file: Path) -> Path:
    return file if file.is_dir() else file.parent


def _files(file: Path) -> list[Path]:
    """The files in a folder, without names that begin with `.` or `_`, like in other readers."""
    if not file.exists():
        raise BadInput(f"{file} does not exist")
    found = sorted(path for path in (file.rglob("*") if file.is_dir() else [file]) if path.is_file())
    return [path for path in found if not any(part[0] in "._" for part in path.relative_to(_home(file)).parts)]


def _crawled(lake: Lake, name: str, file: Path) -> dict[str, Any]:
    """The table that a first crawl would make for the dataset."""
    found = dry_run.crawl(lambda: lake, _no_aws, str(file.resolve()), name, 1)
    if len(found["tables"]) != 1 or not found["tables"][0]["columns"]:
        why = "; ".join(found["warnings"]) or f"it would find {len(found['tables'])} tables"
        raise LakeError(
            f"a crawl of {file} would not find the table of {name}: {why}. See `lake crawl --dry-run {file}`"
        )
    [table] = found["tables"]
    columns, keys = (
        {column["Name"]: column["Type"] for column in table["columns"]},
        dict.fromkeys(table["keys"], "string"),
    )
    serde = table["serde"]
    return table_input(columns, keys, serde["SerializationLibrary"], serde["Parameters"], table["parameters"])


def _no_aws() -> NoReturn:
    raise AssertionError("a folder needs no AWS")


def _answer(
    names: Names,
    request: dict[str, Any],
    login: dict[str, str],
    *,
    modules: Sequence[Path] = (),
    database: str = "",
) -> dict[str, Any]:
    """The answer of the process. login: variables for its AWS login; database: the database of its datasets."""
    _need_spark()
    options = {"--JOB_NAME": "preview", "--spec": "", **places(names)}
    options |= {"--raw_database": database} if database else {}
    arguments = [word for pair in options.items() for word in pair]
    buckets = [names.bucket(zone) for zone in ZONES]
    with tempfile.TemporaryDirectory(prefix="lake-preview-", ignore_cleanup_errors=True) as folder:
        own = Path(folder) / "modules"
        own.mkdir()
        for module in modules:
            shutil.copy(module, own / module.name)
        done = subprocess.run(
            [sys.executable, "-m", "lake_etl.preview"],
            input=json.dumps({"arguments": arguments, "buckets": buckets, "folder": f"{folder}/buckets", **request}),
            env=_surroundings(login, own),
            capture_output=True,
            text=True,
            check=False,
        )
    answers = [line.removeprefix(ANSWER) for line in done.stdout.splitlines() if line.startswith(ANSWER)]
    if not answers:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise LakeError(f"the preview ended with exit code {done.returncode}: {last}")
    found: dict[str, Any] = json.loads(answers[0])
    if "error" in found:
        raise LakeError(found["error"])
    return found


def _surroundings(login: dict[str, str], modules: Path) -> dict[str, str]:
    foreign = re.compile("AWS_(?!CA_BUNDLE$)|SPARK_")
    kept = {name: value for name, value in os.environ.items() if not foreign.match(name)}
    path = os.pathsep.join(map(str, (GLUE_SCRIPTS, modules)))
    return kept | login | {"PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable, "TZ": "UTC"}


def _need_spark() -> None:
    if find_spec("pyspark") is None:
        raise LakeError("a preview needs Spark, but pyspark is not installed: `pip install pyspark==3.5.6`")
    home = os.environ.get("JAVA_HOME")
    if not (home and (Path(home) / "bin" / "java").exists()) and not shutil.which("java"):
        raise LakeError("a preview needs Spark, which needs Java: put a JDK 17 on the PATH, or set JAVA_HOME to one")
