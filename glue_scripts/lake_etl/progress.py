"""Prints a run's progress whenever it has changed, at most once a second.

`LAKE_PROGRESS stage 4: 12 of 40 tasks, 1,200,000 rows read` has Spark's number of the stage, and the rows that Spark
has read so far from files and databases, for any purpose.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

SECONDS = 1.0
PREFIX = "LAKE_PROGRESS"


@contextmanager
def reporting(spark: SparkSession) -> Iterator[None]:
    """Print progress while the block runs."""
    over = Event()
    thread = Thread(target=_report, args=(_stages(spark), over), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(SECONDS)


def _stages(spark: SparkSession) -> Stages | None:
    """Return None if Spark cannot report progress: that must not fail a run."""
    try:
        return Stages(spark)
    except Exception:
        return None


def _report(stages: Stages | None, over: Event) -> None:
    last = ""
    while stages and not over.wait(SECONDS):
        try:
            line = stages.line()
        except Exception:
            continue
        if line and line != last:
            sys.stdout.write(f"{PREFIX} {line}\n")
            sys.stdout.flush()
            last = line


class Stages:
    """The stages that a session's Spark has begun since it was created; rows holds what each has read."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.rows: dict[int, int] = {}
        self.ended = self._last_begun()

    def line(self) -> str:
        """Return Spark's progress; empty between two stages."""
        active = sorted(self.spark.sparkContext.statusTracker().getActiveStageIds())
        if not active:
            return ""
        for stage in range(self.ended + 1, active[-1] + 1):
            self.rows[stage] = self._rows_of(stage)
        self.ended = active[0] - 1
        now = self.spark.sparkContext.statusTracker().getStageInfo(active[0])
        done = f"{now.numCompletedTasks} of {now.numTasks} tasks, " if now else ""
        return f"stage {active[0]}: {done}{sum(self.rows.values()):,} rows read"

    def _last_begun(self) -> int:
        tracker = self.spark.sparkContext.statusTracker()
        last = tracker.getJobInfo(max(tracker.getJobIdsForGroup(), default=-1))
        return max(last.stageIds, default=-1) if last else -1

    def _rows_of(self, stage: int) -> int:
        """Only the store behind Spark's UI has the rows. It does not know a stage before its job starts."""
        store: Any = self.spark.sparkContext._jsc.sc().statusStore()
        try:
            return int(store.lastStageAttempt(stage).inputRecords())
        except Py4JJavaError:
            return 0
