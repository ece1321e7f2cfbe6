"""What whole runs make of sources that are not as one would like: the same in both languages."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3
from pyspark.sql import SparkSession

from tests.glue_scripts.shop import Shop
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


GROUP = {
    "identifier": "station",
    "time": "seen",
    "features": {"station": "string", "temp": "fractional", "gust": "integral"},
}
SEEN = "station,seen,temp,gust\n"
NOON = "2024-05-01 12:00:00"
TYPES = {"seen": "timestamp", "temp": "double", "gust": "int"}


def check_rows_in_a_feature_group(lake: Lake, run: Run, spark: SparkSession) -> None:
    place = f"features/{lake.database}"
    group = feature_group(lake, place)
    observations(lake, f"{SEEN}EWR,{NOON}.25,0.1,3\nEWR,2024-05-01 13:00:00,,\nJFK,0999-12-31 23:59:59.999,7,-1\n")
    assert run(arguments(lake, {"map": {"cast": TYPES}}, feature_group=group))["rows_out"] == 3
    assert records(lake, spark, place) == [
        ("EWR", 0.1, 3, "2024-05-01T12:00:00.250Z", False, "2024/05/01/12"),
        ("EWR", None, None, "2024-05-01T13:00:00.000Z", False, "2024/05/01/13"),
        ("JFK", 7.0, -1, "0999-12-31T23:59:59.999Z", False, "0999/12/31/23"),
    ]
    assert run(arguments(lake, {"map": {"cast": TYPES}}, feature_group=group))["rows_out"] == 3
    assert len(records(lake, spark, place)) == 6, "a run adds records, and replaces none"


WRONG_ROWS = (
    (f"EWR,{NOON},1,1\n,{NOON},1,1\n", {}, "1 of 2 rows have no station, the identifier. Nothing is published"),
    (f"EWR,,1,1\nJFK,{NOON},1,1\n", {}, "1 of 2 rows have no seen, the time of the event. Nothing is published"),
    (f"EWR,{NOON}.0001,1,1\n", {}, "1 of 1 rows have a seen finer than a millisecond. Nothing is published"),
    (f"EWR,{NOON},NaN,1\n", {}, "1 of 1 rows have no finite number as temp. Nothing is published"),
    (f"EWR,{NOON},1,1\nEWR,{NOON},2,1\n", {},
     "1 of 2 rows have the station and the seen of another row, and one record is known at a time. "
     "Nothing is published"),
    (f"EWR,{NOON},1,1\n", {"cast": TYPES | {"gust": "double"}},
     "gust is double, and integral there. Nothing is published. Allowed: tinyint, smallint, int, bigint. "
     "Convert it in a map step, cast: {gust: TYPE}"),
    (f"EWR,{NOON},1,1\n", {"cast": {name: TYPES[name] for name in ("temp", "gust")}},
     "seen is string, and the time of the event there. Nothing is published. Allowed: timestamp, timestamp_ntz. "
     "Convert it in a map step, cast: {seen: TYPE}"),
)  # fmt: skip


def check_rows_that_a_feature_group_refuses(lake: Lake, run: Run) -> None:
    place = f"features/{lake.database}"
    group = feature_group(lake, place)
    for rows, changed, says in WRONG_ROWS:
        observations(lake, SEEN + rows)
        assert run(arguments(lake, {"map": {"cast": TYPES, **changed}}, feature_group=group)) == (
            f"feature group stations: {says}"
        )
    missing = run(arguments(lake, {"map": {"cast": TYPES, "delete": ["gust"]}}, feature_group=group))
    assert "the data that goes to the feature group stations" in missing
    gone = run(arguments(lake, {"map": {"cast": TYPES}}, feature_group={**group, "name": "none"}))
    assert gone == (
        f"feature group none: database {group['database']} has no table of it. Nothing is published. "
        "Deploy it first: `lake up ml`"
    )
    assert not (lake.storage / "curated" / place).exists(), "nothing is written"


def check_columns_before_features_are_added(lake: Lake, run: Run) -> None:
    place = f"features/{lake.database}"
    group = feature_group(lake, place)
    rows = f"EWR,{NOON},1,1\n"
    cast, renamed = {"map": {"cast": TYPES}}, {"map": {"add": {"again": "gust"}}}
    for file, steps in (("a.csv", [cast]), ("b.csv", [cast, renamed])):
        observations(lake, SEEN + rows, file)
        told = run(arguments(lake, *steps, incremental=True, feature_group=group))
    assert "other columns than this run's rows: again differ. Start the job once with" in str(told)
    assert len([*(lake.storage / "curated" / place).rglob("*.parquet")]) == 1, "only the first run adds its row"


def check_an_incremental_table_stays_readable(lake: Lake, run: Run) -> None:
    """Its checkpoint outlives a full refresh of nothing, and no batch swaps the columns that Athena counts."""

    def batch(order: str = "id, note", refresh: str = "false") -> Any:
        sink = {"table": TABLE, "format": "csv"}
        spec = {"job": lake.database, "source": "notes", "tables": {"notes": "notes"}, "incremental": True}
        given = lake.spec(**spec, steps=[{"sql": f"SELECT {order} FROM input"}], sink=sink)
        return run([*lake.arguments(given), "--full_refresh", refresh])

    notes(lake, "id,note\n1,x\n")
    assert batch()["rows_out"] == 1
    lake.remove("raw", f"{lake.database}/notes/a.csv")
    lake.put("raw", f"{lake.database}/notes/empty.csv", "")
    assert batch(refresh="true")["batches"] == 0
    lake.put("raw", f"{lake.database}/notes/b.csv", "id,note\n2,y\n")
    assert batch()["rows_out"] == 1
    assert sorted(lake.locations(TABLE)) == [("0",), ("1",)]
    lake.put("raw", f"{lake.database}/notes/c.csv", "id,note\n3,z\n")
    assert "has other columns than this run's rows: id, note differ. Start the job once" in str(batch("note, id"))


LIMITED = (
    "SELECT * FROM input LIMIT 5",
    "SELECT DISTINCT note FROM input LIMIT 1",
    "SELECT * FROM input WHERE id < (SELECT id FROM input LIMIT 1)",
    "SELECT * FROM input TABLESAMPLE (1 ROWS)",
)
READ_TO_THE_END = (
    "SELECT * FROM input ORDER BY id LIMIT 1",
    "SELECT * FROM (SELECT * FROM input ORDER BY id LIMIT 1) WHERE note = 'x'",
    "SELECT note, max(id) AS id FROM input GROUP BY note LIMIT 1",
)


def check_queries_that_end_early(lake: Lake, run: Run) -> None:
    notes(lake, "id,note\n1,x\n2,x\nbad,y\n")
    for query in LIMITED:
        assert str(run(arguments(lake, {"sql": query}))).startswith(
            "step 1 (sql): a LIMIT, or an EXISTS without a condition, ends the reading before the last row"
        ), query
    for query in READ_TO_THE_END:
        report = run(arguments(lake, {"sql": query}))
        assert [report[name] for name in ("rows_in", "rows_out", "quarantined_rows")] == [3, 1, 1], report


def check_a_join_with_a_dataset_without_rows(lake: Lake, run: Run) -> None:
    """With more columns than Spark generates code for, its join ends at once. The source is read all the same."""
    wide = {"id": "int"} | {f"c{number}": "int" for number in range(120)}
    lines = [json.dumps(dict.fromkeys(wide, number)) for number in range(50)]
    lake.put("raw", f"{lake.database}/notes/a.json", "\n".join([*lines, '{"id": "bad"}']))
    lake.table("notes", "json", wide)
    lake.put("raw", f"{lake.database}/none/a.csv", "id,name\n")
    lake.table("none", "csv", {"id": "int", "name": "string"}, parameters={"skip.header.line.count": "1"})
    tables = {"notes": "notes", "none": "none"}
    inner, semi = ({"join": {"with": "none", "on": "id", "how": how}} for how in ("inner", "semi"))
    for step in (inner, semi, {"sql": "SELECT input.* FROM input JOIN none ON input.id = none.id"}):
        report = run(arguments(lake, step, tables=tables))
        assert [report[name] for name in ("rows_in", "rows_out", "quarantined_rows")] == [51, 0, 1], report


def check_a_database_is_read_from_one_snapshot(lake: Lake, shop: Shop, run: Run) -> None:
    """Each statement on the view gives other numbers."""
    shop.run(
        "CREATE SEQUENCE given; "
        "CREATE VIEW notes AS SELECT nextval('given') AS id, 'x' AS note FROM generate_series(1, 50)"
    )
    place = {"notes": {"connection": shop.connection, "table": "public.notes"}}
    itself = {"join": {"with": "notes", "on": "id", "how": "semi"}}
    report = run(arguments(lake, itself, tables={}, databases=place))
    assert (report["rows_in"], report["rows_out"]) == (50, 50), report


def observations(lake: Lake, body: str, file: str = "a.csv") -> None:
    lake.put("raw", f"{lake.database}/notes/{file}", body)
    with suppress(boto3.client("glue").exceptions.AlreadyExistsException):
        columns = {"station": "string", "seen": "string", "temp": "string", "gust": "string"}
        lake.table("notes", "csv", columns, parameters={"skip.header.line.count": "1"})


def feature_group(lake: Lake, place: str) -> dict[str, Any]:
    """The group's part of a specification; its table is in the database of the curated zone."""
    database = f"{lake.database}_curated"
    storage: Any = {"Location": f"s3://curated/{place}/", "Columns": []}
    boto3.client("glue").create_table(
        DatabaseName=database, TableInput={"Name": "stations", "StorageDescriptor": storage}
    )
    return {"name": "stations", "database": database, **GROUP}


def records(lake: Lake, spark: SparkSession, place: str) -> list[tuple[Any, ...]]:
    """Station, temp, gust, seen, is_deleted, and the hour's folder of each record."""
    found = []
    for file in sorted((lake.storage / "curated" / place).rglob("*.parquet")):
        hour = "/".join(part.partition("=")[2] for part in file.parent.parts[-4:])
        rows = spark.read.parquet(f"file://{file}").collect()
        found += [(row["station"], row["temp"], row["gust"], row["seen"], row["is_deleted"], hour) for row in rows]
    return sorted(found, key=str)


def quarantined(lake: Lake) -> list[Any]:
    files = (lake.storage / "quarantine" / lake.database).rglob("*.json")
    return [json.loads(line) for file in files for line in file.read_text().split("\n") if line]


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
