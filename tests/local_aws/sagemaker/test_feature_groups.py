"""Feature Store: groups, records online, and the files that Athena reads."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from botocore.exceptions import ClientError

from tests.embedded import client, store_of
from tests.local_aws.conftest import free_port, started, stopped, until
from tests.local_aws.sagemaker.conftest import BUCKET, ROLE, athena_rows

FEATURES = {"station": "String", "seen": "String", "temp": "Fractional", "gust": "Integral"}
S3, RUNTIME = "s3", "sagemaker-featurestore-runtime"
NOON = "2024-05-01T12:00:00Z"


@pytest.fixture
def runtime(aws: Callable[[str], Any]) -> Any:
    return aws(RUNTIME)


def created(sagemaker: Any, name: str, *, features: dict[str, str] = FEATURES, **more: Any) -> str:
    """A group with both stores, its table in the catalog's database `features`."""
    request = {
        "FeatureGroupName": name,
        "RecordIdentifierFeatureName": "station",
        "EventTimeFeatureName": "seen",
        "FeatureDefinitions": [{"FeatureName": key, "FeatureType": type_} for key, type_ in features.items()],
        "OnlineStoreConfig": {"EnableOnlineStore": True},
        "OfflineStoreConfig": {
            "S3StorageConfig": {"S3Uri": f"s3://{BUCKET}/features"},
            "DataCatalogConfig": {"Catalog": "AwsDataCatalog", "Database": "features", "TableName": name},
        },
        "RoleArn": ROLE,
    }
    given = {key: value for key, value in (request | more).items() if value is not None}
    sagemaker.create_feature_group(**given)
    return name


@pytest.fixture
def database(aws: Callable[[str], Any]) -> str:
    glue = aws("glue")
    with contextlib.suppress(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": "features"})
    return "features"


def record(**values: Any) -> list[dict[str, str]]:
    return [{"FeatureName": name, "ValueAsString": str(value)} for name, value in values.items()]


def online(runtime: Any, group: str, station: str) -> dict[str, str]:
    found = runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString=station).get("Record", [])
    return {each["FeatureName"]: each["ValueAsString"] for each in found}


def test_the_newest_record_is_online_and_a_late_one_does_not_replace_it(
    sagemaker: Any, runtime: Any, database: str
) -> None:
    group = created(sagemaker, "newest")
    for seen, temp in ((NOON, 20.5), ("2024-05-01T13:00:00.500Z", 21.5), ("2024-05-01T11:00:00Z", 19.5)):
        runtime.put_record(FeatureGroupName=group, Record=record(station="EWR", seen=seen, temp=temp, gust=3))

    assert online(runtime, group, "EWR") == {
        "station": "EWR", "seen": "2024-05-01T13:00:00.500Z", "temp": "21.5", "gust": "3",
    }  # fmt: skip
    assert online(runtime, group, "JFK") == {}


def test_a_put_replaces_the_whole_record(sagemaker: Any, runtime: Any, database: str) -> None:
    group = created(sagemaker, "whole")
    runtime.put_record(FeatureGroupName=group, Record=record(station="EWR", seen=NOON, temp=20))
    runtime.put_record(FeatureGroupName=group, Record=record(station="EWR", seen="2024-05-01T12:00:01Z", gust=4))

    assert online(runtime, group, "EWR") == {"station": "EWR", "seen": "2024-05-01T12:00:01Z", "gust": "4"}


def test_a_deleted_record_is_gone_until_a_later_one_comes(sagemaker: Any, runtime: Any, database: str) -> None:
    group = created(sagemaker, "deleted")
    place = {"FeatureGroupName": group, "RecordIdentifierValueAsString": "EWR"}
    runtime.put_record(FeatureGroupName=group, Record=record(station="EWR", seen=NOON))

    runtime.delete_record(**place, EventTime="2024-05-01T12:00:00Z")
    assert online(runtime, group, "EWR") != {}, "a deletion that is not later deletes nothing"
    runtime.delete_record(**place, EventTime="2024-05-01T14:00:00Z")
    assert online(runtime, group, "EWR") == {}
    runtime.put_record(FeatureGroupName=group, Record=record(station="EWR", seen="2024-05-01T13:00:00Z"))
    assert online(runtime, group, "EWR") == {}
    runtime.put_record(FeatureGroupName=group, Record=record(station="EWR", seen="2024-05-01T15:00:00Z"))
    assert online(runtime, group, "EWR")["seen"] == "2024-05-01T15:00:00Z"
    with pytest.raises(ClientError, match="is not older than the deletion"):
        runtime.delete_record(**place, EventTime=NOON, DeletionMode="HardDelete")


def test_records_are_read_and_written_in_batches(sagemaker: Any, runtime: Any, database: str) -> None:
    group = created(sagemaker, "batches")
    wrong = record(station="JFK", seen="yesterday")
    entries = [{"FeatureGroupName": group, "Record": record(station=name, seen=NOON)} for name in ("EWR", "LGA")]

    written = runtime.batch_write_record(Entries=[*entries, {"FeatureGroupName": group, "Record": wrong}])

    [error] = written["Errors"]
    assert (error["Entry"]["Record"], error["ErrorCode"]) == (wrong, "ValidationError")
    asked = [{"FeatureGroupName": group, "RecordIdentifiersValueAsString": ["EWR", "JFK", "LGA"],
              "FeatureNames": ["seen"]}]  # fmt: skip
    found = runtime.batch_get_record(Identifiers=asked)
    assert [each["RecordIdentifierValueAsString"] for each in found["Records"]] == ["EWR", "LGA"]
    assert found["Records"][0]["Record"] == record(seen=NOON)
    assert (found["Errors"], found["UnprocessedIdentifiers"]) == ([], [])
    assert sorted(runtime.list_records(FeatureGroupName=group)["RecordIdentifiers"]) == ["EWR", "LGA"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"station": "EWR"}, "has no value for seen, the event time"),
        ({"station": "EWR", "seen": ""}, "has no value for seen, the event time"),
        ({"seen": NOON}, "has no value for station, the record identifier"),
        ({"station": "", "seen": NOON}, "has no value for station, the record identifier"),
        ({"station": "EWR", "seen": "1714564800"}, "seen is the event time, and '1714564800' is not of the form"),
        ({"station": "EWR", "seen": "2024-05-01 12:00:00"}, "is not of the form"),
        ({"station": "EWR", "seen": "2024-05-01T12:00:00+02:00"}, "is not of the form"),
        ({"station": "EWR", "seen": "2024-13-01T12:00:00Z"}, "is not of the form"),
        ({"station": "EWR", "seen": NOON, "rain": 1}, "has no feature rain"),
        ({"station": "EWR", "seen": NOON, "temp": "warm"}, "temp is Fractional, and 'warm' is none"),
        ({"station": "EWR", "seen": NOON, "gust": "1.5"}, "gust is Integral, and '1.5' is none"),
        ({"station": "EWR", "seen": NOON, "gust": 2**63}, "gust is Integral"),
    ],
)
def test_a_wrong_record_is_refused_and_kept_nowhere(
    sagemaker: Any, runtime: Any, s3: Any, database: str, values: dict[str, Any], says: str
) -> None:
    offline = {"S3StorageConfig": {"S3Uri": f"s3://{BUCKET}/wrong"}, "DisableGlueTableCreation": True}
    group = created(sagemaker, "wrong", OfflineStoreConfig=offline)
    try:
        with pytest.raises(ClientError, match=re.escape(says)) as refused:
            runtime.put_record(FeatureGroupName=group, Record=record(**values))
        assert refused.value.response["Error"]["Code"] == "ValidationError"
        assert runtime.list_records(FeatureGroupName=group)["RecordIdentifiers"] == []
    finally:
        removed(sagemaker, group)
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="wrong/")


def removed(sagemaker: Any, group: str) -> str:
    """Delete a group, by which what waits is written. Returns the prefix of its files."""
    described = sagemaker.describe_feature_group(FeatureGroupName=group)
    sagemaker.delete_feature_group(FeatureGroupName=group)
    place = described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"]
    return str(place).removeprefix(f"s3://{BUCKET}/")


def test_files_lie_where_aws_documents_them_under_the_hour_of_the_event(
    sagemaker: Any, runtime: Any, s3: Any, database: str
) -> None:
    group = created(sagemaker, "layout")
    for seen in (NOON, "2024-05-01T12:59:59.999Z", "2024-05-01T13:00:00Z"):
        runtime.put_record(FeatureGroupName=group, Record=record(station="EWR", seen=seen))

    place = removed(sagemaker, group)

    assert re.fullmatch(r"features/000000000000/sagemaker/us-east-1/offline-store/layout-\d{10}/data", place)
    keys = [
        each["Key"].removeprefix(f"{place}/") for each in s3.list_objects_v2(Bucket=BUCKET, Prefix=place)["Contents"]
    ]
    assert [re.sub("_[0-9a-f]{16}", "_X", key) for key in sorted(keys)] == [
        "year=2024/month=05/day=01/hour=12/20240501T125959Z_X.parquet",
        "year=2024/month=05/day=01/hour=13/20240501T130000Z_X.parquet",
    ]


AS_OF = """
SELECT station, seen, temp FROM (
  SELECT *, row_number() OVER (PARTITION BY station
                               ORDER BY seen DESC, api_invocation_time DESC, write_time DESC) AS place
  FROM {table} WHERE seen <= '{time}')
WHERE place = 1 AND NOT is_deleted ORDER BY station
"""


def test_athena_reads_what_was_known_at_a_time(sagemaker: Any, runtime: Any, database: str, aws: Any) -> None:
    group = created(sagemaker, "as_of")
    for station, hour, temp in (("EWR", 10, 1), ("EWR", 12, 2), ("EWR", 11, 3), ("JFK", 12, 4), ("EWR", 10, 5)):
        values = record(station=station, seen=f"2024-05-01T{hour}:00:00Z", temp=temp)
        runtime.put_record(FeatureGroupName=group, Record=values)
    runtime.delete_record(FeatureGroupName=group, RecordIdentifierValueAsString="JFK", EventTime="2024-05-01T13:00:00Z")
    removed(sagemaker, group)

    def known(hour: int) -> list[tuple[str, str]]:
        rows = athena_rows(aws, AS_OF.format(table="as_of", time=f"2024-05-01T{hour:02}:00:00Z"), "features")
        return [(row["station"], row["temp"]) for row in rows]

    assert known(9) == []
    assert known(10) == [("EWR", "5.0")], "of two records of one time, the one that came later counts"
    assert known(11) == [("EWR", "3.0")]
    assert known(12) == [("EWR", "2.0"), ("JFK", "4.0")]
    assert known(13) == [("EWR", "2.0")], "a record that was deleted is none"


def test_times_and_types_arrive_as_the_table_says(sagemaker: Any, runtime: Any, database: str, aws: Any) -> None:
    group, before = created(sagemaker, "typed"), datetime.now(UTC).replace(tzinfo=None)
    values = record(station="EWR", seen=NOON, temp="0.1", gust=-(2**63))
    runtime.put_record(FeatureGroupName=group, Record=values)
    removed(sagemaker, group)

    [row] = athena_rows(aws, "SELECT * FROM typed", "features")

    assert list(row) == ["station", "seen", "temp", "gust", "write_time", "api_invocation_time", "is_deleted"]
    assert (row["temp"], row["gust"], row["is_deleted"]) == ("0.1", str(-(2**63)), "false")
    called, written = (datetime.fromisoformat(row[name]) for name in ("api_invocation_time", "write_time"))
    assert before.replace(microsecond=0) <= called <= written


def test_records_become_files_without_being_asked(sagemaker: Any, runtime: Any, s3: Any, database: str) -> None:
    group = created(sagemaker, "by_itself")
    runtime.put_record(FeatureGroupName=group, Record=record(station="EWR", seen=NOON))
    described = sagemaker.describe_feature_group(FeatureGroupName=group)
    place = described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"].removeprefix(f"s3://{BUCKET}/")

    assert until(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix=place).get("KeyCount"))


def test_records_that_wait_survive_a_kill_and_are_written_once(tmp_path: Path) -> None:
    port = free_port()
    endpoint, folder = f"http://127.0.0.1:{port}", tmp_path / "aws"
    process = started(port, folder, "--buffer-speed", "1")
    client(S3, endpoint).create_bucket(Bucket=BUCKET)
    offline = {"S3StorageConfig": {"S3Uri": f"s3://{BUCKET}/killed"}, "DisableGlueTableCreation": True}
    group = created(client("sagemaker", endpoint), "killed", OfflineStoreConfig=offline)
    client(RUNTIME, endpoint).put_record(FeatureGroupName=group, Record=record(station="EWR", seen=NOON))
    process.kill()
    process.wait()

    process = started(port, folder)
    try:
        assert online(client(RUNTIME, endpoint), group, "EWR")["seen"] == NOON
        client("sagemaker", endpoint).delete_feature_group(FeatureGroupName=group)
        [file] = client(S3, endpoint).list_objects_v2(Bucket=BUCKET, Prefix="killed/")["Contents"]
        body = client(S3, endpoint).get_object(Bucket=BUCKET, Key=file["Key"])["Body"].read()
        assert pq.read_table(io.BytesIO(body)).column("station").to_pylist() == ["EWR"]
        assert not {place for place in store_of(endpoint) if "records" in place}
    finally:
        stopped(process)


def test_a_store_that_cannot_be_written_is_blocked_and_loses_nothing(sagemaker: Any, runtime: Any, s3: Any) -> None:
    s3.create_bucket(Bucket="ml-away")
    offline = {"S3StorageConfig": {"S3Uri": "s3://ml-away"}, "DisableGlueTableCreation": True}
    group = created(sagemaker, "away", OfflineStoreConfig=offline)
    s3.delete_bucket(Bucket="ml-away")
    runtime.put_record(FeatureGroupName=group, Record=record(station="EWR", seen=NOON))

    def status() -> Any:
        return sagemaker.describe_feature_group(FeatureGroupName=group)["OfflineStoreStatus"]

    blocked = until(lambda: (found := status())["Status"] == "Blocked" and found)
    assert "NoSuchBucket" in blocked["BlockedReason"]
    s3.create_bucket(Bucket="ml-away")
    assert until(lambda: s3.list_objects_v2(Bucket="ml-away").get("KeyCount"))
    assert until(lambda: status() == {"Status": "Active"})


def test_a_group_is_described_as_it_was_sent(sagemaker: Any, database: str) -> None:
    config = {
        "S3StorageConfig": {"S3Uri": f"s3://{BUCKET}/own"},
        "DisableGlueTableCreation": True,
        "DataCatalogConfig": {"Catalog": "AwsDataCatalog", "Database": "mine", "TableName": "own"},
        "TableFormat": "Glue",
    }
    group = created(sagemaker, "described", OfflineStoreConfig=config, Description="Weather")
    found = sagemaker.describe_feature_group(FeatureGroupName=group)

    place = found["OfflineStoreConfig"]["S3StorageConfig"].pop("ResolvedOutputS3Uri")
    assert place.startswith(f"s3://{BUCKET}/own/000000000000/sagemaker/us-east-1/offline-store/described-")
    assert found["OfflineStoreConfig"] == config
    assert (found["FeatureGroupStatus"], found["OfflineStoreStatus"]) == ("Created", {"Status": "Active"})
    assert (found["Description"], found["ThroughputConfig"]) == ("Weather", {"ThroughputMode": "OnDemand"})
    names = [each["FeatureGroupName"] for each in sagemaker.list_feature_groups()["FeatureGroupSummaries"]]
    assert group in names
    sagemaker.delete_feature_group(FeatureGroupName=group)
    with pytest.raises(ClientError) as absent:
        sagemaker.describe_feature_group(FeatureGroupName=group)
    assert absent.value.response["Error"]["Code"] == "ResourceNotFound"


def test_a_feature_is_added_to_the_group_and_its_table(
    sagemaker: Any, runtime: Any, database: str, aws: Callable[[str], Any]
) -> None:
    group = created(sagemaker, "grows")
    sagemaker.update_feature_group(
        FeatureGroupName=group, FeatureAdditions=[{"FeatureName": "rain", "FeatureType": "Fractional"}]
    )
    runtime.put_record(FeatureGroupName=group, Record=record(station="EWR", seen=NOON, rain=0.5))
    removed(sagemaker, group)

    assert [row["rain"] for row in athena_rows(aws, "SELECT rain FROM grows", "features")] == ["0.5"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"RecordIdentifierFeatureName": "id"}, "RecordIdentifierFeatureName is id, which is none of"),
        ({"EventTimeFeatureName": "gust"}, "the event time is Integral. Allowed: String, Fractional"),
        ({"FeatureGroupName": "a group"}, "is no name of a group"),
        ({"OnlineStoreConfig": {}, "OfflineStoreConfig": None}, "an OnlineStoreConfig, an OfflineStoreConfig, or both"),
        ({"OnlineStoreConfig": {"EnableOnlineStore": True, "StorageType": "InMemory"}}, "has no StorageType InMemory"),
        ({"features": FEATURES | {"is_deleted": "String"}}, "'is_deleted' is no name of a feature"),
        (
            {"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": f"s3://{BUCKET}/x"}, "TableFormat": "Iceberg"}},
            "has no TableFormat Iceberg",
        ),
        (
            {"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://none-such/x"}}},
            "the role cannot use the bucket of s3://none-such/x",
        ),
    ],
)
def test_a_group_that_cannot_be_is_refused(sagemaker: Any, database: str, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ClientError, match=re.escape(says)) as refused:
        created(sagemaker, "refused", **change)

    assert refused.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError):
        sagemaker.describe_feature_group(FeatureGroupName="refused")


def test_a_group_without_a_store_refuses_what_asks_for_it(sagemaker: Any, runtime: Any, database: str) -> None:
    group = created(sagemaker, "offline_only", OnlineStoreConfig={"EnableOnlineStore": False})

    with pytest.raises(ClientError, match="has no online store"):
        runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString="EWR")
    with pytest.raises(ClientError, match="has no OnlineStore"):
        runtime.put_record(
            FeatureGroupName=group, Record=record(station="EWR", seen=NOON), TargetStores=["OnlineStore"]
        )
    with pytest.raises(ClientError) as absent:
        runtime.get_record(FeatureGroupName="none", RecordIdentifierValueAsString="EWR")
    assert absent.value.response["Error"]["Code"] == "ResourceNotFound"
