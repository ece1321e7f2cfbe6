from pyspark.sql import Column, DataFrame


def is_far(flights: DataFrame) -> Column:
    return flights.distance > 1000
