"""A Scala and a Python run of one specification leave the same in a real PostgreSQL, and report the same."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from pyspark.sql import SparkSession

from lake_etl.database_sink import _digest
from tests.glue_scripts.scala.breaking import BreakingProxy
from tests.glue_scripts.scala.conftest import Submit
from tests.glue_scripts.scala.database_cases import PLANES, Case, Endings, both, check_alike, in_scala
from tests.glue_scripts.shop import Shop
from tests.glue_scripts.small_lake import Lake
from tests.glue_scripts.test_database_away import check_told, given, published
from tests.postgres import USER, Database

pytestmark = pytest.mark.spark
TAILNUM = {"mode": "upsert", "keys": ["tailnum"]}
LEFTOVER = f"_lake_planes_{_digest('planes', 8)}_dead"
WRITTEN_TWICE = """
CREATE FUNCTION again() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE made record; BEGIN
  FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '{schema}._lake_planes_%' LOOP
    EXECUTE 'INSERT INTO ' || made.object_identity || ' DEFAULT VALUES';
  END LOOP; END $$;
CREATE EVENT TRIGGER {schema} ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION {schema}.again();
"""


def held(shop: Shop, schema: str) -> psycopg.Connection[Any]:
    """Take the lock as another run of the same target would."""
    connection = shop.database.server.connect(shop.database.name)
    connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"lake {schema}.planes"])
    return connection


def losing_the_answer_of_commit(shop: Shop, schema: str) -> BreakingProxy:
    proxy = BreakingProxy(shop.database.server.port, after=b'"_lake_runs" VALUES', at=b"COMMIT\x00")
    shop.at(proxy.port)
    return proxy


def unreachable(shop: Shop, schema: str) -> Any:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    shop.at(taken.getsockname()[1])
    return taken


ALL_TYPES = (
    "tailnum text, seats integer, s smallint, b bigint, f real, d double precision, n numeric(9,2), ok boolean, "
    "day date, at timestamptz, local timestamp, raw bytea"
)
A_ROW = (
    "('N''1\"é', 1, 2, 4, 0.5, 0.1, 1.50, true, '2013-01-02', "
    "'2013-01-01 10:00:00.00025Z', '2013-01-01 09:00', '\\x0001')"
)
CASES = {
    "insert makes the table": Case(columns='"Tailnum" text, seats integer', rows="('N1', 1), ('N2', NULL)", setup=""),
    "insert adds": Case(rows="('N3', 30), ('N4', 40)"),
    "an attempt inserts once": Case(
        setup="CREATE TABLE planes (tailnum text, seats int)", runs=("jr_1", "jr_1_attempt_1", "jr_2")
    ),
    "truncate": Case(
        setup=PLANES + "CREATE VIEW big AS SELECT * FROM planes WHERE seats > 25", sink={"mode": "truncate"}
    ),
    "truncate to nothing": Case(steps=({"filter": "seats < 0"},), sink={"mode": "truncate"}),
    "upsert": Case(columns='"SEATS" int, "TAILNUM" text', rows="(21, 'N2'), (30, 'N3')", sink=TAILNUM),
    "upsert makes the table": Case(setup="", sink=TAILNUM, runs=("jr_1", "jr_2")),
    "upsert of keys alone": Case(columns="tailnum text", rows="('N1')", setup="", sink=TAILNUM, runs=("jr_1", "jr_2")),
    "columns of default": Case(
        columns="tailnum text",
        rows="('N1')",
        setup="CREATE TABLE planes (id serial, tailnum varchar(4), seats smallint DEFAULT 7)",
    ),
    "all types": Case(
        columns=ALL_TYPES,
        rows=f"{A_ROW}, ({', '.join(['NULL'] * 12)})",
        setup="",
        steps=({"map": {"add": {"t": "CAST(seats AS tinyint)", "ntz": "CAST(local AS timestamp_ntz)"}}},),
    ),
    "texts become what the table has": Case(
        columns="tailnum text, seats text, kind text, at timestamptz",
        rows="""('00000000-0000-0000-0000-000000000001', '{"a": 1}', 'jet', '2013-01-01 10:00Z')""",
        setup="CREATE TYPE kind AS ENUM ('jet');"
        "CREATE TABLE planes (tailnum uuid, seats jsonb, kind kind, at timestamp)",
    ),
    "steps and batches": Case(
        rows="('N3', 30), ('N4', 5), ('N5', 50)",
        steps=({"filter": "seats > 10"}, {"join": {"with": "given", "on": "tailnum", "take": {"seats": "again"}}}),
        setup="",
        sink={"batch_size": 1},
    ),
    "what a killed run left": Case(
        setup=f"{PLANES} CREATE TABLE {LEFTOVER} (i int); CREATE TABLE _lake_planes_mine (i int)"
    ),
    "the answer of commit is lost": Case(prepare=losing_the_answer_of_commit),
    "the answer of an upsert's commit is lost": Case(sink=TAILNUM, prepare=losing_the_answer_of_commit),
    "not expected": Case(
        "expectations not met, and nothing published",
        expect=({"rule": "few", "kind": "rows", "columns": [], "least": 2, "most": None, "fails": "false"},),
    ),
    "warned": Case(
        expect=(
            {
                "rule": "few",
                "kind": "rows",
                "columns": [],
                "least": 2,
                "most": None,
                "otherwise": "warn",
                "fails": "false",
            },
        )
    ),
    "no bucket": Case(r"the rows are in .* public\.planes, and only the run's report is", bucket="no-such"),
    "rows do not add up": Case("the rows do not add up", setup=PLANES + WRITTEN_TWICE),
    "null": Case('null value in column "seats" of relation "planes"', rows="('N3', NULL)"),
    "key there": Case(r"Key \(tailnum\)=\(N1\) already exists", rows="('N3', 30), ('N1', 11)"),
    "check": Case('violates check constraint "planes_seats_check"', rows="('N3', -1)"),
    "too long": Case(
        "column tailnum: ", rows="('N1234', 1)", setup=PLANES + "ALTER TABLE planes ALTER tailnum TYPE varchar(3)"
    ),
    "no number": Case("column seats: ", columns="tailnum text, seats text", rows="('N3', 'ten')"),
    "too large": Case("column seats: ", columns="tailnum text, seats bigint", rows="('N3', 1099511627776)"),
    "fractions": Case(
        "seats is double precision in the data and integer", columns="tailnum text, seats double precision"
    ),
    "another column": Case(r"column 'seat' is not in the table.*'seats'\?", columns="tailnum text, seat int"),
    "an array": Case(r"column seats is array<int>", columns="tailnum text, seats int[]", rows="('N3', '{1}')"),
    "keys not in the data": Case("column 'tail' is not in the data", sink={"mode": "upsert", "keys": ["tail"]}),
    "no unique index": Case("needs a unique index of just", sink={"mode": "upsert", "keys": ["seats"]}),
    "a key twice": Case("2 rows have the key tailnum 'N3'", rows="('N3', 1), ('N3', 2)", sink=TAILNUM),
    "a key without value": Case("1 rows have no value in a key column", rows="(NULL, 1)", sink=TAILNUM),
    "character 0": Case(
        "the character 0: remove it in a map step", steps=({"map": {"add": {"tailnum": "concat('a', chr(0))"}}},)
    ),
    "a step fails": Case(
        "ten", steps=({"map": {"add": {"seats": "if(seats = 30, raise_error('The rows say: ten'), seats)"}}},)
    ),
    "wrong password": Case(
        "refuses the login of the secret .* `lake secret`", prepare=lambda shop, schema: shop.login(USER, "not the one")
    ),
    "not a login": Case(
        "is not JSON with username and password", prepare=lambda shop, schema: shop.secret_holds("not JSON")
    ),
    "half a login": Case(
        "is not JSON with username and password", prepare=lambda shop, schema: shop.secret_holds('{"username": "lake"}')
    ),
    "unreachable": Case("cannot be reached, or went away", prepare=unreachable),
    "no source table": Case(r"has no table public\.givn: .* Did you mean 'given'\?", source="givn"),
    "no schema of the source": Case("schema sales has no table", source="sales.given"),
    "no connection": Case("connection no-such does not exist", sink={"connection": "no-such"}),
    "no schema": Case("the database has no schema sales. Create it first", sink={"table": "sales.planes"}),
    "another run": Case("another run is writing into it", prepare=held),
    "unknown mode": Case("Allowed: insert, truncate, upsert", sink={"mode": "replace"}),
    "upsert without keys": Case("an upsert needs them", sink={"mode": "upsert"}),
    "keys without upsert": Case("nothing else takes them", sink={"keys": ["tailnum"]}),
    "table without schema": Case(r"is not schema\.table", sink={"table": "planes"}),
    "an option of files": Case("option 'format' is not known", sink={"format": "json"}),
    "unknown dataset": Case("dataset 'givn' is not known", steps=({"join": {"with": "givn", "on": "tailnum"}},)),
}


@pytest.fixture(scope="module")
def endings(
    new_lake: Callable[[str], Lake], make_database: Callable[[], Database], spark: SparkSession, submitted: Submit
) -> Endings:
    return both(CASES, new_lake("scala_databases"), make_database(), submitted)


@pytest.mark.parametrize("name", CASES)
def test_both_languages_leave_the_same_rows_and_messages(endings: Endings, name: str) -> None:
    check_alike(CASES[name], endings[name])
    assert LEFTOVER not in endings[name][3]


def test_rows_of_a_database_come_into_files(
    new_lake: Callable[[str], Lake], database: Database, spark: SparkSession, submitted: Submit
) -> None:
    lake, shop = new_lake("scala_from_database"), Shop.new(database)
    shop.run(PLANES)
    databases = {"planes": {"connection": shop.connection, "table": "public.planes"}}
    spec = {"job": "j", "source": "planes", "tables": {}, "databases": databases, "steps": [{"filter": "seats > 10"}]}
    (report,) = in_scala(submitted, [lake.arguments(lake.spec(**spec, sink={"table": "from_database"}))])
    assert (report["rows_in"], report["rows_out"], report["quarantined"]) == (2, 1, {"planes": {"rows": 0, "files": 0}})
    assert [tuple(row) for row in lake.written(spark, "from_database").collect()] == [("N2", 20)]


def test_a_reader_sees_all_of_the_old_or_all_of_the_new(
    new_lake: Callable[[str], Lake], database: Database, submitted: Submit
) -> None:
    lake, shop = new_lake("scala_readers"), Shop.new(database)
    given = "CREATE TABLE given AS SELECT 'X' || i AS tailnum, i AS seats FROM generate_series(1, 20000) AS i"
    shop.run(f"{PLANES} {given}")
    counts: set[int] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            counts.add(shop.run("SELECT count(*) FROM planes")[0][0])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        (report,) = in_scala(submitted, [truncating(lake, shop)])
    finally:
        done.set()
        reader.join()
    assert report["rows_out"] == 20_000
    assert counts == {2, 20_000}


def test_the_old_rows_stay_if_the_server_goes_away_during_the_load(
    new_lake: Callable[[str], Lake], database: Database, submitted: Submit
) -> None:
    lake, shop = new_lake("scala_power"), Shop.new(database)
    shop.run(f"{PLANES} CREATE TABLE given AS SELECT 'X' || i AS tailnum, i AS seats FROM generate_series(1, 400) AS i")
    slow = {"map": {"add": {"seats": "seats + length(java_method('java.lang.Thread', 'sleep', 20L))"}}}

    with shop.power_cut():
        (told,) = in_scala(submitted, [truncating(lake, shop, slow)])
    assert "cannot be reached, or went away" in told
    assert shop.run("SELECT * FROM planes ORDER BY 1") == [("N1", 10), ("N2", 20)]
    assert len(shop.staging()) == 1


def test_a_database_that_goes_away_while_it_is_read_leaves_the_old_table(
    new_lake: Callable[[str], Lake], database: Database, submitted: Submit
) -> None:
    lake, shop = new_lake("scala_reads"), Shop.new(database)
    spec = given(shop)
    (report,) = in_scala(submitted, [lake.arguments(lake.spec(**spec))])
    before = published(lake)
    with shop.ending_reads("given"):
        (told,) = in_scala(submitted, [lake.arguments(lake.spec(**spec))])
    check_told(shop, told)
    assert report["rows_out"] == 25_000
    assert published(lake) == before


def truncating(lake: Lake, shop: Shop, *steps: dict[str, Any]) -> list[str]:
    """The arguments of a job that replaces the rows of `planes` by those of `given`."""
    sink = {"connection": shop.connection, "table": "public.planes", "mode": "truncate", "batch_size": 10}
    databases = {"given": {"connection": shop.connection, "table": "public.given"}}
    spec = {"job": "j", "source": "given", "tables": {}, "databases": databases, "steps": steps}
    return lake.arguments(lake.spec(**spec, sink=sink))
