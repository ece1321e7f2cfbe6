"""Deploys and destroys the stacks in the right order, and deletes what services left behind."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.configuration import flink
from lake.configuration.names import ML, ZONES
from lake.configuration.reading import Lake
from lake.configuration.suggest import allowed
from lake.data import zones
from lake.data.catalog import CRAWLER_LOGS, crawled_datasets
from lake.deploying import registry, state
from lake.deploying.in_state import stacks_to_go, state_of
from lake.deploying.keys import alias_counts_from, need_living_keys
from lake.deploying.lock import Lock
from lake.deploying.needs import Needs
from lake.deploying.progress import Change, OnProgress, Progress
from lake.deploying.stopping import resume_schedules, stop_work
from lake.deploying.terraform import Terraform, synthesise
from lake.deploying.two_keys import need_first_key
from lake.errors import BadInput, LakeError
from lake.running.jobs import SHELL_LOGS


def check_stacks(lake: Lake, stacks: Sequence[str], known: Sequence[str] = ()) -> list[str]:
    """The named stacks in the order of deployment; all when none is named. By default, `known` are the lake's."""
    known = known or lake.config.stacks
    for stack in stacks:
        if stack not in known:
            why = ". lake.yaml has neither training_sets nor feature_groups" if stack == ML else ""
            raise BadInput(f"there is no stack {stack!r}{why}. {allowed(stack, known)}")
    return [stack for stack in known if not stacks or stack in stacks]


def up(
    aws: Aws,
    stacks: Sequence[str],
    on_progress: OnProgress,
    lock: Lock,
    *,
    wait: bool = False,
    plan_all: bool = False,
) -> None:
    """Deploy stacks in parallel: storage at once, the others as soon as what they need exists.

    Args:
        plan_all: also plan stacks that are unchanged since their last apply.

    Raises:
        LakeError: the jar of deployed Flink applications is missing here. Nothing is changed then.
    """
    chosen = check_stacks(aws.lake, stacks)
    _need_jar(aws, chosen, on_progress)
    need_living_keys(aws)
    synthesise(aws.lake)
    terraform = Terraform(aws, on_progress, lock, wait=wait, plan_all=plan_all)
    terraform.apply(chosen, Needs(aws, chosen).missing)
    if "catalog" in chosen:
        resume_schedules(aws)
    if aws.lake.environment.endpoint:
        return
    bound_shared_logs(aws, chosen, on_progress)
    if "storage" in chosen:
        _wait_for_the_alias(aws, on_progress)


def _need_jar(aws: Aws, stacks: Sequence[str], on_progress: OnProgress) -> None:
    """Without the jar, streaming is synthesised without its applications. Those that are deployed have to stay."""
    lacks = flink.missing(aws.lake) if "streaming" in stacks else ""
    if lacks and flink.APPLICATION in state.types(state_of(aws, "streaming")):
        raise LakeError(flink.missing(aws.lake, deployed=True))
    if lacks:
        on_progress(Progress("streaming", skipped=True, notes=[lacks]))


def bound_shared_logs(aws: Aws, stacks: Sequence[str], on_progress: OnProgress) -> None:
    """Give the log groups that Glue makes for all lakes of an account a retention, where nobody has given them one."""
    groups = _shared_logs(aws)
    for stack in (stack for stack in stacks if stack in groups):
        progress = Progress(stack, skipped=True)
        for name in groups[stack]:
            with suppress(aws.logs.exceptions.ResourceAlreadyExistsException):
                aws.logs.create_log_group(logGroupName=name)
            found = aws.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
            if any(group["logGroupName"] == name and "retentionInDays" not in group for group in found):
                days = aws.lake.config.retention.log_days
                aws.logs.put_retention_policy(logGroupName=name, retentionInDays=days)
                progress.notes.append(f"{name}, which all lakes of the account share, now keeps logs for {days} days")
        on_progress(progress)


def _shared_logs(aws: Aws) -> dict[str, list[str]]:
    """By stack: the log groups of an account that its crawlers and shell jobs write to, if it has any."""
    found = {"catalog": [CRAWLER_LOGS]} if crawled_datasets(aws) else {}
    if _shell_jobs(aws):
        found["etl"] = [f"{SHELL_LOGS}/{kind}" for kind in ("output", "error")]
    return found


def _shell_jobs(aws: Aws) -> list[str]:
    return [aws.names.job(name) for name, job in aws.lake.config.scripts.items() if job.type == "shell"]


def _wait_for_the_alias(aws: Aws, on_progress: OnProgress) -> None:
    """Every role uses the key by its alias, and AWS says that a new alias may take five minutes to take effect."""
    progress, since = Progress("storage"), time.monotonic()
    ready = alias_counts_from(aws)
    while ready and datetime.now(UTC) < ready:
        progress.working = {"a new key's alias takes effect for permissions after 5 minutes": since}
        on_progress(progress)
        time.sleep(1)


def plan(
    aws: Aws, stacks: Sequence[str], on_progress: OnProgress, lock: Lock, *, wait: bool = False, drift: bool = False
) -> dict[str, list[Change]]:
    """What `up` would change in each stack, all planned side by side; with `drift`, what is not as it was applied.

    Raises like `up`.
    """
    chosen = check_stacks(aws.lake, stacks)
    if not drift:
        _need_jar(aws, chosen, on_progress)
    need_living_keys(aws)
    synthesise(aws.lake)
    return Terraform(aws, on_progress, lock, wait=wait).plan(chosen, drift=drift)


def down(aws: Aws, stacks: Sequence[str], on_progress: OnProgress, lock: Lock, *, wait: bool = False) -> None:
    """Destroy stacks: writers before what they write to, and data last.

    Raises:
        BadInput: storage is among them, but the environment is not destroyable. Nothing is destroyed then.
    """
    chosen = check_stacks(aws.lake, stacks, stacks_to_go(aws))
    if "storage" in chosen:
        keep = f" To take down all else: `lake down {' '.join(all_but_storage(aws))}`"
        need_first_key(aws, f"the data of {aws.names.prefix}", keep)
    synthesise(aws.lake, destroys=chosen)
    terraform = Terraform(aws, on_progress, lock, wait=wait)
    terraform.forget(chosen)
    stop_work(aws, chosen, on_progress)
    if "etl" in chosen:
        _delete_shell_logs(aws)
    if ML in chosen:
        registry.forget(aws)
    if others := [stack for stack in chosen if stack != "storage"]:
        terraform.destroy(others)
    if "catalog" in chosen:
        _delete_crawler_logs(aws)
    if "storage" in chosen:
        _empty_storage(aws, on_progress)
        terraform.destroy(["storage"])


def _empty_storage(aws: Aws, on_progress: OnProgress) -> None:
    """Terraform never empties the zones. Of the access logs, it would take many times as long."""
    progress, before = Progress("storage"), 0
    for purpose in (*ZONES, "logs"):
        since = time.monotonic()

        def tell(deleted: int, purpose: str = purpose, since: float = since, before: int = before) -> None:
            progress.done = before + deleted
            progress.working = {f"emptying {purpose}: {deleted:,} versions of objects deleted": since}
            on_progress(progress)

        before += zones.empty(aws, aws.names.bucket(purpose), tell)


def all_but_storage(aws: Aws) -> list[str]:
    return [stack for stack in stacks_to_go(aws) if stack != "storage"]


def _delete_shell_logs(aws: Aws) -> None:
    """Shell jobs share two log groups of the account. Their log streams are named after runs, which AWS deletes with
    the job."""
    for run_id in (run_id for job in _shell_jobs(aws) for run_id in _runs(aws, job)):
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
