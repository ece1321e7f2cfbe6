"""A database that goes away in the middle of a read: the run fails in words, and the old table stays."""

from __future__ import annotations

import re
from typing import Any

import boto3
import pytest

from lake_etl.errors import JobError
from lake_etl.job import run
from tests.glue_scripts.shop import Shop
from tests.glue_scripts.small_lake import Lake

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]
TABLE = "from_given"


def given(shop: Shop) -> dict[str, Any]:
    """A job that reads `given`, whose rows take so long that they are seen being read, in more than one round trip."""
    shop.run(
        "CREATE TABLE slow AS SELECT i AS seats, repeat('x', 200) AS note FROM generate_series(1, 25000) AS i;"
        "CREATE VIEW given AS SELECT seats, note, pg_sleep(0.0001)::text AS slept FROM slow"
    )
    databases = {"given": {"connection": shop.connection, "table": "public.given"}}
    spec = {"job": "j", "source": "given", "tables": {}, "databases": databases, "steps": []}
    return spec | {"sink": {"table": TABLE}}


def check_told(shop: Shop, message: str) -> None:
    assert re.fullmatch(
        rf"while reading given: connection {shop.connection}: the database at \S+ cannot be reached, or went away: "
        r"terminating connection due to administrator command\. Nothing is published",
        message,
    ), message


def published(lake: Lake) -> Any:
    return boto3.client("glue").get_table(DatabaseName=f"{lake.database}_curated", Name=TABLE)["Table"]


def test_a_database_that_goes_away_while_it_is_read_leaves_the_old_table(shop: Shop, lake: Lake) -> None:
    spec = given(shop)
    run(lake.arguments(lake.spec(**spec)))
    before = published(lake)
    with shop.ending_reads("given"), pytest.raises(JobError) as error:
        run(lake.arguments(lake.spec(**spec)))
    check_told(shop, str(error.value))
    assert published(lake) == before


def test_a_source_that_goes_away_during_a_load_is_told_and_not_the_sink(shop: Shop, lake: Lake) -> None:
    spec = given(shop) | {"sink": {"connection": shop.connection, "table": "public.copied"}}
    with shop.ending_reads("given"), pytest.raises(JobError) as error:
        run(lake.arguments(lake.spec(**spec)))
    check_told(shop, str(error.value))
    assert "copied" not in shop.database.tables()
