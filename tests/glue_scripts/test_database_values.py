"""Values of PostgreSQL read and written by a job: unchanged, or refused with the column's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from pyspark.sql import DataFrame, SparkSession

from lake_etl.database import Session, find_database
from lake_etl.database_columns import check_fit, check_values, staged
from lake_etl.database_columns import value as stored
from lake_etl.database_source import read_database
from lake_etl.database_types import Type, columns_of
from lake_etl.errors import JobError, reason
from tests.glue_scripts.database_values import READ, STORED, TYPES, UNREADABLE, table_of
from tests.glue_scripts.shop import Shop
from tests.postgres import PASSWORD, Database

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def shop(aws: str, make_database: Callable[[], Database]) -> Shop:
    shop = Shop.new(make_database())
    shop.run(TYPES)
    return shop


@pytest.fixture(scope="module")
def session(shop: Shop, spark: SparkSession) -> Iterator[Session]:
    session = Session(spark, find_database(shop.connection))
    session.execute("SET TIME ZONE 'UTC'")
    yield session
    session.close()


@pytest.fixture(scope="module")
def read(shop: Shop, spark: SparkSession) -> list[tuple[str, str | None]]:
    """Return the type of each column, and its value as text."""
    shop.run(table_of("readable", [(type_, value) for type_, value, _, _ in READ]))
    frame = read_database(spark, shop.connection, "public.readable", "readable").rows
    (row,) = frame.selectExpr(*(f"CAST({name} AS string)" for name in frame.columns)).collect()
    return [(type_, text) for (_, type_), text in zip(frame.dtypes, row, strict=True)]


@pytest.fixture(scope="module")
def unreadable(shop: Shop, spark: SparkSession) -> DataFrame:
    shop.run(table_of("unreadable", [(type_, value) for type_, value, _ in UNREADABLE]))
    return read_database(spark, shop.connection, "public.unreadable", "given").rows


@pytest.mark.parametrize("place", range(len(READ)), ids=lambda place: f"{READ[place][0]} {READ[place][1]}")
def test_a_value_is_read_unchanged(read: list[tuple[str, str | None]], place: int) -> None:
    _, _, type_, text = READ[place]
    assert read[place] == (type_, text)


@pytest.mark.parametrize(
    "place", range(len(UNREADABLE)), ids=lambda place: f"{UNREADABLE[place][0]} {UNREADABLE[place][1]}"
)
def test_a_value_that_spark_cannot_hold_fails_only_reads_of_its_column(unreadable: DataFrame, place: int) -> None:
    with pytest.raises(Exception) as error:
        unreadable.select(f"c{place}").collect()
    words = reason(error.value)
    assert re.search(UNREADABLE[place][2], words.replace(f"c{place}", "v")), words
    assert words.startswith("dataset given: ") and words.endswith("AS text), and read the view")


def test_rows_are_read_without_the_column_that_spark_cannot_hold(unreadable: DataFrame, shop: Shop) -> None:
    shop.run("ALTER TABLE unreadable ADD good integer DEFAULT 7")
    assert unreadable.count() == 1


def test_columns_that_differ_only_in_case_are_refused(shop: Shop, spark: SparkSession) -> None:
    shop.run('CREATE TABLE twice ("Id" integer, id integer)')
    with pytest.raises(JobError, match=r"dataset given: a job cannot tell the columns Id and id apart\. Make a view"):
        read_database(spark, shop.connection, "public.twice", "given")


def test_names_with_dots_and_backticks_are_read(shop: Shop, spark: SparkSession) -> None:
    shop.run('CREATE TABLE dotted AS SELECT 1.5 AS "a.b", date \'2013-01-01\' AS "c`d"')
    assert read_database(spark, shop.connection, "public.dotted", "given").rows.columns == ["a.b", "c`d"]


def test_a_table_that_the_user_may_not_read_is_refused_with_the_databases_message(
    make_database: Callable[[], Database], aws: str, spark: SparkSession
) -> None:
    other = Shop.new(make_database())
    other.run(f"CREATE TABLE secrets (id integer); CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
    other.login("reader", PASSWORD)
    with pytest.raises(JobError, match=f"connection {other.connection}: permission denied for table secrets"):
        read_database(spark, other.connection, "public.secrets", "given")


@pytest.mark.parametrize(
    ("given", "value", "target", "words"), STORED, ids=[f"{given} {value} {into}" for given, value, into, _ in STORED]
)
def test_a_value_is_stored_unchanged_or_refused(
    session: Session, shop: Shop, spark: SparkSession, given: str, value: str, target: str, words: str
) -> None:
    shop.run(
        f"DROP TABLE IF EXISTS given, staging, target; CREATE TABLE target (v {target}); CREATE TABLE given (v {given})"
    )
    types = staged(read_database(spark, shop.connection, "public.given", "given").rows)
    shop.run(f"CREATE TABLE staging AS SELECT CAST({value} AS {types['v']}) AS v")
    there = columns_of(session, "public.target")
    try:
        check_fit(session, types, there)
        check_values(session, "public.staging", types, there)
    except JobError as error:
        assert words and re.search(words, str(error)), error
        assert "ERROR" not in str(error) and "\n" not in str(error)
    else:
        assert not words
        shop.run(f"INSERT INTO target SELECT {stored('v', types['v'], there['v'])} FROM staging")


def test_two_data_columns_for_one_table_column_are_refused(session: Session) -> None:
    there = {"seats": Type("integer", "integer")}
    with pytest.raises(JobError, match="the columns Seats and seats are both seats in the table"):
        check_fit(session, {"Seats": "integer", "seats": "integer"}, there)
