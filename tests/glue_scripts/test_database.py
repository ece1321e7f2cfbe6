"""Tables of a real PostgreSQL as source and sink: loaded rows, what readers see, and what failures leave."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from pyspark.sql import DataFrame, SparkSession

from lake_etl.database_sink import Load, loading, read_database_sink
from lake_etl.database_source import read_database
from lake_etl.errors import JobError
from lake_etl.job import run
from lake_etl.report import observed
from tests.glue_scripts.planes import SCHEMA, Rows, load, refused, rows_in, sink
from tests.glue_scripts.shop import Shop
from tests.glue_scripts.small_lake import Lake
from tests.postgres import PASSWORD

pytestmark = pytest.mark.spark


# Reading


def test_a_table_is_read_with_its_types_and_counted(shop: Shop, spark: SparkSession) -> None:
    shop.run(
        'CREATE TABLE "Orders" (id bigint, price numeric(9,2), at timestamptz, day date, paid boolean, note text);'
        "INSERT INTO \"Orders\" VALUES (1, 1.50, '2013-01-01 10:00Z', '2013-01-02', true, 'a');"
        'INSERT INTO "Orders" VALUES (2)'
    )
    source = read_database(spark, shop.connection, "public.Orders", "orders")
    assert source.rows.dtypes == [
        ("id", "bigint"),
        ("price", "decimal(9,2)"),
        ("at", "timestamp"),
        ("day", "date"),
        ("paid", "boolean"),
        ("note", "string"),
    ]
    assert sorted(source.rows.collect())[0][:2] == (1, Decimal("1.50"))
    assert observed(source.counts) == {"rows": 2, "bad": 0}


def test_an_unknown_table_is_named_with_the_closest_existing_one(planes: Shop, spark: SparkSession) -> None:
    with pytest.raises(JobError, match=r"dataset p: .* has no table public\.plane: .* Did you mean 'planes'\?"):
        read_database(spark, planes.connection, "public.plane", "p")


# The three modes


def test_insert_adds_rows_and_creates_a_missing_table(shop: Shop, rows: Rows) -> None:
    assert load(shop, rows("Tailnum string, seats int", ("N1", 1))) == 1
    assert load(shop, rows(SCHEMA, ("N2", 2), ("N3", None)), run="jr_2") == 2
    assert rows_in(shop) == [("N1", 1), ("N2", 2), ("N3", None)]
    assert shop.database.tables() == ["_lake_runs", "planes"]


def test_a_run_that_glue_retries_inserts_its_rows_once(planes: Shop, rows: Rows) -> None:
    frame = rows(SCHEMA, ("N3", 30))
    load(planes, frame, run="jr_1")
    planes.run("ALTER TABLE planes DROP CONSTRAINT planes_pkey")
    load(planes, frame, run="jr_1_attempt_1")
    assert rows_in(planes) == [("N1", 10), ("N2", 20), ("N3", 30)]
    load(planes, frame, run="jr_2")
    assert rows_in(planes)[2:] == [("N3", 30), ("N3", 30)]
    assert planes.run("SELECT run_id, job, mode, rows FROM _lake_runs ORDER BY 1") == [
        ("jr_1", "job", "insert", 1),
        ("jr_2", "job", "insert", 1),
    ]


def test_truncate_replaces_all_rows_and_keeps_the_table(planes: Shop, rows: Rows) -> None:
    planes.run("CREATE VIEW big AS SELECT * FROM planes WHERE seats > 25")
    load(planes, rows(SCHEMA, ("N3", 30)), mode="truncate")
    assert rows_in(planes) == [("N3", 30)]
    assert planes.run("SELECT * FROM big") == [("N3", 30)]
    load(planes, rows(SCHEMA), mode="truncate", run="jr_2")
    assert rows_in(planes) == []


def test_upsert_replaces_the_rows_of_the_same_keys(planes: Shop, rows: Rows) -> None:
    load(planes, rows("SEATS int, TAILNUM string", (21, "N2"), (30, "N3")), mode="upsert", keys=["tailnum"])
    assert rows_in(planes) == [("N1", 10), ("N2", 21), ("N3", 30)]


def test_a_table_created_by_an_upsert_has_its_keys(shop: Shop, rows: Rows) -> None:
    for name in ("jr_1", "jr_2"):
        load(shop, rows(SCHEMA, ("N1", 1)), mode="upsert", keys=["tailnum"], run=name)
    assert rows_in(shop) == [("N1", 1)]


def test_columns_missing_in_the_data_get_their_default(shop: Shop, rows: Rows) -> None:
    shop.run("CREATE TABLE planes (id serial, tailnum varchar(4), seats smallint DEFAULT 7)")
    load(shop, rows("tailnum string", ("N1",)))
    assert shop.run("SELECT * FROM planes") == [(1, "N1", 7)]


def test_values_arrive_unchanged_in_a_table_created_by_the_job(shop: Shop, spark: SparkSession) -> None:
    schema = (
        "tailnum string, seats int, s smallint, t tinyint, b bigint, f float, d double, n decimal(9,2), ok boolean, "
        "day date, at timestamp, local timestamp_ntz, raw binary"
    )
    at, local = datetime(2013, 1, 1, 10, 0, 0, 250, tzinfo=UTC), datetime(2013, 1, 1, 9)
    values = ("N'1\"é", 1, 2, 3, 4, 0.5, 0.1, Decimal("1.50"), True, date(2013, 1, 2), at, local, b"\x00\x01")
    load(shop, spark.createDataFrame([values, (None,) * 13], schema))
    assert shop.run("SELECT * FROM planes WHERE tailnum IS NOT NULL") == [values]
    assert shop.run("SELECT * FROM planes WHERE tailnum IS NULL") == [(None,) * 13]


def test_texts_are_cast_to_the_tables_types(shop: Shop, rows: Rows) -> None:
    shop.run(
        "CREATE TYPE kind AS ENUM ('jet'); CREATE TABLE planes (tailnum uuid, seats jsonb, kind kind, at timestamp)"
    )
    at = datetime(2013, 1, 1, 10, tzinfo=UTC)
    value = "00000000-0000-0000-0000-000000000001"
    load(shop, rows("tailnum string, seats string, kind string, at timestamp", (value, '{"a": 1}', "jet", at)))
    [(tailnum, seats, kind, when)] = shop.run("SELECT * FROM planes")
    assert (str(tailnum), seats, kind, when) == (value, {"a": 1}, "jet", datetime(2013, 1, 1, 10))


@pytest.mark.parametrize("mode", ["insert", "truncate", "upsert"])
def test_a_reader_sees_all_of_the_old_or_all_of_the_new_and_never_waits(planes: Shop, rows: Rows, mode: str) -> None:
    planes.run("DELETE FROM planes; INSERT INTO planes SELECT 'old' || i, 1 FROM generate_series(1, 500) AS i")
    keys = {"keys": ["tailnum"]} if mode == "upsert" else {}
    frame = (
        rows(SCHEMA, ("x", 2))
        .selectExpr("explode(sequence(1, 20000)) AS i")
        .selectExpr("concat('new', i) AS tailnum", "2 AS seats")
    )
    counts, longest, done = set(), 0.0, threading.Event()

    def read() -> None:
        nonlocal longest
        with planes.database.server.connect(planes.database.name) as connection:
            while not done.is_set():
                began = time.monotonic()
                found = connection.execute("SELECT count(*) FROM planes").fetchone()
                assert found is not None
                counts.add(found[0])
                longest = max(longest, time.monotonic() - began)

    reader = threading.Thread(target=read)
    reader.start()
    load(planes, frame, mode=mode, **keys)
    done.set()
    reader.join()
    after = 20_000 if mode == "truncate" else 20_500
    assert counts <= {500, after}
    assert planes.run("SELECT count(*) FROM planes") == [(after,)]
    assert longest < 2


# Whole runs


def spec(shop: Shop, **sink: Any) -> dict[str, Any]:
    return {
        "job": "j",
        "source": "planes",
        "tables": {},
        "databases": {"planes": {"connection": shop.connection, "table": "public.planes"}},
        "steps": [{"filter": "seats > 10"}, {"join": {"with": "planes", "on": "tailnum", "take": {"seats": "again"}}}],
        "sink": {"connection": shop.connection, "table": "public.big", **sink},
    }


def test_a_run_reads_a_table_writes_another_and_accounts_for_every_row(planes: Shop, lake: Lake) -> None:
    report = run(lake.arguments(lake.spec(**spec(planes, mode="upsert", keys=["tailnum"]))))
    assert (report["rows_in"], report["filtered"], report["rows_out"]) == (2, 1, 1)
    assert report["table"] == f"{planes.connection} public.big"
    assert planes.run("SELECT * FROM big") == [("N2", 20, 20)]


def test_a_load_that_meets_a_damaged_file_restarts_without_it(planes: Shop, lake: Lake, tmp_path: Path) -> None:
    pq.write_table(pa.table({"tailnum": ["N3", "N4"], "seats": [30, 40]}), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    for name, body in {"a": whole, "b": whole[:-20]}.items():
        lake.put("raw", f"{lake.database}/fleet/{name}.parquet", body)
    lake.table("fleet", "parquet", {"tailnum": "string", "seats": "bigint"})
    given = {"job": "j", "source": "fleet", "tables": {"fleet": "fleet"}, "steps": []}
    report = run(lake.arguments(lake.spec(**given, sink={"connection": planes.connection, "table": "public.planes"})))
    assert (report["rows_in"], report["rows_out"], report["quarantined_files"]) == (2, 2, 1)
    assert rows_in(planes) == [("N1", 10), ("N2", 20), ("N3", 30), ("N4", 40)]


def test_rows_that_fail_an_expectation_are_not_moved(planes: Shop, lake: Lake) -> None:
    big = {"rule": "big", "kind": "between", "columns": ["seats"], "fails": "NOT coalesce(seats >= 100, false)"}
    with pytest.raises(JobError, match="expectations not met, and nothing published: big: 1 of 1 rows fail"):
        run(lake.arguments(lake.spec(**spec(planes), expect=[big])))
    assert planes.database.tables() == ["planes"]
    run(lake.arguments(lake.spec(**spec(planes), expect=[big | {"otherwise": "warn"}])))
    assert planes.run("SELECT * FROM big") == [("N2", 20, 20)]


def test_a_run_whose_report_is_refused_says_that_its_rows_are_loaded(planes: Shop, lake: Lake) -> None:
    arguments = [word if word != "curated" else "no-such-bucket" for word in lake.arguments(lake.spec(**spec(planes)))]
    with pytest.raises(
        JobError, match=rf"the rows are in {planes.connection} public\.big, and only the run's report is"
    ):
        run(arguments)
    assert planes.run("SELECT * FROM big") == [("N2", 20, 20)]


def test_rows_that_do_not_add_up_are_not_moved(
    planes: Shop, rows: Rows, monkeypatch: pytest.MonkeyPatch, lake: Lake
) -> None:
    """As when Spark runs a task again after it had committed."""
    save = Load._save

    def twice(self: Load, frame: DataFrame) -> None:
        save(self, frame)
        save(self, frame)

    monkeypatch.setattr(Load, "_save", twice)
    with pytest.raises(JobError, match="the rows do not add up"):
        run(lake.arguments(lake.spec(**spec(planes))))
    assert planes.database.tables() == ["planes"]


@pytest.mark.parametrize("mode", ["insert", "truncate", "upsert"])
def test_the_old_rows_stay_if_the_server_goes_away_during_the_load(
    planes: Shop, spark: SparkSession, mode: str
) -> None:
    options = {"mode": mode, **({"keys": ["tailnum"]} if mode == "upsert" else {})}
    slow = spark.range(0, 400, numPartitions=2).selectExpr(
        "concat('X', id) AS tailnum",
        "CAST(1 + id AS int) AS seats",
        "java_method('java.lang.Thread', 'sleep', 20L) AS t",
    )
    slow = slow.where("t IS NOT NULL").drop("t")
    with planes.power_cut(), pytest.raises(JobError) as error:
        load(planes, slow, batch_size=10, **options)
    assert "cannot be reached, or went away" in str(error.value)
    assert PASSWORD not in str(error.value)
    assert rows_in(planes) == [("N1", 10), ("N2", 20)]
    assert len(planes.staging()) == 1
    frame = spark.createDataFrame([("N3", 30)], SCHEMA)
    assert load(planes, frame, run="jr_2", **options) == 1
    assert ("N3", 30) in rows_in(planes)
    assert not planes.staging()


def test_a_commit_whose_answer_is_lost_is_checked(planes: Shop, spark: SparkSession) -> None:
    frame = spark.createDataFrame([("N3", 30)], SCHEMA)
    with loading(spark, sink(planes), "job", "jr_1") as begun:
        begun.check()
        written = begun.write(frame)
        _lose_answer_of_commit(begun, planes)
        begun.publish(written)
    assert rows_in(planes)[2:] == [("N3", 30)]


def _lose_answer_of_commit(load: Load, shop: Shop) -> None:
    """Let the server commit, and break the connection before it confirms."""
    session = load.session
    commit, [[process]] = session.commit, session.rows("SELECT pg_backend_pid()")

    def commit_and_break() -> None:
        commit()
        shop.run(f"SELECT pg_terminate_backend({process})")
        session.rows("SELECT 1")

    session.commit = commit_and_break  # type: ignore[method-assign]


def test_a_second_run_does_not_write_into_a_table_that_one_is_writing(planes: Shop, rows: Rows) -> None:
    with loading(rows(SCHEMA).sparkSession, sink(planes), "job", "jr_1") as first:
        first.check()
        assert "another run is writing into it" in refused(planes, rows(SCHEMA, ("N3", 1)), run="jr_2")
    assert load(planes, rows(SCHEMA, ("N3", 1)), run="jr_2") == 1


def test_the_next_run_removes_what_a_killed_run_left(planes: Shop, rows: Rows) -> None:
    with loading(rows(SCHEMA).sparkSession, sink(planes), "job", "jr_killed") as killed:
        killed.check()
        planes.run(f"CREATE TABLE {killed.staging} (tailnum text); CREATE TABLE _lake_planes_mine (i int)")
        left = killed.staging.partition(".")[2]
        killed.session.close()
    assert left in planes.staging()
    load(planes, rows(SCHEMA, ("N3", 1)))
    assert planes.staging() == ["_lake_planes_mine"]


def test_an_unknown_option_of_the_sink_is_named() -> None:
    for options, told in (
        ({"mode": "replace"}, "Allowed: insert, truncate, upsert"),
        ({"mode": "upsert"}, "an upsert needs them"),
        ({"table": "planes"}, "is not schema.table"),
        ({"format": "json"}, "option 'format' is not known"),
    ):
        with pytest.raises(JobError, match=told):
            read_database_sink({"connection": "c", "table": "public.planes", **options})
