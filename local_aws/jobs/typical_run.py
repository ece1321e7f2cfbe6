"""Does in Spark what jobs do, so that their classes are loaded: `python typical_run.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql.functions import broadcast, col, concat, count, countDistinct, desc, lit, row_number
from pyspark.sql.functions import max as greatest

FORMATS = ("json", "csv", "parquet", "orc")


def main(folder: Path) -> None:
    spark = SparkSession.builder.getOrCreate()
    rows = spark.range(1000).select("id", (col("id") % 7).alias("k"), concat(lit("t"), "id").alias("t"))
    tables = [_written_and_read(spark, rows, folder / name, name) for name in FORMATS]
    joined = (
        tables[0]
        .join(tables[1].select("id", col("t").alias("u")), "id")
        .unionByName(tables[2].join(broadcast(tables[3].select("id", col("t").alias("u"))), "id"))
    )
    newest = row_number().over(Window.partitionBy("k").orderBy(desc("id")))
    counted = joined.withColumn("n", newest).groupBy("k").agg(count("*"), greatest("u"), countDistinct("t"))
    counted.cache().orderBy("k").collect()
    spark.stop()


def _written_and_read(spark: SparkSession, rows: DataFrame, folder: Path, format_: str) -> DataFrame:
    rows.write.partitionBy("k").format(format_).save(folder.as_uri())
    return spark.read.schema("id bigint, t string, k bigint").format(format_).load(folder.as_uri())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
