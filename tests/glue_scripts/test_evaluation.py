import csv
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from benchmarks.febrl import KINDS, people
from lake_etl.errors import JobError
from lake_etl.evaluation import evaluate

STEP = {"id": "record", "columns": KINDS}
COUNTS = ("true_pairs", "found_pairs", "right_pairs")
RATES = ("precision", "recall", "f1")


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    """The first 200 records of FEBRL 1: 100 persons with two records each."""
    return sorted(people("1").to_pylist(), key=lambda row: (int(row["person"]), row["record"]))[:200]


def written(file: Path, records: list[dict[str, Any]]) -> str:
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, records[0])
        writer.writeheader()
        writer.writerows(records)
    return str(file)


def test_the_rates_are_over_pairs(records: list[dict[str, Any]], tmp_path: Path) -> None:
    """Ten pairs of one person are labelled as two, and two pairs of two persons as one."""
    said = [
        {**row, "person": f"other {number}" if number < 20 else row["person"]} for number, row in enumerate(records)
    ]
    said[0]["person"] = said[2]["person"] = "a"
    said[4]["person"] = said[6]["person"] = "b"
    found = evaluate(rows=written(tmp_path / "rows.csv", said), step=STEP, truth="person")
    assert [found[name] for name in COUNTS] == [92, 100, 90]
    assert [found[name] for name in RATES] == pytest.approx([90 / 100, 90 / 92, 180 / 192], abs=1e-6)


ODD = [
    {"id": "9007199254740993", "name": "#3", "place": 'the "Inn", at\nthe lake', "thing": "1"},
    {"id": "9007199254740992", "name": "#3", "place": "", "thing": "1"},
    {"id": "100000000000000000001", "name": "# x", "place": "a;b|c\td", "thing": "2"},
    {"id": "100000000000000000002", "name": "'y'", "place": "~/x", "thing": "3"},
]


def as_json(file: Path) -> str:
    """Write the odd records with their ids as numbers, an object a line."""
    lines = [json.dumps(row).replace(f'"{row["id"]}"', row["id"]) for row in ODD]
    file.write_text("".join(f"{line}\n" for line in lines))
    return str(file)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_every_row_of_a_file_is_a_record_and_long_ids_stay_apart(kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"rows.{kind}"
    rows = written(file, ODD) if kind == "csv" else as_json(file)
    found = evaluate(rows=rows, step={"id": "id", "columns": {"name": "name", "place": "address"}}, truth="thing")
    assert (found["records"], found["true_pairs"]) == (4, 1)


@pytest.mark.parametrize("text", ["a title\nid,name,place\n1,a,b\n", "id,name,place\n1,a,b\n2,c,d,e\n"])
def test_a_file_with_lines_of_other_widths_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(JobError, match=r"rows\.csv: cannot be read as CSV with a header"):
        evaluate(rows=str(tmp_path / "rows.csv"), step=STEP, truth="person")


def test_an_unrelated_truth_is_not_found(records: list[dict[str, Any]], tmp_path: Path) -> None:
    persons = [row["person"] for row in records]
    random.Random(1).shuffle(persons)
    said = [{**row, "person": person} for row, person in zip(records, persons, strict=True)]
    assert evaluate(rows=written(tmp_path / "rows.csv", said), step=STEP, truth="person")["f1"] < 0.1


def test_lost_pairs_are_reported_with_the_reason(tmp_path: Path) -> None:
    """Two records that share nothing are not compared; two of one name at two places are compared but not matched."""
    rows = [{"id": f"{n:04d}", "thing": n, "name": f"{n * 7919 % 9973:x}", "place": f"p{n}"} for n in range(1000)]
    rows += [
        {"id": "1000", "thing": 3, "name": "nobody", "place": "nowhere"},
        {"id": "1001", "thing": 4, "name": rows[4]["name"], "place": "elsewhere 77"},
    ]
    step = {"id": "id", "columns": {"name": "name", "place": "address"}}
    found = evaluate(rows=written(tmp_path / "rows.csv", rows), step=step, truth="thing")
    assert found["lost"] == [
        {"left": "0003", "right": "1000", "because": "not compared: no blocking rule brings them together"},
        {"left": "0004", "right": "1001", "because": "place: different"},
    ]
    assert found["lost_because"] == {lost["because"]: 1 for lost in found["lost"]}
    assert "clear matches" in found["warnings"][0]


def test_labels_in_the_format_of_aws_are_judged_within_their_set(records: list[dict[str, Any]], tmp_path: Path) -> None:
    """The same label in two sets has no meaning, and records without a label are not judged."""
    rows = written(tmp_path / "rows.csv", records)
    sets = [
        {"labeling_set_id": number // 10, "label": number // 2 % 5, **row} for number, row in enumerate(records[:20])
    ]
    sets += [{"labeling_set_id": 9, "label": "", **row} for row in records[20:30]]
    found = evaluate(rows=rows, step=STEP, labels=written(tmp_path / "labels.csv", sets))
    assert [found[name] for name in COUNTS] == [10, 10, 10]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": "1", "labeling_set_id": "1", "record": "x"}, "first two columns must be labeling_set_id, label"),
        ({"labeling_set_id": "1", "label": "1", "record": "x"}, "record x is not among the records"),
        ({"labeling_set_id": "1", "label": "1", "rec": "x"}, "column 'record' is not in"),
    ],
)
def test_labels_in_another_format_or_for_other_records_are_an_error(
    records: list[dict[str, Any]], tmp_path: Path, columns: dict[str, str], message: str
) -> None:
    with pytest.raises(JobError, match=message):
        evaluate(
            rows=written(tmp_path / "rows.csv", records),
            step=STEP,
            labels=written(tmp_path / "labels.csv", [columns]),
        )


def test_the_plot_is_a_png_and_the_command_matches_the_call(tmp_path: Path) -> None:
    rows, plot = str(tmp_path / "rows.parquet"), tmp_path / "weights.png"
    pq.write_table(people("1").slice(0, 300), rows)
    request = {"rows": rows, "step": STEP, "truth": "person", "plot": str(plot)}
    command = [sys.executable, "-m", "lake_etl.evaluation"]
    done = subprocess.run(
        command,
        input=json.dumps(request),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2] / "glue_scripts",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == evaluate(rows=rows, step=STEP, truth="person")
    assert plot.read_bytes().startswith(b"\x89PNG")
