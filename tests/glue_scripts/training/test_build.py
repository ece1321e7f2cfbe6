"""A build publishes the same bytes for the same inputs, and nothing where a check fails."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from pyspark.sql import SparkSession

from lake_etl.errors import JobError
from lake_etl.training.job import run
from tests.glue_scripts.small_lake import Lake

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

BEGIN = datetime(2013, 1, 1)
CHECKS = {
    **dict.fromkeys(
        ("group_in_two_parts", "later_than_event", "duplicates", "matches", "predicts_label", "is_label"), "fail"
    ),
    **dict.fromkeys(("label_balance", "drift"), "off"),
    "find_matches": None,
    "most_duplicates": 0.5,
    "most_auc": 0.95,
    "least_share": 0.01,
    "most_psi": 0.25,
}
SPEC: dict[str, Any] = {
    "name": "late",
    "table": "flights",
    "from": "SELECT id, at, late, delay, distance, origin FROM flights",
    "entity": ["id"],
    "time": "at",
    "label": "late",
    "exclude": ["delay"],
    "features": {"weather": {"as_of": "seen", "on": ["origin"], "within_hours": 3.0, "take": {"temp": "temp"}}},
    "split": {"by": "time", "train_until": "2013-01-05", "validate_until": "2013-01-07"},
    "checks": CHECKS,
    "format": "parquet",
}
FLIGHTS = {"id": "int", "at": "timestamp", "late": "boolean", "delay": "double", "distance": "int", "origin": "string"}


def with_weather(**changes: Any) -> dict[str, Any]:
    return {"features": {"weather": SPEC["features"]["weather"] | changes}}


def filled(lake: Lake, origins: tuple[str, ...] = ("EWR", "JFK")) -> Lake:
    """200 flights in eight days, of which some have no label, and the weather of each second hour."""
    rng = random.Random(3)
    flights, weather = [], []
    for number in range(200):
        delay = rng.gauss(10, 20)
        flight = {"id": number, "at": f"{BEGIN + timedelta(hours=number):%Y-%m-%d %H:%M:%S}", "delay": delay}
        late = None if number % 50 == 49 else delay > 15
        flights.append({**flight, "late": late, "distance": rng.randrange(2000), "origin": rng.choice(origins)})
    for hour in range(0, 200, 2):
        seen = f"{BEGIN + timedelta(hours=hour):%Y-%m-%d %H:%M:%S}"
        weather += [{"origin": origin, "seen": seen, "temp": rng.gauss(50, 9)} for origin in origins]
    for name, rows in (("flights", flights), ("weather", weather)):
        lake.put("raw", f"{lake.database}/{name}/a.json", "\n".join(map(json.dumps, rows)))
    lake.table("flights", "json", FLIGHTS)
    lake.table("weather", "json", {"origin": "string", "seen": "timestamp", "temp": "double"})
    return lake


def build(lake: Lake, *more: str, **changes: Any) -> dict[str, Any]:
    spec = lake.spec(**SPEC | {"name": lake.database} | changes)
    return run([*lake.arguments(spec), "--ml_bucket", "models", "--code_version", "c1", *more])


def document(key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(boto3.client("s3").get_object(Bucket="models", Key=key)["Body"].read())
    return found


def test_a_set_is_published_with_a_manifest_that_holds(lake: Lake, spark: SparkSession, storage: Path) -> None:
    report = build(filled(lake))

    root = f"training-sets/{lake.database}/{report['version']}"
    manifest = document(f"{root}/manifest.json")
    assert {part: file["rows"] for part, file in manifest["parts"].items()} == {
        "train": 95,  # four days without hour 49
        "validation": 47,  # two days without hour 99
        "test": 54,  # the other 56 hours without 149 and 199
    }
    assert (report["without_label"], report["findings"]) == (4, [])
    assert manifest["features"] == ["distance", "origin", "temp"]
    assert set(manifest["sources"]) == {"flights", "weather"}
    train = spark.read.parquet(f"s3://models/{root}/train/train.parquet")
    assert train.columns == ["late", "distance", "origin", "temp"]
    assert train.where("temp IS NULL").count() == 0
    assert document(f"training-sets/{lake.database}/latest.json") == {"version": report["version"]}


def test_the_same_inputs_give_the_same_version_and_bytes(lake: Lake, storage: Path) -> None:
    filled(lake)
    first = build(lake)
    folder = storage / "models/training-sets" / lake.database / first["version"]
    before = {path.name: path.read_bytes() for path in folder.rglob("*.parquet")}

    second = build(lake)

    assert second["version"] == first["version"]
    assert {path.name: path.read_bytes() for path in folder.rglob("*.parquet")} == before
    assert len(before) == 3


def test_csv_has_the_label_first_and_no_header(lake: Lake, storage: Path) -> None:
    report = build(filled(lake), format="csv")

    file = storage / "models/training-sets" / lake.database / report["version"] / "train/train.csv"
    lines = file.read_text().splitlines()
    assert len(lines) == 95
    assert {line.split(",")[0] for line in lines} == {"0", "1"}
    assert lines == sorted(lines, key=lambda line: (line.split(",")[0], int(line.split(",")[1])))


def test_a_leak_publishes_nothing_and_is_reported(lake: Lake) -> None:
    with pytest.raises(JobError, match=r"not published: delay alone tells the label: its AUC is 1\.000"):
        build(filled(lake), exclude=[])

    report = document(f"reports/{lake.database}/jr_{lake.database}.json")
    assert [(finding["check"], finding["column"]) for finding in report["findings"]] == [("predicts_label", "delay")]
    with pytest.raises(ClientError):
        document(f"training-sets/{lake.database}/latest.json")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"from": "SELECT id, at, late FROM flihgts"}, "there is no table 'flihgts' in"),
        ({"from": "SELECT id, at, late, nothing FROM flights"}, "from: .*nothing"),
        ({"label": "distance"}, "label distance has the value [0-9]+. Allowed: true and false, or 1 and 0"),
        ({"label": "origin"}, "label origin is string, and has to be true or false, or 1 and 0"),
        ({"time": "distance"}, "time distance is int, and has to be a timestamp or a date"),
        ({"exclude": ["dely"]}, "column 'dely' is not in `from`"),
        ({"split": SPEC["split"] | {"train_until": "2012-01-01"}}, "split: train would have no rows"),
        (
            {"from": "SELECT id, at, false AS late, distance, origin FROM flights", "exclude": []},
            "label late: it is 0 in every row of train. A label needs both classes there",
        ),
        (
            {"from": "SELECT id, at, late, delay, origin, IF(at < '2013-01-05', null, 1) AS gate FROM flights"},
            "feature gate: it is null in every row of train",
        ),
        (with_weather(as_of="origin"), "features weather: as_of origin is string, and has to be a timestamp"),
        (with_weather(as_of="hour"), "features weather: .*hour"),
        (
            {"from": "SELECT id, CAST(at AS timestamp_ntz) AS at, late, delay, origin FROM flights"},
            "features weather: time at is timestamp_ntz and as_of seen is timestamp: one has a time zone",
        ),
        (
            {"checks": CHECKS | {"find_matches": {"nmae": "name"}}},
            "column 'nmae' is not in `from`",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_and_nothing_is_published(
    lake: Lake, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(JobError, match=says):
        build(filled(lake), **changes)

    with pytest.raises(ClientError):
        document(f"training-sets/{lake.database}/latest.json")


def test_rows_to_predict_are_made_as_the_set_is_without_its_label(
    lake: Lake, storage: Path, spark: SparkSession
) -> None:
    filled(lake)
    lake.put("raw", f"{lake.database}/planned/a.json", json.dumps({
        "id": 900, "at": "2013-01-05 03:00:00", "distance": 7, "origin": "EWR"}))  # fmt: skip
    lake.table("planned", "json", {name: FLIGHTS[name] for name in ("id", "at", "distance", "origin")})

    report = build(lake, "--on", "planned", "--where", "distance < 10")

    folder = storage / "models/predicting" / lake.database / report["run_id"]
    [line] = (folder / "input/rows.csv").read_text().splitlines()
    assert line.startswith("1,7,EWR,")
    [key] = spark.read.parquet(f"{report['keys_at']}keys.parquet").collect()
    assert tuple(key) == (1, 900, datetime(2013, 1, 5, 3))
    assert (report["keys"], report["features"]) == ({"id": "int", "at": "timestamp"}, ["distance", "origin", "temp"])
    assert list(document(f"reports/{lake.database}/{report['run_id']}.json")["keys"]) == ["id", "at"]


def lines_to_predict(storage: Path, lake: Lake, report: dict[str, Any]) -> list[str]:
    file = storage / "models/predicting" / lake.database / report["run_id"] / "input/rows.csv"
    return file.read_text().splitlines()


def test_a_feature_of_the_same_table_keeps_its_history_when_rows_are_predicted(lake: Lake, storage: Path) -> None:
    features = {"flights": {"as_of": "at", "on": ["origin"], "within_hours": None, "take": {"distance": "before"}}}
    changes = {
        "from": "SELECT id, at - INTERVAL 1 SECOND AS asked, late, delay, origin FROM flights",
        "time": "asked",
        "features": features,
    }

    report = build(filled(lake, origins=("EWR",)), "--on", "flights", "--where", "id >= 150 AND id < 152", **changes)

    flights = (storage / f"raw/{lake.database}/flights/a.json").read_text().splitlines()
    before = [json.loads(flights[number])["distance"] for number in (149, 150)]
    assert lines_to_predict(storage, lake, report) == [f"1,EWR,{before[0]}", f"2,EWR,{before[1]}"]


def test_rows_to_predict_may_have_their_columns_in_another_order_and_more_of_them(lake: Lake, storage: Path) -> None:
    filled(lake)
    lake.put("raw", f"{lake.database}/planned/a.json", json.dumps({
        "gate": "B", "origin": "EWR", "distance": 7, "at": "2013-01-05 03:00:00", "id": 900}))  # fmt: skip
    lake.table("planned", "json", {"gate": "string", **{name: FLIGHTS[name] for name in reversed(FLIGHTS)}})

    report = build(lake, "--on", "planned", **{"from": "flights"})

    assert report["features"] == ["distance", "origin", "temp"]
    assert lines_to_predict(storage, lake, report)[0].startswith("1,7,EWR,")


def test_rows_that_cannot_be_predicted_are_refused(lake: Lake) -> None:
    filled(lake)
    planned = {"id": 900, "at": "2013-01-05 03:00:00", "distance": 7, "origin": "EWR\nJFK"}
    for table, row in (("two_lines", planned), ("no_time", {**planned, "at": None, "origin": "EWR"})):
        lake.put("raw", f"{lake.database}/{table}/a.json", json.dumps(row))
        lake.table(table, "json", {name: FLIGHTS[name] for name in ("id", "at", "distance", "origin")})

    with pytest.raises(JobError, match="feature origin: 1 values have a line break, and a batch transform"):
        build(lake, "--on", "two_lines")
    with pytest.raises(JobError, match="time at: 1 rows have none"):
        build(lake, "--on", "no_time")
    with pytest.raises(JobError, match="from: it does not read the table weather, so no_time cannot stand in for it"):
        build(lake, "--on", "no_time", table="weather")


def test_a_table_that_lacks_a_feature_is_refused(lake: Lake) -> None:
    filled(lake)

    with pytest.raises(JobError, match="table weather: it has no column at, distance, id, as flights has"):
        build(lake, "--on", "weather")


@pytest.mark.parametrize("format_", ["parquet", "csv"])
def test_later_rows_are_compared_with_train_and_drift_fails_the_run(lake: Lake, format_: str) -> None:
    filled(lake, origins=(" EWR", "JF\nK ", "'L\"G,A"))
    compare = ("--drift", "true", "--on", "flights", "--where")
    with pytest.raises(JobError, match="has no version yet, with which rows could be compared"):
        build(lake, *compare, "true", format=format_)
    version = build(lake, format=format_)["version"]

    # The rows of train themselves: the first four days, without the one that has no label.
    same = build(lake, *compare, "id < 96 AND late IS NOT NULL", format=format_)
    with pytest.raises(
        JobError, match=r"drift: distributed otherwise than in train, by PSI over 0\.25: distance [1-9]"
    ):
        build(lake, *compare, "distance > 1500", format=format_)

    manifest = document(f"training-sets/{lake.database}/{version}/manifest.json")
    assert (same["version"], same["rows"], manifest["parts"]["train"]["rows"]) == (version, 95, 95)
    assert same["indices"] == {"distance": 0.0, "origin": 0.0, "temp": 0.0}
    last = document(f"reports/{lake.database}/drift.json")
    assert last["indices"]["distance"] > last["limit"] == 0.25
