"""Rules for schedules. AWS refuses an invalid one, such as hour 25, only during a deploy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from lake.configuration.model import Config
from lake.configuration.place import Place, Problem

FIELDS = (
    "minutes 0-59, hours 0-23, day-of-month 1-31, month 1-12 or JAN-DEC, day-of-week 1-7 or SUN-SAT, year 1970-2199; "
    "one of the two day fields is ?"
)

SHORTEST = timedelta(minutes=5)
"""Glue starts nothing more often."""
_LOOKED_AT = 100
"""The next firings that are compared: those of a busy hour, and more."""


def violations(config: Config) -> Iterator[Problem]:
    for place, schedule in _schedules(config):
        if not _is_valid(schedule):
            yield place, f"{schedule!r} is not a valid AWS schedule. Allowed: {FIELDS}"
        elif gap := _too_short(schedule):
            yield (
                place,
                f"{schedule!r} comes round after {gap.seconds // 60} min. Allowed: every 5 min, as Glue takes no "
                "shorter times. For example: cron(0/5 * * * ? *)",
            )


def _schedules(config: Config) -> Iterator[tuple[Place, str]]:
    for name, dataset in config.datasets.items():
        if dataset.crawl.schedule:
            yield ("datasets", name, "crawl", "schedule"), dataset.crawl.schedule
    for name, workflow in config.workflows.items():
        if workflow.schedule:
            yield ("workflows", name, "schedule"), workflow.schedule
    for name, training_set in config.training_sets.items():
        if training_set.drift:
            yield ("training_sets", name, "drift", "schedule"), training_set.drift.schedule


def _is_valid(schedule: str) -> bool:
    try:
        firings(schedule, 1)
    except ValueError:
        return False
    return True


def _too_short(schedule: str) -> timedelta | None:
    """The shortest time between two of the next firings, where Glue refuses it."""
    found = pairwise(firings(schedule, _LOOKED_AT))
    shortest = min((later - earlier for earlier, later in found), default=SHORTEST)
    return shortest if shortest < SHORTEST else None


def firings(schedule: str, count: int) -> list[datetime]:
    """The next times of an AWS schedule in UTC, fewer than asked for if it ends. Raises ValueError: it is not valid."""
    # The import takes 0.1 s, which a lake without schedules does not need.
    from aws_croniter import AwsCroniter

    parsed = AwsCroniter(schedule.removeprefix("cron(").removesuffix(")"))
    return [firing for firing in parsed.get_next(datetime.now(UTC), count) if firing]
