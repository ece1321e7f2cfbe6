"""Refused loads into a database: one line that names connection, table and column, and unchanged old rows."""

from __future__ import annotations

import socket

import pytest
from pyspark.sql import SparkSession

from lake_etl.database_source import read_database
from lake_etl.errors import JobError
from tests.glue_scripts.planes import SCHEMA, Rows, load, refused, rows_in
from tests.glue_scripts.shop import Shop
from tests.postgres import PASSWORD, USER, Database

pytestmark = pytest.mark.spark


# Rows that do not fit


def test_a_row_that_breaks_a_constraint_is_reported_with_table_and_column(planes: Shop, rows: Rows) -> None:
    assert 'null value in column "seats" of relation "planes"' in refused(planes, rows(SCHEMA, ("N3", None)))
    told = refused(planes, rows(SCHEMA, ("N3", 30), ("N1", 11)))
    assert told.startswith("sink public.planes: ") and "Key (tailnum)=(N1) already exists" in told
    assert 'violates check constraint "planes_seats_check"' in refused(planes, rows(SCHEMA, ("N3", -1)))
    load(planes, rows(SCHEMA, ("N3", 30)))
    assert len(rows_in(planes)) == 3


def test_a_value_that_a_column_cannot_hold_is_reported_with_the_column(planes: Shop, rows: Rows) -> None:
    planes.run("ALTER TABLE planes ALTER tailnum TYPE varchar(3)")
    assert "column tailnum: " in refused(planes, rows(SCHEMA, ("N1234", 1)))
    assert "column seats: " in refused(planes, rows("tailnum string, seats string", ("N3", "ten")))
    assert "column seats: " in refused(planes, rows("tailnum string, seats bigint", ("N3", 2**40)))
    assert "seats is double precision in the data and integer" in refused(planes, rows("tailnum string, seats double"))


def test_columns_that_do_not_match_are_named(planes: Shop, rows: Rows) -> None:
    told = refused(planes, rows("tailnum string, seat int", ("N3", 1)))
    assert "sink public.planes: column 'seat' is not in the table" in told and "Did you mean 'seats'?" in told
    assert "column seats is array<int>" in refused(planes, rows("tailnum string, seats array<int>", ("N3", [1])))


def test_an_upsert_needs_its_keys_in_the_data_and_in_the_table(planes: Shop, rows: Rows) -> None:
    told = refused(planes, rows(SCHEMA, ("N3", 1)), mode="upsert", keys=["tail"])
    assert "column 'tail' is not in the data that goes to the sink" in told
    assert "needs a unique index of just these" in refused(
        planes, rows(SCHEMA, ("N3", 1)), mode="upsert", keys=["seats"]
    )
    twice = rows(SCHEMA, ("N3", 1), ("N3", 2))
    assert "2 rows have the key tailnum 'N3'" in refused(planes, twice, mode="upsert", keys=["tailnum"])
    none = rows(SCHEMA, (None, 1))
    assert "1 rows have no value in a key column (tailnum)" in refused(planes, none, mode="upsert", keys=["tailnum"])


def test_a_truncate_refuses_a_table_whose_rows_may_be_hidden_from_it(planes: Shop, rows: Rows) -> None:
    planes.run(
        f"CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'; GRANT ALL ON SCHEMA public TO clerk; "
        "GRANT ALL ON planes TO clerk; "
        "ALTER TABLE planes ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON planes USING (seats < 15)"
    )
    planes.login("clerk", PASSWORD)
    told = refused(planes, rows(SCHEMA, ("N3", 30)), mode="truncate")
    assert "row-level security may hide rows of it from this user" in told


def test_a_text_that_postgresql_cannot_store_is_reported(planes: Shop, rows: Rows) -> None:
    assert "the character 0" in refused(planes, rows(SCHEMA, ("a\x00b", 1)))


# Servers and logins


def test_a_wrong_password_is_reported_with_connection_and_secret_but_not_shown(planes: Shop, rows: Rows) -> None:
    planes.login(USER, "not the one")
    told = refused(planes, rows(SCHEMA, ("N3", 30)))
    assert f"connection {planes.connection}: " in told and f"the secret {planes.connection}" in told
    assert "not the one" not in told and "`lake secret`" in told
    planes.login(USER, PASSWORD)
    assert load(planes, rows(SCHEMA, ("N3", 30))) == 1


def test_a_secret_with_other_contents_is_reported(database: Database, aws: str, spark: SparkSession) -> None:
    shop = Shop.empty(database)
    shop.secret_holds("not JSON")
    told = rf"the secret {shop.connection} is not JSON with username and password\. Put one with `lake secret`"
    with pytest.raises(JobError, match=told):
        read_database(spark, shop.connection, "public.planes", "planes")


def test_an_unreachable_server_is_reported(planes: Shop, rows: Rows) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        planes.at(taken.getsockname()[1])
        assert "cannot be reached, or went away" in refused(planes, rows(SCHEMA, ("N3", 30)))
    planes.at(planes.database.server.port)
    assert load(planes, rows(SCHEMA, ("N3", 30))) == 1


def test_a_missing_database_is_reported(planes: Shop, spark: SparkSession) -> None:
    planes.run("SELECT 1")
    with pytest.raises(JobError, match='database "gone" does not exist'):
        gone = Shop.new(Database(planes.database.server, "gone"))
        read_database(spark, gone.connection, "public.planes", "planes")
