"""Feature groups: what is wrong in lake.yaml, in the rows of an ingest, and what Feature Store and Athena are asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.configuration.features import columns, definitions
from lake.configuration.job_spec import job_spec
from lake.configuration.names import Names
from lake.configuration.reading import ConfigError, Lake, load
from lake.data.sql import Answer, Column
from lake.errors import BadInput, LakeError
from lake.running import features

LAKE = """\
project: weather
environments: {dev: {region: eu-west-1}}
datasets:
  observations: {format: parquet}
jobs:
  clean:
    source: observations
    sink: {table: clean, SINK}
models: {}
feature_groups:
  stations:
    identifier: station
    time: seen
    features: {station: string, temp: fractional, gust: integral}
    online: ONLINE
"""


def read(folder: Path, *changes: tuple[str, str], sink: str = "format: parquet", online: bool = False) -> Lake:
    text = LAKE.replace("SINK", sink).replace("ONLINE", str(online).lower())
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "lake.yaml").write_text(text)
    (folder / "queries").mkdir(exist_ok=True)
    return load(folder / "lake.yaml")


WRONG: list[tuple[tuple[str, str], str]] = [
    (("identifier: station", "identifier: staiton"), "identifier: there is no feature 'staiton'. Allowed: station"),
    (("identifier: station", "identifier: temp"), "identifier: 'temp' is fractional. An identifier is string or inte"),
    (("time: seen", "time: gust"), "time: 'gust' is a feature too. Remove it from features"),
    (("temp: fractional", "temp: float"), "should be 'string', 'integral' or 'fractional'. Given: 'float'"),
    (("temp: fractional", "is_deleted: string"), "'is_deleted' is a column that Feature Store adds"),
    (("temp: fractional", "hour: integral"), "'hour' is a folder of the offline store"),
    (("temp: fractional", "temp_: fractional"), "'temp_' ends with an underscore"),
    (("time: seen", "time: write_time"), "time: 'write_time' is a column that Feature Store adds"),
    (("  stations:", "  stations_:"), "'stations_' ends with an underscore"),
    (("  stations:", f"  {'s' * 60}:"), "characters long; SageMaker allows 64"),
    (("features: {station: string, temp: fractional, gust: integral}", "features: {}"), "at least 1"),
]


@pytest.mark.parametrize(("change", "says"), WRONG, ids=[says for _, says in WRONG])
def test_a_mistake_is_told_by_its_field(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, change)

    assert says in str(error.value)
    assert "feature_groups." in str(error.value)


@pytest.mark.parametrize(
    ("sink", "online", "says"),
    [
        ("feature_group: staitons", False, "there is no feature group 'staitons'. Allowed: stations"),
        ("feature_group: stations", True, "'stations' is online, and a job writes no record there. Use `lake features"),
        ("feature_group: stations, format: orc", False, "needs the format parquet. The format is orc"),
    ],
)
def test_a_sink_that_cannot_fill_a_feature_group_is_refused(tmp_path: Path, sink: str, online: bool, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, sink=sink, online=online)

    assert f"jobs.clean.sink.feature_group: {says}" in str(error.value)


def test_a_job_is_told_its_feature_group_and_where_the_table_is(tmp_path: Path) -> None:
    lake = read(tmp_path, sink="feature_group: stations")

    spec = job_spec(lake, "clean", lake.config.jobs["clean"])

    assert spec["feature_group"] == {
        "name": "stations",
        "database": "weather_dev_ml",
        "identifier": "station",
        "time": "seen",
        "features": {"station": "string", "temp": "fractional", "gust": "integral"},
    }
    assert "feature_group" not in spec["sink"]  # type: ignore[operator]


def test_the_time_is_text_in_the_table_and_a_feature_of_sagemaker(tmp_path: Path) -> None:
    group = read(tmp_path).config.feature_groups["stations"]

    assert definitions(group) == {"station": "String", "temp": "Fractional", "gust": "Integral", "seen": "String"}
    assert columns(group) == {
        "station": "string", "temp": "double", "gust": "bigint", "seen": "string",
        "write_time": "timestamp", "api_invocation_time": "timestamp", "is_deleted": "boolean",
    }  # fmt: skip


TYPES = {"station": "varchar", "seen": "timestamp", "temp": "double", "gust": "integer"}
ROWS: list[list[str | None]] = [
    ["EWR", "1.5", "3", "2024-05-01 12:00:00.250"],
    ["JFK", None, None, "2024-05-01 12:00:00"],
]


class Athena:
    """Answers the questions of an ingest: the columns, the counts, and the rows."""

    def __init__(self, types: dict[str, str] = TYPES, counts: tuple[int, ...] = (2, 2, 0, 0, 0, 0)) -> None:
        self.types, self.counts = types, counts
        self.asked: list[str] = []

    def query(self, aws: Any, statement: str, database: str = "curated", most: int | None = None) -> Answer:
        self.asked.append(statement)
        if "LIMIT 0" in statement:
            return Answer([Column(name, type_) for name, type_ in self.types.items()], [], 0, 0.0, "")
        return Answer([], [[str(count) for count in self.counts]], 0, 0.0, "")

    def rows_of(self, aws: Any, statement: str, database: str = "curated") -> Any:
        self.asked.append(statement)
        return iter(ROWS)


class Store:
    """The records that were put; `refusal` is the error code of the first put."""

    def __init__(self, refusal: str = "") -> None:
        self.put: list[dict[str, str]] = []
        self.refusal = refusal

    def put_record(self, FeatureGroupName: str, Record: list[dict[str, str]]) -> None:  # noqa: N803
        assert FeatureGroupName == "weather-dev-stations"
        if self.refusal:
            raise ClientError({"Error": {"Code": self.refusal, "Message": "no"}}, "PutRecord")
        self.put.append({each["FeatureName"]: each["ValueAsString"] for each in Record})


def ingested(
    monkeypatch: pytest.MonkeyPatch, folder: Path, athena: Athena, store: Store, source: str = "clean"
) -> dict[str, Any]:
    monkeypatch.setattr(features, "query", athena.query)
    monkeypatch.setattr(features, "rows_of", athena.rows_of)
    aws: Any = SimpleNamespace(lake=read(folder), names=Names("weather", "dev", "eu-west-1", "1"), feature_store=store)
    return features.ingest(aws, "stations", source, lambda *state: None)


def test_rows_become_records_without_their_nulls_and_with_times_in_milliseconds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = Store()

    assert ingested(monkeypatch, tmp_path, Athena(), store) == {"feature_group": "stations", "records": 2}

    assert sorted(store.put, key=str) == [
        {"station": "EWR", "temp": "1.5", "gust": "3", "seen": "2024-05-01T12:00:00.250Z"},
        {"station": "JFK", "seen": "2024-05-01T12:00:00.000Z"},
    ]


@pytest.mark.parametrize(
    ("source", "read_from"),
    [("clean", 'FROM "clean" AS r'), ("SELECT * FROM clean", "FROM (SELECT * FROM clean) AS r")],
)
def test_the_source_is_a_table_or_a_select(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, read_from: str
) -> None:
    athena = Athena()
    ingested(monkeypatch, tmp_path, athena, Store(), source)

    assert all(read_from in statement for statement in athena.asked)


@pytest.mark.parametrize(
    ("types", "says"),
    [
        ({"seen": None}, "clean: there is no column seen, which the feature group stations needs"),
        (
            {"rain": "double"},
            "clean: the feature group stations has no feature rain. Name the columns: SELECT station, temp, gust, seen",
        ),
        (
            {"seen": "varchar"},
            "clean: seen is varchar, and the time of the event in stations. Write CAST(seen AS timestamp) where it",
        ),
        ({"seen": "date"}, "seen is date, and the time of the event in stations"),
        ({"gust": "double"}, "gust is double, and integral in stations. Write CAST(gust AS bigint) where it fits"),
        ({"temp": "bigint"}, "temp is bigint, and fractional in stations"),
        ({"temp": "decimal"}, "temp is decimal, and fractional in stations"),
        ({"station": "integer"}, "station is integer, and string in stations"),
    ],
)
def test_columns_that_are_not_the_groups_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, types: dict[str, str | None], says: str
) -> None:
    store = Store()
    changed = {name: type_ for name, type_ in (TYPES | types).items() if type_}
    with pytest.raises(LakeError) as error:
        ingested(monkeypatch, tmp_path, Athena(changed), store)

    assert says in str(error.value)
    assert store.put == []


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ((9, 9, 1, 0, 0, 0), "stations: 1 of 9 rows have no station, the identifier. Nothing is put"),
        ((9, 9, 0, 2, 0, 0), "stations: 2 of 9 rows have no seen, the time of the event. Nothing is put"),
        ((9, 9, 0, 0, 3, 0), "stations: 3 of 9 rows have a seen finer than a millisecond. Nothing is put"),
        ((9, 9, 0, 0, 0, 4), "stations: 4 of 9 rows have a feature that is not a finite number. Nothing is put"),
        ((9, 8, 0, 0, 0, 0), "stations: 1 of 9 rows have the station and the seen of another row"),
    ],
)
def test_rows_that_are_no_records_put_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, counts: tuple[int, ...], says: str
) -> None:
    store = Store()
    with pytest.raises(LakeError) as error:
        ingested(monkeypatch, tmp_path, Athena(counts=counts), store)

    assert says in str(error.value)
    assert store.put == []


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("ResourceNotFound", "the feature group stations is not there. Deploy it first: `lake up ml`"),
        ("ThrottlingException", "Ingest again for the rest"),
    ],
)
def test_a_put_that_is_refused_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, says: str
) -> None:
    with pytest.raises(LakeError, match=says):
        ingested(monkeypatch, tmp_path, Athena(), Store(code))


def test_a_group_that_lake_yaml_has_not_or_that_is_not_online_is_refused(tmp_path: Path) -> None:
    aws: Any = SimpleNamespace(lake=read(tmp_path))
    with pytest.raises(BadInput, match=r"there is no feature group 'staitons' in lake.yaml. Allowed: stations"):
        features.newest(aws, "staitons", "EWR")
    with pytest.raises(BadInput, match=r"feature_groups.stations.online: the group is not online"):
        features.newest(aws, "stations", "EWR")


@pytest.mark.parametrize(
    "at",
    [
        datetime(2024, 5, 1, 12),
        datetime(2024, 5, 1, 12, tzinfo=UTC),
        datetime(2024, 5, 1, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_a_time_is_asked_for_in_utc_and_a_tie_goes_to_the_record_that_came_later(tmp_path: Path, at: datetime) -> None:
    group = read(tmp_path).config.feature_groups["stations"]

    statement = features.as_of(group, "stations", at)

    assert "from_iso8601_timestamp(\"seen\") <= from_iso8601_timestamp('2024-05-01T12:00:00.000Z')" in statement
    assert 'ORDER BY from_iso8601_timestamp("seen") DESC, api_invocation_time DESC, write_time DESC' in statement
    assert statement.endswith("WHERE place = 1 AND NOT is_deleted")
