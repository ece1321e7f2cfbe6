"""What whoever deploys a lake has to be allowed: an IAM policy, from the calls that a deploy really made.

permissions.json has, by resource, the actions of `lake up` and `lake down`. `python -m tests.e2e.deployed` makes it
again: it deploys a lake with everything into an embedded AWS that evaluates IAM, and asks that what was called for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lake.configuration.names import Names
from lake.configuration.reading import Lake

DATA = Path(__file__).with_name("permissions.json")
ANY_ACCOUNT = "*"
Policy = dict[str, Any]


def policy(lake: Lake) -> Policy:
    """The policy's document. Its ARNs name the account if the environment does, else any."""
    names = Names(
        lake.config.project, lake.deployment, lake.environment.region, lake.environment.account or ANY_ACCOUNT
    )
    found: Mapping[str, list[str]] = json.loads(DATA.read_text())["actions"]
    statements = [_allow(actions, [_filled(resource, names)]) for resource, actions in found.items()]
    return {"Version": "2012-10-17", "Statement": [*statements, *_of_state(lake, names)]}


def _allow(actions: list[str], resources: list[str]) -> Policy:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _filled(resource: str, names: Names) -> str:
    """`arn:{partition}:glue:{region}:{account}:job/{prefix}-*` of a lake."""
    words = {
        "partition": names.partition,
        "region": names.region,
        "account": names.account,
        "prefix": names.prefix,
        "database": names.database(""),
    }
    for word, value in words.items():
        resource = resource.replace(f"{{{word}}}", value)
    return resource


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
