"""How often a schedule of AWS comes round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MONTH_HOURS = 730
"""A month of AWS's own price examples."""
_YEAR = timedelta(days=365)
_FIRINGS = 400


def times_a_month(schedule: str | None) -> float:
    """How often `cron(...)` comes round in an average month; 0 of none.

    >>> round(times_a_month("cron(0 3 * * ? *)"))
    30
    """
    if schedule is None:
        return 0
    # 0.1 s that a lake without a schedule does not need
    from aws_croniter import AwsCroniter

    now = datetime.now(UTC)
    firings = AwsCroniter(schedule.removeprefix("cron(").removesuffix(")")).get_next(now, _FIRINGS)
    within = [firing for firing in firings if firing and firing <= now + _YEAR]  # one that has ended has none
    # Of a busy schedule, a part of the year is enough to tell its pace.
    span = within[-1] - now if len(within) == _FIRINGS else _YEAR
    return len(within) / (span / timedelta(hours=MONTH_HOURS))
