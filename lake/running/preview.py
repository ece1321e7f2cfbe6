"""A job's steps, or a dataset's rows, on a sample: nothing is deployed, and nothing is written.

The code that runs on Glue runs beside this process, as in lake.running.matches: glue_scripts imports nothing of the
project.
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
"""How the line begins that has the answer; Java prints to the same place."""


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
        aws: called only where it is needed: files of this machine need no AWS.
        step: the last step to run, 0 for none; by default all of them, and then the sink and the expectations too.
        rows: how many to show.
        file: of a dataset, a file or a folder of this machine that is read in place of its objects.

    Returns:
        What `preview` of glue_scripts/lake_etl/preview.py returns, and `notes`: sentences on how it differs from a run.

    Raises:
        BadInput: there is no such job, dataset, step or file, or it cannot be previewed.
        LakeError: what the run would fail with.
    """
    config = lake.config
    if name in config.scripts:
        raise BadInput(
            f"{name} is a script of your own. Only jobs with steps have a preview: `lake run {name}` runs it"
        )
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
        raise BadInput(f"{name} is a job, which reads its datasets. --file is for a dataset")
    if step is not None and step > len(job.steps):
        raise BadInput(f"--step {step}: the job {name} has {len(job.steps)} steps. Allowed: 0 to {len(job.steps)}")


def _check_dataset(lake: Lake, name: str, step: int | None) -> None:
    if step is not None:
        raise BadInput(f"{name} is a dataset, which has no steps. --step is for a job")
    if connection := lake.config.datasets[name].connection:
        raise BadInput(f"{name} is a table of the database {connection}. A preview reads files only")


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
        "a Scala job: its steps run here in Python; the golden tests hold both equal": job.language == "scala",
        "an incremental job: this is as its first run": job.incremental,
        "find_matches learns from the sample alone: a run may match otherwise": any(s.find_matches for s in job.steps),
        "the sink is a table of a database: it is not looked at": job.sink.connection is not None,
    }
    return [note for note, applies in notes.items() if applies]


def _dataset(aws: Aws, name: str, request: dict[str, Any]) -> dict[str, Any]:
    """A job without steps, whose source is the dataset."""
    database = aws.names.database(aws.lake.config.datasets[name].zone)
    return _answer(aws.names, request, aws.variables(), database=database) | {"notes": []}


def _on_disk(lake: Lake, name: str, file: Path, request: dict[str, Any]) -> dict[str, Any]:
    """The same for files of this machine, as if they were the dataset's objects."""
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
        else "the columns are lake.yaml's"
    )
    return _answer(names, request | {"files": files, "tables": {name: table}}, {}) | {"notes": [note]}


def _home(file: Path) -> Path:
    return file if file.is_dir() else file.parent


def _files(file: Path) -> list[Path]:
    """Names that begin with `.` or `_` are left out, as everywhere."""
    if not file.exists():
        raise BadInput(f"{file} is not there")
    found = sorted(path for path in (file.rglob("*") if file.is_dir() else [file]) if path.is_file())
    return [path for path in found if not any(part[0] in "._" for part in path.relative_to(_home(file)).parts)]


def _crawled(lake: Lake, name: str, file: Path) -> dict[str, Any]:
    """The dataset's table, as a first crawl would make it."""
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
    """What the process says. login: the variables of the AWS that it reads; database: the one of its datasets."""
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
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
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
        raise LakeError("a preview runs on Spark, and pyspark is not installed here: `pip install pyspark==3.5.6`")
    home = os.environ.get("JAVA_HOME")
    if not (home and (Path(home) / "bin" / "java").exists()) and not shutil.which("java"):
        raise LakeError("a preview runs on Spark, which needs Java: put a JDK 17 on the PATH, or set JAVA_HOME to one")
