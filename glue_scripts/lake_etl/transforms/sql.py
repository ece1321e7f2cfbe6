from collections.abc import Callable
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame

from lake_etl.errors import JobError

INPUT = "input"
LIMITS = ("GlobalLimit", "LocalLimit")
READING_ALL = ("Sort", "Aggregate", "Window")  # operators that have read all of their rows before they give one


def sql(frame: DataFrame, query: str, dataset: Callable[[str], DataFrame]) -> DataFrame:
    """Run a Spark SQL query on the frame, named `input`, and on other datasets by their names.

    The query has to use `input`. Raises JobError for one that ends the reading early, as a LIMIT without an ORDER BY
    does: the rows that are not read could not be accounted for.

    sql(flights, "SELECT origin, max(distance) AS farthest FROM input GROUP BY origin", read)
    """
    views = {INPUT: frame}
    try:
        found = _run(query, views, dataset)
        _check_reads_all(found)
        return found
    finally:
        for name in views:
            frame.sparkSession.catalog.dropTempView(name)


def _run(query: str, views: dict[str, DataFrame], dataset: Callable[[str], DataFrame]) -> DataFrame:
    """Read only the datasets that the query names: Spark reports a missing one at a time, until none is missing."""
    for name, view in views.items():
        view.createOrReplaceTempView(name)
    try:
        return views[INPUT].sparkSession.sql(query)
    except AnalysisException as error:
        missing = _missing(error)
        if missing is None or missing in views:
            raise
        views[missing] = dataset(missing)
        return _run(query, views, dataset)


def _check_reads_all(frame: DataFrame) -> None:
    plan: Any = frame._jdf.queryExecution().optimizedPlan()
    inner = plan.subqueriesAll()
    if any(_ends_early(each) for each in (plan, *(inner.apply(place) for place in range(inner.size())))):
        raise JobError(
            "a LIMIT, or an EXISTS without a condition, ends the reading before the last row, so rows that cannot be "
            "read would stay unnoticed. Use LIMIT after an ORDER BY, and `key IN (SELECT key FROM ...)` for EXISTS"
        )


def _ends_early(plan: Any, limited: bool = False) -> bool:
    """Whether rows that are counted, where a dataset or a step is observed, may stay unread because of a limit."""
    name, children = plan.nodeName(), plan.children()
    if limited and name == "CollectMetrics":
        return True
    limited = name in LIMITS or (limited and name not in READING_ALL)
    return any(_ends_early(children.apply(place), limited) for place in range(children.size()))


def _missing(error: AnalysisException) -> str | None:
    if error.getErrorClass() != "TABLE_OR_VIEW_NOT_FOUND":
        return None
    name: str = (error.getMessageParameters() or {})["relationName"]
    return name.strip("`")
