"""Job settings, and jobs of a person's own script, as the etl stack deploys them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stacks.conftest import Stacks, resources, synthesised
from tests.stacks.test_stacks import lake_of

JOBS = """\
datasets: {orders: {format: csv}}
jobs:
  totals:
    source: orders
    language: scala
    sink: {table: totals}
  nightly:
    script: jobs/nightly.py
    py_files: [jobs/rules.py]
    worker_type: G.2X
    workers: 10
    autoscaling: false
    flex: true
    notify_minutes: 5
    retries: 2
    max_concurrent_runs: 3
    arguments: {--threshold: "3"}
    python_modules: [holidays==0.83, pandas]
    spark_conf: {spark.sql.shuffle.partitions: "64", spark.sql.ansi.enabled: "true"}
    encryption: true
  follow: {script: jobs/Follow.scala, type: streaming, worker_type: G.025X}
  tidy: {script: jobs/tidy.py, type: shell}
workflows: {all: {steps: [{run: [totals]}, {run: [nightly, tidy]}]}}
"""


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "jobs").mkdir()
    for name in ("nightly.py", "rules.py", "Follow.scala", "tidy.py"):
        (folder / "jobs" / name).write_text("")
    return synthesised(lake_of(folder, JOBS), "local", folder / "out")


@pytest.fixture
def jobs(stacks: Stacks) -> dict[str, dict[str, Any]]:
    found = resources(stacks["etl"], "aws_glue_job").values()
    return {job["name"].removeprefix("small-local-"): job for job in found}


def test_every_setting_reaches_the_job(jobs: dict[str, dict[str, Any]]) -> None:
    nightly = jobs["nightly"]
    wanted = {
        "worker_type": "G.2X",
        "number_of_workers": 10,
        "execution_class": "FLEX",
        "max_retries": 2,
        "timeout": 60,
        "execution_property": {"max_concurrent_runs": 3},
        "notification_property": {"notify_delay_after": 5},
        "security_configuration": "small-local",
    }
    assert {field: nightly[field] for field in wanted} == wanted
    arguments = nightly["default_arguments"]
    assert arguments["--enable-auto-scaling"] == "false"
    assert arguments["--threshold"] == "3"
    assert arguments["--conf"] == "spark.sql.shuffle.partitions=64 --conf spark.sql.ansi.enabled=true"
    assert arguments["--additional-python-modules"] == "holidays==0.83,pandas"
    assert arguments["--curated_database"] == "small_local_curated"
    assert arguments["--raw_bucket"].startswith("small-local-raw-")
    assert "--spec" not in arguments


def test_a_job_without_settings_has_the_defaults(jobs: dict[str, dict[str, Any]]) -> None:
    totals = jobs["totals"]

    assert (totals["worker_type"], totals["execution_class"], totals["timeout"]) == ("G.1X", "STANDARD", 60)
    assert totals["default_arguments"]["--enable-auto-scaling"] == "true"
    assert "security_configuration" not in totals and "notification_property" not in totals


def test_a_script_has_the_configured_job_type(jobs: dict[str, dict[str, Any]]) -> None:
    assert {name: job["command"]["name"] for name, job in jobs.items()} == {
        "totals": "glueetl",
        "nightly": "glueetl",
        "follow": "gluestreaming",
        "tidy": "pythonshell",
    }
    follow, tidy = jobs["follow"], jobs["tidy"]
    assert (follow["worker_type"], follow["timeout"], "execution_class" in follow) == ("G.025X", 10_080, False)
    assert follow["default_arguments"]["--class"] == "GlueApp"
    assert (tidy["max_capacity"], tidy["command"]["python_version"]) == (0.0625, "3.9")
    assert "worker_type" not in tidy and "--custom-logGroup-prefix" not in tidy["default_arguments"]


def test_the_lakes_own_package_is_uploaded_only_for_jobs_that_use_it(stacks: Stacks, local: Stacks) -> None:
    assert "package" in resources(local["etl"], "aws_s3_object")
    assert set(resources(stacks["etl"], "aws_s3_object")) == {
        *("scala_script", "totals_spec", "nightly_script", "nightly_module_0", "follow_script", "tidy_script"),
    }


def test_the_stack_owns_the_log_groups_of_an_encrypted_job(stacks: Stacks) -> None:
    groups = {group["name"] for group in resources(stacks["etl"], "aws_cloudwatch_log_group").values()}
    apart = "/small-local/glue/nightly/small-local-role/small-local-job"

    assert {name for name in groups if "nightly" in name} == {f"{apart}/output", f"{apart}/error"}
    assert not any("tidy" in name for name in groups)


def test_only_a_lake_with_encrypted_jobs_has_a_security_configuration(stacks: Stacks, local: Stacks) -> None:
    [made] = resources(stacks["etl"], "aws_glue_security_configuration").values()
    kinds = made["encryption_configuration"]
    assert kinds["s3_encryption"]["s3_encryption_mode"] == "SSE-KMS"
    assert kinds["cloudwatch_encryption"]["cloudwatch_encryption_mode"] == "SSE-KMS"
    assert kinds["job_bookmarks_encryption"]["job_bookmarks_encryption_mode"] == "CSE-KMS"
    assert "logs:AssociateKmsKey" in json.dumps(stacks["etl"])
    [key] = resources(stacks["etl"], "aws_kms_key").values()
    assert "logs.us-east-1.amazonaws.com" in key["policy"]

    assert resources(local["etl"], "aws_glue_security_configuration") == {}
    assert "logs:AssociateKmsKey" not in json.dumps(local["etl"])
    assert resources(local["etl"], "aws_kms_key") == {}


def test_the_logs_of_an_encrypted_job_have_their_own_key(stacks: Stacks) -> None:
    [(id_, _)] = resources(stacks["etl"], "aws_kms_key").items()
    [made] = resources(stacks["etl"], "aws_glue_security_configuration").values()
    arn = f"${{aws_kms_key.{id_}.arn}}"
    assert made["encryption_configuration"]["cloudwatch_encryption"]["kms_key_arn"] == arn
    for group in resources(stacks["etl"], "aws_cloudwatch_log_group").values():
        assert group.get("kms_key_id") == (arn if "nightly" in group["name"] else None)


def test_only_shell_jobs_can_write_to_their_shared_log_groups(stacks: Stacks, local: Stacks) -> None:
    assert "/aws-glue/python-jobs/*" in json.dumps(stacks["etl"])
    assert "/aws-glue/python-jobs/*" not in json.dumps(local["etl"])


def test_a_workflow_runs_scripts_too(stacks: Stacks) -> None:
    _, second = resources(stacks["etl"], "aws_glue_trigger").values()

    assert [action["job_name"] for action in second["actions"]] == ["small-local-nightly", "small-local-tidy"]
