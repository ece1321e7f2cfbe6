from collections.abc import Callable

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame

INPUT = "input"


def sql(frame: DataFrame, query: str, dataset: Callable[[str], DataFrame]) -> DataFrame:
    """What a Spark SQL query makes of the frame, which it finds as `input`, and of other datasets by their names.

    The query has to use `input`, and no LIMIT that is not after an ORDER BY: Spark would stop reading there, and the
    rows it did not read could not be accounted for.

    sql(flights, "SELECT origin, max(distance) AS farthest FROM input GROUP BY origin", read)
    """
    views = {INPUT: frame}
    try:
        return _run(query, views, dataset)
    finally:
        for name in views:
            frame.sparkSession.catalog.dropTempView(name)


def _run(query: str, views: dict[str, DataFrame], dataset: Callable[[str], DataFrame]) -> DataFrame:
    """Only the datasets that the query names are read: Spark says which one it misses, until it misses none."""
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
