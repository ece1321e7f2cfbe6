"""Rules for incremental jobs: a run sees only new files, so steps that need all rows are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lake.configuration.model import Config, Job, Step
from lake.configuration.place import Place, Problem

BATCH = "batch"
NEEDS_ALL_ROWS = "needs all rows, but a run of an incremental job has only the new ones"


def violations(config: Config, name: str, job: Job) -> Iterator[Problem]:
    if not job.incremental:
        return
    place = ("jobs", name)
    source = config.datasets.get(job.source)
    if source and source.in_database:
        yield (*place, "incremental"), f"the source {job.source} is a database. Only files can be read incrementally"
    if job.sink.connection:
        yield (*place, "incremental"), "the sink is a database. Only tables in the curated zone can have batches"
    if job.max_concurrent_runs > 1:
        yield (
            (*place, "max_concurrent_runs"),
            "must be 1 for an incremental job: two runs would read the same new files",
        )
    if BATCH in job.sink.partition_by:
        yield (*place, "sink", "partition_by"), f"incremental jobs add the key {BATCH} themselves. Choose another name"
    made = _made_by(config, job)
    if made:
        yield (
            (*place, *made),
            f"adds a column {BATCH}, but incremental jobs add a key of that name. Rename it in a map step",
        )
    for number, step in enumerate(job.steps):
        for field, message in _broken_by(step, job):
            yield (*place, "steps", number, *field), message


def _made_by(config: Config, job: Job) -> Place:
    """The place in lake.yaml that adds a column with the key's name, if the final rows still have it."""
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
        yield ("dedupe",), f"{NEEDS_ALL_ROWS}. Remove duplicates in a job that is not incremental, or in a query"
    if step.drop_null_fields:
        yield ("drop_null_fields",), f"{NEEDS_ALL_ROWS}. Name the columns in drop_fields"
    if step.find_matches and step.find_matches.known != job.sink.table:
        yield ("find_matches", "known"), f"{NEEDS_ALL_ROWS}. Set known: {job.sink.table}, the job's own table"
    if step.join and step.join.how in ("right", "full"):
        yield ("join", "how"), f"{step.join.how} {NEEDS_ALL_ROWS}: each run would add the rows without a match again"
    for field, dataset in step.datasets().items():
        if dataset == job.source:
            yield field, f"{dataset!r} is the job's source, and a run has only its new files"
