"""Rules of incremental jobs: what a batch of new files alone cannot tell is not asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lake.configuration.model import Config, Job, Step
from lake.configuration.place import Place, Problem

BATCH = "batch"
WHOLE = "needs all rows, and a run of an incremental job has the new ones only"


def violations(config: Config, name: str, job: Job) -> Iterator[Problem]:
    if not job.incremental:
        return
    place = ("jobs", name)
    source = config.datasets.get(job.source)
    if source and source.in_database:
        yield (*place, "incremental"), f"its source {job.source} is a database. Only files can be new"
    if job.sink.connection:
        yield (*place, "incremental"), "its sink is a database. Only tables in the curated zone have batches"
    if job.max_concurrent_runs > 1:
        yield (*place, "max_concurrent_runs"), "is 1 for an incremental job: two runs would take the same new files"
    if BATCH in job.sink.partition_by:
        yield (*place, "sink", "partition_by"), f"{BATCH} is a key that incremental jobs add. Choose another name"
    made = _made_by(config, job)
    if made:
        yield (*place, *made), f"makes a column {BATCH}, a key that incremental jobs add. Rename it in a map step"
    for number, step in enumerate(job.steps):
        for field, message in _broken_by(step, job):
            yield (*place, "steps", number, *field), message


def _made_by(config: Config, job: Job) -> Place:
    """Where a column of the key's name comes from, if the rows have it in the end, as far as lake.yaml says."""
    source = config.datasets.get(job.source)
    made: Place = ("source",) if source and BATCH in {*source.columns, *source.keys} else ()
    for number, step in enumerate(job.steps):
        if _removes(step):
            made = ()
        if field := _adds(step):
            made = ("steps", number, *field)
    return made


def _adds(step: Step) -> Place:
    if step.map and BATCH not in step.map.delete:
        renamed = [old for old, new in step.map.rename.items() if new == BATCH]
        if renamed:
            return ("map", "rename", renamed[0])
        added: dict[str, Mapping[str, object]] = {"add": step.map.add, "lookup": step.map.lookup}
        fields = [field for field, columns in added.items() if BATCH in columns and BATCH not in step.map.rename]
        return ("map", fields[0], BATCH) if fields else ()
    taken = step.join.take if step.join and step.join.how not in ("semi", "anti") else None
    names = taken.values() if isinstance(taken, dict) else taken or []
    return ("join", "take") if BATCH in names else ()


def _removes(step: Step) -> bool:
    removed = {*step.map.rename, *step.map.delete} if step.map else {*(step.drop_fields or [])}
    return step.sql is not None or BATCH in removed


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
