"""Stops running work before a destroy: it would block its resources, or write to a bucket after it was emptied."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code, is_absent
from lake.configuration.model import Crawl
from lake.configuration.names import ML
from lake.deploying import registry
from lake.deploying.progress import OnProgress, Progress
from lake.errors import LakeError
from lake.running.jobs import ENDED

STOP_SECONDS = 15 * 60
"""The maximum time for a crawl, a run or an application to stop."""
POLL_SECONDS = 1.0


class Work(NamedTuple):
    """How to stop the work of a stack, and how to list what still runs."""

    stop: Callable[[Aws], None]
    going_on: Callable[[Aws], list[str]]


def stop_work(aws: Aws, stacks: Sequence[str], on_progress: OnProgress) -> None:
    """Stop the crawls, runs and applications of stacks, and the schedules and triggers that would restart them.

    Raises:
        LakeError: something still runs after `STOP_SECONDS`.
    """
    if "etl" in stacks:
        _stop_triggers(aws)
    if {"catalog", "etl"} & set(stacks):
        _stop_workflows(aws)
    chosen = [stack for stack in _WORK if stack in stacks]
    for stack in chosen:
        _WORK[stack].stop(aws)
    for stack in chosen:
        _wait(aws, stack, on_progress)


def crawls(aws: Aws) -> list[str]:
    """The crawlers of the lake that are running or stopping."""
    names = [aws.names.crawler(dataset) for dataset in _crawled(aws)]
    found = aws.glue.batch_get_crawlers(CrawlerNames=names)["Crawlers"] if names else []
    return [f"the crawler {crawler['Name']}" for crawler in found if crawler.get("State", "READY") != "READY"]


def _crawled(aws: Aws) -> dict[str, Crawl]:
    datasets = aws.lake.config.datasets
    return {name: dataset.crawl for name, dataset in datasets.items() if dataset.catalog == "crawled"}


def resume_schedules(aws: Aws) -> None:
    """Restart crawler schedules that a `lake down` stopped but did not destroy."""
    for dataset, crawl in _crawled(aws).items():
        if crawl.schedule:
            with _unless("SchedulerRunningException", "SchedulerTransitioningException"):
                aws.glue.start_crawler_schedule(CrawlerName=aws.names.crawler(dataset))


def _wait(aws: Aws, stack: str, on_progress: OnProgress) -> None:
    progress, since = Progress(stack), time.monotonic()
    while going_on := _WORK[stack].going_on(aws):
        if time.monotonic() - since > STOP_SECONDS:
            raise LakeError(
                f"{', '.join(going_on)}: still running {STOP_SECONDS // 60} minutes after the stop. "
                f"Nothing was destroyed. Run the same command again later"
            )
        progress.working = {f"{name} stops": since for name in going_on}
        on_progress(progress)
        time.sleep(POLL_SECONDS)


@contextmanager
def _unless(*codes: str) -> Any:
    """Ignore that a resource does not exist, or that AWS has nothing to do according to one of these error codes."""
    try:
        yield
    except ClientError as error:
        if not is_absent(error) and error_code(error) not in codes:
            raise


def _stop_triggers(aws: Aws) -> None:
    for workflow, settings in aws.lake.config.workflows.items():
        if settings.schedule:
            with _unless():
                aws.glue.stop_trigger(Name=aws.names.trigger(workflow, 1))


def _stop_workflows(aws: Aws) -> None:
    """A running workflow would start more crawlers and jobs."""
    for workflow in map(aws.names.workflow, aws.lake.config.workflows):
        with _unless():
            for run in aws.glue.get_workflow_runs(Name=workflow)["Runs"]:
                if run["Status"] == "RUNNING":
                    with _unless("IllegalWorkflowStateException"):
                        aws.glue.stop_workflow_run(Name=workflow, RunId=run["WorkflowRunId"])


def _stop_crawls(aws: Aws) -> None:
    for dataset, crawl in _crawled(aws).items():
        name = aws.names.crawler(dataset)
        if crawl.schedule:
            with _unless("SchedulerNotRunningException", "SchedulerTransitioningException", "NoScheduleException"):
                aws.glue.stop_crawler_schedule(CrawlerName=name)
        with _unless("CrawlerNotRunningException", "CrawlerStoppingException"):
            aws.glue.stop_crawler(Name=name)


def _stop_runs(aws: Aws) -> None:
    for job in map(aws.names.job, aws.lake.config.every_job):
        with _unless():
            running = [run["Id"] for run in _runs(aws, job) if run["JobRunState"] in ("STARTING", "RUNNING", "WAITING")]
            if running:
                aws.glue.batch_stop_job_run(JobName=job, JobRunIds=running)


def _runs_going_on(aws: Aws) -> list[str]:
    going_on = []
    for job in map(aws.names.job, aws.lake.config.every_job):
        with _unless():
            going_on += [f"the run {run['Id']}" for run in _runs(aws, job) if run["JobRunState"] not in ENDED]
    return going_on


def _runs(aws: Aws, job: str) -> list[Any]:
    return list(aws.glue.get_job_runs(JobName=job)["JobRuns"])


def _applications(aws: Aws) -> list[str]:
    return [aws.names.stream(name) for name, stream in aws.lake.config.streams.items() if stream.windows]


def _stop_applications(aws: Aws) -> None:
    for name in _applications(aws):
        with _unless("ResourceInUseException", "InvalidApplicationConfigurationException", "InvalidRequestException"):
            aws.flink.stop_application(ApplicationName=name, Force=True)


def _applications_going_on(aws: Aws) -> list[str]:
    going_on = []
    for name in _applications(aws):
        with _unless():
            status = aws.flink.describe_application(ApplicationName=name)["ApplicationDetail"]["ApplicationStatus"]
            going_on += [f"the application {name}"] if status in ("RUNNING", "STOPPING", "FORCE_STOPPING") else []
    return going_on


_WORK = {
    "catalog": Work(_stop_crawls, crawls),
    "etl": Work(_stop_runs, _runs_going_on),
    "streaming": Work(_stop_applications, _applications_going_on),
    ML: Work(registry.stop, registry.going_on),
}
