import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.febrl import people
from lake.aws import Aws
from lake.cli import app
from lake.configuration.reading import load
from lake.errors import BadInput
from lake.running.matches import fetch

ROOT = Path(__file__).parents[2]
LAKE = """
project: people
environments: {local: {region: us-east-1, endpoint: "http://127.0.0.1:4566"}}
datasets: {people: {format: csv}}
jobs:
  persons:
    source: people
    steps:
      - find_matches: {id: record, known: persons, columns: {surname: name, date_of_birth: date, suburb: address}}
    sink: {table: persons}
  plain: {source: people, sink: {table: plain}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lake.yaml").write_text(LAKE)
    (tmp_path / "glue_scripts").symlink_to(ROOT / "glue_scripts")
    records = people("1").to_pylist()
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, records[0])
        writer.writeheader()
        writer.writerows(records)
    return tmp_path


def command(folder: Path, *arguments: str) -> list[str]:
    return ["--file", str(folder / "lake.yaml"), "evaluate-matches", *arguments]


def test_evaluate_matches_prints_rates_and_writes_a_plot(folder: Path) -> None:
    arguments = ["persons", "--rows", str(folder / "rows.csv"), "--truth", "person", "--plot", str(folder / "w.png")]
    done = CliRunner().invoke(app, command(folder, *arguments, "--json"), catch_exceptions=False)
    found = json.loads(done.stdout)
    assert (done.exit_code, found["true_pairs"]) == (0, 500)
    assert found["f1"] > 0.9
    assert (folder / "w.png").stat().st_size > 1000


def test_evaluate_matches_shows_why_pairs_were_missed_and_warns_of_few_matches(folder: Path) -> None:
    with (folder / "few.csv").open("w") as file:
        file.write("record,surname,date_of_birth,suburb,person\n1,lee,1990-01-01,perth,a\n2,fox,1955-02-03,hobart,a\n")
    arguments = ["persons", "--rows", str(folder / "few.csv"), "--truth", "person", "--plot", str(folder / "w.png")]
    done = CliRunner().invoke(app, command(folder, *arguments), catch_exceptions=False)
    assert done.exit_code == 0
    assert ": different" in done.stdout
    assert "2 records show 0 clear matches" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plain", "--truth", "person"], "no job 'plain' with a find_matches step in lake.yaml. Allowed: persons"),
        (["persons"], "either --labels FILE or --truth COLUMN"),
        (["persons", "--truth", "person", "--labels", "x.csv"], "either --labels FILE or --truth COLUMN"),
    ],
)
def test_evaluate_matches_reports_invalid_input(folder: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        CliRunner().invoke(app, command(folder, *arguments, "--rows", "rows.csv"), catch_exceptions=False)


def test_evaluate_matches_does_not_query_athena_for_a_database_table(tmp_path: Path) -> None:
    shop = "shop: {type: postgresql, host: db.example.org, port: 5432, database: shop}"
    text = LAKE.replace("{people: {format: csv}}", "{people: {format: jdbc, connection: shop, table: public.people}}")
    (tmp_path / "lake.yaml").write_text(f"{text}connections: {{{shop}}}\n")

    with pytest.raises(BadInput, match=r"Athena cannot read people, which is a database table\. Give .* --rows FILE"):
        fetch(Aws(load(tmp_path / "lake.yaml")), "persons", tmp_path)
