"""What of a stack is found by its name though no state knows it, and whose it is."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.aws import Aws
from lake.configuration.reading import load
from lake.deploying.adoption import orphans
from lake.deploying.keys import alias_counts_from, need_living_keys
from lake.deploying.lock import alone
from lake.deploying.terraform import Terraform
from lake.errors import LakeError
from tests.embedded import lend_keys

LAKE = 'project: {project}\nenvironments: {{local: {{endpoint: "{endpoint}", region: us-east-1}}}}\n'
ACCOUNT = "${data.aws_caller_identity.account.account_id}"


@pytest.fixture
def lake(tmp_path: Path, endpoint: str) -> Aws:
    """A lake of a name of its own in the embedded AWS."""
    file = tmp_path / "lake.yaml"
    lend_keys(endpoint, tmp_path)
    file.write_text(LAKE.format(project=f"lab{uuid.uuid4().hex[:6]}", endpoint=endpoint))
    return Aws(load(file))


def found(lake: Aws, resources: Any, *in_state: str) -> dict[str, tuple[str, bool]]:
    """Import id, and whether it is the lake's own, by address."""
    return {
        orphan.address: (orphan.found.id, orphan.found.belongs_to(lake))
        for orphan in orphans(lake, resources, in_state)
    }


def workgroup(lake: Aws) -> Any:
    return {"aws_athena_workgroup": {"workgroup": {"name": lake.names.workgroup}}}


@pytest.mark.parametrize(
    ("tags", "ours"),
    [
        (lambda lake: {"project": lake.lake.config.project, "environment": "local", "stack": "athena"}, True),
        (lambda lake: {"project": "another", "environment": "local"}, False),
        (lambda lake: {}, False),
    ],
)
def test_a_resource_with_our_name_is_ours_if_it_has_our_tags(
    lake: Aws, tags: Callable[[Aws], dict[str, str]], ours: bool
) -> None:
    given = [{"Key": key, "Value": value} for key, value in tags(lake).items()]
    lake.athena.create_work_group(Name=lake.names.workgroup, Tags=given)

    assert found(lake, workgroup(lake)) == {"aws_athena_workgroup.workgroup": (lake.names.workgroup, ours)}


def test_an_untagged_bucket_with_our_name_is_ours(lake: Aws) -> None:
    lake.s3.create_bucket(Bucket=lake.names.bucket("raw"))
    resources = {"aws_s3_bucket": {"raw": {"bucket": f"{lake.names.prefix}-raw-{ACCOUNT}"}}}

    assert found(lake, resources) == {"aws_s3_bucket.raw": (lake.names.bucket("raw"), True)}


def test_resources_in_the_state_or_missing_or_of_another_kind_are_not_orphans(lake: Aws) -> None:
    other = {"aws_s3_bucket_policy": {"policy": {"bucket": "x"}}}
    assert found(lake, workgroup(lake) | other) == {}
    lake.athena.create_work_group(Name=lake.names.workgroup)
    assert found(lake, workgroup(lake), "aws_athena_workgroup.workgroup") == {}


def test_a_key_is_found_by_its_description_unless_it_is_being_deleted(lake: Aws) -> None:
    description = f"Data of the lake {lake.names.prefix}"
    dying = lake.kms.create_key(Description=description)["KeyMetadata"]["KeyId"]
    lake.kms.schedule_key_deletion(KeyId=dying, PendingWindowInDays=7)
    resources = {"aws_kms_key": {"key": {"description": description}}}
    assert found(lake, resources) == {}

    tags = {"project": lake.lake.config.project, "environment": "local"}
    given = [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
    living = lake.kms.create_key(Description=description, Tags=given)["KeyMetadata"]["KeyId"]
    assert found(lake, resources) == {"aws_kms_key.key": (living, True)}


def tagged_key(lake: Aws) -> str:
    """A key as the storage stack makes it, without its alias."""
    tags = [{"TagKey": key, "TagValue": value} for key, value in lake.lake.tags.items()]
    return str(lake.kms.create_key(Description=lake.names.key, Tags=tags)["KeyMetadata"]["KeyId"])


def test_a_zone_whose_key_is_being_deleted_stops_a_deploy_though_the_alias_is_gone(lake: Aws) -> None:
    dying = tagged_key(lake)
    lake.kms.schedule_key_deletion(KeyId=dying, PendingWindowInDays=7)
    need_living_keys(lake)  # the lake is down: nothing of it is left

    lake.s3.create_bucket(Bucket=lake.names.bucket("curated"))
    with pytest.raises(LakeError, match=f"the KMS key {dying} waits for its deletion .* cancel-key-deletion"):
        need_living_keys(lake)

    tagged_key(lake)
    need_living_keys(lake)  # the dying key is of an earlier lake


def test_the_alias_of_the_lakes_key_is_found_among_the_others(lake: Aws) -> None:
    assert alias_counts_from(lake) is None
    lake.kms.create_alias(AliasName=lake.names.key_alias, TargetKeyId=tagged_key(lake))
    lake.kms.create_alias(AliasName=f"{lake.names.key_alias}-other", TargetKeyId=tagged_key(lake))
    counts = alias_counts_from(lake)
    assert counts is not None and counts > datetime.now(UTC) + timedelta(minutes=4)


def test_references_to_another_resource_of_the_stack_are_resolved(lake: Aws) -> None:
    database = lake.names.database("raw")
    lake.glue.create_database(DatabaseInput={"Name": database})
    lake.glue.create_table(DatabaseName=database, TableInput={"Name": "rates"})
    table = {"name": "rates", "database_name": "${aws_glue_catalog_database.raw.name}"}
    resources = {
        "aws_glue_catalog_database": {"raw": {"name": database}},
        "aws_glue_catalog_table": {"rates": table},
    }

    account = lake.names.account
    assert found(lake, resources)["aws_glue_catalog_table.rates"] == (f"{account}:{database}:rates", True)


def test_a_foreign_resource_with_our_name_stops_the_deploy(lake: Aws) -> None:
    lake.athena.create_work_group(Name=lake.names.workgroup)
    folder = lake.lake.root / "cdktf.out/stacks/athena"
    folder.mkdir(parents=True)
    backend = {"local": {"path": str(lake.lake.root / ".state/local/athena.tfstate")}}
    (folder / "cdk.tf.json").write_text(json.dumps({"terraform": {"backend": backend}, "resource": workgroup(lake)}))

    with (
        alone(lake.lake, "lake up", wait=False, say=print) as lock,
        pytest.raises(LakeError, match="already exists, but its tags do not mark it as part of lab"),
    ):
        Terraform(lake, lambda progress: None, lock).apply(["athena"])

    assert lake.athena.get_work_group(WorkGroup=lake.names.workgroup)["WorkGroup"]["Name"] == lake.names.workgroup
