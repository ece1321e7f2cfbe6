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
from lake.errors import AlreadyRunning, BadInput, LakeError, StillRunning

POLL_SECONDS = 1.0
RETRY_SECONDS = 30
"""The time within which Glue starts the next attempt of a run."""
SHELL_LOGS = "/aws-glue/python-jobs"
"""The log groups of all Python shell jobs of an account."""
ENDED = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}
PROGRESS = "LAKE_PROGRESS "
"""The prefix of progress lines in a run's output (glue_scripts/lake_etl/progress.py)."""

Show = Callable[[str, str], None]
"""Called at each poll with a run's state and progress (empty if the run has not reported any)."""


def start(aws: Aws, job: str, *, full_refresh: bool = False) -> str:
    """Start a job. Returns the run's id.

    Args:
        full_refresh: rebuild the table of an incremental job from all files.

    Raises:
        BadInput: the job is not in lake.yaml, or full_refresh is given for a job that is not incremental.
        LakeError: the job is not deployed, or is already running.
    """
    check_job(aws, job)
    found = aws.lake.config.jobs.get(job)
    if full_refresh and not (found and found.incremental):
        raise BadInput(f"the job {job} is not incremental: each of its runs reads all files")
    try:
        arguments = {"--full_refresh": "true"} if full_refresh else {}
        return aws.glue.start_job_run(JobName=aws.names.job(job), Arguments=arguments)["JobRunId"]
    except ClientError as error:
        if error_code(error) == "EntityNotFoundException":
            raise LakeError(f"the job {job} does not exist. Deploy it first: `lake up etl`") from None
        if error_code(error) == "ConcurrentRunsExceededException":
            runs = aws.glue.get_job_runs(JobName=aws.names.job(job), MaxResults=10)["JobRuns"]
            raise AlreadyRunning(f"job {job}", [run["Id"] for run in runs if run["JobRunState"] not in ENDED]) from None
        raise


def follow(aws: Aws, job: str, run_id: str, show: Show) -> dict[str, Any]:
    """Wait for the end of a run, whoever started it.

    Returns:
        The job's own report: rows in, out, filtered, quarantined, seconds (see glue_scripts/lake_etl/report.py).
        For a user's own script, which writes no report: its state, its duration, and where its log is.

    Raises:
        LakeError: the run did not succeed. The message has Glue's reason.
        StillRunning: Ctrl-C.
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
    """Wait for the end of a run's last attempt. Returns it in the shape of GetJobRun. Raises StillRunning on Ctrl-C."""
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
        raise StillRunning(
            f"the run {run_id} of {job} continues. Stop it with `lake stop {run_id}`, follow it with "
            f"`lake attach {run_id}`"
        ) from None


def _next_attempt(aws: Aws, job: str, ended: Any) -> str:
    """The id of the attempt that Glue starts after a failed one; empty if it starts none."""
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
    """The report that a run wrote to the curated zone."""
    bucket, key = aws.names.bucket("curated"), f"{REPORTS}/job={job}/{run_id}.json"
    document: dict[str, Any] = json.loads(aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return {"job": job, **document}


def log_group(aws: Aws, name: str, kind: str) -> str:
    """The log group of a job; kind is `output` or `error`. The names of a run's log streams begin with its id.

    Glue writes a script's output and traceback to `output`, and Spark's log to `error`. For a shell job, and on the
    embedded AWS, `error` is stderr.
    """
    job = aws.lake.config.every_job[name]
    prefix = SHELL_LOGS if _is_shell(job) else aws.names.job_logs(name, encrypted=job.encryption)
    return f"{prefix}/{kind}"


def log_places(aws: Aws, name: str, run_id: str) -> str:
    """A description of where CloudWatch has the log of a run."""
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
    """The last progress that a run printed."""
    try:
        group = log_group(aws, job, "output")
        events = aws.logs.get_log_events(logGroupName=group, logStreamName=run_id, limit=20)["events"]
    except ClientError:  # a run must not fail because its log cannot be read
        return ""
    lines = [event["message"].strip() for event in events if event["message"].startswith(PROGRESS)]
    return lines[-1].removeprefix(PROGRESS) if lines else ""
