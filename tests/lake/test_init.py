"""`lake init`: a lake in a folder of its own, from nothing or from files."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from lake.configuration.names import STACKS
from lake.configuration.reading import load
from lake.deploying.terraform import synthesise
from lake.examples import EXAMPLES, steps

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


def test_a_new_lake_is_valid_and_has_its_own_stacks(tmp_path: Path) -> None:
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
    assert "shop_list: all columns are text, so the first line is used as the header: shop, city." in done.stderr
    assert (datasets["points"].csv.header, datasets["points"].columns) == (False, ["col0", "col1"])
    assert datasets["prices"].csv.header
    assert "  # id bigint, price double\n  prices:\n" in (tmp_path / "shop/lake.yaml").read_text()


def test_files_in_the_folder_itself_become_one_dataset(tmp_path: Path, files: Path) -> None:
    assert init(tmp_path, "shop", "--from", str(files / "orders")).returncode == 0
    assert list(load(tmp_path / "shop/lake.yaml").config.datasets) == ["orders"]


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["files"], 2, "files exists and is not empty. Name a new folder, or empty this one"),
        (["1"], 2, "the folder's name '1' becomes the project's name, so it needs "),
        (["new", "--from", "nowhere"], 2, "nowhere is not a folder. Name one whose sub-folders are datasets"),
        (["new", "--from", "files/empty"], 2, "files/empty is empty. Name a folder whose sub-folders are datasets"),
        (
            ["new", "--example", "car"],
            2,
            "there is no example 'car'. Allowed: flights, cars, shop, stream. Did you mean",
        ),
        (["new", "--from", "files/orders", "--example", "shop"], 2, "give --from or --example, not both"),
        (
            ["new", "--from", "files"],
            2,
            "files contains folders, which are datasets, and the file loose.csv. Move it into",
        ),
        (["new", "--from", "files/alike"], 2, "a b and a-b would both be the dataset a_b. Rename one of them"),
        (
            ["new", "--from", "files/strange"],
            2,
            "x.bin: no classifier recognises it. Allowed: csv, json, parquet.",
        ),
        (
            ["new", "--from", "files/hollow"],
            2,
            "files/hollow/inner: has no data. Put files into it, or",
        ),
        (
            ["new", "--from", "files/damaged"],
            2,
            "a.parquet: it is damaged, or not in the format that it begins with",
        ),
        (["new", "--from", "files/loose.csv"], 2, "loose.csv is not a folder. Name one whose sub-folders are datasets"),
        (
            ["new", "--from", "files/columns"],
            2,
            "files/columns: a dataset is one table, but a crawl of its files would",
        ),
        (
            ["new", "--from", "files/two"],
            2,
            "files/two: a dataset is one table, but a crawl of its files would find 2 (a_csv, b_json). Put the",
        ),
    ],
)
def test_invalid_input_is_reported_and_nothing_is_created(
    tmp_path: Path, files: Path, arguments: list[str], code: int, expected: str
) -> None:
    for name, content in {
        "loose.csv": b"a,b\n1,2\n",
        "strange/x.bin": bytes(range(256)),
        "damaged/a.parquet": b"PAR1 and no more PAR1",
        "columns/a.csv": b"a,b\n1,2\n3,4\n",
        "columns/b.csv": b"x,y,z\nred,2,3\nblue,3,4\n",
        "two/a.csv": b"a,b\n1,2\n3,4\n",
        "two/b.json": b'{"c": 1}\n',
    }.items():
        (files / name).parent.mkdir(exist_ok=True)
        (files / name).write_bytes(content)
    for name in ("empty", "hollow/inner", "alike/a b", "alike/a-b"):
        (files / name).mkdir(parents=True)
    done = init(tmp_path, *arguments)

    assert (done.returncode, expected in done.stderr) == (code, True), done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()


@pytest.fixture(scope="module", params=sorted(EXAMPLES))
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new lake of each example, in a folder of another name than its own."""
    folder = tmp_path_factory.mktemp("examples")
    done = init(folder, f"my-{request.param}", "--example", request.param)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    lines = done.stderr.splitlines()
    made = folder / f"my-{request.param}"
    assert lines[:2] == [f"Created a lake in my-{request.param}. Next:", f"  cd my-{request.param}"]
    assert [line.strip() for line in lines[2:]] == steps((made / "lake.yaml").read_text())
    return made


def test_an_example_lake_is_valid_and_its_stacks_have_its_project_name(example: Path) -> None:
    command = [sys.executable, "-m", "lake", "check"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=example, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"lake.yaml is valid: project {example.name}, environment local" in done.stdout

    synthesise(load(example / "lake.yaml"))
    stacks = example / "cdktf.out/stacks"
    assert {path.name for path in stacks.iterdir()} == set(STACKS)
    athena = json.loads((stacks / "athena/cdk.tf.json").read_text())["resource"]
    assert f'"name": "{example.name}-local"' in json.dumps(athena["aws_athena_workgroup"])
    queries = {query["name"] for query in athena["aws_athena_named_query"].values()}
    assert queries == {file.stem for file in (example / "queries").glob("*.sql")} != set()


def test_a_second_example_in_the_same_folder_is_refused(example: Path) -> None:
    before = (example / "lake.yaml").read_bytes()
    done = init(example.parent, example.name, "--example", "shop")
    assert done.returncode == 2
    assert done.stderr == f"{example.name} exists and is not empty. Name a new folder, or empty this one\n"
    assert (example / "lake.yaml").read_bytes() == before


def test_the_next_steps_of_an_example_refer_to_existing_files(example: Path) -> None:
    """Its script writes each folder that is put and each file that is sent; the rest is in lake.yaml and queries/."""
    config = load(example / "lake.yaml").config
    known = {"put": config.datasets, "send": config.streams, "quarantine": config.jobs, "run": config.every_job}
    shown = steps((example / "lake.yaml").read_text())
    assert {"lake local start", "lake up", "lake down --delete-data", "lake local stop"} <= {*shown, "lake up"}
    for step in shown:
        program, *words = shlex.split(step)
        if program == "python":
            subprocess.run([sys.executable, *words], cwd=example, check=True)
        if program == "lake" and words[0] in ("put", "send"):
            assert (example / words[2]).exists()
        if "--name" in words:
            assert (example / "queries" / f"{words[-1]}.sql").is_file()
        elif "--workflow" in words:
            assert words[-1] in config.workflows
        elif words[1:] and words[0] in known:
            assert words[1] in known[words[0]]


def test_the_files_of_every_example_are_in_the_package() -> None:
    """In a checkout they are beside it, so only the build could tell that one is missing."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    shipped = build["force-include"]
    assert all(inside == f"lake/shipped_code/{name}" for name, inside in shipped.items())
    for folder, names in EXAMPLES.values():
        for name in names:
            source = Path(folder, name)
            assert any(source.is_relative_to(there) for there in shipped), source


def test_the_schema_accepts_the_sample_lake_and_rejects_a_mistake(tmp_path: Path) -> None:
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
