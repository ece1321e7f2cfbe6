"""Run Glue jobs and read their reports."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.errors import BadInput, LakeError
from lake.model import REPORTS, ScriptJob
from lake.suggest import allowed

POLL_SECONDS = 1.0
SHELL_LOGS = "/aws-glue/python-jobs"
"""The log groups of all Python shell jobs of an account."""
ENDED = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}


def run(aws: Aws, job: str, on_state: Callable[[str], None], *, full_refresh: bool = False) -> dict[str, Any]:
    """Run a job to its end.

    Args:
        on_state: told the state of the run whenever it is looked at.
        full_refresh: make the table of an incremental job anew, from all files.

    Returns:
        The job's own report: rows in, out, filtered, quarantined, seconds (see glue_scripts/lake_etl/report.py).
        Of a person's own script, which makes none: its state, how long it took, and where its log is.

    Raises:
        BadInput: the job is not in lake.yaml, or is not incremental and is to be refreshed.
        LakeError: the job is not deployed, runs already, or did not succeed; with Glue's message.
    """
    jobs = aws.lake.config.every_job
    if job not in jobs:
        raise BadInput(f"there is no job {job!r} in lake.yaml. {allowed(job, jobs)}")
    found = aws.lake.config.jobs.get(job)
    if full_refresh and not (found and found.incremental):
        raise BadInput(f"the job {job} is not incremental: each of its runs takes all files")
    run_id = _start(aws, job, {"--full_refresh": "true"} if full_refresh else {})
    ended = _wait(aws, job, run_id, on_state)
    if ended["JobRunState"] != "SUCCEEDED":
        raise LakeError(
            f"the run {run_id} of {job} is {ended['JobRunState']}: {ended.get('ErrorMessage', 'no message')}\n"
            f"Its log: {_log(aws, job, 'error', run_id)}"
        )
    if job in aws.lake.config.jobs:
        return report(aws, job, run_id)
    done = {"job": job, "run_id": run_id, "state": ended["JobRunState"], "seconds": ended["ExecutionTime"]}
    return done | {"log": _log(aws, job, "output", run_id)}


def report(aws: Aws, job: str, run_id: str) -> dict[str, Any]:
    """The report that a run left in the curated zone."""
    bucket, key = aws.names.bucket("curated"), f"{REPORTS}/job={job}/{run_id}.json"
    document: dict[str, Any] = json.loads(aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return {"job": job, **document}


def _log(aws: Aws, name: str, kind: str, run_id: str) -> str:
    job = aws.lake.config.every_job[name]
    shell = isinstance(job, ScriptJob) and job.type == "shell"
    prefix = SHELL_LOGS if shell else aws.names.job_logs(name, encrypted=job.encryption)
    return f"{prefix}/{kind}, stream {run_id}"


def _start(aws: Aws, job: str, arguments: dict[str, str]) -> str:
    try:
        return aws.glue.start_job_run(JobName=aws.names.job(job), Arguments=arguments)["JobRunId"]
    except ClientError as error:
        if error_code(error) == "EntityNotFoundException":
            raise LakeError(f"the job {job} is not there. Deploy it first: `lake up etl`") from None
        if error_code(error) == "ConcurrentRunsExceededException":
            raise LakeError(f"the job {job} runs already. Wait for it, or see `lake status`") from None
        raise


def _wait(aws: Aws, job: str, run_id: str, on_state: Callable[[str], None]) -> Any:
    while True:
        found = aws.glue.get_job_run(JobName=aws.names.job(job), RunId=run_id)["JobRun"]
        on_state(found["JobRunState"])
        if found["JobRunState"] in ENDED:
            return found
        time.sleep(POLL_SECONDS)
