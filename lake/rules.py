"""Rules between fields, most of them AWS's own, which would otherwise fail only during a deploy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lake import dataset_rules, expectations
from lake.config import REPORTS, Config, FindMatches, Job
from lake.database_rules import database_rules
from lake.job_rules import job_rules, missing_scripts
from lake.names import BUCKETS, Names
from lake.workflow_rules import workflow_rules

Problem = tuple[tuple[str | int, ...], str]
"""The place in lake.yaml and what is wrong there."""

BUCKET_NAME_LIMIT = 63
COMPRESSIONS = {
    "parquet": ("zstd", "snappy", "gzip", "none"),
    "orc": ("zstd", "snappy", "zlib", "none"),
    "json": ("gzip", "bzip2", "none"),
    "csv": ("gzip", "bzip2", "none"),
    "avro": ("snappy", "deflate", "none"),
}


def broken(config: Config) -> Iterator[Problem]:
    """Every rule that a well-typed configuration breaks."""
    yield from _bucket_names(config)
    yield from dataset_rules.broken(config)
    yield from _zones(config)
    for name, job in config.jobs.items():
        yield from _job(config, name, job)
        yield from _steps(config, name, job)
        yield from _output(name, job)
        yield from _scala(name, job)
        yield from expectations.broken(name, job)
    yield from job_rules(config)
    yield from workflow_rules(config)
    yield from _ml_transforms(config)
    yield from _streams(config)
    yield from database_rules(config)


def warnings(config: Config) -> Iterator[str]:
    """What is allowed, and hardly ever wanted."""
    for name in config.ml_transforms:
        yield (
            f"ml_transforms.{name}: AWS's FindMatches ran only on Glue 2.0, which ended on 2026-04-01. The resource is "
            "deployed, and no job can use it. The step find_matches does the same and runs"
        )


def missing_files(config: Config, root: Path) -> Iterator[Problem]:
    """Every file that lake.yaml names, from its folder `root`, and that is not there."""
    yield from missing_scripts(config, root)
    for name, job in config.every_job.items():
        for number, file in enumerate(job.py_files):
            if not (root / file).is_file():
                yield ("jobs", name, "py_files", number), f"there is no file {file!r} in {root}"


def _bucket_names(config: Config) -> Iterator[Problem]:
    env = max(config.environments, key=len)
    names = Names(config.project, env, config.environments[env].region, account="0" * 12)
    longest = max((names.bucket(purpose) for purpose in BUCKETS), key=len)
    over = len(longest) - BUCKET_NAME_LIMIT
    if over > 0:
        yield (
            ("project",),
            f"{config.project!r} makes the bucket name {longest!r} of {len(longest)} characters; S3 allows "
            f"{BUCKET_NAME_LIMIT}. Shorten project or the environment's name {env!r} by {over}",
        )


def _zones(config: Config) -> Iterator[Problem]:
    """In the curated zone, a folder is either a job's or a dataset's."""
    tables = {job.sink.table: name for name, job in config.jobs.items()}
    for name, dataset in config.datasets.items():
        if dataset.zone == "curated" and name in tables and name != REPORTS:
            yield (
                ("datasets", name, "zone"),
                f"the table {name!r} is written and registered by the job {tables[name]}: it needs no crawler",
            )
    if REPORTS in tables:
        place = ("jobs", tables[REPORTS], "sink", "table")
        yield place, f"{REPORTS!r} is the folder of the runs' reports. Choose another name"


def _job(config: Config, name: str, job: Job) -> Iterator[Problem]:
    named: dict[tuple[str | int, ...], str] = {("jobs", name, "source"): job.source}
    for number, step in enumerate(job.steps):
        named |= {("jobs", name, "steps", number, *place): dataset for place, dataset in step.datasets().items()}
    for number, expectation in enumerate(job.expect):
        found = expectation.datasets().items()
        named |= {("jobs", name, "expect", number, *place): dataset for place, dataset in found}
    allowed = [name for name, dataset in config.datasets.items() if dataset.zone == "raw"]
    for place, dataset in named.items():
        if dataset not in allowed:
            yield (
                place,
                f"there is no dataset {dataset!r} in the raw zone. Allowed: {', '.join(allowed) or 'none is declared'}",
            )
    tables = [(other.sink.connection, other.sink.table) for other in config.jobs.values()]
    if tables.count((job.sink.connection, job.sink.table)) > 1:
        yield ("jobs", name, "sink", "table"), f"{job.sink.table!r} is the table of more than one job"


def _steps(config: Config, name: str, job: Job) -> Iterator[Problem]:
    for number, step in enumerate(job.steps):
        place = ("jobs", name, "steps", number)
        if step.dedupe and step.dedupe.newest and not step.dedupe.by:
            yield (
                (*place, "dedupe", "newest"),
                "is only allowed with by: rows that are equal in every column are equally new",
            )
        for field in step.functions():
            if not job.py_files and job.language == "python":
                yield (*place, *field), "names a function, and the job has no py_files. Name its file there"
        if step.find_matches:
            yield from _find_matches(config, job, step.find_matches, (*place, "find_matches"))


def _scala(name: str, job: Job) -> Iterator[Problem]:
    if job.language != "scala":
        return
    message = "a Scala job calls no Python function. Use SQL, or language: python"
    if job.py_files:
        yield ("jobs", name, "py_files"), message
    for number, step in enumerate(job.steps):
        for field in step.functions():
            yield ("jobs", name, "steps", number, *field), message
        if step.find_matches:
            place = ("jobs", name, "steps", number, "find_matches")
            yield place, "runs on Splink, which is Python. Use language: python"


def _output(name: str, job: Job) -> Iterator[Problem]:
    """The sink's options and those of the convert steps: each is said once, and they fit together."""
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
                yield place, f"is said already at {'.'.join(map(str, given[field]))}. Remove it from one of the two"
            given[field], options[field] = place, getattr(step.convert, field)
    format_, compression = options["format"], options["compression"]
    if compression and compression not in COMPRESSIONS[format_]:
        allowed = ", ".join(COMPRESSIONS[format_])
        yield given["compression"], f"{compression!r} is no compression of {format_}. Allowed: {allowed}"


def _find_matches(config: Config, job: Job, step: FindMatches, place: tuple[str | int, ...]) -> Iterator[Problem]:
    named = [("compare", name) for name in step.compare]
    named += [("blocking", name) for rule in step.blocking for name in rule]
    for field, name in named:
        if name not in step.columns:
            yield (*place, field), f"{name!r} is not among its columns. Allowed: {', '.join(step.columns)}"
    own = [] if job.sink.connection else [job.sink.table]
    if step.known and step.known not in (*config.datasets, *own):
        allowed = ", ".join([*config.datasets, *(f"{table} (the job's own table)" for table in own)])
        yield (*place, "known"), f"there is no dataset {step.known!r}. Allowed: {allowed}"


def _streams(config: Config) -> Iterator[Problem]:
    for name, stream in config.streams.items():
        if name in config.datasets:
            yield (
                ("streams", name),
                "a dataset has this name too, and both would use one folder of the raw zone",
            )
        if "date" in stream.columns:
            yield (
                ("streams", name, "columns", "date"),
                "is the partition key Firehose writes by. Choose another name",
            )
        if stream.window and stream.window.by not in stream.columns:
            allowed = ", ".join(stream.columns)
            yield (
                ("streams", name, "window", "by"),
                f"there is no column {stream.window.by!r}. Allowed: {allowed}",
            )


def _ml_transforms(config: Config) -> Iterator[Problem]:
    for name, transform in config.ml_transforms.items():
        if transform.dataset not in config.datasets:
            allowed = ", ".join(config.datasets) or "none is declared"
            yield ("ml_transforms", name, "dataset"), f"there is no dataset {transform.dataset!r}. Allowed: {allowed}"
