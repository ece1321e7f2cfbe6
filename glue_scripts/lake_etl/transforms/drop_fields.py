from pyspark.sql import DataFrame

from lake_etl.errors import check_columns


def drop_fields(frame: DataFrame, names: list[str]) -> DataFrame:
    """The frame without the named columns. Raises JobError when one of them is not there.

    drop_fields(flights, ["minute", "hour"])
    """
    check_columns(frame, names)
    return frame.drop(*names)
