"""Places of keys: unique, inside the folder, and convertible back to the key."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.places import DUCKDB, HADOOP, key_at, place, places
from tests.local_aws.odd_keys import KEYS

NAMES = (
    "",
    ".",
    "..",
    "a",
    "b",
    "A",
    "a" * 201,
    "%2E",
    "\0",
    ":",
    "*",
    ".key-",
    ".key-a",
    "+",
    ".gz",
    "_temporary",
    "é",
)


def _random_keys(number: int) -> Iterator[str]:
    dice = random.Random(8)
    for _ in range(number):
        yield "/".join(dice.choices(NAMES, k=dice.randint(1, 5)))[:1024]


@pytest.mark.parametrize("avoid", ["", HADOOP, DUCKDB])
def test_each_key_has_a_unique_place_that_maps_back_to_it(avoid: str) -> None:
    keys = {key for key in (*KEYS, *_random_keys(5000)) if key}
    found = places(keys, avoid)
    assert len(set(found.values())) == len(keys)
    assert {key_at(path): path for path in found.values()} == found


@pytest.mark.parametrize("avoid", ["", HADOOP, DUCKDB])
def test_files_at_all_places_can_coexist_inside_the_folder(tmp_path: Path, avoid: str) -> None:
    inside = tmp_path / "bucket"
    for key, path in places([*KEYS, *_random_keys(300)], avoid).items():
        file = inside / path
        assert file.resolve().is_relative_to(inside)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(key, newline="")
    files = (file for file in tmp_path.rglob("*") if file.is_file())
    assert all(key_at(file.relative_to(inside).as_posix()) == file.read_bytes().decode() for file in files)


@pytest.mark.parametrize(
    "key", ["a.csv", "a/b/c.json", "part=1/a b+c%20.parquet", "_SUCCESS", ".hidden", "日本/語", "[1].csv"]
)
def test_a_key_that_is_a_path_is_its_own_place(key: str) -> None:
    assert place(key) == key


def test_a_file_with_the_name_of_a_folder_gets_another_place() -> None:
    assert places(["x", "x/y", "z"]) == {"x": ".key-x", "x/y": "x/y", "z": "z"}


def test_compressed_files_keep_their_suffix() -> None:
    assert place("a//b.csv.gz").endswith(".gz")
