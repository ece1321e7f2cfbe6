"""Rules for a job's source, steps and sink, and for the datasets they refer to."""

from __future__ import annotations

from collections.abc import Iterator

from lake.configuration.formats import COMPRESSIONS
from lake.configuration.model import Config, FindMatches, Job
from lake.configuration.place import Place, Problem
from lake.configuration.suggest import allowed


def violations(config: Config, name: str, job: Job) -> Iterator[Problem]:
    yield from _job(config, name, job)
    yield from _steps(config, name, job)
    yield from _output(name, job)
    yield from _scala(name, job)


def _job(config: Config, name: str, job: Job) -> Iterator[Problem]:
    raw = [name for name, dataset in config.datasets.items() if dataset.zone == "raw"]
    for place, dataset in job.datasets().items():
        if dataset not in raw:
            yield (
                ("jobs", name, *place),
                f"there is no dataset {dataset!r} in the raw zone. {allowed(dataset, raw)}",
            )
    tables = [(other.sink.connection, other.sink.table) for other in config.jobs.values()]
    if tables.count((job.sink.connection, job.sink.table)) > 1:
        yield ("jobs", name, "sink", "table"), f"more than one job writes the table {job.sink.table!r}"


def _steps(config: Config, name: str, job: Job) -> Iterator[Problem]:
    for number, step in enumerate(job.steps):
        place = ("jobs", name, "steps", number)
        if step.dedupe and step.dedupe.newest and not step.dedupe.by:
            yield (
                (*place, "dedupe", "newest"),
                "is only allowed with by: rows that are equal in every column are all equally new",
            )
        for field in step.functions():
            if not job.py_files and job.language == "python":
                yield (*place, *field), "names a function, but the job has no py_files. List the function's file there"
        if step.find_matches:
            yield from _find_matches(config, job, step.find_matches, (*place, "find_matches"))


def _scala(name: str, job: Job) -> Iterator[Problem]:
    if job.language != "scala":
        return
    message = "a Scala job cannot call Python functions. Use SQL, or language: python"
    if job.py_files:
        yield ("jobs", name, "py_files"), message
    for number, step in enumerate(job.steps):
        for field in step.functions():
            yield ("jobs", name, "steps", number, *field), message
        if step.find_matches and step.find_matches.known == job.sink.table:
            place = ("jobs", name, "steps", number, "find_matches", "known")
            yield place, "is the job's own table, which a Scala job cannot read. Use language: python"


def _output(name: str, job: Job) -> Iterator[Problem]:
    """The sink's options and those of the convert steps: each is given once, and they fit together."""
    if job.sink.connection:
        return
    given: dict[str, tuple[str | int, ...]] = {
        field: ("jobs", name, "sink", field) for field in sorted(job.sink.model_fields_set)
    }
    options = job.sink.model_dump()
    for number, step in enumerate(job.steps):
        for field in sorted(step.convert.model_fields_set) if step.convert else ():
            place = ("jobs", name, "steps", number, "convert", field)
            if field in given:
                yield place, f"is already set at {'.'.join(map(str, given[field]))}. Remove one of the two"
            given[field], options[field] = place, getattr(step.convert, field)
    format_, compression = options["format"], options["compression"]
    if compression and compression not in COMPRESSIONS[format_]:
        hint = allowed(compression, COMPRESSIONS[format_])
        yield given["compression"], f"{format_} does not support the compression {compression!r}. {hint}"


def _find_matches(config: Config, job: Job, step: FindMatches, place: Place) -> Iterator[Problem]:
    named = [("compare", name) for name in step.compare]
    named += [("blocking", name) for rule in step.blocking for name in rule]
    for field, name in named:
        if name not in step.columns:
            yield (*place, field), f"{name!r} is not among its columns. {allowed(name, step.columns)}"
    own = [] if job.sink.connection else [job.sink.table]
    if step.known and step.known not in (*config.datasets, *own):
        hint = allowed(step.known, [*config.datasets, *(f"{table} (the job's own table)" for table in own)])
        yield (*place, "known"), f"there is no dataset {step.known!r}. {hint}"
