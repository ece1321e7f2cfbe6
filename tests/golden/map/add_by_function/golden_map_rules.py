from pyspark.sql import Column, DataFrame


def half(frame: DataFrame) -> Column:
    return frame.n / 2
