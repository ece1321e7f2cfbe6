"""Lists, finds and stops the runs of jobs and workflows."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lake.aws import THREADS, Aws, error_code
from lake.errors import BadInput
from lake.running import jobs, workflows

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import PaginatorConfigTypeDef

SHORT = 15
"""Characters of a run id in tables: enough to identify a run."""
_MESSAGE = 100


@dataclass(frozen=True)
class Run:
    """A run of a job or a workflow, with its name in lake.yaml.

    Attributes:
        kind: `job` or `workflow`.
        seconds: its duration so far.
        error: Glue's message; empty if there is none.
    """

    id: str
    kind: str
    name: str
    state: str
    started: datetime
    seconds: float
    error: str = ""

    @property
    def first(self) -> str:
        """The id of the run's first attempt. Glue names a retry `<id>_attempt_1`."""
        return self.id.partition("_attempt_")[0]


def newest(aws: Aws, job: str | None, limit: int) -> list[Run]:
    """The last runs of a job, or of all jobs, newest first. Raises BadInput for a job that is not in lake.yaml."""
    if job:
        jobs.check_job(aws, job)
    found = [run for name in ([job] if job else aws.lake.config.every_job) for run in of_job(aws, name, limit)]
    return sorted(found, key=lambda run: run.started, reverse=True)[:limit]


def records(aws: Aws, found: list[Run]) -> list[dict[str, Any]]:
    """The runs as table rows: run, job, state, started, seconds, rows in and out if there is a report, short error."""
    with ThreadPoolExecutor(THREADS) as pool:
        rows = pool.map(partial(_rows, aws), found)
        return [_record(run, *counts) for run, counts in zip(found, rows, strict=True)]


def of_job(aws: Aws, job: str, limit: int | None = None) -> Iterator[Run]:
    """The runs of a job, newest first; none if it is not deployed."""
    most: PaginatorConfigTypeDef = {"MaxItems": limit, "PageSize": min(limit, 200)} if limit else {"PageSize": 200}
    pages = aws.glue.get_paginator("get_job_runs").paginate(JobName=aws.names.job(job), PaginationConfig=most)
    try:
        for run in (run for page in pages for run in page["JobRuns"]):
            seconds, error = float(run.get("ExecutionTime", 0)), run.get("ErrorMessage", "")
            yield Run(run["Id"], "job", job, run["JobRunState"], run["StartedOn"], seconds, error)
    except ClientError as error:
        if error_code(error) != "EntityNotFoundException":
            raise


def find(aws: Aws, given: str) -> Run:
    """The run with this id or beginning of an id, with or without `jr_` or `wr_`.

    If Glue has retried the run, this is its last attempt.

    Raises:
        BadInput: there is no such run, or more than one.
    """
    found = [run for run in _every(aws) if given and (run.id.startswith(given) or run.id[3:].startswith(given))]
    if same := [run for run in found if run.id == given]:
        return same[0]
    if not found:
        raise BadInput(f"there is no run {given!r} of the jobs and workflows of lake.yaml. `lake runs` lists them")
    if len({run.first for run in found}) > 1:
        ids = ", ".join(run.id for run in found[:3]) + (", ..." if len(found) > 3 else "")
        raise BadInput(f"{len(found)} runs begin with {given!r}: {ids}. Give more characters")
    return max(found, key=lambda run: run.started)


def stop(aws: Aws, run: Run) -> None:
    """Request that a run stops. Raises BadInput if it cannot be stopped any more."""
    if run.kind == "workflow":
        workflows.stop(aws, run.name, run.id)
        return
    answer = aws.glue.batch_stop_job_run(JobName=aws.names.job(run.name), JobRunIds=[run.id])
    if answer.get("Errors"):
        now = aws.glue.get_job_run(JobName=aws.names.job(run.name), RunId=run.id)["JobRun"]["JobRunState"]
        raise BadInput(f"the run {run.id} of {run.name} cannot be stopped: it is {now}")


def _every(aws: Aws) -> Iterator[Run]:
    for job in aws.lake.config.every_job:
        yield from of_job(aws, job)
    for workflow in aws.lake.config.workflows:
        for run in workflows.runs(aws, workflow):
            ended = run.get("CompletedOn") or datetime.now(run["StartedOn"].tzinfo)
            seconds = round((ended - run["StartedOn"]).total_seconds(), 1)
            yield Run(run["WorkflowRunId"], "workflow", workflow, run["Status"], run["StartedOn"], seconds)


def _rows(aws: Aws, run: Run) -> tuple[int | None, int | None]:
    """Rows in and out, from the run's report."""
    if run.state != "SUCCEEDED" or run.name not in aws.lake.config.jobs:
        return None, None
    try:
        report = jobs.report(aws, run.name, run.id)
    except aws.s3.exceptions.NoSuchKey:
        return None, None
    return report["rows_in"], report["rows_out"]


def _record(run: Run, rows_in: int | None, rows_out: int | None) -> dict[str, Any]:
    error = run.error.partition("\n")[0]
    return {
        "run_id": run.id,
        "job": run.name,
        "state": run.state,
        "started": f"{run.started:%Y-%m-%d %H:%M:%S}",
        "seconds": run.seconds,
        "rows_in": rows_in,
        "rows_out": rows_out,
        "error": error if len(error) <= _MESSAGE else f"{error[: _MESSAGE - 3]}...",
    }
