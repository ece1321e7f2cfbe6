"""Up and down: the stacks in a sensible order, and what services left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.configuration.names import STACKS, ZONES
from lake.configuration.suggest import allowed
from lake.data import zones
from lake.data.catalog import CRAWLER_LOGS
from lake.deploying.lock import Lock
from lake.deploying.progress import OnProgress
from lake.deploying.terraform import Terraform, synthesise
from lake.deploying.two_keys import need_first_key
from lake.errors import BadInput
from lake.running.jobs import SHELL_LOGS


def check_stacks(stacks: Sequence[str]) -> list[str]:
    """The named stacks in the order of deployment; all of them when none is named."""
    for stack in stacks:
        if stack not in STACKS:
            raise BadInput(f"there is no stack {stack!r}. {allowed(stack, STACKS)}")
    return [stack for stack in STACKS if not stacks or stack in stacks]


def up(
    aws: Aws,
    stacks: Sequence[str],
    on_progress: OnProgress,
    lock: Lock,
    *,
    wait: bool = False,
    plan_all: bool = False,
) -> None:
    """Deploy stacks side by side: storage at once, the others when the key and the buckets they write to are there.

    Args:
        plan_all: also those that are as they were at their last apply.
    """
    chosen = check_stacks(stacks)
    synthesise(aws.lake)

    def may_begin(stack: str) -> bool:
        storage = stack == "storage" or "storage" not in chosen or _storage_is_there(aws)
        return storage and (stack != "etl" or "catalog" not in chosen or _crawlers_are_there(aws))

    Terraform(aws, on_progress, lock, wait=wait, plan_all=plan_all).apply(chosen, may_begin)


def _crawlers_are_there(aws: Aws) -> bool:
    """Those that workflows start: AWS may refuse a trigger that names a crawler which is not there."""
    if aws.lake.environment.endpoint:
        return True
    steps = (step for workflow in aws.lake.config.workflows.values() for step in workflow.steps)
    wanted = [aws.names.crawler(dataset) for step in steps for dataset in step.crawl]
    return not wanted or not aws.glue.batch_get_crawlers(CrawlerNames=wanted).get("CrawlersNotFound")


def _storage_is_there(aws: Aws) -> bool:
    try:
        aws.kms.describe_key(KeyId=aws.names.key_alias)
        for purpose in (*ZONES, "logs"):
            aws.s3.head_bucket(Bucket=aws.names.bucket(purpose))
    except ClientError:
        return False
    return True


def down(aws: Aws, stacks: Sequence[str], on_progress: OnProgress, lock: Lock, *, wait: bool = False) -> None:
    """Destroy stacks: what writes before what is written to, data last.

    Raises:
        BadInput: storage is among them, and the environment is not destroyable. Nothing is done then.
    """
    chosen = check_stacks(stacks)
    if "storage" in chosen:
        keep = " To take down all else: `lake down catalog etl athena streaming`"
        need_first_key(aws, f"the data of {aws.names.prefix}", keep)
    synthesise(aws.lake)
    terraform = Terraform(aws, on_progress, lock, wait=wait)
    terraform.forget(chosen)
    _stop_work(aws, chosen)
    if "etl" in chosen:
        _delete_shell_logs(aws)
    if others := [stack for stack in chosen if stack != "storage"]:
        terraform.destroy(others)
    if "catalog" in chosen:
        _delete_crawler_logs(aws)
    if "storage" in chosen:
        for purpose in (*ZONES, "logs"):
            zones.empty(aws, aws.names.bucket(purpose))
        terraform.destroy(["storage"])


def _stop_work(aws: Aws, stacks: Sequence[str]) -> None:
    """What runs would hold its resources, or write into an emptied bucket."""
    if {"catalog", "etl"} & set(stacks):
        for workflow in aws.lake.config.workflows:
            _stop_workflow(aws, aws.names.workflow(workflow))
    if "catalog" in stacks:
        for dataset in aws.lake.config.datasets:
            _quietly(lambda name: aws.glue.stop_crawler(Name=name), aws.names.crawler(dataset))
    if "etl" in stacks:
        for job in aws.lake.config.every_job:
            _stop_runs(aws, aws.names.job(job))
    if "streaming" in stacks:
        for stream in aws.lake.config.streams:
            _quietly(
                lambda name: aws.flink.stop_application(ApplicationName=name, Force=True),
                aws.names.stream(stream),
            )


def _stop_workflow(aws: Aws, workflow: str) -> None:
    """A workflow that goes on would start what has just been stopped."""
    try:
        runs = aws.glue.get_workflow_runs(Name=workflow)["Runs"]
    except ClientError:
        return
    for run in runs:
        if run["Status"] == "RUNNING":
            _quietly(lambda run_id: aws.glue.stop_workflow_run(Name=workflow, RunId=run_id), run["WorkflowRunId"])


def _stop_runs(aws: Aws, job: str) -> None:
    try:
        runs = aws.glue.get_job_runs(JobName=job)["JobRuns"]
    except ClientError:
        return
    running = [run["Id"] for run in runs if run["JobRunState"] in ("STARTING", "RUNNING", "WAITING")]
    if running:
        aws.glue.batch_stop_job_run(JobName=job, JobRunIds=running)


def _quietly(stop: Callable[[str], object], name: str) -> None:
    """It is not there, or does not run: then there is nothing to stop."""
    try:
        stop(name)
    except ClientError:
        return


def _delete_shell_logs(aws: Aws) -> None:
    """Shell jobs share two log groups of the account; a stream is named by its run, which goes with the job."""
    shells = [aws.names.job(name) for name, job in aws.lake.config.scripts.items() if job.type == "shell"]
    for run_id in (run_id for job in shells for run_id in _runs(aws, job)):
        for kind in ("output", "error"):
            with suppress(aws.logs.exceptions.ResourceNotFoundException):
                aws.logs.delete_log_stream(logGroupName=f"{SHELL_LOGS}/{kind}", logStreamName=run_id)


def _runs(aws: Aws, job: str) -> list[str]:
    try:
        pages = aws.glue.get_paginator("get_job_runs").paginate(JobName=job)
        return [run["Id"] for page in pages for run in page["JobRuns"]]
    except aws.glue.exceptions.EntityNotFoundException:
        return []


def _delete_crawler_logs(aws: Aws) -> None:
    for dataset in aws.lake.config.datasets:
        try:
            aws.logs.delete_log_stream(logGroupName=CRAWLER_LOGS, logStreamName=aws.names.crawler(dataset))
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
