from pyspark.sql import DataFrame


def filter_rows(frame: DataFrame, condition: str) -> DataFrame:
    """The rows for which the SQL condition is true; false and null go, as in a WHERE clause.

    filter_rows(flights, "distance > 0 AND carrier <> 'ZZ'")
    """
    return frame.where(condition)
