"""Jobs that read the table that they write."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from lake_etl.job import run
from tests.glue_scripts.small_lake import Lake

pytestmark = pytest.mark.spark


@pytest.mark.parametrize("keys", [[], ["born"]], ids=["one file", "partitions"])
def test_a_job_that_matches_with_its_own_table_keeps_match_ids_across_runs(
    lake: Lake, spark: SparkSession, keys: list[str]
) -> None:
    people = [
        "id,name,born",
        *(f"{n},person{n % 20:02d} of the {n % 20 * 37:04d},19{n % 20 + 40}0101" for n in range(40)),
    ]
    lake.table(
        "people",
        "csv",
        {"id": "string", "name": "string", "born": "string"},
        parameters={"skip.header.line.count": "1"},
    )
    step = {"find_matches": {"id": "id", "columns": {"name": "name", "born": "date"}, "known": lake.database}}
    spec = {"job": lake.database, "source": "people", "tables": {"people": "people"}, "steps": [step]}
    runs = []
    for lines in (people[:31], [*people, "damaged,row,of,four"]):
        lake.put("raw", f"{lake.database}/people/a.csv", "\n".join(lines) + "\n")
        report = run(lake.arguments(lake.spec(**spec, sink={"table": lake.database, "partition_by": keys})))
        lake.sync("curated", lake.database)
        runs.append((report, {row.id: row.match_id for row in lake.written(spark).collect()}))
    (_, first), (report, second) = runs
    assert (len(first), len(second), report["quarantined_rows"]) == (30, 40, 1)
    assert {id_: second[id_] for id_ in first} == first


@pytest.mark.parametrize("format_", ["parquet", "orc", "json", "csv"])
def test_a_job_reads_its_own_table_back_unchanged(lake: Lake, spark: SparkSession, format_: str) -> None:
    notes = ["a, b", "back\\\\slash", 'say \\"hi\\"', "caf\u00e9", ""]
    lines = [
        f'{{"Id": {number}, "note": "{note}", "p": "S\u00e3o, {number % 2}"}}' for number, note in enumerate(notes)
    ]
    lake.put("raw", f"{lake.database}/notes/a.json", "\n".join([*lines, '{"Id": 5, "p": "x"}']))
    lake.table("notes", "json", {"id": "int", "note": "string", "p": "string"})
    spec = {"job": lake.database, "source": "notes", "tables": {"notes": "notes"}}
    sink = {"table": lake.database, "format": format_, "compression": "none", "partition_by": ["p"]}
    same = f"SELECT i.* FROM input i JOIN {lake.database} o ON i.id = o.id AND i.note <=> o.note AND i.p = o.p"
    reports = []
    for steps in ([{"map": {"rename": {"id": "Id"}}}], [{"sql": same}]):
        reports.append(run(lake.arguments(lake.spec(**spec, steps=steps, sink=sink))))
        lake.sync("curated", lake.database)
    assert [(report["rows_in"], report["rows_out"]) for report in reports] == [(6, 6), (6, 6)]
