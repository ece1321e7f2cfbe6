"""Feature groups in a small lake: declared, deployed, filled from a table, read as of a time, and destroyed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from lake.configuration.names import ML
from lake.deploying.leftovers import leftovers
from tests.e2e.conftest import Checkout, own_lake
from tests.local_aws.conftest import until

pytestmark = pytest.mark.e2e
LAKE_YAML = """
project: weather
environments:
  local: {endpoint: "http://127.0.0.1:PORT", region: us-east-1, destroyable: true}
datasets:
  observations: {format: parquet}
jobs:
  clean:
    source: observations
    steps: [{filter: "temp > 10"}]
    sink: {table: clean, feature_group: warm}
feature_groups:
  warm: {identifier: station, time: seen, features: {station: string, temp: fractional}}
  stations:
    identifier: station
    time: seen
    features: {station: string, temp: fractional, gust: integral}
    online: true
"""
SELECT = "SELECT station, seen, temp, gust FROM observations"
COUNT = "SELECT count(*) AS records FROM stations"


def observations() -> pd.DataFrame:
    """What two stations saw in three hours; one saw no gust at noon."""
    rows = [("EWR", 11, 10.5, 3), ("EWR", 12, 11.5, None), ("EWR", 13, 12.5, 5), ("JFK", 12, 9.25, 1)]
    frame = pd.DataFrame(
        [
            {"station": station, "seen": datetime(2024, 5, 1, hour, 0, 0, 250_000), "temp": temp, "gust": gust}
            for station, hour, temp, gust in rows
        ]
    )
    return frame.assign(note="dry").astype({"seen": "datetime64[us]", "gust": "Int64"})


@pytest.fixture
def weather(tmp_path: Path) -> Iterator[Checkout]:
    with own_lake(tmp_path, LAKE_YAML) as weather:
        yield weather


def test_a_feature_group_is_filled_from_a_table_and_read_as_of_a_time(weather: Checkout) -> None:
    weather.lake("up", "storage", "catalog", "athena")
    put_observations(weather)
    refused = weather.lake("features", "ingest", "stations", "--from", SELECT, "--database", "raw", code=1)
    assert "the feature group stations is not there. Deploy it first: `lake up ml`" in refused.stderr
    assert "0 to change, 0 to destroy" in weather.run("cdktf", "plan", ML).stdout
    weather.lake("up", ML)
    assert "No changes." in weather.planned(ML)

    put = weather.lake_json("features", "ingest", "stations", "--from", SELECT, "--database", "raw")

    assert put == {"feature_group": "stations", "records": 4}
    assert weather.lake_json("features", "get", "stations", "EWR") == {
        "station": "EWR", "temp": "12.5", "gust": "5", "seen": "2024-05-01T13:00:00.250Z",
    }  # fmt: skip
    until(lambda: weather.lake_json("query", "--database", "ml", COUNT)["rows"] == [{"records": 4}])
    assert known(weather, "2024-05-01T12:00:00") == [("EWR", 10.5, 3)]
    assert known(weather, "2024-05-01T12:59:59") == [("EWR", 11.5, None), ("JFK", 9.25, 1)]
    assert known(weather, "2024-05-01T10:00:00") == []
    assert "No changes." in weather.planned(ML)

    unknown = weather.lake("features", "ingest", "stations", "--from", "observations", "--database", "raw", code=1)
    assert "observations: the feature group stations has no feature note" in unknown.stderr

    weather.lake("down", ML)
    assert weather.state(ML) == []
    assert [one for one in leftovers(weather.aws()) if ML in one.name.split("-") or "sagemaker" in one.name] == []
    weather.lake("down", "--delete-data")
    assert weather.lake_json("leftovers")["leftovers"] == []


def test_a_job_adds_its_rows_to_a_feature_group_as_its_own_role(weather: Checkout) -> None:
    weather.lake("up", "storage", "catalog", "etl", "athena", ML)
    put_observations(weather)

    weather.lake("run", "clean")

    rows = weather.lake_json("features", "known", "warm", "--at", "2024-05-01T12:30:00")
    assert rows == [{"station": "EWR", "temp": 11.5, "seen": "2024-05-01T12:00:00.250Z"}]
    assert weather.lake_json("query", "SELECT count(*) AS kept FROM clean")["rows"] == [{"kept": 3}]

    file = weather.root / "lake.yaml"
    file.write_text(file.read_text().partition("feature_groups:")[0].replace(", feature_group: warm", ""))
    left = {each["kind"] for each in json.loads(weather.lake("leftovers", "--json", code=1).stdout)["leftovers"]}
    assert "SageMaker feature group" in left
    weather.lake("down", "--delete-data")
    assert weather.aws().sagemaker.list_feature_groups()["FeatureGroupSummaries"] == []
    assert weather.lake_json("leftovers")["leftovers"] == []


def put_observations(weather: Checkout) -> None:
    body = io.BytesIO()
    observations().to_parquet(body, index=False)
    (weather.root / "observations.parquet").write_bytes(body.getvalue())
    weather.lake("put", "observations", "observations.parquet")
    weather.lake("crawl")


def known(weather: Checkout, at: str) -> list[tuple[str, float, int | None]]:
    rows = weather.lake_json("features", "known", "stations", "--at", at)
    return sorted((row["station"], row["temp"], row["gust"]) for row in rows)
