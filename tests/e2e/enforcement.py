"""What the roles of a lake may do, beside what they did under IAM enforcement."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local_aws.permissions.decision import Ask, Policies, refusal
from local_aws.permissions.principals import Principal
from tests.e2e.conftest import Checkout
from tests.e2e.deployed import ACCOUNT, Call

ASKED = Path(__file__).with_name("asked_by_aws.toml")
Statement = dict[str, Any]


def statements_by_role(checkout: Checkout) -> dict[str, list[Statement]]:
    """The statements of the lake's roles, by the role's name."""
    iam = checkout.aws().iam
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


def idle(roles: Mapping[str, list[Statement]], made: list[Call]) -> dict[str, list[str]]:
    """The actions of each role that no call fails without, and that no page of AWS asks for."""
    found: dict[str, list[str]] = {}
    for role, statements in roles.items():
        for action in sorted({action for statement in statements for action in statement["Action"]}):
            refused = failing(role, without(statements, action), made)
            assert all(f"not authorized to perform: {action} on resource" in message for message in refused)
            if not refused and action not in _of_aws(role):
                found.setdefault(role, []).append(action)
    return found


def _of_aws(role: str) -> dict[str, str]:
    return {a: page for kind, named in asked_by_aws().items() if role.endswith(kind) for a, page in named.items()}
