"""What the roles of a lake may do, beside what they did under IAM enforcement.

`python -m tests.e2e.enforcement`, some minutes, runs the demo and writes docs/reference/roles.md again: for each action
of each role, what is refused without it.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.permissions.decision import Ask, Policies, refusal
from local_aws.permissions.principals import Principal
from tests.e2e.conftest import ROOT, Checkout, checkout_in
from tests.e2e.deployed import ACCOUNT, Call, calls

ASKED = Path(__file__).with_name("asked_by_aws.toml")
TABLE = ROOT / "docs/reference/roles.md"
PREFIX = "flights-local-"
HEAD = f"""# Roles and their actions

What the roles of the sample may do, and what AWS refuses when one action is taken away. Each action is taken out of its
role, and all that the role asked for in `make demo` under `--enforce-iam` is evaluated again (`python -m
tests.e2e.enforcement` writes this page). An action without which nothing is refused stands here only if a page of
AWS asks for it. The names of the roles begin with `{PREFIX}`.

| role | action | without it |
|---|---|---|
"""
_OF_THIS_RUN = ((r"(:::[^/]+/[^/]+/).*", r"\1*"), (r":key/.*", ":key/*"), (r":log-stream:.*", ":*"))
"""What has another name in each demo."""
Statement = dict[str, Any]


@dataclass(frozen=True)
class TakenAway:
    """An action that a role has no longer.

    Attributes:
        refused: the messages of the calls that fail without it.
        page: of AWS that asks for it; empty if none is known.
    """

    role: str
    action: str
    refused: list[str]
    page: str


def statements_by_role(checkout: Checkout) -> dict[str, list[Statement]]:
    """The statements of the lake's roles, by the role's name."""
    iam = checkout.aws().iam
    found = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    return {name: list(_statements(iam, name)) for name in found if name.startswith(PREFIX)}


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


def taken_away(roles: Mapping[str, list[Statement]], made: list[Call]) -> Iterator[TakenAway]:
    """Each action of each role, one at a time."""
    for role, statements in sorted(roles.items()):
        for action in sorted({action for statement in statements for action in statement["Action"]}):
            refused = failing(role, without(statements, action), made)
            assert all(f"not authorized to perform: {action} on resource" in message for message in refused)
            yield TakenAway(role, action, refused, _of_aws(role).get(action, ""))


def idle(found: Iterable[TakenAway]) -> list[tuple[str, str]]:
    """(role, action) without which no call fails, and that no page of AWS asks for."""
    return [(each.role, each.action) for each in found if not each.refused and not each.page]


def table(found: Iterable[TakenAway]) -> str:
    """The page of the reference."""
    rows = (f"| `{each.role.removeprefix(PREFIX)}` | `{each.action}` | {_effect(each)} |" for each in found)
    return HEAD + "\n".join(rows) + "\n"


def _effect(taken: TakenAway) -> str:
    if not taken.refused:
        return f"nothing is refused; [AWS asks for it]({taken.page})"
    resource = min(taken.refused).partition(" on resource: ")[2].partition(" because ")[0].strip('"')
    for pattern, general in _OF_THIS_RUN:
        resource = re.sub(pattern, general, resource)
    return f"AccessDenied on `{resource}`"


def _of_aws(role: str) -> dict[str, str]:
    return {a: page for kind, named in asked_by_aws().items() if role.endswith(kind) for a, page in named.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for checkout in checkout_in(Path(folder) / "lake"):
            checkout.lake("local", "start", "--enforce-iam")
            checkout.run(sys.executable, "-m", "examples.demo")
            TABLE.write_text(table(taken_away(statements_by_role(checkout), calls(checkout))))


if __name__ == "__main__":
    main()
