"""Errors that say in one line what to change: Glue shows the line as the run's ErrorMessage."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from py4j.protocol import Py4JJavaError
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

FAILURE = "The rows say: "  # marks a failure's message within Spark's error text


class JobError(Exception):
    """The job cannot go on; the message says why."""


class NotYetWritten(JobError):
    """The job reads its own table before its first run."""


def unknown(kind: str, name: str, allowed: Iterable[str]) -> JobError:
    """Return the error for a name that is not allowed, with the closest allowed one.

    >>> unknown("step", "fliter", ["filter", "join"])
    JobError("step 'fliter' is not known. Allowed: filter, join. Did you mean 'filter'?")
    """
    return JobError(f"{kind} '{name}' is not known. Allowed: {', '.join(allowed)}.{_hint(name, allowed)}")


def missing_column(name: str, columns: Iterable[str], where: str = "the data") -> JobError:
    return JobError(f"column '{name}' is not in {where}. Columns there: {', '.join(columns)}.{_hint(name, columns)}")


def check_columns(frame: DataFrame, names: Iterable[str], where: str = "the data") -> None:
    """Raise JobError for the first name that is not a column of the frame. Case does not matter, as in Spark."""
    present = {column.lower() for column in frame.columns}
    for name in names:
        if name.lower() not in present:
            raise missing_column(name, frame.columns, where)


def check_options(options: Mapping[str, object], required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    """Raise JobError for an unknown option and for a missing required one."""
    for name in options:
        if name not in required + optional:
            raise unknown("option", name, required + optional)
    for name in required:
        if name not in options:
            raise JobError(f"option '{name}' is missing. Given: {', '.join(options)}")


def _hint(name: str, allowed: Iterable[str]) -> str:
    near = get_close_matches(name, list(allowed), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


def failure(message: Column) -> Column:
    """Return a column that fails the job when a row of it is read; `reason` extracts the message."""
    return fn.raise_error(fn.concat(fn.lit(FAILURE), message))


def of_rows(error: BaseException) -> bool:
    """Whether the error comes from a column of `failure`."""
    return FAILURE in str(error)


def of_query(error: BaseException) -> bool:
    """Whether a query failed while it ran, rather than when it was analyzed."""
    return any(isinstance(each, Py4JJavaError) for each in (error, error.__cause__)) and not of_rows(error)


def reason(error: BaseException) -> str:
    """Return an error's cause in one line: a failure's message, else the innermost cause that Spark names."""
    text = str(error).strip()
    causes = re.findall(rf"{FAILURE}(.*)", text) or re.findall(r"Caused by: [\w.$]+: (.*)", text)
    return causes[-1] if causes else f"{type(error).__name__}: {text.splitlines()[0] if text else ''}"
