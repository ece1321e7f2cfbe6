"""A job's steps on a sample: what is read, what comes out, and that nothing else is written."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from lake_etl import sample
from lake_etl.errors import JobError
from lake_etl.preview import preview
from tests.glue_scripts.small_lake import SERDE, _columns

ZONES = ("raw", "curated", "quarantine")
FLIGHTS = {"carrier": "string", "distance": "bigint"}
HEADER = {"skip.header.line.count": "1"}


class Lake:
    """A lake for one test, in S3 and the catalog only: Spark must see nothing but the sample."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder, self.previews = name, folder, 0
        self.s3: Any = boto3.client("s3")
        self.glue: Any = boto3.client("glue")
        for zone in ZONES:
            self.s3.create_bucket(Bucket=f"{name}-{zone}")
        for database in (name, f"{name}_curated"):
            self.glue.create_database(DatabaseInput={"Name": database})

    def put(self, key: str, body: str | bytes) -> None:
        self.s3.put_object(Bucket=f"{self.name}-raw", Key=key, Body=body.encode() if isinstance(body, str) else body)

    def table(self, name: str, format_: str, columns: dict[str, str], keys: tuple[str, ...] = (), **said: str) -> None:
        storage = {
            "Location": f"s3://{self.name}-raw/{name}/",
            "Columns": _columns(columns),
            "SerdeInfo": {"SerializationLibrary": SERDE[format_], "Parameters": {}},
        }
        table = {"Name": name, "StorageDescriptor": storage, "PartitionKeys": _columns(dict.fromkeys(keys, "string"))}
        parameters = {"classification": format_, **said}
        self.glue.create_table(DatabaseName=self.name, TableInput=table | {"Parameters": parameters})

    def preview(self, steps: list[Any], step: int | None = None, rows: int = 20, **spec: Any) -> dict[str, Any]:
        self.previews += 1
        tables = {name: name for name in ("flights", "airlines", "weather")}
        given = {"job": "job", "source": "flights", "tables": tables, "steps": steps, "sink": {"table": "out"}} | spec
        places = {"JOB_NAME": "job", "spec": "", "raw_database": self.name, "curated_database": f"{self.name}_curated"}
        places |= {f"{zone}_bucket": f"{self.name}-{zone}" for zone in ZONES}
        return preview(
            spec=given,
            arguments=[word for name, value in places.items() for word in (f"--{name}", value)],
            buckets=[f"{self.name}-{zone}" for zone in ZONES],
            # Spark remembers where a bucket is, so all previews of a lake use one folder.
            folder=str(self.folder),
            datasets=["airlines"],
            rows=rows,
            step=step,
        )

    def kept(self) -> dict[str, list[str]]:
        """Return everything in S3 and the catalog."""
        objects = {
            zone: [each["Key"] for each in self.s3.list_objects_v2(Bucket=f"{self.name}-{zone}").get("Contents", [])]
            for zone in ZONES
        }
        tables = {
            database: [each["Name"] for each in self.glue.get_tables(DatabaseName=database)["TableList"]]
            for database in (self.name, f"{self.name}_curated")
        }
        return objects | tables


@pytest.fixture
def lake(aws: str, spark: SparkSession, tmp_path: Path, request: pytest.FixtureRequest) -> Lake:
    return Lake(f"preview{abs(hash(request.node.name))}", tmp_path)


def lines(*flights: tuple[str, int]) -> str:
    return "".join(json.dumps({"carrier": carrier, "distance": miles}) + "\n" for carrier, miles in flights)


JOIN = {"join": {"with": "airlines", "on": "carrier", "how": "left", "take": {"name": "airline"}}}


def test_steps_run_on_the_first_rows_of_the_first_files_and_nothing_is_written(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "ROWS", 4)
    monkeypatch.setattr(sample, "FILES", 2)
    for day in "123":
        lake.put(f"flights/day={day}/a.json", lines(("UA", 100), ("AA", 0), ("UA", 300)))
    lake.table("flights", "json", FLIGHTS, ("day",))
    lake.put("airlines/a.csv", "carrier,name\nUA,United\nDL,Delta,Air\n")
    lake.table("airlines", "csv", {"carrier": "string", "name": "string"}, **HEADER)
    before = lake.kept()

    found = lake.preview([{"filter": "distance > 0"}, JOIN])

    assert [(each["dataset"], each["rows"], each["which"]) for each in found["read"]] == [
        ("flights", 4, "the first 2 of 3 files, at most 2 rows each"),
        ("airlines", 2, "its only file"),
    ]
    assert [(each["rows_in"], each["rows_out"], each["change"]) for each in found["steps"]] == [
        (4, 2, "2 filtered"),
        (2, 2, ""),
    ]
    assert sorted((row["distance"], row["airline"], row["day"]) for row in found["rows"]) == [
        (100, "United", "1"),
        (100, "United", "2"),
    ]
    assert found["columns"][1:] == [
        {"name": "distance", "type": "bigint"},
        {"name": "day", "type": "string"},
        {"name": "airline", "type": "string"},
    ]
    assert found["quarantined"]["first"] == [
        {
            "dataset": "airlines",
            "source_file": f"s3://{lake.name}-raw/airlines/a.csv",
            "raw": "DL,Delta,Air",
            "reason": "the row does not have 2 fields",
        }
    ]
    assert lake.kept() == before


def test_the_rows_after_one_step_are_shown(lake: Lake) -> None:
    lake.put("flights/a.json", lines(("UA", 1), ("AA", 2), ("DL", 3)))
    lake.table("flights", "json", FLIGHTS)
    steps = [{"map": {"add": {"none": "null"}}}, {"filter": "distance > 1"}, {"drop_fields": ["no_such"]}]

    assert len(lake.preview(steps, step=1)["rows"]) == 3
    after = lake.preview(steps, step=2, rows=1)

    assert (after["columns"][2], len(after["rows"])) == ({"name": "none", "type": "void"}, 1)
    with pytest.raises(JobError, match=r"step 3 \(drop_fields\): column 'no_such' is not in the data"):
        lake.preview(steps)


def test_rows_that_a_step_quarantines_are_shown_with_their_reason(lake: Lake) -> None:
    lake.put("flights/a.json", '{"carrier": "7", "distance": 1}\n{"carrier": "x", "distance": 2}\n{"carrier": 3')
    lake.table("flights", "json", FLIGHTS)

    found = lake.preview([{"map": {"cast": {"carrier": "int"}, "on_error": "quarantine"}}])

    assert (found["quarantined"]["rows"], found["steps"][0]["change"]) == (2, "1 quarantined")
    assert {bad["reason"] for bad in found["quarantined"]["first"]} == {
        "the line is not valid JSON",
        "column carrier: 'x' is not int",
    }


def test_a_large_partner_is_read_in_the_sources_partitions(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "FILES", 1)
    monkeypatch.setattr(sample, "PARTNERS", 3)
    for day in ("1", "2"):
        lake.put(f"flights/day={day}/a.json", lines(("UA", 1)))
        for hour in range(3):
            lake.put(f"weather/day={day}/hour={hour}/a.json", json.dumps({"carrier": "UA", "temp": hour}))
    lake.table("flights", "json", FLIGHTS, ("day",))
    lake.table("weather", "json", {"carrier": "string", "temp": "int"}, ("day", "hour"))

    found = lake.preview([{"join": {"with": "weather", "on": ["carrier", "day"], "take": ["temp"]}}])

    assert found["read"][1] == {
        "dataset": "weather",
        "files": 3,
        "rows": 3,
        "which": "3 files, in partitions like the source's",
    }
    assert (sorted(row["temp"] for row in found["rows"]), found["steps"][0]["change"]) == (
        [0, 1, 2],
        "2 added by joins",
    )


def test_partitions_that_only_the_catalog_knows_are_read(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source's partitions are outside its folder; the partner's have no names and an escaped value."""
    monkeypatch.setattr(sample, "PARTNERS", 1)
    lake.put("moved/a.json", lines(("UA", 1)))
    lake.put("weather/1/a.json", json.dumps({"carrier": "AA", "temp": 1}))
    lake.put("weather/2/a.json", json.dumps({"carrier": "UA", "temp": 2}))
    lake.table("flights", "json", FLIGHTS, ("day",))
    lake.table("weather", "json", {"carrier": "string", "temp": "int"}, ("day",))
    places = [("flights", "a:2", "moved"), ("weather", "a:1", "weather/1"), ("weather", "a:2", "weather/2")]
    for table, value, folder in places:
        storage = {"Location": f"s3://{lake.name}-raw/{folder}/"}
        partition = {"Values": [value], "StorageDescriptor": storage}
        lake.glue.create_partition(DatabaseName=lake.name, TableName=table, PartitionInput=partition)

    found = lake.preview([{"join": {"with": "weather", "on": ["carrier", "day"], "take": ["temp"]}}])

    assert [(row["carrier"], row["day"], row["temp"]) for row in found["rows"]] == [("UA", "a:2", 2)]
    assert found["read"][1]["which"] == "1 files, in partitions like the source's"


def test_compressed_and_binary_files_are_cut_too(lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sample, "ROWS", 2)
    lake.put("flights/a.json.gz", gzip.compress(lines(("UA", 1), ("UA", 2), ("UA", 3)).encode()))
    lake.table("flights", "json", FLIGHTS)
    pq.write_table(pa.table({"carrier": ["UA"] * 5, "distance": [1] * 5}), tmp_path / "a.parquet")
    lake.put("weather/a.parquet", (tmp_path / "a.parquet").read_bytes())
    lake.table("weather", "parquet", FLIGHTS)
    monkeypatch.setattr("lake_etl.preview.ROWS", 2)

    assert lake.preview([])["read"][0]["rows"] == 2
    assert lake.preview([], source="weather")["read"][0]["rows"] == 2


def test_expectations_are_judged_on_the_sample_and_fail_nothing(lake: Lake) -> None:
    lake.put("flights/a.json", lines(("UA", 1), ("AA", 0)))
    lake.table("flights", "json", FLIGHTS)
    rule = {
        "rule": "ColumnValues",
        "kind": "between",
        "columns": ["distance"],
        "fails": "NOT coalesce(distance >= 1 AND distance <= 9, false)",
    }

    found = lake.preview([], expect=[rule])

    assert [(each["outcome"], each["said"]) for each in found["expectations"]] == [
        ("Failed", "ColumnValues: 1 of 2 rows fail, such as '0'")
    ]
    assert len(found["rows"]) == 2


def test_an_incremental_job_is_shown_as_its_first_run(lake: Lake) -> None:
    lake.put("flights/a.json", lines(("UA", 1)))
    lake.table("flights", "json", FLIGHTS)

    assert lake.preview([{"filter": "distance = 1"}], incremental=True)["steps"][0]["rows_out"] == 1


def test_matches_are_found_in_the_sample(lake: Lake) -> None:
    case = Path(__file__).parents[1] / "golden/find_matches/people"
    people, step = (json.loads((case / name).read_text()) for name in ("input.json", "step.json"))
    lake.put("flights/a.json", "".join(json.dumps(row) + "\n" for row in people["rows"]))
    lake.table("flights", "json", dict(field.split() for field in people["schema"].split(", ")))

    found = lake.preview([step])

    assert found["columns"][-2:] == [
        {"name": "match_id", "type": found["columns"][0]["type"]},
        {"name": "match_confidence_score", "type": "double"},
    ]
    assert found["steps"][0]["rows_out"] == len(people["rows"])


@pytest.mark.parametrize(
    ("steps", "sink", "said"),
    [
        ([JOIN], {}, r"dataset airlines: database \w+ has no table 'airlines'. Run the dataset's crawler first"),
        ([{"filter": "distanse > 0"}], {}, "column 'distanse' is not in the data.*Did you mean 'distance'"),
        ([], {"partition_by": ["year"]}, "column 'year' is not in the data that goes to the sink"),
    ],
)
def test_what_fails_the_run_fails_the_preview(lake: Lake, steps: list[Any], sink: dict[str, Any], said: str) -> None:
    lake.put("flights/a.json", lines(("UA", 1)))
    lake.table("flights", "json", FLIGHTS)

    with pytest.raises(JobError, match=said):
        lake.preview(steps, sink={"table": "out"} | sink)


def test_keys_that_cannot_be_paths_are_left_out(lake: Lake, tmp_path: Path) -> None:
    lake.put("flights/a.json", lines(("UA", 1)))
    lake.put("flights/b", lines(("UA", 3)))
    lake.put("flights/b/c.json", "")
    lake.put("flights/../../../outside.json", lines(("UA", 2)))
    lake.table("flights", "json", FLIGHTS)

    assert lake.preview([])["read"][0]["rows"] == 1
    assert not (tmp_path.parent / "outside.json").exists()
