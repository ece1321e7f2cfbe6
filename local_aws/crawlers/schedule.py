"""Schedules of crawlers and triggers, which run while the embedded AWS is up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aws_croniter import AwsCroniter
from aws_croniter.exceptions import AwsCroniterExpressionError

_MINUTE = timedelta(minutes=1)

log = logging.getLogger("local_aws.crawlers")


def expression_of(schedule: str) -> AwsCroniter:
    """Parse the cron of `cron(15 * * * ? *)`, in UTC.

    Raises:
        ValueError: the schedule is not in AWS's form.
    """
    text = schedule.strip()
    if not (text.startswith("cron(") and text.endswith(")")):
        raise ValueError(f"the schedule {schedule!r} is not in the form cron(15 12 * * ? *)")
    try:
        return AwsCroniter(text.removeprefix("cron(").removesuffix(")"))
    except AwsCroniterExpressionError as error:
        raise ValueError(f"the schedule {schedule!r} is not valid: {error}") from error


def is_due(schedule: str, after: datetime, until: datetime) -> bool:
    """Whether a time of the schedule is in (after, until]."""
    (due,) = expression_of(schedule).get_next(after)
    return due is not None and after < due <= until


class Clock:
    """Calls `tick(after, until)` once a minute, just after the minute begins."""

    def __init__(self, tick: Callable[[datetime, datetime], None]) -> None:
        self._tick = tick

    def start(self) -> None:
        threading.Thread(target=self._run, name="schedule", daemon=True).start()

    def _run(self) -> None:
        asleep, last = threading.Event(), datetime.now(UTC)
        while True:
            now = datetime.now(UTC)
            minute = now.replace(second=0, microsecond=0) + _MINUTE
            asleep.wait((minute - now).total_seconds() + 0.1)
            try:
                self._tick(last, minute)
            except Exception:
                log.exception("What was scheduled for %s was not all started", minute)
            last = minute
