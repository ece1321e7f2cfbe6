from pyspark.sql import DataFrame

from lake_etl.functions import column


def filter_rows(frame: DataFrame, condition: str | dict[str, str]) -> DataFrame:
    """Return the rows for which the condition is true, not false or null, as in a WHERE clause.

    The condition is SQL, or a named function that takes the DataFrame and returns a Column.

    filter_rows(flights, "distance > 0 AND carrier <> 'ZZ'")
    filter_rows(flights, {"function": "my_rules.is_far"})
    """
    return frame.where(column(frame, condition))
