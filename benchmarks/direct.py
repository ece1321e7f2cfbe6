"""The sample job's steps written directly in PySpark: no accounting, no quarantine, no catalog.

benchmarks/etl.py runs it as a Glue job and compares it with flights_enriched of lake.yaml, which has the same steps.
"""

import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

FLIGHTS = """
    dep_time bigint, sched_dep_time bigint, dep_delay bigint, arr_time bigint, sched_arr_time bigint, arr_delay bigint,
    carrier string, flight bigint, tailnum string, origin string, dest string, air_time bigint, distance bigint,
    hour bigint, minute bigint, time_hour string, year string, month string, day string
"""
AIRLINES = "carrier string, name string"
PLANES = """
    tailnum string, year bigint, type string, manufacturer string, model string, engines bigint, seats bigint,
    speed bigint, engine string
"""
WEATHER = """
    origin string, temp double, wind_speed double, precip double, visib double, time_hour timestamp,
    year string, month string, day string, hour string
"""

parser = argparse.ArgumentParser()
parser.add_argument("--raw")
parser.add_argument("--out")
arguments = parser.parse_known_args()[0]

spark = SparkSession.builder.getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
# The lake's settings for thousands of small files: without them this takes twice as long.
spark.conf.set("spark.sql.sources.ignoreDataLocality", "true")
spark.conf.set("spark.sql.sources.parallelPartitionDiscovery.threshold", "8")
csv = spark.read.option("header", True).option("nullValue", "NA")

airlines = csv.schema(AIRLINES).csv(f"{arguments.raw}/airlines/").withColumnRenamed("name", "airline")
planes = csv.schema(PLANES).csv(f"{arguments.raw}/planes/").select("tailnum", "manufacturer", "model", "seats")
weather = spark.read.schema(WEATHER).parquet(f"{arguments.raw}/weather/")
weather = weather.select("origin", "time_hour", "temp", "wind_speed", "precip", "visib")
flights = (
    spark.read.schema(FLIGHTS)
    .json(f"{arguments.raw}/flights/")
    .withColumn("time_hour", fn.col("time_hour").cast("timestamp"))
    .where("distance > 0")
    .join(airlines, "carrier", "left")
    .join(planes, "tailnum", "left")
    .join(weather, ["origin", "time_hour"], "left")
    .withColumn("late", fn.expr("arr_delay > 15"))
    .drop("minute")
)
writer = flights.repartition("year", "month").write.mode("overwrite").partitionBy("year", "month")
writer.option("compression", "zstd").parquet(arguments.out)
