"""Errors that tell their reader what to change, in one line: Glue shows it as the run's ErrorMessage."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pyspark.sql import DataFrame


class JobError(Exception):
    """The job cannot go on, and its message says why."""


class NotYetWritten(JobError):
    """The job's own table is read before its first run."""


def unknown(kind: str, name: str, allowed: Iterable[str]) -> JobError:
    """The error for a name that is none of the allowed ones, with the nearest of them.

    >>> unknown("step", "fliter", ["filter", "join"])
    JobError("step 'fliter' is not known. Allowed: filter, join. Did you mean 'filter'?")
    """
    return JobError(f"{kind} '{name}' is not known. Allowed: {', '.join(allowed)}.{_hint(name, allowed)}")


def missing_column(name: str, columns: Iterable[str], where: str = "the data") -> JobError:
    return JobError(f"column '{name}' is not in {where}. Columns there: {', '.join(columns)}.{_hint(name, columns)}")


def check_columns(frame: DataFrame, names: Iterable[str], where: str = "the data") -> None:
    """Raise JobError for the first name that is no column of the frame. Case does not matter, as in Spark."""
    present = {column.lower() for column in frame.columns}
    for name in names:
        if name.lower() not in present:
            raise missing_column(name, frame.columns, where)


def check_options(options: Mapping[str, object], required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    """Raise JobError for an option that is not known, and for a required one that is not there."""
    for name in options:
        if name not in required + optional:
            raise unknown("option", name, required + optional)
    for name in required:
        if name not in options:
            raise JobError(f"option '{name}' is missing. Given: {', '.join(options)}")


def _hint(name: str, allowed: Iterable[str]) -> str:
    near = get_close_matches(name, list(allowed), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""
