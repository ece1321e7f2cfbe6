"""`lake query`: values by their types, files, and rows that fit the page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lake.commands import output
from tests.lake.commands import Prompt

BUCKET = "quiz-local-athena-000000000000"
VALUES = """
    SELECT 7 AS n, 2.5e0 AS d, cast(1.25 AS decimal(10,2)) AS price, true AS yes, cast(NULL AS varchar) AS none,
           '' AS empty, date '2024-01-02' AS day, timestamp '2024-01-02 03:04:05.678' AS at, nan() AS nan,
           ARRAY[1, 2] AS list, 'a "b"\nc' AS text
"""


@pytest.fixture(scope="module")
def workgroup(aws: Callable[[str], Any]) -> None:
    aws("s3").create_bucket(Bucket=BUCKET)
    aws("glue").create_database(DatabaseInput={"Name": "quiz_local_curated"})
    place = {"OutputLocation": f"s3://{BUCKET}/results/"}
    aws("athena").create_work_group(Name="quiz-local", Configuration={"ResultConfiguration": place})


@pytest.fixture
def quiz(workgroup: None, prompt: Callable[..., Prompt]) -> Prompt:
    return prompt("quiz", "")


def test_json_output_has_numbers_and_nulls(quiz: Prompt) -> None:
    [row] = quiz.lake("query", VALUES, "--json").json["rows"]

    assert row == {
        "n": 7,
        "d": 2.5,
        "price": "1.25",
        "yes": True,
        "none": None,
        "empty": "",
        "day": "2024-01-02",
        "at": "2024-01-02 03:04:05.678",
        "nan": "NaN",
        "list": "[1, 2]",
        "text": 'a "b"\nc',
    }


def test_a_parquet_file_has_athenas_types(quiz: Prompt, tmp_path: Path) -> None:
    file = tmp_path / "values.parquet"
    file.write_text("of an earlier day")

    done = quiz.lake("query", VALUES, "--output", str(file))

    [row] = pq.read_table(file).to_pylist()
    assert str(row.pop("nan")) == "nan"
    assert row == {
        "n": 7,
        "d": 2.5,
        "price": Decimal("1.25"),
        "yes": True,
        "none": None,
        "empty": "",
        "day": date(2024, 1, 2),
        "at": datetime(2024, 1, 2, 3, 4, 5, 678000),
        "list": "[1, 2]",
        "text": 'a "b"\nc',
    }
    assert (done.code, f"{file}: " in done.out) == (0, True)
    assert [each.name for each in tmp_path.iterdir() if each.name not in ("lake.yaml", ".local")] == ["values.parquet"]


def test_an_empty_result_with_duplicate_column_names_is_saved(quiz: Prompt, tmp_path: Path) -> None:
    quiz.lake("query", "SELECT 1 AS a, 'x' AS a WHERE 1 = 0", "--output", str(tmp_path / "a.parquet"))

    table = pq.read_table(tmp_path / "a.parquet")
    assert (table.column_names, table.num_rows) == (["a", "a_2"], 0)


def test_a_csv_file_is_saved_as_athena_writes_it(quiz: Prompt, tmp_path: Path) -> None:
    quiz.lake("query", "SELECT 1 AS a, cast(NULL AS varchar) AS b, '' AS c", "--output", str(tmp_path / "a.csv"))
    quiz.lake("query", "SHOW DATABASES", "--output", str(tmp_path / "lines.csv"))

    assert (tmp_path / "a.csv").read_text() == '"a","b","c"\n"1",,""\n'
    assert '\n"quiz_local_curated"\n' in (tmp_path / "lines.csv").read_text()


def test_a_failed_statement_leaves_the_file_unchanged(quiz: Prompt, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("kept")

    assert quiz.lake("query", "SELECT no_such", "--output", str(tmp_path / "a.csv")).code == 1
    assert (tmp_path / "a.csv").read_text() == "kept"


@pytest.mark.parametrize(
    ("file", "expected"), [("a.txt", "Allowed: .csv or .parquet"), ("no/a.csv", "no is not a folder")]
)
def test_an_unwritable_file_is_reported_before_the_query(quiz: Prompt, file: str, expected: str) -> None:
    shown = quiz.lake("query", "SELECT 1", "--output", file)

    assert (shown.code, expected in shown.err) == (2, True)


def test_a_terminal_shows_the_first_rows_and_wide_rows_as_blocks(quiz: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    many, wide = "SELECT * FROM UNNEST(sequence(1, 150)) AS t(n)", f"SELECT '{'x' * 200}' AS a, '{'y' * 200}' AS b"
    piped = quiz.lake("query", many)
    monkeypatch.setattr(output.out, "_force_terminal", True)

    first, every, upright = quiz.lake("query", many), quiz.lake("query", many, "--all"), quiz.lake("query", wide)

    assert "150" in piped.out and "150 rows, " in piped.err
    assert "150" not in first.out and "the first 100 rows; --all shows all" in first.err
    assert "150" in every.out
    assert upright.out.splitlines()[1:3] == [f"a  {'x' * 200}", f"b  {'y' * 200}"]
