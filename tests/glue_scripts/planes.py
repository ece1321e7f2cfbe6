"""A table of planes in PostgreSQL, and loads into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import DataFrame

from lake_etl.database_sink import DatabaseSink, loading, read_database_sink
from lake_etl.errors import JobError
from tests.glue_scripts.shop import Shop
from tests.postgres import PASSWORD

PLANES = "tailnum text PRIMARY KEY, seats integer NOT NULL CHECK (seats > 0)"
SCHEMA = "tailnum string, seats int"
Rows = Callable[..., DataFrame]


def sink(shop: Shop, **options: Any) -> DatabaseSink:
    return read_database_sink({"connection": shop.connection, "table": "public.planes", **options})


def load(shop: Shop, frame: DataFrame, *, run: str = "jr_1", **options: Any) -> int:
    """Load a frame as a job does. Returns the number of staged rows."""
    with loading(frame.sparkSession, sink(shop, **options), "job", run) as load:
        load.check()
        written = load.write(frame)
        load.publish(written)
    return written.rows


def rows_in(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.run("SELECT tailnum, seats FROM planes ORDER BY tailnum, seats")


def refused(shop: Shop, frame: DataFrame, **options: Any) -> str:
    """Return the error of a load that must fail, leave the old data unchanged, and leave no table behind."""
    before = rows_in(shop)
    with pytest.raises(JobError) as error:
        load(shop, frame, **options)
    assert rows_in(shop) == before
    assert not shop.staging()
    assert "\n" not in str(error.value)
    assert PASSWORD not in str(error.value)
    return str(error.value)
