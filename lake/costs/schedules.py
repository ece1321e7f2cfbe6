"""How often a schedule of AWS comes round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lake.configuration.rules.schedules import firings

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
    now = datetime.now(UTC)
    within = [firing for firing in firings(schedule, _FIRINGS) if firing <= now + _YEAR]
    # Of a busy schedule, a part of the year is enough to tell its pace.
    span = within[-1] - now if len(within) == _FIRINGS else _YEAR
    return len(within) / (span / timedelta(hours=MONTH_HOURS))
