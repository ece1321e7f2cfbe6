"""Applies a job's steps in order, and counts the rows after each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Observation

from lake_etl.errors import JobError, missing_column, unknown
from lake_etl.names import check_own, quoted
from lake_etl.quarantine import Quarantine
from lake_etl.report import observe_rows, observed
from lake_etl.source import Source
from lake_etl.transforms import TRANSFORMS, Transform
from lake_etl.transforms.cast import Counted


@dataclass(frozen=True)
class Applied:
    """An applied step: the count of its output rows (None: same as its input), its rejected rows, its casts."""

    name: str
    transform: Transform
    counts: Observation | None
    rejects: DataFrame | None
    casts: list[Counted] = field(default_factory=list)


def apply_steps(
    frame: DataFrame, steps: list[dict[str, Any]], dataset: Callable[[str], DataFrame], shuffles: bool = False
) -> tuple[DataFrame, list[Applied]]:
    """Apply steps such as {"filter": "distance > 0"}; dataset reads another dataset by name.

    shuffles: whether all rows go through a shuffle before a step that joins, so that all of them are read.

    Returns the frame and the applied steps, whose rows are counted once a query has read the frame.
    Raises JobError with the step's number and name.
    """
    check_own(frame)

    def other(name: str) -> DataFrame:
        check_own(found := dataset(name), f"dataset {name}")
        return found

    applied: list[Applied] = []
    for number, step in enumerate(steps, 1):
        ((name, options),) = step.items()
        casts: list[Counted] = []
        if shuffles and TRANSFORMS[name].adds:
            frame = _shuffled(frame)
        try:
            frame, rejects = _apply(name, options, frame, other, casts)
        except JobError as error:
            raise JobError(f"step {number} ({name}): {error}") from error
        counts = None
        if not TRANSFORMS[name].keeps_rows(options):
            frame, counts = observe_rows(frame)
        applied.append(Applied(name, TRANSFORMS[name], counts, rejects, casts))
    return frame, applied


def _shuffled(frame: DataFrame) -> DataFrame:
    """Spark moves a semi join below a shuffle, but not below a count of rows."""
    partitions = int(str(frame.sparkSession.conf.get("spark.sql.shuffle.partitions")))
    return observe_rows(frame.repartition(partitions))[0]


def rows_after(rows: int, steps: list[Applied]) -> list[int]:
    """Return the number of rows after each step, for this many input rows. A query must have read them."""
    after = []
    for step in steps:
        rows = int(observed(step.counts)["rows"]) if step.counts else rows
        after.append(rows)
    return after


def leaves_unread(steps: list[Applied], after: list[int], partners: Iterable[Source]) -> bool:
    """Whether a step may have left rows unread: Spark's join ends at once where no row can find a partner."""
    ends = any(step.transform.adds and not rows for step, rows in zip(steps, after, strict=True))
    return ends and any(observed(each.counts)["rows"] == observed(each.counts)["bad"] for each in partners)


def check_steps(steps: list[dict[str, Any]]) -> None:
    for number, step in enumerate(steps, 1):
        if len(step) != 1:
            raise JobError(f"step {number}: {step} has to be one step with its options")
        for name in step:
            if name not in TRANSFORMS:
                raise unknown(f"step {number}:", name, TRANSFORMS)


def keep_rejects(quarantine: Quarantine, source: Source, steps: list[Applied]) -> int:
    """Write the rows that the steps rejected, and return their number. A step that rejected none is not run again."""
    counts = observed(source.counts)
    after = rows_after(good := counts["rows"] - counts["bad"], steps)
    moves = zip(steps, [good, *after], after, strict=False)
    lossy = [
        (f"step {number} ({step.name})", step.rejects)
        for number, (step, came, left) in enumerate(moves, 1)
        if left < came
    ]
    return sum(quarantine.keep_rows(source.dataset, name, rejects) for name, rejects in lossy if rejects)


def _apply(
    name: str, options: Any, frame: DataFrame, dataset: Callable[[str], DataFrame], casts: list[Counted]
) -> tuple[DataFrame, DataFrame | None]:
    transform = TRANSFORMS[name]
    more = ((dataset,) if transform.joins else ()) + ((casts,) if transform.casts else ())
    try:
        applied, rejects = transform.apply(frame, options, *more), transform.rejects(frame, options)
    except AnalysisException as error:
        raise explained(error, frame) from error
    if not applied.columns:
        raise JobError("it removes all columns of the data. Leave at least one")
    check_own(applied)
    return applied, rejects


def explained(error: AnalysisException, frame: DataFrame) -> JobError:
    """Return Spark's objection to an expression over the frame, in one line."""
    if (error.getErrorClass() or "").startswith("UNRESOLVED_COLUMN"):
        name = (error.getMessageParameters() or {})["objectName"].replace("`", "")
        if name.lower() in map(str.lower, frame.columns):
            return JobError(f"column '{name}' needs backquotes in SQL: {quoted(name)}")
        return missing_column(name, frame.columns)
    return JobError(str(error).strip().splitlines()[0])
