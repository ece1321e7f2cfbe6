"""Feature groups in the stacks: the group, its table, and roles that may only add to its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lake.configuration.names import ML
from tests.stacks.conftest import Stacks, resources
from tests.stacks.test_ml import EXAMPLE, statements, synthesised

LAKE = """
project: weather
environments: {dev: {region: eu-west-1}}
datasets: {observations: {format: parquet}}
jobs:
  clean: {source: observations, sink: {table: clean, feature_group: hourly}}
feature_groups:
  stations: {identifier: station, time: seen, features: {station: string, temp: fractional}, online: true}
  hourly: {identifier: station, time: seen, features: {station: string, gust: integral}}
"""


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    folder = tmp_path_factory.mktemp("weather")
    (folder / "lake.yaml").write_text(LAKE)
    (folder / "queries").mkdir()
    return synthesised(folder / "lake.yaml", "dev", folder / "out")


def test_a_lake_with_feature_groups_alone_has_an_ml_stack_without_jobs(stacks: Stacks) -> None:
    counts = {type_: len(found) for type_, found in stacks[ML]["resource"].items() if "s3_bucket_" not in type_}

    assert counts == {
        "aws_s3_bucket": 1,
        "aws_glue_catalog_database": 1,
        "aws_glue_catalog_table": 2,
        "aws_iam_role": 1,
        "aws_iam_role_policy": 1,
        "aws_sagemaker_feature_group": 2,
    }


def test_a_group_keeps_all_records_in_the_bucket_of_the_stack_with_the_lakes_key(stacks: Stacks) -> None:
    groups = {
        group["feature_group_name"]: group for group in resources(stacks[ML], "aws_sagemaker_feature_group").values()
    }

    offline = groups["weather-dev-hourly"]["offline_store_config"]
    assert offline["s3_storage_config"]["s3_uri"].endswith("/features")
    assert offline["s3_storage_config"]["kms_key_id"].endswith(":alias/weather-dev")
    assert offline["disable_glue_table_creation"] is True
    assert offline["data_catalog_config"]["database"] == "weather_dev_ml"
    assert offline["data_catalog_config"]["table_name"] == "hourly"


def test_only_a_group_that_asks_for_it_is_online(stacks: Stacks) -> None:
    groups = resources(stacks[ML], "aws_sagemaker_feature_group").values()
    online = {group["feature_group_name"]: group.get("online_store_config") for group in groups}

    assert online == {"weather-dev-stations": {"enable_online_store": True}, "weather-dev-hourly": None}


def test_the_table_lies_where_feature_store_puts_the_files(stacks: Stacks) -> None:
    tables = {table["name"]: table for table in resources(stacks[ML], "aws_glue_catalog_table").values()}
    storage = tables["stations"]["storage_descriptor"]

    assert "resolved_output_s3_uri" in storage["location"]
    assert {column["name"]: column["type"] for column in storage["columns"]} == {
        "station": "string", "temp": "double", "seen": "string",
        "write_time": "timestamp", "api_invocation_time": "timestamp", "is_deleted": "boolean",
    }  # fmt: skip


def test_the_groups_role_adds_files_and_reads_none(stacks: Stacks) -> None:
    allowed = {action: each["Resource"] for each in statements(stacks[ML], "features") for action in each["Action"]}

    assert set(allowed) == {"s3:GetBucketAcl", "s3:PutObject", "s3:PutObjectAcl", "kms:GenerateDataKey"}
    [objects] = allowed["s3:PutObject"]
    assert objects.endswith("/features/*")


def test_a_jobs_role_adds_files_of_features_only_where_a_job_does(stacks: Stacks, tmp_path: Path) -> None:
    def of_features(etl: dict[str, Any]) -> list[Any]:
        [policy] = [one for one in resources(etl, "aws_iam_role_policy").values() if one["name"] == "transform"]
        found = json.loads(policy["policy"])["Statement"]
        return [each for each in found if any("/features/" in arn or "_ml" in arn for arn in each["Resource"])]

    writes = {action for each in of_features(stacks["etl"]) for action in each["Action"]}
    assert {"s3:PutObject", "glue:GetTable"} <= writes
    assert not {action for action in writes if action.startswith(("sagemaker:", "glue:Create", "glue:Update"))}
    assert of_features(synthesised(EXAMPLE, "dev", tmp_path)["etl"]) == []
