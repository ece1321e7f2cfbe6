"""What whoever deploys a lake has to be allowed, as IAM policies, by the types of the resources in its stacks.

permissions.toml has, by type and resource, the actions. tests/e2e/test_deployer.py deploys with nothing else.
"""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lake.configuration.names import Names
from lake.configuration.reading import Lake
from lake.deploying.terraform import synthesise

DATA = Path(__file__).with_name("permissions.toml")
EVERY = "every"
"""The section of what each stack asks for."""
ANY_ACCOUNT = "*"
LONGEST = 6144
"""Characters of a customer managed policy, without white space: a quota of IAM that cannot be raised."""
Policy = dict[str, Any]


def types_of(lake: Lake) -> dict[str, list[str]]:
    """The types of the resources in each of a lake's stacks, as it is synthesised now."""
    with tempfile.TemporaryDirectory() as folder:
        synthesise(lake, outdir=Path(folder))
        files = {stack: Path(folder) / "stacks" / stack / "cdk.tf.json" for stack in lake.config.stacks}
        return {stack: sorted(json.loads(file.read_text())["resource"]) for stack, file in files.items()}


@cache
def known() -> dict[str, dict[str, list[str]]]:
    """By type, and by resource: the actions."""
    found: dict[str, dict[str, list[str]]] = tomllib.loads(DATA.read_text())
    return found


def unknown(types: Iterable[str]) -> list[str]:
    """The types of which nothing is known here, such as those that a lake's own main.py adds."""
    return sorted(set(types) - set(known()))


def policies(lake: Lake, types: Mapping[str, Sequence[str]]) -> dict[str, Policy]:
    """Documents by the name of their policy: one if IAM takes it, else one or more for each stack.

    Their ARNs name the account if the environment does, else any.

    Args:
        types: of the resources, by stack.
    """
    names = Names(
        lake.config.project, lake.deployment, lake.environment.region, lake.environment.account or ANY_ACCOUNT
    )
    state = _of_state(lake, names)
    united = _split([*_statements({each for found in types.values() for each in found}, names), *state])
    if len(united) == 1:
        return {names.prefix: united[0]}
    return {
        f"{names.prefix}-{stack}{f'-{number}' if number > 1 else ''}": document
        for stack, found in types.items()
        for number, document in enumerate(_split([*_statements(found, names), *state]), 1)
    }


def _statements(types: Iterable[str], names: Names) -> list[Policy]:
    actions: dict[str, set[str]] = {}
    for type_, resources in known().items():
        if type_ == EVERY or type_ in types:
            for resource, found in resources.items():
                actions.setdefault(resource, set()).update(found)
    return [_allow(sorted(actions[resource]), [_arn(resource, names)]) for resource in sorted(actions)]


def _split(statements: Iterable[Policy]) -> list[Policy]:
    documents = [_document([])]
    for statement in statements:
        longer = _document([*documents[-1]["Statement"], statement])
        if length(longer) > LONGEST:
            documents.append(_document([statement]))
        else:
            documents[-1] = longer
    return documents


def length(policy: Policy) -> int:
    """As IAM counts: without white space."""
    return len(json.dumps(policy, separators=(",", ":")))


def _document(statements: list[Policy]) -> Policy:
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(actions: list[str], resources: list[str]) -> Policy:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _arn(resource: str, names: Names) -> str:
    """`glue:{region}:{account}:job/{prefix}-*` of a lake."""
    if resource == "*":
        return resource
    return f"arn:{names.partition}:" + resource.format(
        region=names.region, account=names.account, prefix=names.prefix, database=names.database("")
    )


def _of_state(lake: Lake, names: Names) -> list[Policy]:
    """Terraform's backend for S3: the state of each stack, and the lock beside it."""
    if lake.environment.state is None:
        return []
    bucket = f"arn:{names.partition}:s3:::{lake.environment.state.bucket}"
    folder = f"{bucket}/{lake.config.project}/{lake.deployment}/*"
    return [
        _allow(["s3:ListBucket"], [bucket]),
        _allow(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [folder]),
    ]
