"""The point-in-time join beside the same join written as a Spark range join: ten million rows by a million records.

The range join takes, for each row, the latest of the earlier records of its key. Both write nothing, and both are asked
for the same sums, which have to be equal. `--skew` gives half of all rows and records to one key.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

sys.path.insert(0, str(Path(__file__).parents[1] / "glue_scripts"))

from lake_etl.training.as_of import as_of_join

TARGET = 0.5
MEMORY = "1536m"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=20_000)
    parser.add_argument("--skew", action="store_true")
    given = parser.parse_args()
    spark = _session()
    rows = _made(spark, given.rows, given.keys, given.skew).withColumnRenamed("value", "number")
    records = _made(spark, given.records, given.keys, given.skew).withColumnRenamed("time", "at")
    window, its = _timed(windowed(rows, records))
    print(f"union and window: {window:.1f} s, {its}", flush=True)
    if given.skew:
        return 0
    ranged, other = _timed(range_join(rows, records))
    print(f"range join: {ranged:.1f} s, {other}; {window / ranged:.2f} of its time, at most {TARGET}", flush=True)
    return int(its != other or window > TARGET * ranged)


def _session() -> SparkSession:
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings: dict[str, Any] = {
        "spark.driver.memory": MEMORY,
        "spark.sql.shuffle.partitions": "16",
        "spark.ui.enabled": "false",
    }
    return SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()


def _made(spark: SparkSession, count: int, keys: int, skew: bool) -> DataFrame:
    """Rows whose key and time follow from their number: a year in seconds."""
    hot = "CASE WHEN id % 2 = 0 THEN 0 ELSE {} END" if skew else "{}"
    key = hot.format(f"pmod(xxhash64(id, 1), {keys})")
    return spark.range(count).selectExpr(
        f"{key} AS key", "timestamp_seconds(1356998400 + pmod(xxhash64(id, 2), 31536000)) AS time", "id AS value"
    )


def windowed(rows: DataFrame, records: DataFrame) -> DataFrame:
    return as_of_join(rows, records, time="time", as_of="at", on=["key"], take={"value": "taken"}, known_at="known")


def range_join(rows: DataFrame, records: DataFrame) -> DataFrame:
    return rows.sparkSession.sql(
        """
        SELECT r.key, r.time, r.number, max(struct(o.at, o.value)).value AS taken, max(o.at) AS known
        FROM {rows} AS r LEFT JOIN {records} AS o ON o.key = r.key AND o.at <= r.time
        GROUP BY r.key, r.time, r.number
        """,
        rows=rows,
        records=records,
    )


def _timed(joined: DataFrame) -> tuple[float, tuple[int, ...]]:
    begun = time.monotonic()
    sums = joined.selectExpr("count(*)", "count(taken)", "sum(taken)", "sum(unix_seconds(known))").collect()[0]
    return time.monotonic() - begun, tuple(sums)


if __name__ == "__main__":
    sys.exit(main())
