from pyspark.sql import DataFrame


def broken(flights: DataFrame) -> str:
    return "distance > 1000"
