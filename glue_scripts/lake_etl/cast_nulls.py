"""Values that casts turned into null: counted by the query that writes the rows, and put in the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lake_etl.report import observed
from lake_etl.steps import Applied
from lake_etl.transforms.cast import Counted

WARN_OVER = 0.01


@dataclass(frozen=True)
class CastNulls:
    """How many of a column's non-null values did not fit the type and became null. examples holds some of them."""

    step: str
    column: str
    type: str
    values: int
    nulls: int
    examples: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.nulls / self.values if self.values else 0.0

    def record(self) -> dict[str, Any]:
        """Return one line of text: with a field per column, the reports of all jobs could not be one table."""
        return {"column": self.column, "type": self.type, "values": self.values, "nulls": self.nulls}

    def __str__(self) -> str:
        shown = " and ".join(f"'{example}'" for example in self.examples)
        tenths = (2000 * self.nulls + self.values) // (2 * self.values)
        share = f"{tenths // 10}.{tenths % 10} %"
        return (
            f"{self.step}: {self.nulls} of {self.values} values of {self.column} ({share}) are not {self.type} and "
            f"became null, such as {shown}. Fix them before the cast, or cast with on_error: quarantine"
        )


def cast_nulls(steps: list[Applied]) -> list[CastNulls]:
    """Return the counts for each column that a step casts, unless misfits fail the run or go to quarantine.
    The rows must have been read by a query.
    """
    return [
        found
        for number, step in enumerate(steps, 1)
        for counted in step.casts
        for found in _of(f"step {number} ({step.name})", counted)
    ]


def summary(found: list[CastNulls], warn_over: float) -> dict[str, Any]:
    """Return the report's part about them: each column's counts, and a warning where the share is over the limit."""
    lines = [each.record() for each in found]
    warnings = [str(each) for each in found if each.share > warn_over]
    return ({"cast_nulls": lines} if lines else {}) | ({"warnings": warnings} if warnings else {})


def _of(step: str, counted: Counted) -> Iterable[CastNulls]:
    seen = observed(counted.counts)
    for column, type_ in counted.types.items():
        values, nulls = seen[f"values {column}"], seen[f"nulls {column}"]
        ends = (seen[f"{end} {column}"] for end in ("least", "most"))
        examples = tuple(dict.fromkeys(str(end) for end in ends if end is not None))
        yield CastNulls(step, counted.prefix + column, type_, values, nulls, examples)
