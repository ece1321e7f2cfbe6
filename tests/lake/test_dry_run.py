"""What a crawl would find, of a folder on disk and of objects, by the command a person types."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.embedded import lend_keys

ROOT = Path(__file__).parents[2]
FLIGHTS = {
    "year=2013/month=1/a.json": '{"Carrier": "UA", "delay": 1}\n{"Carrier": "B6", "delay": 2.5}\n',
    "year=2013/month=2/a.json": '{"Carrier": "UA", "delay": 3, "gate": "A"}\n',
    "year=2013/month=2/_hidden.json": '{"no": 1}\n',
}


def lake(*arguments: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "AWS_EC2_METADATA_DISABLED": "true",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "lake", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def configured(folder: Path, endpoint: str = "http://127.0.0.1:59", dataset: str = "format: json") -> None:
    (folder / "lake.yaml").write_text(
        f"project: lab\nenvironments: {{local: {{endpoint: '{endpoint}', region: us-east-1}}}}\n"
        f"datasets: {{readings: {{{dataset}}}}}\n"
    )


def test_a_folder_needs_neither_lake_yaml_nor_a_server(tmp_path: Path) -> None:
    put(tmp_path / "flights", FLIGHTS)

    [table] = json.loads(lake("crawl", "--dry-run", "./flights", "--json", cwd=tmp_path).stdout)["tables"]

    assert table["columns"] == [
        {"Name": "carrier", "Type": "string"},
        {"Name": "delay", "Type": "double"},
        {"Name": "gate", "Type": "string"},
    ]
    assert (table["name"], table["format"], table["keys"]) == ("flights", "json", ["year", "month"])
    assert table["partitions"] == [["2013", "1"], ["2013", "2"]]
    assert (table["files"], table["records"]) == (2, 3)
    assert table["location"] == f"{tmp_path}/flights/"


def test_a_dry_run_shows_tables_columns_types_and_partitions(tmp_path: Path) -> None:
    put(tmp_path / "flights", FLIGHTS)
    put(tmp_path / "flights", {f"year=2014/month={m}/a.json": '{"delay": 1}\n' for m in range(1, 5)})

    shown = lake("crawl", "--dry-run", "./flights/", cwd=tmp_path).stdout

    for words in ("2013/1, 2013/2, 2014/1 and 3 more", "double", "string (partition key)"):
        assert words in shown


def test_a_folder_can_be_crawled_with_a_datasets_settings(tmp_path: Path) -> None:
    configured(tmp_path, dataset="format: csv, csv: {header: false, delimiter: ';'}, columns: [id, name]")
    put(tmp_path / "new", {"a.csv": "1;ann\n2;bob\n"})

    found = json.loads(lake("crawl", "--dry-run", "new/", "--like", "readings", "--json", cwd=tmp_path).stdout)

    [table] = found["tables"]
    assert table["name"] == "readings"
    assert table["columns"] == [{"Name": "id", "Type": "bigint"}, {"Name": "name", "Type": "string"}]


def test_unreadable_files_are_listed(tmp_path: Path) -> None:
    put(tmp_path / "t", {"a.json": '{"a": 1}\n', "b.json": "\0\0\0"})

    shown = lake("crawl", "--dry-run", "./t", cwd=tmp_path).stderr

    assert f"Skipped {tmp_path}/t/b.json: no classifier recognises it" in shown


@pytest.mark.parametrize(
    ("target", "dataset", "expected", "code"),
    [
        ("./nowhere", "format: json", "./nowhere does not exist", 2),
        ("books", "format: json", "there is no dataset 'books' in lake.yaml. Allowed: readings", 2),
        (
            "readings",
            "format: json, catalog: declared, columns: {a: int}",
            "readings has no crawler: its table is declared",
            2,
        ),
    ],
)
def test_an_invalid_target_is_reported_in_one_line(
    tmp_path: Path, target: str, dataset: str, expected: str, code: int
) -> None:
    configured(tmp_path, dataset=dataset)

    done = lake("crawl", "--dry-run", target, cwd=tmp_path, code=code)

    assert expected in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_classifier_that_only_aws_can_run_is_reported_in_one_line(tmp_path: Path) -> None:
    configured(tmp_path, dataset="format: xml, xml: {row_tag: row}")
    put(tmp_path / "t", {"a.xml": "<rows><row><a>1</a></row></rows>"})

    done = lake("crawl", "--dry-run", "./t", "--like", "readings", cwd=tmp_path, code=1)

    assert "XMLClassifier, which the embedded crawler cannot run" in done.stderr


def test_a_dataset_and_a_prefix_are_crawled_in_s3_without_writing_anything(
    tmp_path: Path, endpoint: str, aws: Callable[[str], Any]
) -> None:
    s3, bucket, databases = aws("s3"), "lab-local-raw-000000000000", aws("glue").get_databases()["DatabaseList"]
    s3.create_bucket(Bucket=bucket)
    for day in (1, 2):
        for part in "ab":
            s3.put_object(Bucket=bucket, Key=f"readings/day={day}/{part}.json", Body=b'{"rows": [{"a": 1}, {"a": 2}]}')
    lend_keys(endpoint, tmp_path)
    configured(tmp_path, endpoint, 'format: json, json: {path: "$.rows[*]"}')

    as_told = json.loads(lake("crawl", "--dry-run", "readings", "--json", cwd=tmp_path).stdout)["tables"]
    prefix = f"s3://{bucket}/readings/day=1/"
    plain = json.loads(lake("crawl", "--dry-run", prefix, "--sample", "1", "--json", cwd=tmp_path).stdout)["tables"]

    assert [(t["columns"], t["records"]) for t in as_told] == [([{"Name": "a", "Type": "int"}], 8)]
    assert as_told[0]["partitions"] == [["1"], ["2"]]
    assert [(t["files"], t["columns"][0]["Name"]) for t in plain] == [(1, "rows")]
    assert aws("glue").get_databases()["DatabaseList"] == databases
    assert "NoSuchBucket" in lake("crawl", "--dry-run", "s3://no-such-bucket/a/", cwd=tmp_path, code=1).stderr
