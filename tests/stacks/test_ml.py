"""The ml stack: there only for a lake with training sets, on its own, and with roles that may do little."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from lake.configuration.names import ML
from lake.configuration.reading import load
from lake.costs.estimate import BUILD_WORKERS
from tests.stacks.conftest import ROOT, Stacks, resources

EXAMPLE = ROOT / "examples/late_flights/lake.yaml"


def synthesised(file: Path, env: str, outdir: Path) -> Stacks:
    from stacks.app import build_app

    lake = load(file, env)
    build_app(lake, str(outdir)).synth()
    return {stack: json.loads((outdir / "stacks" / stack / "cdk.tf.json").read_text()) for stack in lake.config.stacks}


@pytest.fixture(scope="module")
def ml(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return synthesised(EXAMPLE, "dev", tmp_path_factory.mktemp("dev"))[ML]


@pytest.fixture(scope="module")
def steps(ml: dict[str, Any]) -> dict[str, Any]:
    """The steps of the pipeline by name, those of the branches too."""
    [pipeline] = resources(ml, "aws_sagemaker_pipeline").values()
    found = {step["Name"]: step for step in json.loads(pipeline["pipeline_definition"])["Steps"]}
    decided = found["Decide"]["Arguments"]
    return found | {step["Name"]: step for branch in ("IfSteps", "ElseSteps") for step in decided[branch]}


def test_a_lake_without_training_sets_has_no_such_stack(local: Stacks, tmp_path: Path) -> None:
    assert ML not in load(ROOT / "lake.yaml").config.stacks
    assert ML not in local


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """The stacks in an account that Lake Formation governs, with a job that fills a feature group."""
    folder = tmp_path_factory.mktemp("governed") / "lake"
    shutil.copytree(EXAMPLE.parent, folder)
    text = EXAMPLE.read_text().replace("dev: {region: eu-west-1", "dev: {region: eu-west-1, lake_formation: true")
    text = text.replace("sink: {table: observations}", "sink: {table: observations, feature_group: seen}")
    group = (
        "feature_groups:\n  seen: {identifier: origin, time: time_hour, features: {origin: string, temp: fractional}}"
    )
    (folder / "lake.yaml").write_text(f"{text}\n{group}\n")
    return synthesised(folder / "lake.yaml", "dev", folder / "out")


def test_where_lake_formation_decides_a_build_reads_the_zones_and_a_job_finds_its_feature_group(
    governed: Stacks,
) -> None:
    made = [
        (grant["principal"].rpartition("/")[2], grant["permissions"], grant.get("table", grant.get("database")))
        for grant in resources(governed[ML], "aws_lakeformation_permissions").values()
    ]
    zones = ("lateness_dev_raw", "lateness_dev_curated")
    builds = [("lateness-dev-dataset", ["DESCRIBE"], {"name": zone}) for zone in zones]
    builds += [
        ("lateness-dev-dataset", ["DESCRIBE", "SELECT"], {"database_name": zone, "wildcard": True}) for zone in zones
    ]
    jobs: list[Any] = [("lateness-dev-job", ["DESCRIBE"], {"name": "lateness_dev_ml"})]
    jobs += [("lateness-dev-job", ["DESCRIBE"], {"database_name": "lateness_dev_ml", "wildcard": True})]
    assert sorted(made, key=repr) == sorted(builds + jobs, key=repr)
    for grant in resources(governed[ML], "aws_lakeformation_permissions").values():
        assert {name.partition(".")[0] for name in grant["depends_on"]} == {"aws_glue_catalog_database", "aws_iam_role"}


def test_it_owns_what_the_models_need_and_nothing_with_an_hourly_price(ml: dict[str, Any]) -> None:
    counts = {type_: len(found) for type_, found in ml["resource"].items() if "s3_bucket_" not in type_}

    assert counts == {
        "aws_s3_bucket": 1,
        "aws_s3_object": 5,
        "aws_glue_catalog_database": 1,
        "aws_glue_job": 1,
        "aws_cloudwatch_event_rule": 1,
        "aws_cloudwatch_event_target": 1,
        "aws_cloudwatch_log_group": 2,
        "aws_iam_role": 3,
        "aws_iam_role_policy": 3,
        "aws_sagemaker_model_package_group": 1,
        "aws_sagemaker_pipeline": 1,
    }


def test_a_failed_run_of_a_dataset_job_is_told_to_the_topic_of_the_lake(ml: dict[str, Any]) -> None:
    [rule] = resources(ml, "aws_cloudwatch_event_rule").values()
    [target] = resources(ml, "aws_cloudwatch_event_target").values()
    [job] = resources(ml, "aws_glue_job").values()
    assert json.loads(rule["event_pattern"])["detail"] == {
        "jobName": [job["name"]],
        "state": ["FAILED", "TIMEOUT", "ERROR"],
    }
    assert target["arn"].endswith("-notices")


def test_drift_is_looked_for_on_a_schedule_and_find_matches_brings_its_package(tmp_path: Path) -> None:
    for name in ("train.py", "queries"):
        (tmp_path / name).symlink_to(EXAMPLE.parent / name)
    more = """
    drift: {on: departures, where: "month = 12", schedule: "cron(0 5 * * ? *)"}
    checks: {most_auc: 0.8, find_matches: {carrier: name}}
"""
    text = EXAMPLE.read_text()
    assert "    checks: {most_auc: 0.8}\n" in text
    (tmp_path / "lake.yaml").write_text(text.replace("    checks: {most_auc: 0.8}\n", more))

    ml = synthesised(tmp_path / "lake.yaml", "dev", tmp_path / "out")[ML]

    [job], [trigger] = (resources(ml, type_).values() for type_ in ("aws_glue_job", "aws_glue_trigger"))
    assert job["default_arguments"]["--additional-python-modules"].startswith("duckdb==")
    assert (trigger["type"], trigger["schedule"]) == ("SCHEDULED", "cron(0 5 * * ? *)")
    [action] = trigger["actions"]
    assert action["arguments"] == {"--drift": "true", "--on": "departures", "--where": "month = 12"}


def test_two_synths_give_the_same_bytes(ml: dict[str, Any], tmp_path: Path) -> None:
    assert synthesised(EXAMPLE, "dev", tmp_path)[ML] == ml


def test_no_job_of_a_pipeline_has_a_network(steps: dict[str, Any]) -> None:
    assert steps["Train"]["Arguments"]["EnableNetworkIsolation"] is True
    assert steps["Evaluate"]["Arguments"]["NetworkConfig"] == {"EnableNetworkIsolation": True}


def test_what_a_pipeline_writes_is_encrypted_with_the_lakes_key(steps: dict[str, Any]) -> None:
    keys = {
        steps["Train"]["Arguments"]["OutputDataConfig"]["KmsKeyId"],
        steps["Evaluate"]["Arguments"]["ProcessingOutputConfig"]["KmsKeyId"],
    }

    [key] = keys
    assert key.endswith(":alias/lateness-dev")


def test_a_build_has_the_workers_that_the_costs_reckon_with(ml: dict[str, Any]) -> None:
    [job] = resources(ml, "aws_glue_job").values()
    assert (job["worker_type"], job["number_of_workers"]) == ("G.1X", BUILD_WORKERS)


def test_jobs_run_as_a_role_that_starts_no_jobs(ml: dict[str, Any], steps: dict[str, Any]) -> None:
    assert steps["Train"]["Arguments"]["RoleArn"].endswith(":role/lateness-dev-ml-job")
    assert steps["Evaluate"]["Arguments"]["RoleArn"].endswith(":role/lateness-dev-ml-job")
    actions = {action for statement in statements(ml, "ml-job") for action in statement["Action"]}
    assert not [action for action in actions if action.startswith(("sagemaker:", "iam:"))]


def test_the_role_of_jobs_may_encrypt_by_a_key_that_is_named_by_its_alias(ml: dict[str, Any]) -> None:
    """See KmsKeyId on SageMaker's page on OutputDataConfig."""
    allowed = {action for each in statements(ml, "ml-job") for action in each["Action"] if action.startswith("kms:")}
    assert allowed == {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"}


def statements(ml: dict[str, Any], name: str) -> list[dict[str, Any]]:
    [policy] = [policy for policy in resources(ml, "aws_iam_role_policy").values() if policy["name"] == name]
    found: list[dict[str, Any]] = json.loads(policy["policy"])["Statement"]
    return found


@pytest.mark.parametrize("name", ["dataset", "ml-job", "ml-pipeline"])
def test_no_role_may_do_everything_or_act_on_everything(ml: dict[str, Any], name: str) -> None:
    unscoped = {"cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"}
    for statement in statements(ml, name):
        assert not [action for action in statement["Action"] if action.endswith("*")], statement
        if "*" in statement["Resource"]:
            assert set(statement["Action"]) <= unscoped, statement


def test_only_the_pipeline_passes_a_role_and_only_to_sagemaker(ml: dict[str, Any]) -> None:
    passing = {
        name: [statement for statement in statements(ml, name) if "iam:PassRole" in statement["Action"]]
        for name in ("dataset", "ml-job", "ml-pipeline")
    }

    assert not passing["dataset"] and not passing["ml-job"]
    [statement] = passing["ml-pipeline"]
    assert [arn.rpartition("/")[2] for arn in statement["Resource"]] == ["lateness-dev-ml-job"]
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_a_model_is_registered_where_its_metric_holds(steps: dict[str, Any]) -> None:
    [condition] = steps["Decide"]["Arguments"]["Conditions"]

    assert (condition["Type"], condition["RightValue"]) == ("GreaterThanOrEqualTo", 0.6)
    assert condition["LeftValue"]["Std:JsonGet"]["Path"] == "metrics.auc.value"
    assert steps["Register"]["Arguments"]["ModelPackageGroupName"] == "lateness-dev-late-flights"
    assert "below at_least 0.6" in steps["NotGoodEnough"]["Arguments"]["ErrorMessage"]


def test_the_code_of_a_job_is_a_folder_that_holds_nothing_else(steps: dict[str, Any]) -> None:
    channels = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
        for channel in steps["Train"]["Arguments"]["InputDataConfig"]
    }
    inputs = {
        each["InputName"]: each["S3Input"]["S3Uri"] for each in steps["Evaluate"]["Arguments"]["ProcessingInputs"]
    }

    assert re.search(r"/code/late_flights/[0-9a-f]{16}/$", channels["code"])
    assert re.search(r"/scripts/[0-9a-f]{16}/$", inputs["code"])


def test_hyperparameters_are_json_as_the_toolkit_reads_them(steps: dict[str, Any]) -> None:
    settings = steps["Train"]["Arguments"]["HyperParameters"]

    assert {name: json.loads(value) for name, value in settings.items()} == {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
        "sagemaker_region": "eu-west-1",
        "max-iter": 100,
        "learning-rate": 0.1,
    }


def test_the_stack_refers_to_no_other(ml: dict[str, Any]) -> None:
    assert set(ml["data"]) == {"aws_caller_identity", "aws_sagemaker_prebuilt_ecr_image"}
    assert all(output["description"] for output in ml["output"].values())


def test_a_model_of_xgboost_runs_in_its_container_and_the_role_pulls_no_other(tmp_path: Path) -> None:
    for name in ("train.py", "queries"):
        (tmp_path / name).symlink_to(EXAMPLE.parent / name)
    text = EXAMPLE.read_text()
    assert "    script: train.py\n" in text
    (tmp_path / "lake.yaml").write_text(
        text.replace("    script: train.py\n", "    script: train.py\n    framework: xgboost\n")
    )

    ml = synthesised(tmp_path / "lake.yaml", "dev", tmp_path / "out")[ML]

    [image] = ml["data"]["aws_sagemaker_prebuilt_ecr_image"].values()
    assert (image["repository_name"], image["image_tag"]) == ("sagemaker-xgboost", "3.0-5")
    [pulled] = [each["Resource"] for each in statements(ml, "ml-job") if "ecr:BatchGetImage" in each["Action"]]
    assert [arn.rpartition("/")[2] for arn in pulled] == ["sagemaker-xgboost"]
    [pipeline] = resources(ml, "aws_sagemaker_pipeline").values()
    assert "xgboost_image" in pipeline["pipeline_definition"]
