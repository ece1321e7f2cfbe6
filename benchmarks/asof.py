"""The point-in-time join beside the same join written as a Spark range join: `python -m benchmarks.asof`.

Ten million rows by a million records; `--rows`, `--records` and `--keys` take other sizes. The range join takes, for
each row, the latest of the earlier records of its key. Both write nothing, and both are asked for the same sums, which
have to be equal. Then the point-in-time join runs again, each time in a process of its own whose peak memory is taken:
with keys of one size, and with half of all rows and records under one key.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

sys.path.insert(0, str(Path(__file__).parents[1] / "glue_scripts"))

from lake_etl.training.as_of import as_of_join

ROOT = Path(__file__).parents[1]
TARGET = 0.5
"""Of the time of the range join."""
GROWTH = 1.2
"""Of the memory with keys of one size, at most."""
MEMORY = "1g"


def main() -> int:
    given = _arguments()
    if given.only:
        print(json.dumps(_alone(given)))
        return 0
    missed = _compared(given)
    even, skewed = (_in_a_process(given, only) for only in ("even", "skewed"))
    growth = skewed["peak_mb"] / even["peak_mb"]
    for name, found in (("keys of one size", even), ("half under one key", skewed)):
        print(f"{name}: {found['seconds']:.1f} s, peak {found['peak_mb']:.0f} MB of a heap of {MEMORY}")
    print(f"memory with skew: {growth:.2f} of that without, at most {GROWTH}")
    return int(missed or growth > GROWTH)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=20_000)
    parser.add_argument("--only", choices=("even", "skewed"), help="only the point-in-time join, and its memory")
    return parser.parse_args()


def _compared(given: argparse.Namespace) -> bool:
    """Both joins in one session. True where the sums differ or the target is missed."""
    spark = _session()
    rows, records = _both(spark, given, skew=False)
    window, its = _timed(windowed(rows, records))
    print(f"{given.rows:,} rows by {given.records:,} records of {given.keys:,} keys", flush=True)
    print(f"union and window: {window:.1f} s, {its}", flush=True)
    ranged, other = _timed(range_join(rows, records))
    spark.stop()
    print(f"range join: {ranged:.1f} s, {other}; {window / ranged:.2f} of its time, at most {TARGET}", flush=True)
    return its != other or window > TARGET * ranged


def _alone(given: argparse.Namespace) -> dict[str, float]:
    spark = _session()
    seconds, _ = _timed(windowed(*_both(spark, given, skew=given.only == "skewed")))
    return {"seconds": seconds, "peak_mb": _peak(spark)}


def _in_a_process(given: argparse.Namespace, only: str) -> dict[str, float]:
    sizes = [f"--{name}={getattr(given, name)}" for name in ("rows", "records", "keys")]
    words = [sys.executable, "-m", "benchmarks.asof", "--only", only, *sizes]
    done = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peak(spark: SparkSession) -> float:
    """The most memory that the process of Spark has had, in MB."""
    jvm: Any = spark._jvm
    status = Path(f"/proc/{jvm.java.lang.ProcessHandle.current().pid()}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def _session() -> SparkSession:
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings: dict[str, Any] = {
        "spark.driver.memory": MEMORY,
        "spark.sql.shuffle.partitions": "16",
        "spark.ui.enabled": "false",
    }
    return SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()


def _both(spark: SparkSession, given: argparse.Namespace, *, skew: bool) -> tuple[DataFrame, DataFrame]:
    rows = _made(spark, given.rows, given.keys, skew).withColumnRenamed("value", "number")
    return rows, _made(spark, given.records, given.keys, skew).withColumnRenamed("time", "at")


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
