"""The demo ran under IAM enforcement: each role has what it needs, and nothing that it does not."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local_aws.permissions.decision import Ask, Policies, refusal
from local_aws.permissions.principals import Principal
from tests.e2e.conftest import Checkout
from tests.e2e.deployed import ACCOUNT, Call, calls

ASKED = Path(__file__).with_name("asked_by_aws.toml")
Statement = dict[str, Any]


@pytest.fixture(scope="module")
def made(lake_up: Checkout) -> list[Call]:
    return calls(lake_up)


@pytest.fixture(scope="module")
def roles(lake_up: Checkout) -> dict[str, list[Statement]]:
    """The statements of the lake's roles, by the role's name."""
    iam = lake_up.aws().client("iam")
    found = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    return {name: list(_statements(iam, name)) for name in found if name.startswith("flights-local-")}


def _statements(iam: Any, role: str) -> Iterator[Statement]:
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        yield from (json.loads(document) if isinstance(document, str) else document)["Statement"]


def asked_by_aws() -> dict[str, dict[str, str]]:
    """The page by action, by what the role's name ends with."""
    found: dict[str, dict[str, str]] = tomllib.loads(ASKED.read_text())
    return found


def without(statements: list[Statement], action: str) -> list[Statement]:
    return [{**s, "Action": [each for each in s["Action"] if each != action]} for s in statements]


def failing(role: str, statements: list[Statement], made: list[Call]) -> list[str]:
    """The messages of the calls that a role made, and could not with these statements."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    policies = Policies([{"Statement": statements}], resource=None)
    caller = Principal.of_session(arn, "session")
    root = {"Statement": [{"Effect": "Allow", "Action": "*", "Principal": {"AWS": ACCOUNT}}]}
    found = []
    for call in made:
        if call["Caller"] == arn:
            ask = Ask(call["Action"], call["Resource"], {k: tuple(v) for k, v in call["Keys"].items()})
            of_key = call["Action"].startswith("kms:")
            found.append(refusal(ask, caller, Policies(policies.identity, resource=root if of_key else None)))
    return list(filter(None, found))


def _of_aws(role: str, pages: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    return {action: page for kind, named in pages.items() if role.endswith(kind) for action, page in named.items()}


def test_the_demo_meets_no_refusal(roles: dict[str, list[Statement]], made: list[Call]) -> None:
    assert len(roles) >= 5
    for role, statements in roles.items():
        assert any(call["Caller"].endswith(f"/{role}") for call in made), role
        assert failing(role, statements, made) == []


def test_no_action_can_be_taken_away_that_aws_does_not_ask_for(
    roles: dict[str, list[Statement]], made: list[Call]
) -> None:
    idle = {}
    for role, statements in roles.items():
        actions = {action for statement in statements for action in statement["Action"]}
        for action in sorted(actions):
            refused = failing(role, without(statements, action), made)
            assert all(f"not authorized to perform: {action} on resource" in message for message in refused)
            if not refused and action not in _of_aws(role, asked_by_aws()):
                idle.setdefault(role, []).append(action)
    assert idle == {}


def test_what_aws_asks_for_is_in_a_role_and_named_with_its_page(roles: dict[str, list[Statement]]) -> None:
    for kind, pages in asked_by_aws().items():
        for action, page in pages.items():
            holders = [
                r for r, statements in roles.items() if r.endswith(kind) for s in statements if action in s["Action"]
            ]
            assert holders, f"{kind}: {action} is in no role: take it out of {ASKED.name}"
            assert page.startswith("https://docs.aws.amazon.com/"), action
