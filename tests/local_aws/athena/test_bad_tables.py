"""Tables that cannot be read: the error names the table, the problem and its location."""

from __future__ import annotations

import threading

import pytest

from .conftest import LAKE, Lake, orc, parquet


@pytest.mark.parametrize("kind", ["text", "opencsv", "json", "parquet", "orc"])
def test_a_column_of_an_unknown_type_is_named(lake: Lake, kind: str) -> None:
    name = f"unknown_type_{kind}"
    bodies = {"json": b"{}", "parquet": parquet(id=[1]), "orc": orc(id=[1])}
    lake.put(f"{name}/a", bodies.get(kind, b"1,2\n"))
    lake.table(name, kind, "id int; odd hyperloglog")
    ran = lake.run(f"SELECT * FROM {name}")
    assert ran.state == "FAILED"
    assert ran.reason == (
        f"NOT_SUPPORTED: column odd of table flights.{name} is of the type hyperloglog, which is not known here; "
        "change it in the table"
    )


def test_an_unknown_serde_is_named(lake: Lake) -> None:
    lake.put("unknown_serde/a", "1\n")
    lake.table("unknown_serde", "avro", "id int")
    assert lake.run("SELECT * FROM unknown_serde").reason == (
        "NOT_SUPPORTED: table flights.unknown_serde has the SerDe org.apache.hadoop.hive.serde2.avro.avroserde; "
        "this AWS reads Parquet, ORC, JSON (OpenX, Hive), CSV (LazySimple, OpenCSV) and RegexSerDe"
    )


@pytest.mark.parametrize("rows", ["SEQUENCEFILE", "INPUTFORMAT 'x.SymlinkTextInputFormat' OUTPUTFORMAT 'x.Out'"])
def test_files_that_hold_lines_in_another_way_are_neither_read_nor_written(lake: Lake, rows: str) -> None:
    name = f"held_{rows[:3].lower()}"
    lake.put(f"{name}/a", "1\n")
    lake.rows(f"CREATE EXTERNAL TABLE {name} (id int) STORED AS {rows} LOCATION 's3://{LAKE}/{name}/'")
    for statement in (f"SELECT * FROM {name}", f"INSERT INTO {name} VALUES (2)"):
        reason = lake.run(statement).reason
        assert reason.startswith(f"NOT_SUPPORTED: table flights.{name} has the input format "), reason


def test_archived_objects_are_left_out_as_athena_does(lake: Lake) -> None:
    lake.table("archived", "text", "id int")
    lake.put("archived/a", "1\n")
    lake.s3.put_object(Bucket=LAKE, Key="archived/b", Body=b"2\n", StorageClass="GLACIER")
    assert lake.rows("SELECT * FROM archived") == [["1"]]


def test_a_table_whose_folder_is_empty_has_no_rows(lake: Lake) -> None:
    lake.table("empty_folder", "text", "id int")
    assert lake.rows("SELECT * FROM empty_folder") == []


def test_a_table_whose_bucket_is_missing_is_named_with_the_bucket(lake: Lake) -> None:
    lake.table("gone", "text", "id int", location="s3://no-such-bucket-here/gone/")
    reason = lake.run("SELECT * FROM gone").reason
    assert "no-such-bucket-here" in reason and not reason.startswith("GENERIC_INTERNAL_ERROR"), reason


def test_a_dropped_database_fails_the_next_query_and_is_named(lake: Lake) -> None:
    lake.glue.create_database(DatabaseInput={"Name": "passing"})
    lake.rows(f"CREATE EXTERNAL TABLE passing.t (id int) LOCATION 's3://{LAKE}/passing/'")
    lake.glue.delete_database(Name="passing")
    reason = lake.run("SELECT * FROM passing.t").reason
    assert reason.startswith(("TABLE_NOT_FOUND: Table 'awsdatacatalog.passing.t'", "SCHEMA_NOT_FOUND")), reason


def test_a_file_replaced_while_being_read_gives_old_or_new_rows(lake: Lake) -> None:
    """Never a mixture of both."""
    bodies = ["".join(f"{number},{letter * 50}\n" for number in range(20_000)) for letter in "ab"]
    lake.put("replaced/a.csv", bodies[0])
    lake.table("replaced", "text", "id int; note string", serde={"field.delim": ","})
    over = threading.Event()

    def replace() -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            lake.put("replaced/a.csv", bodies[turn % 2])

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        for _ in range(5):
            rows = lake.rows("SELECT substr(note, 1, 1), count(*), max(length(note)) FROM replaced GROUP BY 1")
            assert rows in ([["a", "20000", "50"]], [["b", "20000", "50"]])
    finally:
        over.set()
        writer.join()
