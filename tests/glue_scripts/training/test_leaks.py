"""Planted leaks are found, each by its check; sets without one raise none."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lake.configuration.model import LeakChecks
from lake_etl.errors import JobError
from lake_etl.training.leaks import Set, failures, leaks
from lake_etl.training.splits import PART, PARTS

pytestmark = pytest.mark.spark

BEGIN = datetime(2013, 1, 1, tzinfo=UTC)
ROWS = 900
MEASURED = Path(__file__).parents[3] / "docs/explanation/measured.md"
CHECKS: dict[str, Any] = LeakChecks().model_dump()
Row = dict[str, Any]
Plant = Callable[[Row, random.Random], Row]
SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]


def clean(seed: int) -> list[Row]:
    """Rows with honest features: numbers, texts, nulls and a time, of which none tells more than a little."""
    rng = random.Random(seed)
    rows = []
    for number in range(ROWS):
        late = int(rng.random() < 0.3)
        time = BEGIN + timedelta(hours=number)
        rows.append(
            {
                "part": PARTS[0 if number < ROWS * 0.6 else 1 if number < ROWS * 0.8 else 2],
                "entity": number,
                "time": time,
                "late": late,
                "distance": rng.gauss(1000 + 80 * late, 300),
                "airline": rng.choice(("AA", "B6", "UA")) if rng.random() < 0.98 else None,
                "wind": None if rng.random() < 0.05 else rng.gauss(10 + late, 4),
                "known": time - timedelta(hours=rng.randrange(3)),
                "planted": rng.random(),
                **person(rng),
            }
        )
    return rows


def person(rng: random.Random) -> Row:
    """Whom a row is about: no two are alike, but by chance."""
    name, surname, street = ("".join(rng.choice(SYLLABLES) for _ in range(3)).title() for _ in range(3))
    born = BEGIN.date() - timedelta(days=rng.randrange(25_000))
    return {"name": f"{name} {surname}", "born": f"{born}", "street": f"{rng.randrange(1, 90)} {street} Street"}


def by_class(zero: Any, one: Any) -> Plant:
    return lambda row, rng: {"planted": one if row["late"] else zero}


def later(rng: random.Random, row: Row, **delta: float) -> datetime:
    moment: datetime = row["time"] + timedelta(**delta) * rng.random() * (rng.random() < 0.05)
    return moment


def feature(of: Callable[[int, random.Random], Any]) -> Plant:
    """A planted column that is made of the label."""
    return lambda row, rng: {"planted": of(row["late"], rng)}


def moment(**delta: float) -> Plant:
    """A planted time that is later than its row in one of twenty."""
    return lambda row, rng: {"planted": later(rng, row, **delta)}


def delay(late: int, rng: random.Random) -> float:
    return rng.uniform(16, 90) if late else rng.uniform(-20, 15)


def again(first: int) -> Plant:
    """Forty rows from `first` on have the features and the label of training rows."""
    return lambda row, rng: {"copied": row["entity"] - first} if first <= row["entity"] < first + 40 else {}


def same_person(first: int) -> Plant:
    """Forty rows from `first` on are about people of training rows, written in another way."""
    return lambda row, rng: {"same_person": row["entity"] - first} if first <= row["entity"] < first + 40 else {}


def written_otherwise(row: Row) -> Row:
    """A letter is doubled, the surname comes first, and the street is short."""
    first, last = row["name"].split()
    street = row["street"].replace("Street", "St.")
    return {"name": f"{last.upper()} {first[:3]}{first[2:]}", "born": row["born"], "street": street}


def within(part: str, change: Callable[[Row, random.Random], Row]) -> Plant:
    """A change of one part's rows."""
    return lambda row, rng: change(row, rng) if row["part"] == part else {}


LEAKS: dict[str, tuple[str, str, Plant]] = {
    # name: the check that finds it, the type of the planted column, and how it is made
    "the label under another name": ("is_label", "int", by_class(0, 1)),
    "the label turned around": ("is_label", "int", by_class(1, 0)),
    "the label as a text": ("is_label", "string", by_class("on time", "late")),
    "the label as a flag": ("is_label", "boolean", by_class(False, True)),
    "the label in other numbers": ("is_label", "double", by_class(-1.0, 7.5)),
    "the label as null or not": ("is_label", "string", by_class(None, "delayed")),
    "the delay itself": ("predicts_label", "double", feature(delay)),
    "the delay, less than nothing": ("predicts_label", "double", feature(lambda late, g: -delay(late, g))),
    "the delay with a little noise": ("predicts_label", "double", feature(lambda late, g: 30 * late + g.gauss(0, 8))),
    "a measurement that only late rows have": (
        "predicts_label",
        "double",
        feature(lambda late, g: g.random() if late else None),
    ),
    "a measurement that late rows lack": (
        "predicts_label",
        "double",
        feature(lambda late, g: None if late else g.random()),
    ),
    "reasons that only late rows have": (
        "predicts_label",
        "string",
        feature(lambda late, g: g.choice("abc" if late else "xyz")),
    ),
    "reasons, null where there is none": (
        "predicts_label",
        "string",
        feature(lambda late, g: g.choice("abc") if late else None),
    ),
    "a rating made of the label": ("predicts_label", "int", feature(lambda late, g: 5 * late + g.randrange(6))),
    "a code that has late between others": (
        "predicts_label",
        "int",
        feature(lambda late, g: 20 if late else g.choice((10, 30))),
    ),
    "a measurement that is late at both ends": (
        "predicts_label",
        "double",
        feature(lambda late, g: g.choice((-1, 1)) * g.uniform(60, 90) if late else g.uniform(-50, 50)),
    ),
    "a mean of labels that has the row itself in it": (
        "predicts_label",
        "double",
        feature(lambda late, g: (late + g.randrange(2) * 0.3) / 2),
    ),
    "a record of an hour after": ("later_than_event", "timestamp", moment(hours=1)),
    "a record of a second after": ("later_than_event", "timestamp", moment(seconds=1)),
    "a record of a year after": ("later_than_event", "timestamp", moment(days=365)),
    "the day after": (
        "later_than_event",
        "date",
        lambda row, rng: {"planted": (row["time"] + timedelta(days=1)).date()},
    ),
    "a record that was joined from later": (
        "later_than_event",
        "double",
        lambda row, rng: {"known": later(rng, row, hours=2)},
    ),
    "training rows again in validation": ("duplicates", "double", again(600)),
    "training rows again in the test": ("duplicates", "double", again(800)),
    "people of train in validation, written otherwise": ("matches", "double", same_person(600)),
    "people of train in the test, written otherwise": ("matches", "double", same_person(800)),
    "an entity in train and test": (
        "group_in_two_parts",
        "double",
        lambda row, rng: {"entity": 3} if row["entity"] == 850 else {},
    ),
    "many entities in train and validation": (
        "group_in_two_parts",
        "double",
        lambda row, rng: {"entity": row["entity"] % 500},
    ),
    "a rarer class near to none": (
        "label_balance",
        "double",
        lambda row, rng: {"late": int(row["entity"] in (0, 300, 550, 880))},
    ),
    "a test part with nearly no other class": (
        "label_balance",
        "double",
        within("test", lambda row, rng: {"late": int(row["entity"] == 880)}),
    ),
    "a feature in other units in the test": (
        "drift",
        "double",
        within("test", lambda row, rng: {"distance": row["distance"] * 1.6}),
    ),
    "a feature that is no longer measured": ("drift", "double", within("test", lambda row, rng: {"wind": None})),
    "a text that is new in validation": ("drift", "double", within("validation", lambda row, rng: {"airline": "DL"})),
    "a text of many values that the test lacks": (
        "drift",
        "string",
        lambda row, rng: {"planted": None if row["part"] == "test" else f"N{rng.randrange(150)}"},
    ),
    "a text of many values, all of them new in the test": (
        "drift",
        "string",
        lambda row, rng: {"planted": f"{'M' if row['part'] == 'test' else 'N'}{rng.randrange(150)}"},
    ),
    "a label that is twice as common later": (
        "drift",
        "double",
        within("test", lambda row, rng: {"late": int(rng.random() < 0.7)}),
    ),
}
SAME_THING = {"name": "name", "born": "date", "street": "address"}
"""The columns of the leaks that only find_matches finds."""
FEATURES = ("distance", "airline", "wind", "planted")


def planted(plant: Plant, seed: int) -> list[Row]:
    rng = random.Random(seed)
    rows = [{**row, **plant(row, rng)} for row in clean(seed)]
    for row in rows:
        if (source := row.pop("copied", None)) is not None:
            row |= {name: rows[source][name] for name in (*FEATURES, "late")}
        if (source := row.pop("same_person", None)) is not None:
            row |= written_otherwise(rows[source])
    return rows


def made(spark: SparkSession, rows: list[Row], planted_type: str = "double") -> Set:
    types = {
        "part": "string", "entity": "int", "time": "timestamp", "late": "int", "distance": "double",
        "airline": "string", "wind": "double", "known": "timestamp", "planted": planted_type,
        **dict.fromkeys(SAME_THING, "string"),
    }  # fmt: skip
    schema = ", ".join(f"{name} {type_}" for name, type_ in types.items())
    frame = spark.createDataFrame([tuple(row[name] for name in types) for row in rows], schema).cache()
    return Set(frame.withColumnRenamed("part", PART), "late", FEATURES, ["entity"], "time", ["known"], grouped=True)


@pytest.fixture(autouse=True)
def few_partitions(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.shuffle.partitions", "1")


def test_the_page_of_measurements_has_every_planted_leak() -> None:
    section = MEASURED.read_text().partition("## Leaks of training sets")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| (.+) \| `(\w+)` \|$", section, re.MULTILINE)

    assert dict(lines) == {name: check for name, (check, _, _) in LEAKS.items()}
    assert len(LEAKS) >= 20


def checks_of(check: str) -> dict[str, Any]:
    return CHECKS | {"find_matches": SAME_THING if check == "matches" else None}


@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_leak_is_found(spark: SparkSession, name: str) -> None:
    check, type_, plant = LEAKS[name]

    findings, _ = leaks(made(spark, planted(plant, seed=1), type_), checks_of(check))

    assert check in {finding.check for finding in findings}, findings
    assert bool(failures(findings)) == (CHECKS[check] == "fail")


@pytest.mark.parametrize("seed", range(2, 7))
def test_a_clean_set_raises_none(spark: SparkSession, seed: int) -> None:
    findings, figures = leaks(made(spark, clean(seed)), checks_of("matches"))

    assert findings == []
    assert figures["rows"] == {"train": 540, "validation": 180, "test": 180}
    assert all(0.5 <= power < 0.7 for power in figures["powers"].values())


@pytest.mark.parametrize("seed", range(2, 7))
def test_a_few_rows_or_a_text_of_many_values_are_no_drift(spark: SparkSession, seed: int) -> None:
    rng = random.Random(seed)
    rows = [{**row, "planted": f"N{rng.randrange(150)}"} for row in clean(seed)]
    for row in rows:
        row["part"] = PARTS[0 if row["entity"] < ROWS - 50 else 1 if row["entity"] < ROWS - 20 else 2]

    findings, _ = leaks(made(spark, rows, "string"), CHECKS | {"label_balance": "off"})

    assert findings == []


def test_a_check_that_is_off_does_not_look(spark: SparkSession) -> None:
    off = CHECKS | {"is_label": "off", "predicts_label": "off"}

    findings, _ = leaks(made(spark, planted(by_class(0, 1), seed=1), "int"), off)

    assert not failures(findings)


@cache
def unusable() -> dict[str, tuple[Plant, str]]:
    return {
        "no rows in test": (
            lambda r, g: {"part": "train" if r["part"] == "test" else r["part"]},
            r"split: test would have no rows \(train 720, validation 180, test 0\)",
        ),
        "one class in train": (
            lambda r, g: {"late": 0} if r["part"] == "train" else {},
            "label late: it is 0 in every row of train. A label needs both classes there",
        ),
        "one class in all": (lambda r, g: {"late": 1}, "label late: it is 1 in every row of train"),
        "a label that is missing": (
            lambda r, g: {"late": None} if r["entity"] == 5 else {},
            "label late: 1 rows have none. Leave them out in `from`: WHERE late IS NOT NULL",
        ),
        "a feature that is null in all of train": (
            lambda r, g: {"wind": None} if r["part"] == "train" else {},
            "feature wind: it is null in every row of train",
        ),
    }


@pytest.mark.parametrize("name", unusable())
def test_what_cannot_be_trained_on_is_refused(spark: SparkSession, name: str) -> None:
    plant, says = unusable()[name]

    with pytest.raises(JobError, match=says):
        leaks(made(spark, planted(plant, seed=1)), CHECKS)
