"""What whole runs make of sources that are not as one would like: the same in both languages."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.sql import SparkSession

from tests.glue_scripts.small_lake import Lake

Run = Callable[[list[str]], Any]
"""Gives a run's report, or the words of its error."""
TABLE = "notes_kept"


def arguments(lake: Lake, *steps: dict[str, Any], **more: Any) -> list[str]:
    spec = {"job": lake.database, "source": "notes", "tables": {"notes": "notes"}, "steps": list(steps), **more}
    return lake.arguments(lake.spec(**spec, sink={"table": TABLE}))


def notes(lake: Lake, body: str) -> None:
    lake.put("raw", f"{lake.database}/notes/a.csv", body)
    lake.table("notes", "csv", {"id": "int", "note": "string"}, parameters={"skip.header.line.count": "1"})


def check_records_of_several_lines(lake: Lake, run: Run, spark: SparkSession) -> None:
    notes(lake, 'id,note\n1,"first\nsecond"\n2,"open\n3,lost\n')
    report = run(arguments(lake, multiline=["notes"]))
    assert [report[name] for name in ("rows_in", "rows_out", "quarantined_rows")] == [2, 1, 1], report
    assert [tuple(row) for row in lake.written(spark, TABLE).collect()] == [(1, "first\nsecond")]
    (bad,) = quarantined(lake)
    assert (bad["raw"], bad["reason"]) == ('2,"open\n3,lost\n', "a quote on the line is not closed")


def check_a_file_that_is_replaced(lake: Lake, run: Run) -> None:
    notes(lake, "id,note\n" + "1,x\n" * 150)
    assert run(arguments(lake))["rows_out"] == 150
    before = lake.locations(TABLE)
    slow = {"filter": "java_method('java.lang.Thread', 'sleep', 20L) IS NOT NULL"}
    with replaced_while_written(lake, "id,note\n" + "2,yy\n" * 150):
        told = run(arguments(lake, slow))
    assert told == (
        f"dataset notes: s3://raw/{lake.database}/notes/a.csv was replaced or deleted while the job read it. "
        "Nothing is published. Run the job again"
    )
    assert lake.locations(TABLE) == before
    run(arguments(lake))
    assert lake.locations(TABLE) != before


def check_a_folder_that_is_gone(lake: Lake, run: Run) -> None:
    notes(lake, "id,note\n1,x\n")
    assert run(arguments(lake))["rows_out"] == 1
    before = lake.locations(TABLE)
    lake.remove("raw", f"{lake.database}/notes/a.csv")
    assert run(arguments(lake)) == (
        f"dataset notes: there is no file at s3://raw/{lake.database}/notes/. Nothing is published, and what was there "
        "stays. Put files there, or run the dataset's crawler if they lie elsewhere"
    )
    assert lake.locations(TABLE) == before


def quarantined(lake: Lake) -> list[Any]:
    files = (lake.storage / "quarantine" / lake.database).rglob("*.json")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@contextmanager
def replaced_while_written(lake: Lake, body: str) -> Iterator[None]:
    """The file is another one as soon as the run has begun to write, which is after it has listed its files."""
    table = lake.storage / "curated" / TABLE
    before = set(table.iterdir())

    def replace() -> None:
        for _ in range(1200):
            if set(table.iterdir()) - before:
                lake.put("raw", f"{lake.database}/notes/a.csv", body)
                break
            time.sleep(0.05)

    replacing = threading.Thread(target=replace)
    replacing.start()
    try:
        yield
    finally:
        replacing.join()
