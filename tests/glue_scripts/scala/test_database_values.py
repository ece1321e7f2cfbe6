"""Values and tables of PostgreSQL: both languages read and store the same, and refuse with the same messages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from tests.glue_scripts.database_values import READ, STORED, TARGETS, TYPES, UNREADABLE, table_of
from tests.glue_scripts.scala.conftest import Submit
from tests.glue_scripts.scala.database_cases import Case, Endings, both, check_alike, in_scala
from tests.glue_scripts.shop import Shop
from tests.glue_scripts.small_lake import Lake
from tests.postgres import Database

pytestmark = pytest.mark.spark
AS_TEXT = {"map": {"add": {"v": "CAST(v AS string)"}}}
READING = {
    f"{type_} {value}": Case(words, f"v {type_}", f"({value})", TYPES, setup="", steps=(AS_TEXT,))
    for type_, value, words in UNREADABLE
}
STORING = {
    f"{given} {value} {target}": Case(words, f"v {given}", f"({value})", TYPES, f"CREATE TABLE planes (v {target})")
    for given, value, target, words in STORED
    if words
}
STAYING = [(f"c{place}", *each) for place, each in enumerate(each for each in STORED if not each[3])]
STORING["those that stay as they are"] = Case(
    columns=", ".join(f"{name} {given}" for name, given, _, _, _ in STAYING),
    rows=f"({', '.join(value for _, _, value, _, _ in STAYING)})",
    types=TYPES,
    setup=f"CREATE TABLE planes ({', '.join(f'{name} {target}' for name, _, _, target, _ in STAYING)})",
)
STORING |= {
    type_: Case(
        f"sink public.planes: column v: {value} is between 5 and 14 October 1582, .* Cast it to string in a map step",
        "v text",
        f"('{value}')",
        setup="",
        steps=({"map": {"add": {"v": f"CAST(v AS {type_})"}}},),
    )
    for type_, value in (
        ("date", "1582-10-14"),
        ("timestamp", "1582-10-05 00:00:00"),
        ("timestamp_ntz", "1582-10-10 10:00:00"),
    )
}
LOADING = {
    name: Case(words, rows="('N2', 20), ('N3', 30)", setup=setup, sink=sink)
    for name, (setup, sink, words) in TARGETS.items()
}


@pytest.fixture(scope="module")
def run_both(
    new_lake: Callable[[str], Lake], make_database: Callable[[], Database], spark: SparkSession, submitted: Submit
) -> Callable[[str, dict[str, Case]], Endings]:
    return lambda name, cases: both(cases, new_lake(f"scala_{name}"), make_database(), submitted)


@pytest.fixture(scope="module")
def reading(run_both: Callable[[str, dict[str, Case]], Endings]) -> Endings:
    return run_both("reading", READING)


@pytest.fixture(scope="module")
def storing(run_both: Callable[[str, dict[str, Case]], Endings]) -> Endings:
    return run_both("storing", STORING)


@pytest.fixture(scope="module")
def loading(run_both: Callable[[str, dict[str, Case]], Endings]) -> Endings:
    return run_both("loading", LOADING)


@pytest.mark.parametrize("name", READING)
def test_a_value_that_spark_cannot_hold_is_refused_alike(reading: Endings, name: str) -> None:
    check_alike(READING[name], reading[name])


@pytest.mark.parametrize("name", STORING)
def test_a_value_is_stored_unchanged_or_refused_alike(storing: Endings, name: str) -> None:
    check_alike(STORING[name], storing[name])


@pytest.mark.parametrize("name", LOADING)
def test_a_target_is_loaded_or_refused_alike(loading: Endings, name: str) -> None:
    check_alike(LOADING[name], loading[name])


def test_values_are_read_unchanged(
    new_lake: Callable[[str], Lake], database: Database, spark: SparkSession, submitted: Submit
) -> None:
    lake, shop = new_lake("scala_values"), Shop.new(database)
    shop.run(TYPES + table_of("given", [(type_, value) for type_, value, _, _ in READ]))
    databases = {"given": {"connection": shop.connection, "table": "public.given"}}
    pairs = ", ".join(
        f"typeof(c{place}) AS t{place}, CAST(c{place} AS string) AS c{place}" for place in range(len(READ))
    )
    steps = [{"sql": f"SELECT {pairs} FROM input"}]
    spec = {"job": "j", "source": "given", "tables": {}, "databases": databases, "steps": steps}
    (report,) = in_scala(submitted, [lake.arguments(lake.spec(**spec, sink={"table": "values"}))])
    assert isinstance(report, dict), report
    (row,) = lake.written(spark, "values").collect()
    assert [(row[f"t{place}"], row[f"c{place}"]) for place in range(len(READ))] == [each[2:] for each in READ]
