"""Incremental runs take each file exactly once."""

import json
from typing import Any

import boto3
import pytest
from pyspark.sql import SparkSession

from lake_etl.errors import JobError
from lake_etl.job import run
from tests.glue_scripts.small_lake import Lake

COLUMNS = {"id": "bigint", "name": "string"}
STEPS: list[dict[str, Any]] = [
    {"filter": "id > 0"},
    {"join": {"with": "names", "on": "name", "how": "left", "take": {"long": "full"}}},
]


@pytest.fixture
def events(lake: Lake, spark: SparkSession) -> Lake:
    lake.table("events", "json", COLUMNS, {"day": "string"})
    lake.put("raw", f"{lake.database}/names/n.csv", "a,Anna\nb,Berta\n")
    lake.table("names", "csv", {"name": "string", "long": "string"})
    add(lake, "1", "a.json", 1, 2)
    add(lake, "2", "b.json", 3, 0)
    return lake


def add(lake: Lake, day: str, file: str, *ids: int) -> None:
    lines = [json.dumps({"id": id_, "name": "ab"[id_ % 2]}) for id_ in ids]
    lake.put("raw", f"{lake.database}/events/day={day}/{file}", "\n".join(lines))


def job(
    lake: Lake,
    steps: list[dict[str, Any]] | None = None,
    keys: tuple[str, ...] = ("day",),
    expect: list[dict[str, Any]] | None = None,
    format_: str = "parquet",
    **more: str,
) -> Any:
    tables = {name: name for name in ("events", "names")}
    sink = {"table": lake.database, "partition_by": list(keys), "format": format_}
    given = {"steps": STEPS if steps is None else steps, "sink": sink, "expect": expect or []}
    spec = lake.spec(job=lake.database, source="events", tables=tables, incremental=True, **given)
    return run([*lake.arguments(spec), *(word for name, value in more.items() for word in (f"--{name}", value))])


def ids(lake: Lake, spark: SparkSession) -> list[int]:
    return sorted(row.id for row in lake.written(spark).collect())


def test_a_column_named_like_the_batch_key_is_refused(events: Lake, spark: SparkSession) -> None:
    with pytest.raises(JobError, match=r"the data has a column 'batch', .*rename: \{batch: NAME\}"):
        job(events, [{"map": {"add": {"Batch": "1"}}}])


def test_a_run_takes_only_files_that_no_earlier_run_took(events: Lake, spark: SparkSession) -> None:
    first = job(events)
    assert ids(events, spark) == [1, 2, 3]
    again = job(events)
    add(events, "2", "c.json", 4)
    add(events, "3", "of a day that no crawler saw [1].json", 5, -5)
    third = job(events)

    assert ids(events, spark) == [1, 2, 3, 4, 5]
    terms = ("batches", "rows_in", "filtered", "rows_out", "partitions")
    assert [[report[term] for term in terms] for report in (first, again, third)] == [
        [1, 4, 1, 3, 2],
        [0, 0, 0, 0, 0],
        [1, 3, 1, 2, 2],
    ]
    assert sorted(events.locations()) == [("1", "0"), ("2", "0"), ("2", "1"), ("3", "1")]
    assert {row.full for row in events.written(spark).where("id = 5").collect()} == {"Berta"}
    table = boto3.client("glue").get_table(DatabaseName=f"{events.database}_curated", Name=events.database)["Table"]
    assert [(key["Name"], key["Type"]) for key in table["PartitionKeys"]] == [("day", "string"), ("batch", "bigint")]


def test_a_table_without_keys_has_one_partition_per_batch(events: Lake, spark: SparkSession) -> None:
    job(events, keys=())
    add(events, "3", "c.json", 4)
    job(events, keys=())
    assert sorted(events.locations()) == [("0",), ("1",)]
    assert ids(events, spark) == [1, 2, 3, 4]


def test_bad_rows_and_files_of_a_batch_are_accounted_for(events: Lake, spark: SparkSession) -> None:
    events.put("raw", f"{events.database}/events/day=1/bad.json", '{"id": 7, "name": "a"}\n{"id": "x"}\n{"id": ')
    events.put("raw", f"{events.database}/events/day=1/empty.json", "")
    report = job(events)
    assert (report["rows_in"], report["rows_out"], report["quarantined_rows"]) == (7, 4, 2)
    assert report["quarantined"] == {"events": {"rows": 2, "files": 1}, "names": {"rows": 0, "files": 0}}


@pytest.mark.parametrize("lost", [0, 1])
def test_a_published_but_uncommitted_batch_replaces_itself(events: Lake, spark: SparkSession, lost: int) -> None:
    """As after a run that was killed between the two; a joined dataset has changed since, so the rows differ."""
    job(events)
    add(events, "2", "c.json", 4)
    if lost:
        job(events)
    (commit,) = (events.storage / "curated" / "_checkpoints" / events.database).glob(f"*/commits/{lost}")
    commit.unlink()
    (commit.parent / f".{lost}.crc").unlink()
    moved: list[dict[str, Any]] = [*STEPS, {"map": {"add": {"day": "if(id = 4, '9', day)"}}}]
    assert job(events, moved)["batches"] == 2 - lost
    assert ids(events, spark) == [1, 2, 3, 4]
    assert ("2", "1") not in events.locations()


def test_a_full_refresh_rebuilds_the_table(events: Lake, spark: SparkSession) -> None:
    job(events)
    add(events, "2", "c.json", 4)
    job(events)
    wider: list[dict[str, Any]] = [*STEPS, {"map": {"add": {"twice": "id * 2"}}}]
    add(events, "2", "d.json", 5)
    with pytest.raises(JobError, match=r"has other columns than this run's rows: twice differ\. Start the job once"):
        job(events, wider)
    report = job(events, wider, full_refresh="true")
    assert (report["batches"], report["rows_out"]) == (1, 5)
    assert sorted(events.locations()) == [("1", "0"), ("2", "0")]
    assert sorted(row.twice for row in events.written(spark).collect()) == [2, 4, 6, 8, 10]
    assert job(events, wider)["batches"] == 0


@pytest.mark.parametrize("format_", ["csv", "orc", "json", "parquet"])
def test_columns_in_another_order_are_refused_where_athena_finds_them_by_position(
    events: Lake, spark: SparkSession, format_: str
) -> None:
    job(events, [{"sql": "SELECT id, name, day FROM input"}], format_=format_)
    add(events, "2", "c.json", 4)
    swapped = [{"sql": "SELECT name, id, day FROM input"}]
    if format_ in ("csv", "orc"):
        with pytest.raises(JobError, match=r"other columns than this run's rows: id, name differ\. Start the job once"):
            job(events, swapped, format_=format_)
    else:
        assert job(events, swapped, format_=format_)["rows_out"] == 1


def test_without_its_table_a_job_starts_over(events: Lake, spark: SparkSession) -> None:
    job(events)
    boto3.client("glue").delete_table(DatabaseName=f"{events.database}_curated", Name=events.database)
    assert job(events)["rows_out"] == 3


SMALL = {"rule": "small", "kind": "between", "columns": ["id"], "fails": "NOT coalesce(id >= 0 AND id <= 9, false)"}


def test_expectations_are_judged_per_batch(events: Lake, spark: SparkSession) -> None:
    add(events, "1", "large.json", 10)
    expect = [SMALL | {"otherwise": "quarantine"}]
    first = job(events, expect=expect)
    add(events, "2", "c.json", 4, 11, 12)
    second = job(events, expect=expect)
    assert job(events, expect=expect)["batches"] == 0

    assert ids(events, spark) == [1, 2, 3, 4]
    verdicts = [verdict for report in (first, second) for verdict in report["expectations"]]
    assert [(verdict["judged"], verdict["failed"]) for verdict in verdicts] == [(4, 1), (3, 2)]
    assert [report["quarantined_rows"] for report in (first, second)] == [1, 2]
    kept = spark.read.json(f"s3://quarantine/{events.database}/run_date=*/*/").collect()
    assert sorted(json.loads(row.raw)["id"] for row in kept) == [10, 11, 12]


def test_a_batch_that_fails_an_expectation_is_published_once_its_file_is_fixed(
    events: Lake, spark: SparkSession
) -> None:
    job(events, expect=[SMALL])
    add(events, "2", "c.json", 4, 11)
    with pytest.raises(JobError, match="expectations not met, and nothing published: small: 1 of 2 rows fail"):
        job(events, expect=[SMALL])
    assert ids(events, spark) == [1, 2, 3]

    add(events, "2", "c.json", 4, 5)
    add(events, "2", "d.json", 6)
    job(events, expect=[SMALL])
    assert ids(events, spark) == [1, 2, 3, 4, 5, 6]


def test_a_batch_that_fails_an_expectation_is_published_without_its_deleted_file(
    events: Lake, spark: SparkSession
) -> None:
    job(events, expect=[SMALL])
    add(events, "2", "c.json", 11)
    add(events, "3", "d.json", 4)
    with pytest.raises(JobError, match="nothing published"):
        job(events, expect=[SMALL])
    events.remove("raw", f"{events.database}/events/day=2/c.json")
    job(events, expect=[SMALL])
    assert ids(events, spark) == [1, 2, 3, 4]


def test_an_error_in_a_batch_is_reported_as_in_any_run(events: Lake, spark: SparkSession) -> None:
    with pytest.raises(JobError, match=r"step 1 \(filter\): column 'idd' is not in the data.*Did you mean 'id'\?"):
        job(events, [{"filter": "idd > 0"}])
    assert job(events)["rows_out"] == 3


def test_a_step_cannot_read_all_of_the_source(events: Lake, spark: SparkSession) -> None:
    with pytest.raises(JobError, match=r"step 1 \(join\): dataset events is the source of an incremental job"):
        job(events, [{"join": {"with": "events", "on": "id", "how": "semi"}}])


def test_a_partition_outside_the_tables_folder_is_refused(events: Lake, spark: SparkSession) -> None:
    elsewhere: Any = {"Values": ["9"], "StorageDescriptor": {"Location": "s3://raw/elsewhere/day=9"}}
    boto3.client("glue").create_partition(DatabaseName=events.database, TableName="events", PartitionInput=elsewhere)
    with pytest.raises(JobError) as error:
        job(events)
    assert str(error.value) == (
        "dataset events: its partition day=9 lies at s3://raw/elsewhere/day=9/, and an incremental run finds new files "
        f"only in s3://raw/{events.database}/events/. Move its files there, or take `incremental` out of the job"
    )


def test_a_table_that_is_not_incremental_is_refused(events: Lake, spark: SparkSession) -> None:
    spec = {"job": "j", "source": "events", "tables": {"events": "events"}, "steps": []}
    run(events.arguments(events.spec(**spec, sink={"table": events.database, "partition_by": ["day"]})))
    with pytest.raises(JobError, match=r"is partitioned by \['day'\], not by \['day', 'batch'\]"):
        job(events)
