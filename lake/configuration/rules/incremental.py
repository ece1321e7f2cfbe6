"""Rules of incremental jobs: what a batch of new files alone cannot tell is not asked of it."""

from __future__ import annotations

from collections.abc import Iterator

from lake.configuration.model import Config, Job, Step
from lake.configuration.place import Problem

BATCH = "batch"
WHOLE = "needs all rows, and a run of an incremental job has the new ones only"


def violations(config: Config, name: str, job: Job) -> Iterator[Problem]:
    if not job.incremental:
        return
    place = ("jobs", name)
    source = config.datasets.get(job.source)
    if source and source.format == "jdbc":
        yield (*place, "incremental"), f"its source {job.source} is a database. Only files can be new"
    if job.sink.connection:
        yield (*place, "incremental"), "its sink is a database. Only tables in the curated zone have batches"
    if job.max_concurrent_runs > 1:
        yield (*place, "max_concurrent_runs"), "is 1 for an incremental job: two runs would take the same new files"
    if BATCH in job.sink.partition_by:
        yield (*place, "sink", "partition_by"), f"{BATCH} is a key that incremental jobs add. Choose another name"
    for number, step in enumerate(job.steps):
        for field, message in _broken_by(step, job):
            yield (*place, "steps", number, *field), message


def _broken_by(step: Step, job: Job) -> Iterator[Problem]:
    if step.dedupe:
        yield ("dedupe",), f"{WHOLE}. Remove duplicates in a job that is not incremental, or in a query"
    if step.drop_null_fields:
        yield ("drop_null_fields",), f"{WHOLE}. Name the columns in drop_fields"
    if step.find_matches and step.find_matches.known != job.sink.table:
        yield ("find_matches", "known"), f"{WHOLE}. Set known: {job.sink.table}, the job's own table"
    if step.join and step.join.how in ("right", "full"):
        yield ("join", "how"), f"{step.join.how} {WHOLE}: each run would add the rows without a partner again"
    for field, dataset in step.datasets().items():
        if dataset == job.source:
            yield field, f"{dataset!r} is the job's source, of which a run has the new files only"
