"""`lake preview`, by the command a person types; what it samples and shows is in tests/glue_scripts/test_preview.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lake.commands import Prompt

pytestmark = pytest.mark.spark
ROOT = Path(__file__).parents[2]
LAKE = """
datasets:
  sales: {format: json}
  shops: {format: csv}
  rates: {format: csv, catalog: declared, columns: {rate: double}}
  orders: {format: jdbc, connection: shop, table: public.orders}
connections: {shop: {type: postgresql, host: localhost, database: shop}}
jobs:
  dear:
    source: sales
    py_files: [my_rules.py]
    steps:
      - filter: {function: my_rules.is_dear}
      - map: {add: {twice: "price * 2"}}
    sink: {table: dear}
  own: {script: own.py}
"""
BUCKET, DATABASE = "till-local-raw-000000000000", "till_local_raw"


@pytest.fixture
def till(prompt: Callable[..., Prompt], tmp_path: Path) -> Prompt:
    (tmp_path / "glue_scripts").symlink_to(ROOT / "glue_scripts")
    (tmp_path / "my_rules.py").write_text("def is_dear(sales):\n    return sales.price > 5\n")
    (tmp_path / "own.py").write_text("")
    return prompt("till", LAKE)


@pytest.fixture
def sales(aws: Callable[[str], Any]) -> None:
    s3, glue = aws("s3"), aws("glue")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="sales/a.json", Body=b'{"price": 3}\n{"price": 7}\n')
    for database in (DATABASE, "till_local_curated"):
        glue.create_database(DatabaseInput={"Name": database})
    storage = {
        "Location": f"s3://{BUCKET}/sales/",
        "Columns": [{"Name": "price", "Type": "int"}],
        "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
    }
    glue.create_table(DatabaseName=DATABASE, TableInput={"Name": "sales", "StorageDescriptor": storage})


def test_a_job_is_previewed_with_the_users_own_functions(sales: None, till: Prompt) -> None:
    done = till.lake("preview", "dear")

    assert done.code == 0, done.err
    assert "sales: 2 rows from its only file, at most 1,000 rows" in done.err
    assert "1 filtered" in done.out and "twice" in done.out and "14" in done.out


def test_a_local_file_is_previewed_without_aws(till: Prompt, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("Id;Town\n1;Ulm\n2;Bonn;x\n")

    shops = "shops: {format: csv, csv: {delimiter: ';'}}"
    text = re.sub(r"127.0.0.1:\d+", "127.0.0.1:59", till.file.read_text())
    till.file.write_text(text.replace("shops: {format: csv}", shops))
    done = till.lake("preview", "shops", "--file", str(tmp_path / "new.csv"), "--json")

    assert done.code == 0, done.err
    assert done.json["rows"] == [{"id": 1, "town": "Ulm"}]
    assert done.json["columns"] == [{"name": "id", "type": "bigint"}, {"name": "town", "type": "string"}]
    [bad] = done.json["quarantined"]["first"]
    assert (bad["raw"], bad["reason"]) == ("2;Bonn;x", "the row does not have 2 fields")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nope"], "there is no job or dataset 'nope' in lake.yaml. Allowed: dear, sales, shops, rates, orders"),
        (
            ["sale"],
            "there is no job or dataset 'sale' in lake.yaml. "
            "Allowed: dear, sales, shops, rates, orders. Did you mean 'sales'?",
        ),
        (["own"], "own is your own script, and only jobs of steps have a preview. `lake run own` runs it"),
        (["dear", "--step", "3"], "--step 3: the job dear has 2 steps. Allowed: 0 to 2"),
        (["dear", "--file", "a.csv"], "--file is only for datasets, but dear is a job"),
        (["sales", "--step", "1"], "--step is only for jobs, but sales is a dataset"),
        (["orders"], "orders is a table of the database shop. A preview can only read files"),
        (["rates", "--file", "no.csv"], "no.csv does not exist"),
    ],
)
def test_an_invalid_preview_is_reported_in_one_sentence(till: Prompt, arguments: list[str], expected: str) -> None:
    shown = till.lake("preview", *arguments)

    assert (shown.code, shown.err.strip()) == (2, expected)


def test_a_preview_without_java_says_what_is_missing(till: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)

    shown = till.lake("preview", "dear")

    assert (shown.code, "which needs Java: put a JDK 17 on the PATH" in shown.err) == (1, True)
