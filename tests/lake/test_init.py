"""`lake init`: a lake in a folder of its own, from nothing or from files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from lake.config import load
from lake.terraform import synthesise

ROOT = Path(__file__).parents[2]


def init(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lake", "init", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in {
        "orders/day=2026-01-01/a.json": '{"Id": 1, "amount": 2.5}\n',
        "orders/day=2026-01-02/a.json": '{"Id": 2, "amount": 1.0}\n',
        "Shop List/shops.csv": "shop;city\na;Lyon\nb;Porto\n",
        "points/points.csv": "1,2.5\n3,4.5\n5,6.5\n",
        "prices/prices.csv": "id,price\n1,2.5\n2,3.5\n3,4.5\n",
    }.items():
        (tmp_path / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / name).write_text(text)
    return tmp_path / "files"


def test_a_new_lake_is_good_and_its_stacks_are_its_own(tmp_path: Path) -> None:
    done = init(tmp_path, "My Shop")
    assert (done.returncode, done.stdout) == (0, "")
    made = {path.relative_to(tmp_path / "My Shop").as_posix() for path in (tmp_path / "My Shop").rglob("*")}
    assert {"lake.yaml", "main.py", "cdktf.json", ".gitignore", "queries/tables.sql", "jobs"} <= made

    lake = load(tmp_path / "My Shop" / "lake.yaml")
    synthesise(lake)
    athena = json.loads((tmp_path / "My Shop/cdktf.out/stacks/athena/cdk.tf.json").read_text())
    assert [query["name"] for query in athena["resource"]["aws_athena_named_query"].values()] == ["tables"]


def test_folders_of_files_become_datasets_as_a_crawler_sees_them(tmp_path: Path, files: Path) -> None:
    done = init(tmp_path, "shop", "--from", str(files))
    assert done.returncode == 0, done.stderr
    datasets = load(tmp_path / "shop/lake.yaml").config.datasets

    assert (datasets["orders"].format, datasets["orders"].keys) == ("json", {"day": "string"})
    assert (datasets["shop_list"].csv.delimiter, datasets["shop_list"].csv.header) == (";", True)
    assert "shop_list: all of it is text, so the first line is taken for the header: shop, city." in done.stderr
    assert (datasets["points"].csv.header, datasets["points"].columns) == (False, ["col0", "col1"])
    assert datasets["prices"].csv.header
    assert "  # id bigint, price double\n  prices:\n" in (tmp_path / "shop/lake.yaml").read_text()


def test_files_that_lie_in_the_folder_itself_are_one_dataset(tmp_path: Path, files: Path) -> None:
    assert init(tmp_path, "shop", "--from", str(files / "orders")).returncode == 0
    assert list(load(tmp_path / "shop/lake.yaml").config.datasets) == ["orders"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["files"], 2, "files is there and is not empty. Name a new folder, or empty this one"),
        (["1"], 2, "the folder's name '1' becomes the project's, and cannot: "),
        (["new", "--from", "nowhere"], 2, "nowhere is no folder. Name one whose sub-folders are datasets"),
        (["new", "--from", "files/empty"], 2, "files/empty is empty. Name a folder whose sub-folders are datasets"),
        (["new", "--from", "files"], 2, "files holds folders, which are datasets, and loose.csv. Move that into"),
        (["new", "--from", "files/alike"], 2, "a b and a-b would be one dataset, a_b. Rename one of them"),
        (["new", "--from", "files/strange"], 1, "no classifier recognises it"),
        (
            ["new", "--from", "files/two"],
            1,
            "files/two: a dataset is one table, and a crawl would find 2 (a_csv, b_json)",
        ),
    ],
)
def test_what_cannot_become_a_lake_is_told_and_nothing_is_made(
    tmp_path: Path, files: Path, arguments: list[str], code: int, said: str
) -> None:
    for name, content in {
        "loose.csv": b"a,b\n1,2\n",
        "strange/x.bin": bytes(range(256)),
        "two/a.csv": b"a,b\n1,2\n3,4\n",
        "two/b.json": b'{"c": 1}\n',
    }.items():
        (files / name).parent.mkdir(exist_ok=True)
        (files / name).write_bytes(content)
    for name in ("empty", "alike/a b", "alike/a-b"):
        (files / name).mkdir(parents=True)
    done = init(tmp_path, *arguments)

    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


def test_editors_get_a_schema_that_the_sample_lake_meets_and_a_mistake_does_not(tmp_path: Path) -> None:
    assert init(tmp_path, "shop").returncode == 0
    folder = tmp_path / "shop"
    assert (folder / "lake.yaml").read_text().startswith("# yaml-language-server: $schema=lake.schema.json\n")
    schema = json.loads((folder / "lake.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    document = YAML(typ="safe").load(ROOT / "lake.yaml")

    assert validator.is_valid(document)
    document["datasets"]["flights"]["format"] = "tsv"
    [mistake] = validator.iter_errors(document)
    assert list(mistake.path) == ["datasets", "flights", "format"]
