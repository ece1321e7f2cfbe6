"""`lake evaluate-matches` without a file of records: Athena reads the records of the job's dataset."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.febrl import people
from lake.cli import app
from tests.embedded import lend_keys

ROOT = Path(__file__).parents[2]
LAKE = """
project: people
environments: {{local: {{region: us-east-1, endpoint: "{endpoint}"}}}}
datasets: {{people: {{format: csv}}}}
jobs:
  persons:
    source: people
    steps:
      - find_matches: {{id: record, columns: {{surname: name, date_of_birth: date, suburb: address}}}}
    sink: {{table: persons}}
"""


@pytest.fixture
def folder(tmp_path: Path, endpoint: str, aws: Callable[[str], Any]) -> Path:
    """A lake's folder; its labelled records are in S3, and the catalog has their table."""
    (tmp_path / "lake.yaml").write_text(LAKE.format(endpoint=endpoint))
    lend_keys(endpoint, tmp_path)
    (tmp_path / "glue_scripts").symlink_to(ROOT / "glue_scripts")
    records = people("1").to_pylist()
    s3, glue = aws("s3"), aws("glue")
    for bucket in ("people-local-raw-000000000000", "people-local-athena-000000000000"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="people-local-raw-000000000000", Key="people/a.csv", Body=written(records).encode())
    glue.create_database(DatabaseInput={"Name": "people_local_raw"})
    storage = {
        "Location": "s3://people-local-raw-000000000000/people/",
        "Columns": [{"Name": name, "Type": "string"} for name in records[0]],
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde"},
    }
    parameters = {"classification": "csv", "skip.header.line.count": "1"}
    table: Any = {"Name": "people", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage}
    glue.create_table(DatabaseName="people_local_raw", TableInput=table | {"Parameters": parameters})
    results = {"OutputLocation": "s3://people-local-athena-000000000000/results/"}
    aws("athena").create_work_group(Name="people-local", Configuration={"ResultConfiguration": results})
    labels = [{"labeling_set_id": "s", "label": record["person"]} | record for record in records[:200]]
    (tmp_path / "labels.csv").write_text(written(labels))
    return tmp_path


def written(records: list[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, records[0])
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def test_the_records_of_the_jobs_dataset_are_read_by_athena(folder: Path) -> None:
    command = ["--file", str(folder / "lake.yaml"), "evaluate-matches", "persons", "--plot", str(folder / "w.png")]
    by_truth = CliRunner().invoke(app, [*command, "--truth", "person", "--json"], catch_exceptions=False)
    assert by_truth.exit_code == 0, by_truth.output
    found = json.loads(by_truth.stdout)
    assert (found["records"], found["true_pairs"]) == (1000, 500)
    assert found["f1"] > 0.9
    assert (folder / "w.png").stat().st_size > 1000

    labels = str(folder / "labels.csv")
    by_labels = CliRunner().invoke(app, [*command, "--labels", labels, "--json"], catch_exceptions=False)
    assert by_labels.exit_code == 0, by_labels.output
    assert 0 < json.loads(by_labels.stdout)["true_pairs"] < 500
