"""find_matches on records as people write them. Its model needs no Spark."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from lake_etl.errors import JobError
from lake_etl.match_pairs import candidates
from lake_etl.match_values import columns_of, load
from lake_etl.match_weights import learn
from lake_etl.matching import Matching, match, score

PERSON = {"given": "name", "surname": "name", "address": "address", "phone": "code", "born": "date"}
SHOP = {"name": "name", "address": "address", "city": "address", "phone": "code"}
SYLLABLES = [first + second for first in "bdfglmnprst" for second in "aeiou"]

Records = list[tuple[str | None, ...]]


def table(kinds: dict[str, str], records: Records, known: dict[int, str] | None = None) -> pa.Table:
    rows = [
        {"_id": f"{number:05d}", "_known": (known or {}).get(number), **dict(zip(kinds, record, strict=True))}
        for number, record in enumerate(records)
    ]
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in ("_id", "_known", *kinds)]))


def groups(kinds: dict[str, str], records: Records, **more: Any) -> list[int]:
    """Return for each record the number of the first record that it matches."""
    return [int(row["match_id"]) for row in match(table(kinds, records), Matching(kinds, "id", **more)).to_pylist()]


def agreement(kind: str, left: str, right: str) -> str:
    """Return how two values agree, among records with other values."""
    connection = duckdb.connect()
    columns = columns_of({"value": kind}, {})
    others = [(f"{word(random.Random(number), 4)} {number}",) for number in range(20)]
    connection.register("given", table({"value": kind}, [(left,), (right,), *others]))
    load(connection, columns)
    equal = connection.execute(
        "SELECT count(DISTINCT k0), count(DISTINCT v0) FROM records WHERE id < '00002'"
    ).fetchall()
    if 1 in equal[0]:
        return "equal"
    candidates(connection, columns, [])
    levels = learn(connection, columns).levels[0]
    found = connection.execute("SELECT g0 FROM compared WHERE id_l = '00000' AND id_r = '00001'").fetchall()
    return levels[found[0][0]].label


def word(chance: random.Random, length: int) -> str:
    return "".join(chance.choices(SYLLABLES, k=length))


@pytest.mark.parametrize(
    ("kind", "left", "right", "how"),
    [
        ("code", "310/246-1501", "310-246-1501", "equal"),
        ("code", "212/ 319-1660", "(212) 319 1660", "equal"),
        ("code", "02650", "2650", "equal"),
        ("code", "2003.0", "2003", "equal"),
        ("code", "+1 310 246 1501", "310-246-1501", "one ends in the other"),
        ("code", "+49 30 1234567", "030 1234567", "one ends in the other"),
        ("code", "3102461501", "3102465101", "1 edits or fewer"),
        ("code", "17", "4017", "2 edits or fewer"),
        ("date", "1971-03-15", "19710315", "equal"),
        ("date", "1971-03-15", "15.3.1971", "equal"),
        ("date", "1971-03-15 00:00:00", "1971-03-15", "equal"),
        ("date", "1971-03-05", "03/05/1971", "day and month swapped"),
        ("date", "1971-03-15", "1971-03-16", "1 edits or fewer"),
        ("date", "1971-03-15", "1988-11-02", "different"),
        ("name", "O'Neil", "oneil", "equal"),
        ("name", "Müller", "MULLER", "equal"),
        ("name", "apple pan, the", "The Apple Pan", "equal"),
        ("name", "hotel bel-air", "bel-air hotel", "equal"),
        ("name", "panos & pauls", "panos and pauls", "equal"),
        ("name", "chloe", "chleo", "1 edits or fewer"),
        ("name", "philippes the original", "philippe original", "1 edits or fewer"),
        ("name", "fenix", "fenix at the argyle", "all words of one in the other"),
        ("name", "lee", "tom", "different"),
        ("address", "435 S. La Cienega Blv.", "435 south la cienega boulevard", "equal"),
        ("address", "854 7th ave.", "854 Seventh Avenue", "equal"),
        ("address", "Hauptstraße 5", "hauptstrasse 5", "equal"),
        ("address", "57 jane st.", "57 jane st.  off hudson st.", "all words of one in the other"),
        ("address", "kingsford smith drive", "kingsford smth dr", "2 edits or fewer"),
        ("address", "12 mill lane", "13 mill lane", "some words"),
    ],
)
def test_a_kind_ignores_spelling_variants(kind: str, left: str, right: str, how: str) -> None:
    assert agreement(kind, left, right) == how
    assert agreement(kind, right, left) == how


def test_long_text_is_compared_by_its_words() -> None:
    chance = random.Random(1)
    texts = [" ".join(word(chance, 3) for _ in range(300)) for _ in range(100)]
    reordered = " ".join(reversed(texts[7].split()[:200]))
    records: Records = [(text, f"{number:03d}") for number, text in enumerate(texts)]
    assert groups({"text": "name", "code": "code"}, [*records, (reordered, "007")]) == [*range(100), 7]


@pytest.mark.parametrize("kind", ["name", "date", "address", "code"])
@pytest.mark.parametrize("count", [2, 3, 50])
def test_equal_values_of_one_column_match(kind: str, count: int) -> None:
    assert groups({"value": kind}, [("1990-01-01",)] * count) == [0] * count
    assert groups({"value": kind}, [("1990-01-01",), ("2003-12-24",)] * count) == [0, 1] * count


@pytest.mark.parametrize("kind", ["name", "date", "address", "code"])
def test_one_column_without_equal_values_matches_nothing(kind: str) -> None:
    values: Records = [("1990-01-01",), ("2003-12-24",), ("1955-06-07",), (None,), (None,)]
    assert groups({"value": kind}, values) == [0, 1, 2, 3, 4]


ANN = ("ann", "lee", "12 mill road", "555 1234", "1990-01-01")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([ANN], [0, 0]),
        ([ANN] * 9, [0] * 10),
        ([("Ann", "Lee", "12 Mill Rd.", "555-1234", "19900101")], [0, 0]),
        ([("ann", "leee", "12 mill rd", "555-1234", None)], [0, 0]),
        ([("bob", "lee", "12 mill road", "555 1234", "1988-05-04")], [0, 1]),
        ([("kim", "fox", "9 elm street", "888 4321", "1971-07-08")], [0, 1]),
        ([("ann", "lee", "77 oak avenue", "999 8765", "1955-02-03")], [0, 1]),
    ],
)
def test_a_few_records_match_by_the_priors_of_their_kinds(others: Records, expected: list[int]) -> None:
    assert groups(PERSON, [ANN, *others]) == expected


def households(count: int, again: float) -> tuple[Records, list[int]]:
    """Return couples with one surname, address and phone, some duplicated with two letters swapped, and the truth."""
    chance = random.Random(3)
    given, surnames, streets = ([word(chance, size) for _ in range(60)] for size in (2, 3, 3))
    records: Records = []
    truth: list[int] = []
    for _ in range(count):
        street = f"{chance.randrange(1, 200)} {chance.choice(streets)} street"
        home = (chance.choice(surnames), street, f"555{chance.randrange(10**6):06d}")
        for name in chance.sample(given, 2):
            born = f"{chance.randrange(1940, 2005)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
            person = [name, *home, born]
            truth.append(len(records))
            records.append(tuple(person))
            if chance.random() < again:
                place = chance.randrange(4)
                person[place] = swapped(person[place], chance)
                truth.append(truth[-1])
                records.append(tuple(person))
    return records, truth


def swapped(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text) - 1)
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


@pytest.mark.parametrize(("count", "again"), [(20, 0.0), (20, 0.2), (300, 0.0), (300, 0.2)])
def test_members_of_a_household_do_not_match(count: int, again: float) -> None:
    records, truth = households(count, again)
    found = groups(PERSON, records)
    assert sum(left != right for left, right in zip(found, truth, strict=True)) <= 0.01 * len(records)


def test_members_of_a_household_without_birthdays_do_not_match() -> None:
    records, truth = households(300, 0.0)
    kinds = {name: kind for name, kind in PERSON.items() if name != "born"}
    found = groups(kinds, [record[:-1] for record in records])
    assert len(set(found)) >= 0.98 * len(set(truth))


def test_shops_in_one_building_do_not_match() -> None:
    chance = random.Random(5)
    shops: Records = []
    for building in range(150):
        place = (f"{building} {word(chance, 3)} ave.", chance.choice(["new york", "atlanta"]), f"212/55{building:05d}")
        shops += [(f"{word(chance, 3)} {word(chance, 2)}", *place) for _ in range(1 + building % 2)]
    others = [
        (f"{name} cafe", str(address).replace("ave.", "Avenue near 5th St."), city, str(phone).replace("/", "-"))
        for name, address, city, phone in shops[::3]
    ]
    found = groups(SHOP, [*shops, *others])
    assert found[: len(shops)] == list(range(len(shops)))
    assert sum(match_id == 3 * number for number, match_id in enumerate(found[len(shops) :])) >= 0.95 * len(others)


def test_values_that_differ_in_their_first_letters_are_compared() -> None:
    chance = random.Random(7)
    names = [f"{word(chance, 4)} {word(chance, 4)}" for _ in range(2000)]
    records = table({"name": "name"}, [(name,) for name in [*names, *("x" + name[1:] for name in names[:200])]])
    scored = score(records, Matching({"name": "name"}, "id"))
    pairs = scored.rows("SELECT count(*) FROM compared WHERE id_r::INT - id_l::INT = 2000")
    assert pairs[0][0] >= 198


def test_new_records_equal_to_a_known_one_join_it() -> None:
    records = table(SHOP, [("a", "1 b st", "c", "5")] * 3, {1: "kept", 2: "later"})
    assert match(records, Matching(SHOP, "id")).to_pylist() == [
        {"_id": "00000", "match_id": "later", "match_confidence_score": 1.0}
    ]


def test_too_few_records_to_learn_from_give_a_warning() -> None:
    few = score(table(PERSON, [ANN, ANN]), Matching(PERSON, "id")).warnings
    one = score(table({"n": "name"}, [("a",)]), Matching({"n": "name"}, "id")).warnings
    records, _ = households(100, 0.5)
    assert [text.partition(":")[0] for text in few] == [
        "2 records show 1 clear matches, fewer than the 20 needed to learn from"
    ]
    assert [text.partition(":")[0] for text in one] == ["one column is little evidence"]
    assert score(table(PERSON, records), Matching(PERSON, "id")).warnings == []


def test_a_blocking_with_too_many_pairs_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lake_etl.match_pairs.MAX_PAIRS", 2)
    records = table(SHOP, [(f"{n}", "1 b st", "c", None) for n in range(3)])
    with pytest.raises(JobError, match=r"blocking \['city'\] leaves 3 pairs of records to compare: at most 2"):
        score(records, Matching(SHOP, "id", blocking=[["city"]]))


def test_the_same_records_in_another_order_score_the_same() -> None:
    records, _ = households(200, 0.3)
    given = table(PERSON, records)
    shuffled = given.take(random.Random(1).sample(range(len(given)), len(given)))
    assert match(given, Matching(PERSON, "id")) == match(shuffled, Matching(PERSON, "id"))
