from collections.abc import Callable

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame

INPUT = "input"


def sql(frame: DataFrame, query: str, dataset: Callable[[str], DataFrame]) -> DataFrame:
    """Run a Spark SQL query on the frame, named `input`, and on other datasets by their names.

    The query has to use `input`, and LIMIT only after an ORDER BY: otherwise Spark would stop reading at the limit, and
    the rows that it did not read could not be accounted for.

    sql(flights, "SELECT origin, max(distance) AS farthest FROM input GROUP BY origin", read)
    """
    views = {INPUT: frame}
    try:
        return _run(query, views, dataset)
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


def _missing(error: AnalysisException) -> str | None:
    if error.getErrorClass() != "TABLE_OR_VIEW_NOT_FOUND":
        return None
    name: str = (error.getMessageParameters() or {})["relationName"]
    return name.strip("`")
