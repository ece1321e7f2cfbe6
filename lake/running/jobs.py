"""Start Glue jobs, follow their runs and read their reports."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.configuration.model import REPORTS, JobSettings, ScriptJob
from lake.configuration.suggest import allowed
from lake.errors import BadInput, GoesOn, LakeError, RunsAlready

POLL_SECONDS = 1.0
RETRY_SECONDS = 30
"""Within which Glue begins the next attempt at a run."""
SHELL_LOGS = "/aws-glue/python-jobs"
"""The log groups of all Python shell jobs of an account."""
ENDED = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}
PROGRESS = "LAKE_PROGRESS "
"""How a line of a run's output begins that says how far it is (glue_scripts/lake_etl/progress.py)."""

Show = Callable[[str, str], None]
"""Told a run's state, and how far it is (empty where the run has not said) whenever the run is looked at."""


def start(aws: Aws, job: str, *, full_refresh: bool = False) -> str:
    """Start a job. Returns the run's id.

    Args:
        full_refresh: make the table of an incremental job anew, from all files.

    Raises:
        BadInput: the job is not in lake.yaml, or is not incremental and is to be refreshed.
        LakeError: the job is not deployed, or runs already.
    """
    check_job(aws, job)
    found = aws.lake.config.jobs.get(job)
    if full_refresh and not (found and found.incremental):
        raise BadInput(f"the job {job} is not incremental: each of its runs takes all files")
    try:
        arguments = {"--full_refresh": "true"} if full_refresh else {}
        return aws.glue.start_job_run(JobName=aws.names.job(job), Arguments=arguments)["JobRunId"]
    except ClientError as error:
        if error_code(error) == "EntityNotFoundException":
            raise LakeError(f"the job {job} is not there. Deploy it first: `lake up etl`") from None
        if error_code(error) == "ConcurrentRunsExceededException":
            runs = aws.glue.get_job_runs(JobName=aws.names.job(job), MaxResults=10)["JobRuns"]
            raise RunsAlready(f"job {job}", [run["Id"] for run in runs if run["JobRunState"] not in ENDED]) from None
        raise


def follow(aws: Aws, job: str, run_id: str, show: Show) -> dict[str, Any]:
    """Wait for the end of a run, whoever started it.

    Returns:
        The job's own report: rows in, out, filtered, quarantined, seconds (see glue_scripts/lake_etl/report.py).
        Of a person's own script, which makes none: its state, how long it took, and where its log is.

    Raises:
        LakeError: the run did not succeed; with Glue's message.
        GoesOn: Ctrl-C.
    """
    ended = wait(aws, job, run_id, show)
    if ended["JobRunState"] != "SUCCEEDED":
        raise LakeError(
            f"the run {ended['Id']} of {job} is {ended['JobRunState']}: {ended.get('ErrorMessage', 'no message')}\n"
            f"Its log: {log_places(aws, job, ended['Id'])}. `lake logs {job}` shows it"
        )
    if job in aws.lake.config.jobs:
        return report(aws, job, ended["Id"])
    done = {"job": job, "run_id": ended["Id"], "state": ended["JobRunState"], "seconds": ended["ExecutionTime"]}
    return done | {"log": log_places(aws, job, ended["Id"])}


def wait(aws: Aws, job: str, run_id: str, show: Show) -> Any:
    """Wait for the end of a run's last attempt, and return that as Glue tells it. Raises GoesOn on Ctrl-C."""
    try:
        while True:
            found = aws.glue.get_job_run(JobName=aws.names.job(job), RunId=run_id)["JobRun"]
            if found["JobRunState"] not in ENDED:
                show(found["JobRunState"], _progress(aws, job, run_id))
            elif again := _next_attempt(aws, job, found):
                run_id = again
            else:
                show(found["JobRunState"], "")
                return found
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        raise GoesOn(
            f"the run {run_id} of {job} goes on. Stop it with `lake stop {run_id}`, see its end with "
            f"`lake attach {run_id}`"
        ) from None


def _next_attempt(aws: Aws, job: str, ended: Any) -> str:
    """The id of the attempt that Glue makes after one that has failed; empty where it makes none."""
    attempt = ended.get("Attempt", 0) + 1
    if ended["JobRunState"] != "FAILED" or attempt > aws.lake.config.every_job[job].retries:
        return ""
    run_id, until = f"{ended['Id'].partition('_attempt_')[0]}_attempt_{attempt}", time.monotonic() + RETRY_SECONDS
    while time.monotonic() < until:
        try:
            return aws.glue.get_job_run(JobName=aws.names.job(job), RunId=run_id)["JobRun"]["Id"]
        except aws.glue.exceptions.EntityNotFoundException:
            time.sleep(POLL_SECONDS)
    return ""


def report(aws: Aws, job: str, run_id: str) -> dict[str, Any]:
    """The report that a run left in the curated zone."""
    bucket, key = aws.names.bucket("curated"), f"{REPORTS}/job={job}/{run_id}.json"
    document: dict[str, Any] = json.loads(aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return {"job": job, **document}


def log_group(aws: Aws, name: str, kind: str) -> str:
    """The log group of a job; kind is `output` or `error`. A run's streams there begin with its id.

    Glue puts what a script prints, and its traceback, into `output`, and Spark's own log into `error`. Of a shell job,
    and on the embedded AWS, `error` is what was printed to stderr.
    """
    job = aws.lake.config.every_job[name]
    prefix = SHELL_LOGS if _is_shell(job) else aws.names.job_logs(name, encrypted=job.encryption)
    return f"{prefix}/{kind}"


def log_places(aws: Aws, name: str, run_id: str) -> str:
    """Where CloudWatch has the log of a run, in words."""
    groups = " and ".join(log_group(aws, name, kind) for kind in ("output", "error"))
    return f"{groups}, {'stream' if _is_shell(aws.lake.config.every_job[name]) else 'streams that begin with'} {run_id}"


def _is_shell(job: JobSettings) -> bool:
    return isinstance(job, ScriptJob) and job.type == "shell"


def check_job(aws: Aws, job: str) -> None:
    """Raise BadInput for a job that is not in lake.yaml."""
    jobs = aws.lake.config.every_job
    if job not in jobs:
        raise BadInput(f"there is no job {job!r} in lake.yaml. {allowed(job, jobs)}")


def _progress(aws: Aws, job: str, run_id: str) -> str:
    """What the run last said of itself in its output."""
    try:
        group = log_group(aws, job, "output")
        events = aws.logs.get_log_events(logGroupName=group, logStreamName=run_id, limit=20)["events"]
    except ClientError:  # no run fails for want of a line about it
        return ""
    lines = [event["message"].strip() for event in events if event["message"].startswith(PROGRESS)]
    return lines[-1].removeprefix(PROGRESS) if lines else ""
