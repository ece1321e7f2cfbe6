"""What the lake's roles may do in an account that Lake Formation governs: the stacks grant it, a check compares it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lake.configuration.model.windows import REJECTED
from lake.configuration.names import ML, Names
from lake.configuration.reading import Lake

_FIND = ("ALTER", "DESCRIBE", "INSERT")
_READ = ("DESCRIBE", "SELECT")
_WRITE = ("ALTER", "DELETE", "DESCRIBE", "INSERT", "SELECT")


@dataclass(frozen=True)
class Grant:
    """Permissions of a role on a database, or on all of its tables.

    Attributes:
        role: by what `Names.role` calls it.
    """

    stack: str
    role: str
    database: str
    tables: bool
    permissions: tuple[str, ...]


def grants(lake: Lake, names: Names) -> Iterator[Grant]:
    """Those of crawlers, jobs, builds and Firehose. A person who queries by Athena gets theirs from somebody else."""
    crawled = {dataset.zone for dataset in lake.config.datasets.values() if dataset.catalog == "crawled"}
    drops = any(dataset.crawl.on_delete == "delete" for dataset in lake.config.datasets.values())
    for zone in sorted(crawled):
        tables = (*_FIND, "DELETE", "DROP") if drops else _FIND
        yield from _both("catalog", "crawler", names.database(zone), ("CREATE_TABLE", "DESCRIBE"), tables)
    if lake.config.every_job:
        yield from _both("etl", "job", names.database("raw"), ("DESCRIBE",), _READ)
        yield from _both("etl", "job", names.database("curated"), ("CREATE_TABLE", "DESCRIBE"), _WRITE)
    for name, stream in lake.config.streams.items():
        results = [f"{name}_{result}" for result in (REJECTED, *stream.windows)] if stream.windows else []
        for delivered in (name, *results):
            role = f"{delivered.replace('_', '-')}-delivery"
            yield from _both("streaming", role, names.database("streams"), ("DESCRIBE",), _READ)
    if lake.config.training_sets:
        for zone in ("curated", "raw"):
            yield from _both(ML, "dataset", names.database(zone), ("DESCRIBE",), _READ)
    if fills_features(lake):
        # The role is of etl, and the database of ml, which is deployed after it.
        yield from _both(ML, "job", names.database(ML), ("DESCRIBE",), ("DESCRIBE",))


def fills_features(lake: Lake) -> bool:
    """Whether a job adds rows to a feature group."""
    return any(job.sink.feature_group for job in lake.config.jobs.values())


def _both(
    stack: str, role: str, database: str, on_database: tuple[str, ...], on_tables: tuple[str, ...]
) -> Iterator[Grant]:
    yield Grant(stack, role, database, False, on_database)
    yield Grant(stack, role, database, True, tuple(sorted(on_tables)))
