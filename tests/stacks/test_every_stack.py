"""What holds for each stack of the lake, whatever it owns."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lake.configuration.names import STACKS
from stacks.base import PROVIDER_VERSIONS
from tests.stacks.conftest import ROOT, Stacks, resources, synthesised
from toolchain.provider import RANGE

EXPECTED = {
    "storage": {"aws_kms_key": 1, "aws_kms_alias": 1, "aws_s3_bucket": 4},
    "catalog": {
        "aws_glue_catalog_database": 2,
        "aws_glue_crawler": 6,
        "aws_glue_classifier": 3,
        "aws_iam_role": 1,
    },
    "etl": {"aws_s3_bucket": 1, "aws_glue_job": 1, "aws_cloudwatch_log_group": 2, "aws_s3_object": 3},
    "athena": {"aws_s3_bucket": 1, "aws_athena_workgroup": 1, "aws_athena_named_query": 4},
    "streaming": {
        "aws_kinesis_stream": 3,
        "aws_kinesis_firehose_delivery_stream": 3,
        "aws_kinesisanalyticsv2_application": 1,
        "aws_glue_catalog_table": 3,
        "aws_cloudwatch_log_group": 4,
    },
}


def policies(stacks: Stacks) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every IAM role's policy, with the place it is in."""
    for name, stack in stacks.items():
        for id_, resource in resources(stack, "aws_iam_role_policy").items():
            for statement in json.loads(resource["policy"])["Statement"]:
                yield f"{name}.{id_}", statement


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_has_the_expected_resources(local: Stacks, stack: str) -> None:
    counts = {type_: len(found) for type_, found in local[stack]["resource"].items()}

    assert EXPECTED[stack].items() <= counts.items()


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_has_no_reference_to_another(local: Stacks, stack: str) -> None:
    own = {f"{type_}.{id_}" for type_, found in local[stack]["resource"].items() for id_ in found}
    text = json.dumps(local[stack])

    used = set(re.findall(r"\$\{(aws_\w+\.\w+)\.", text))
    assert used <= own
    assert set(local[stack].get("data", {})) == {"aws_caller_identity"}


def test_no_stack_depends_on_another_in_the_manifest(tmp_path: Path) -> None:
    synthesised(ROOT / "lake.yaml", "local", tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())

    assert all(not stack["dependencies"] for stack in manifest["stacks"].values())


def test_two_synths_give_the_same_bytes(local: Stacks, tmp_path: Path) -> None:
    assert synthesised(ROOT / "lake.yaml", "local", tmp_path) == local


@pytest.mark.parametrize("stack", STACKS)
def test_every_output_is_described(local: Stacks, stack: str) -> None:
    outputs = local[stack]["output"]

    assert outputs
    assert all(output["description"] for output in outputs.values())


@pytest.mark.parametrize("stack", STACKS)
def test_the_provider_tags_everything_with_project_environment_lake_and_stack(local: Stacks, stack: str) -> None:
    [provider] = local[stack]["provider"]["aws"]

    tags = {"project": "flights", "environment": "local", "lake": "flights-local", "stack": stack}
    assert provider["default_tags"] == [{"tags": tags}]


@pytest.mark.parametrize("stack", STACKS)
def test_state_belongs_to_the_environment(local: Stacks, prod: Stacks, stack: str) -> None:
    assert local[stack]["terraform"]["backend"]["local"]["path"].endswith(f".state/local/{stack}.tfstate")
    remote = prod[stack]["terraform"]["backend"]["s3"]
    assert (remote["bucket"], remote["key"]) == ("flights-state-123456789012", f"flights/prod/{stack}.tfstate")
    assert remote["use_lockfile"] is True


def test_an_account_gets_no_endpoint_and_no_keys(prod: Stacks) -> None:
    for stack in prod.values():
        [provider] = stack["provider"]["aws"]
        assert not {"access_key", "secret_key", "endpoints", "profile", "shared_credentials_files"} & set(provider)


def test_the_embedded_aws_gets_the_paths_of_its_credentials_and_config_files(local: Stacks) -> None:
    keys, address = (str(ROOT / ".local/local/aws" / name) for name in ("credentials", "config"))
    for stack in local.values():
        [provider] = stack["provider"]["aws"]
        assert not {"access_key", "secret_key"} & set(provider)
        assert (provider["shared_credentials_files"], provider["shared_config_files"]) == ([keys], [address])
        assert provider["profile"].startswith(f'${{fileexists("{address}") ? "embedded" : ')
        assert "`lake local start`" in provider["profile"]


def test_an_environment_with_an_account_refuses_any_other_login(tmp_path: Path) -> None:
    text = (ROOT / "lake.yaml").read_text().replace("prod: {", 'prod: {account: "123456789012", ')
    file = tmp_path / "lake.yaml"
    file.write_text(text)
    for folder in ("glue_scripts", "flink_app", "queries"):
        (tmp_path / folder).symlink_to(ROOT / folder)

    stacks = synthesised(file, "prod", tmp_path / "out")

    assert all(stack["provider"]["aws"][0]["allowed_account_ids"] == ["123456789012"] for stack in stacks.values())


def test_set_up_looks_for_the_provider_version_of_the_stacks(prod: Stacks) -> None:
    for stack in prod.values():
        assert stack["terraform"]["required_providers"]["aws"]["version"] == PROVIDER_VERSIONS
        assert "required_version" not in stack["terraform"]
    assert PROVIDER_VERSIONS == RANGE


def test_buckets_are_private_encrypted_versioned_tls_only_and_cleaned(prod: Stacks) -> None:
    for stack in prod.values():
        buckets = {f"${{aws_s3_bucket.{id_}.id}}" for id_ in resources(stack, "aws_s3_bucket")}
        for type_ in (
            "aws_s3_bucket_public_access_block",
            "aws_s3_bucket_ownership_controls",
            "aws_s3_bucket_server_side_encryption_configuration",
            "aws_s3_bucket_versioning",
            "aws_s3_bucket_lifecycle_configuration",
            "aws_s3_bucket_policy",
        ):
            assert {resource["bucket"] for resource in resources(stack, type_).values()} == buckets, type_
        for policy in resources(stack, "aws_s3_bucket_policy").values():
            assert '"aws:SecureTransport": "false"' in policy["policy"]


def test_on_the_embedded_aws_buckets_lack_only_lifecycle_rules(local: Stacks, prod: Stacks) -> None:
    """It expires nothing, and the provider waits for 55 seconds until it believes that a rule is there."""
    for name, stack in local.items():
        kinds = {kind for kind in prod[name]["resource"] if kind.startswith("aws_s3_bucket")}
        here = {kind for kind in stack["resource"] if kind.startswith("aws_s3_bucket")}
        assert kinds - here == ({"aws_s3_bucket_lifecycle_configuration"} if kinds else set()), name
        assert here <= kinds


def test_only_the_access_log_bucket_has_no_kms_key(local: Stacks) -> None:
    algorithms = Counter(
        default["sse_algorithm"]
        for stack in local.values()
        for encryption in resources(stack, "aws_s3_bucket_server_side_encryption_configuration").values()
        for rule in encryption["rule"]
        for default in [rule["apply_server_side_encryption_by_default"]]
    )

    assert algorithms == {"aws:kms": 6, "AES256": 1}


def test_only_buckets_with_data_are_protected(local: Stacks, prod: Stacks) -> None:
    """Terraform never empties a data zone; in an environment that is not destroyable it refuses to destroy one."""
    for zone in ("raw", "curated", "quarantine"):
        assert not bucket(local, "storage", zone)["force_destroy"]
        assert bucket(prod, "storage", zone)["lifecycle"] == {"prevent_destroy": True}
        assert "lifecycle" not in bucket(local, "storage", zone)
    assert bucket(local, "athena", "athena")["force_destroy"]
    assert bucket(prod, "athena", "athena")["force_destroy"]


def test_the_key_outlives_the_zones_whose_objects_it_decrypts(local: Stacks, prod: Stacks) -> None:
    """Terraform destroys what depends on the key first, and stops at a zone that is not empty."""
    for stacks in (local, prod):
        (key,), (alias,) = (resources(stacks["storage"], type_) for type_ in ("aws_kms_key", "aws_kms_alias"))
        for zone in ("raw", "curated", "quarantine"):
            assert set(bucket(stacks, "storage", zone)["depends_on"]) == {
                f"aws_kms_key.{key}",
                f"aws_kms_alias.{alias}",
            }


def test_stacks_without_data_can_be_destroyed_in_every_environment(prod: Stacks) -> None:
    for stack in ("catalog", "etl", "athena", "streaming"):
        for resource in resources(prod[stack], "aws_s3_bucket").values():
            assert resource["force_destroy"] and "lifecycle" not in resource
    [workgroup] = resources(prod["athena"], "aws_athena_workgroup").values()
    assert workgroup["force_destroy"]


def test_the_log_bucket_is_created_first(prod: Stacks) -> None:
    """S3 refuses a target that does not exist, and the provider does not try again."""
    for logging in resources(prod["storage"], "aws_s3_bucket_logging").values():
        kinds = {dependency.partition(".")[0] for dependency in logging["depends_on"]}
        assert kinds == {"aws_s3_bucket", "aws_s3_bucket_policy"}
        assert all("logs" in dependency for dependency in logging["depends_on"])


def test_deleted_and_temporary_objects_expire(prod: Stacks) -> None:
    found: dict[str, dict[str, Any]] = {}
    for stack in prod.values():
        buckets = resources(stack, "aws_s3_bucket")
        for lifecycle in resources(stack, "aws_s3_bucket_lifecycle_configuration").values():
            name = buckets[lifecycle["bucket"].split(".")[1]]["bucket"]
            found[name.split("-")[2]] = {rule["id"]: rule for rule in lifecycle["rule"]}
    assert set(found) == {"raw", "curated", "quarantine", "logs", "etl", "athena", "flink"}
    for rules in found.values():
        replaced = rules["drop-what-was-replaced"]
        assert replaced["expiration"] == [{"expired_object_delete_marker": True}]
        assert replaced["noncurrent_version_expiration"] == [{"noncurrent_days": 30}]
    days = {
        name: {rule["filter"][0]["prefix"]: rule["expiration"][0].get("days") for rule in rules.values()}
        for name, rules in found.items()
    }
    assert days["etl"] == {"": None, "temp/": 7}
    assert (days["quarantine"], days["logs"], days["athena"]) == ({"": 365}, {"": 90}, {"": 30})
    assert days["raw"] == days["curated"] == {"": None}


def bucket(stacks: Stacks, stack: str, purpose: str) -> dict[str, Any]:
    found = resources(stacks[stack], "aws_s3_bucket").values()
    return next(resource for resource in found if f"-{purpose}-" in resource["bucket"])


def test_no_role_has_wildcard_actions_or_resources(local: Stacks) -> None:
    unscoped = {"glue:GetClassifier", "glue:GetSecurityConfiguration", "cloudwatch:PutMetricData"}
    for place, statement in policies(local):
        assert not [action for action in statement["Action"] if action.endswith("*")], place
        if "*" in statement["Resource"]:
            assert set(statement["Action"]) <= unscoped, place


def test_only_crawlers_can_create_a_log_group(local: Stacks) -> None:
    makers = {place for place, statement in policies(local) if "logs:CreateLogGroup" in statement["Action"]}

    assert {place.partition(".")[0] for place in makers} == {"catalog"}


def test_a_service_can_assume_a_role_only_for_this_account(local: Stacks) -> None:
    roles = [role for stack in local.values() for role in resources(stack, "aws_iam_role").values()]

    assert len(roles) == 6
    for role in roles:
        [statement] = json.loads(role["assume_role_policy"])["Statement"]
        assert statement["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "${data.aws_caller_identity.account.account_id}"}
        }


def test_the_bindings_load_only_what_is_used() -> None:
    """hashicorp/terraform-cdk#3753: the ordinary import loads more than 2,000 modules."""
    script = "import sys, main; print(sum(name.startswith('cdktf_cdktf_provider_aws') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert int(done.stdout) < 100


def test_synth_for_another_environment_resets_terraforms_backend(tmp_path: Path) -> None:
    from lake.configuration.reading import load
    from stacks.app import forget_other_environments

    folder = tmp_path / "stacks" / "etl" / ".terraform"
    folder.mkdir(parents=True)
    remembered = folder / "terraform.tfstate"
    document = {"backend": {"type": "local", "config": {"path": "/lake/.state/local/etl.tfstate"}}}

    remembered.write_text(json.dumps(document))
    forget_other_environments(load(ROOT / "lake.yaml", "local"), tmp_path)
    assert remembered.exists()
    forget_other_environments(load(ROOT / "lake.yaml", "dev"), tmp_path)
    assert not remembered.exists()
