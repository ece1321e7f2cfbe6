"""Somebody who may do only what `lake permissions` prints deploys a lake and takes it down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from lake.configuration.reading import load
from lake.embedded.credentials import credentials_file, keys_of
from tests.e2e.conftest import Checkout

pytestmark = pytest.mark.e2e
STACKS = ("storage", "etl")


def become_deployer(checkout: Checkout, policies: Mapping[str, Any]) -> None:
    """Put the keys of a new user, who has these policies, in the place of root's."""
    iam = checkout.aws().iam
    iam.create_user(UserName="deployer")
    for name, document in policies.items():
        arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]["Arn"]
        iam.attach_user_policy(UserName="deployer", PolicyArn=arn)
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    lake = load(checkout.root / "lake.yaml", "local")
    root, file = keys_of(lake), credentials_file(lake)
    text = file.read_text().replace(root.id, key["AccessKeyId"]).replace(root.secret, key["SecretAccessKey"])
    file.write_text(text)


def test_the_printed_policies_are_enough_to_deploy_plan_change_and_end(fresh: Checkout) -> None:
    become_deployer(fresh, {stack: json.loads(fresh.lake("permissions", stack).stdout) for stack in STACKS})
    with pytest.raises(Exception, match="glue:GetDatabases"):
        fresh.aws().glue.get_databases()

    fresh.lake("up", *STACKS)
    assert "nothing to change" in fresh.lake("plan", *STACKS).stdout
    file = fresh.root / "lake.yaml"
    file.write_text(f"{file.read_text()}\nretention: {{log_days: 14}}\n")
    assert fresh.lake("plan", *STACKS, code=2)
    fresh.lake("up", *STACKS)
    fresh.lake("down", *STACKS, "--delete-data")
