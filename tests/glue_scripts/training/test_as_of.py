"""The point-in-time join against a reference that looks at every pair."""

from __future__ import annotations

import bisect
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from lake_etl.errors import JobError
from lake_etl.training.as_of import as_of_join

pytestmark = pytest.mark.spark

BEGIN = datetime(2013, 1, 1, tzinfo=UTC)
ROWS, RECORDS, KEYS = 100_000, 20_000, 40
Record = tuple[str | None, datetime | None, float | None]


def made(seed: int) -> tuple[list[tuple[int, str | None, datetime]], list[Record]]:
    """Rows and records with ties (whole hours), gaps (keys without records), late arrivals, nulls, and a hot key."""
    rng = random.Random(seed)

    def key() -> str | None:
        return None if rng.random() < 0.01 else "hot" if rng.random() < 0.3 else f"k{rng.randrange(KEYS)}"

    def time() -> datetime:
        minutes = rng.choice((60, 60, 7)) * rng.randrange(8000)
        return BEGIN + timedelta(minutes=minutes)

    rows = [(number, key(), time()) for number in range(ROWS)]
    records: list[Record] = []
    for _ in range(RECORDS):
        name = key()
        if name != "k3":  # a key that has rows and no record
            value = None if rng.random() < 0.05 else round(rng.random(), 2)
            records.append((name, None if rng.random() < 0.01 else time(), value))
    rng.shuffle(records)
    return rows, records


def expected(
    rows: list[tuple[int, str | None, datetime]], records: list[Record], within: timedelta | None
) -> dict[int, tuple[float | None, datetime | None]]:
    """By row, the value and the time of the record that was known."""
    by_key: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for key, at, value in records:
        if key is not None and at is not None:
            by_key[key].append((at, -1.0 if value is None else value))
    for known in by_key.values():
        known.sort()
    found: dict[int, tuple[float | None, datetime | None]] = {}
    for number, key, time in rows:
        known = by_key.get(key or "", [])
        place = bisect.bisect_right(known, (time, float("inf"))) - 1
        at, value = known[place] if place >= 0 else (None, None)
        if at is None or (within and at < time - within):
            found[number] = (None, None)
        else:
            found[number] = (None if value == -1.0 else value, at)
    return found


@pytest.mark.parametrize("hours", [None, 3.0])
def test_it_takes_what_a_look_at_every_pair_takes(spark: SparkSession, hours: float | None) -> None:
    rows, records = made(seed=14)
    left = spark.createDataFrame(rows, "number int, origin string, time timestamp")
    right = spark.createDataFrame(records, "origin string, at timestamp, temp double")

    joined = as_of_join(
        left, right, time="time", as_of="at", on=["origin"], take={"temp": "temp"}, within_hours=hours, known_at="known"
    )

    got = joined.selectExpr("number", "temp", "unix_micros(known) AS known").collect()
    assert len(got) == ROWS
    want = expected(rows, records, timedelta(hours=hours) if hours else None)
    assert {row.number: (row.temp, row.known) for row in got} == {
        number: (value, int(at.timestamp() * 1_000_000) if at else None) for number, (value, at) in want.items()
    }
    assert 0 < sum(value is None for value, _ in want.values()) < ROWS


def one(spark: SparkSession, at: str) -> DataFrame:
    return spark.sql(f"SELECT 'EWR' AS origin, {at} AS at, 39.0 AS temp")


@pytest.mark.parametrize(
    ("time", "record", "says"),
    [
        ("'2013-01-01 05:00:00'", "TIMESTAMP '2013-01-01'", "time t is string, and has to be a timestamp or a date"),
        ("TIMESTAMP '2013-01-01'", "'2013-01-01'", "as_of at is string, and has to be a timestamp"),
        ("TIMESTAMP '2013-01-01'", "DATE '2013-01-01'", "as_of at is date, and has to be a timestamp"),
        ("TIMESTAMP '2013-01-01'", "TIMESTAMP_NTZ '2013-01-01'", "one has a time zone and the other has none"),
    ],
)
def test_times_that_cannot_be_compared_are_refused(spark: SparkSession, time: str, record: str, says: str) -> None:
    rows = spark.sql(f"SELECT 'EWR' AS origin, {time} AS t")

    with pytest.raises(JobError, match=says):
        as_of_join(rows, one(spark, record), time="t", as_of="at", on=["origin"], take={"temp": "temp"})


def test_a_column_that_is_there_already_is_refused(spark: SparkSession) -> None:
    rows = spark.sql("SELECT 'EWR' AS origin, TIMESTAMP '2013-01-01' AS t, 1 AS Temp")
    records = one(spark, "TIMESTAMP '2013-01-01'")

    with pytest.raises(JobError, match=r"column 'temp' is there already. Give it a new name in `take`"):
        as_of_join(rows, records, time="t", as_of="at", on=["origin"], take={"temp": "temp"})


def test_keys_of_different_types_are_refused(spark: SparkSession) -> None:
    rows = spark.sql("SELECT 1 AS origin, TIMESTAMP '2013-01-01' AS t")
    records = one(spark, "TIMESTAMP '2013-01-01'")

    with pytest.raises(JobError, match="on origin: it is int in the rows and string in the records"):
        as_of_join(rows, records, time="t", as_of="at", on=["origin"], take={"temp": "temp"})
