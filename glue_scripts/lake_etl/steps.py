"""Applying a job's steps, in order, each with its count of rows."""

from collections.abc import Callable
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Observation

from lake_etl.errors import JobError, missing_column, unknown
from lake_etl.report import observe_rows
from lake_etl.transforms import TRANSFORMS, Transform

Applied = list[tuple[str, Transform, Observation]]


def apply_steps(
    frame: DataFrame, steps: list[dict[str, Any]], dataset: Callable[[str], DataFrame]
) -> tuple[DataFrame, Applied]:
    """Apply steps such as {"filter": "distance > 0"}; dataset reads another dataset by its name.

    Gives the frame and each step's observation of its rows. Raises JobError with the step's number and name.
    """
    applied: Applied = []
    for number, step in enumerate(steps, 1):
        ((name, options),) = step.items()
        try:
            frame = _apply(name, options, frame, dataset)
        except JobError as error:
            raise JobError(f"step {number} ({name}): {error}") from error
        frame, rows = observe_rows(frame)
        applied.append((name, TRANSFORMS[name], rows))
    return frame, applied


def check_steps(steps: list[dict[str, Any]]) -> None:
    for number, step in enumerate(steps, 1):
        if len(step) != 1:
            raise JobError(f"step {number}: {step} has to be one step with its options")
        for name in step:
            if name not in TRANSFORMS:
                raise unknown(f"step {number}:", name, TRANSFORMS)


def _apply(name: str, options: Any, frame: DataFrame, dataset: Callable[[str], DataFrame]) -> DataFrame:
    transform = TRANSFORMS[name]
    try:
        return transform.apply(frame, options, dataset) if transform.joins else transform.apply(frame, options)
    except AnalysisException as error:
        raise _explained(error, frame) from error


def _explained(error: AnalysisException, frame: DataFrame) -> JobError:
    if (error.getErrorClass() or "").startswith("UNRESOLVED_COLUMN"):
        name = (error.getMessageParameters() or {})["objectName"].replace("`", "")
        return missing_column(name, frame.columns)
    return JobError(str(error).strip().splitlines()[0])
