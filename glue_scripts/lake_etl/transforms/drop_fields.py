from pyspark.sql import DataFrame

from lake_etl.errors import check_columns


def drop_fields(frame: DataFrame, names: list[str]) -> DataFrame:
    """Return the frame without the named columns. Raises JobError if one of them is missing.

    drop_fields(flights, ["minute", "hour"])
    """
    check_columns(frame, names)
    return frame.drop(*names)
