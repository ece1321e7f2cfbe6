from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as fn

from benchmarks.febrl import FILES, KINDS, SECRET, people
from benchmarks.matches import TARGETS, measure
from lake_etl.errors import JobError, NotYetWritten
from lake_etl.transforms.find_matches import find_matches

Rows = Callable[..., DataFrame]

SCHEMA = "person int, given string, surname string, born date, street string, postcode string"
COLUMNS = {"given": "name", "surname": "name", "born": "date", "street": "address", "postcode": "code"}


def options(**more: Any) -> dict[str, Any]:
    return {"id": "person", "columns": COLUMNS, **more}


def no_dataset(name: str) -> DataFrame:
    raise AssertionError(f"dataset {name} should not be read")


def matches(frame: DataFrame) -> dict[Any, Any]:
    return {row.person: row.match_id for row in frame.collect()}


@pytest.fixture(scope="module")
def febrl(spark: SparkSession) -> DataFrame:
    """The first 400 records of FEBRL 1, sorted by person, with the id `person` and the truth `truth`.

    The records of HOUSEHOLDS count as separate persons: two names and two birthdays at one address.
    """
    records = sorted(people("1").to_pylist(), key=lambda row: (int(row["person"]), row["record"]))[:400]
    rows = [(number, _truth(row), *(row[name] for name in KINDS)) for number, row in enumerate(records)]
    return spark.createDataFrame(rows, FEBRL_SCHEMA).cache()


HOUSEHOLDS = ("116", "180")


def _truth(row: dict[str, str]) -> str:
    return f"{row['person']} {row['record']}" if row["person"] in HOUSEHOLDS else row["person"]


FEBRL_SCHEMA = "person int, truth string, " + ", ".join(f"{name} string" for name in KINDS)
FEBRL = {"id": "person", "columns": {name: kind for name, kind in KINDS.items() if name != SECRET}}


@pytest.fixture(scope="module")
def matched(febrl: DataFrame) -> list[Any]:
    return find_matches(febrl, FEBRL, no_dataset).collect()


def test_every_row_is_unchanged_and_gets_a_match_id_of_the_ids_type(febrl: DataFrame, matched: list[Any]) -> None:
    assert sorted(tuple(row)[:-2] for row in matched) == sorted(tuple(row) for row in febrl.collect())
    assert {type(row.match_id) for row in matched} == {int}
    assert all(0 <= row.match_confidence_score <= 1 for row in matched)


def test_only_records_of_one_person_share_a_match_id(matched: list[Any]) -> None:
    by_match, by_truth = defaultdict(set), defaultdict(set)
    for row in matched:
        by_match[row.match_id].add(row.person)
        by_truth[row.truth].add(row.person)
    assert sorted(map(sorted, by_match.values())) == sorted(map(sorted, by_truth.values()))


def test_records_match_though_no_field_is_equal(febrl: DataFrame) -> None:
    spark = febrl.sparkSession
    damaged = {
        "given_name": "stephanie",
        "surname": "mcallister",
        "street_number": "115",
        "address_1": "kingsford smith drive",
        "address_2": "blue hills estate",
        "suburb": "wagga wagga",
        "postcode": "2650",
        "state": "nsw",
        "date_of_birth": "19710315",
    }
    other = {
        "given_name": "stefanie",
        "surname": "macallister",
        "street_number": "15",
        "address_1": "kingsford smth drive",
        "address_2": "blue hill estate",
        "suburb": "waga wagga",
        "postcode": "2560",
        "state": "nws",
        "date_of_birth": "1971-03-16",
    }
    assert not set(damaged.values()) & set(other.values())
    both = spark.createDataFrame(
        [(1000 + number, None, *(row.get(name) for name in KINDS)) for number, row in enumerate((damaged, other))],
        FEBRL_SCHEMA,
    )
    found = matches(find_matches(febrl.union(both), FEBRL, no_dataset))
    assert found[1000] == found[1001]
    assert list(found.values()).count(found[1000]) == 2


def test_the_same_records_in_another_order_get_the_same_match_ids(febrl: DataFrame, matched: list[Any]) -> None:
    again = find_matches(febrl.orderBy("surname").repartition(3), FEBRL, no_dataset)
    assert matches(again) == {row.person: row.match_id for row in matched}


def test_known_records_keep_their_match_id_and_new_ones_join_them(febrl: DataFrame, matched: list[Any]) -> None:
    spark = febrl.sparkSession
    old = [(*tuple(row)[:-2], row.match_id + 5000, 0.5) for row in matched if row.person % 3]
    known = spark.createDataFrame(old, f"{FEBRL_SCHEMA}, match_id int, match_confidence_score double")
    found = {row.person: row for row in find_matches(febrl, {**FEBRL, "known": "known"}, lambda _: known).collect()}
    assert len(found) == 400
    assert all((found[row[0]].match_id, found[row[0]].match_confidence_score) == row[-2:] for row in old)
    for row in matched:
        truth = [found[other.person].match_id for other in matched if other.truth == row.truth]
        assert len(set(truth)) == 1


def test_new_records_alone_are_matched_with_known_ones(febrl: DataFrame, matched: list[Any]) -> None:
    spark = febrl.sparkSession
    rows = [tuple(row) for row in matched if row.person < 399]
    known = spark.createDataFrame(rows, f"{FEBRL_SCHEMA}, match_id int, match_confidence_score double")
    found = find_matches(febrl.where("person = 399"), {**FEBRL, "known": "known"}, lambda _: known).collect()
    assert [(row.person, row.match_id) for row in found] == [
        (399, next(row.match_id for row in matched if row.person == 399))
    ]


def test_before_the_first_run_nothing_is_known(febrl: DataFrame, matched: list[Any]) -> None:
    def own_table(name: str) -> DataFrame:
        raise NotYetWritten(name)

    found = matches(find_matches(febrl, {**FEBRL, "known": "people"}, own_table))
    assert found == {row.person: row.match_id for row in matched}


@pytest.mark.parametrize("count", [0, 1])
def test_records_too_few_to_compare_match_nothing_with_full_confidence(rows: Rows, count: int) -> None:
    frame = rows(SCHEMA, *[(7, "ann", "lee", None, None, None)][:count])
    found = find_matches(frame, options(), no_dataset).collect()
    assert [(row.match_id, row.match_confidence_score) for row in found] == [(7, 1.0)][:count]


def test_an_id_that_is_never_null_by_its_type_is_taken(rows: Rows) -> None:
    frame = rows(SCHEMA, *[(0, f"name {number}", None, None, None, None) for number in range(3)])
    numbered = frame.withColumn("person", fn.row_number().over(Window.orderBy("given")))
    assert not numbered.schema["person"].nullable

    assert set(matches(find_matches(numbered, options(), no_dataset))) == {1, 2, 3}


def test_records_without_any_value_match_nothing(rows: Rows) -> None:
    frame = rows(SCHEMA, *[(number, None, None, None, None, None) for number in range(5)])
    assert matches(find_matches(frame, options(), no_dataset)) == {number: number for number in range(5)}


@pytest.mark.parametrize(("ids", "message"), [((1, 1), "'1' is a duplicate"), ((1, None), "None is null")])
def test_a_null_or_duplicate_id_is_an_error(rows: Rows, ids: tuple[Any, Any], message: str) -> None:
    frame = rows(SCHEMA, *[(number, "ann", "lee", None, None, None) for number in ids])
    with pytest.raises(JobError, match=f"id person: {message}"):
        find_matches(frame, options(), no_dataset)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"columns": {"given": "nam"}}, r"kind 'nam' is not known. Allowed: name, date, address, code. Did you mean"),
        ({"columns": {"givn": "name"}}, r"column 'givn' is not in the data.*Did you mean 'given'\?"),
        ({"columns": {}}, "at least one column"),
        ({"blocking": [["city"]]}, "column 'city' is not in columns"),
        ({"threshold": 1.5}, "1.5 is not a probability"),
        ({"thresold": 0.5}, r"option 'thresold' is not known.*Did you mean 'threshold'\?"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(rows: Rows, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(JobError, match=message):
        find_matches(rows(SCHEMA, (1, "a", "b", None, "c", "d")), options(**wrong), no_dataset)


def test_too_many_records_are_an_error_that_names_the_limit(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lake_etl.matching.MAX_ROWS", 1)
    frame = rows(SCHEMA, *[(number, "ann", "lee", None, None, None) for number in (1, 2)])
    with pytest.raises(JobError, match="2 records are too many: at most 1"):
        find_matches(frame, options(), no_dataset)


def test_an_existing_match_id_column_is_an_error(rows: Rows) -> None:
    with pytest.raises(JobError, match="already has a column 'match_id'"):
        find_matches(rows(f"{SCHEMA}, match_id int", (1, "a", "b", None, "c", "d", 1)), options(), no_dataset)


@pytest.mark.parametrize("secret", TARGETS)
@pytest.mark.parametrize("dataset", FILES)
def test_the_defaults_find_the_matches_of_febrl(dataset: str, secret: bool) -> None:
    assert measure(dataset, secret)["f1"] >= TARGETS[secret]
