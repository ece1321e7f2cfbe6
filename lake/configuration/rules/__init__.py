"""Rules between fields. Most are AWS's own and would otherwise fail only during a deploy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lake.configuration import expectations
from lake.configuration.model import REPORTS, Config
from lake.configuration.place import Problem
from lake.configuration.rules import (
    databases,
    datasets,
    features,
    incremental,
    job_settings,
    name_lengths,
    schedules,
    sql,
    steps,
    streams,
    training,
    types,
    windows,
    workflows,
)
from lake.configuration.suggest import allowed


def violations(config: Config) -> Iterator[Problem]:
    """Every rule that a well-typed configuration breaks."""
    yield from name_lengths.violations(config)
    yield from schedules.violations(config)
    yield from types.violations(config)
    yield from datasets.violations(config)
    yield from _zones(config)
    for name, job in config.jobs.items():
        yield from steps.violations(config, name, job)
        yield from sql.violations(name, job)
        yield from incremental.violations(config, name, job)
        yield from expectations.violations(name, job)
    yield from job_settings.violations(config)
    yield from workflows.violations(config)
    yield from _ml_transforms(config)
    yield from streams.violations(config)
    yield from windows.violations(config)
    yield from databases.violations(config)
    yield from training.violations(config)
    yield from features.violations(config)


def warnings(config: Config, env: str) -> Iterator[str]:
    """Settings that are allowed but rarely intended, for the environment `env` and for the lake as a whole."""
    environment = config.environments[env]
    if environment.destroyable and not (environment.endpoint or environment.account):
        yield (
            f"environments.{env}: its data may be deleted, but it names no account, so a login to any account works. "
            "Add account with its 12 digits"
        )
    for name in config.ml_transforms:
        yield (
            f"ml_transforms.{name}: AWS's FindMatches ran only on Glue 2.0, which ended on 2026-04-01. The resource is "
            "deployed, but no job can use it. Use the step find_matches instead"
        )
    yield from streams.warnings(config)


def missing_files(config: Config, root: Path) -> Iterator[Problem]:
    """Every file that lake.yaml names, relative to its folder `root`, and that is missing or unusable."""
    yield from job_settings.missing_scripts(config, root)
    yield from training.missing_scripts(config, root)
    yield from streams.missing_files(config, root)
    yield from _queries(config, root)
    for name, job in config.every_job.items():
        for number, file in enumerate(job.py_files):
            if not (root / file).is_file():
                yield ("jobs", name, "py_files", number), f"there is no file {file!r} in {root}"


def _queries(config: Config, root: Path) -> Iterator[Problem]:
    """SQL files that cannot become a query."""
    for file in sorted((root / config.queries.folder).glob("*.sql")):
        try:
            wrong = "" if file.read_text("utf-8").strip() else "is empty. Write its SQL, or remove it"
        except UnicodeDecodeError:
            wrong = "is not UTF-8 text. Save it as UTF-8"
        except OSError as error:
            wrong = f"cannot be read: {(error.strerror or 'a disk error').lower()}"
        if wrong:
            yield ("queries", "folder"), f"{config.queries.folder}/{file.name} {wrong}"


def _zones(config: Config) -> Iterator[Problem]:
    """A folder of the curated zone belongs either to a job or to a dataset."""
    tables = {job.sink.table: name for name, job in config.jobs.items()}
    for name, dataset in config.datasets.items():
        if dataset.zone == "curated" and name in tables and name != REPORTS:
            yield (
                ("datasets", name, "zone"),
                f"the job {tables[name]} writes and registers the table {name!r}, so it needs no crawler",
            )
    if REPORTS in tables:
        place = ("jobs", tables[REPORTS], "sink", "table")
        yield place, f"{REPORTS!r} is the folder of the runs' reports. Choose another name"


def _ml_transforms(config: Config) -> Iterator[Problem]:
    for name, transform in config.ml_transforms.items():
        if transform.dataset not in config.datasets:
            hint = allowed(transform.dataset, config.datasets)
            yield ("ml_transforms", name, "dataset"), f"there is no dataset {transform.dataset!r}. {hint}"
