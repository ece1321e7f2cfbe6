"""Makes lake/deploying/permissions.json again: `python -m tests.e2e.deployed`, some minutes.

It deploys the sample and takes it down, into an embedded AWS that evaluates IAM, as the account's root, and asks
which permissions that took. tests/e2e/test_lake.py compares the roles with such calls.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lake.configuration.names import Names
from lake.configuration.reading import load
from lake.deploying.permissions import DATA
from lake.embedded.credentials import keys_of
from tests.e2e.conftest import Checkout, checkout_in

ACCOUNT = "000000000000"
MADE = "by `python -m tests.e2e.deployed`: the permissions that `lake up` and `lake down` of the sample asked for"
Call = dict[str, Any]


def calls(checkout: Checkout) -> list[Call]:
    """Every permission that was asked for since the embedded AWS of a checkout was started."""
    lake = load(checkout.root / "lake.yaml", "local")
    keys, url = keys_of(lake), f"{lake.environment.endpoint}/_local/calls"
    request = AWSRequest("GET", url)
    SigV4Auth(Credentials(keys.id, keys.secret), "local", "local").add_auth(request)
    with urlopen(Request(url, headers=dict(request.headers)), timeout=30) as answer:
        found: list[Call] = json.load(answer)["Calls"]
        return found


def permissions(made: Iterable[Call], names: Names) -> dict[str, list[str]]:
    """Actions by the resource, in which names stand for themselves: `...:job/{prefix}-*`."""
    found: dict[str, set[str]] = defaultdict(set)
    for call in made:
        found[_general(call["Resource"], names)].add(call["Action"])
    return {resource: sorted(actions) for resource, actions in sorted(found.items())}


def _general(resource: str, names: Names) -> str:
    """Of a resource, what all of its kind have in common."""
    text = resource.replace(f":{names.account}:", ":{account}:").replace(f":{names.region}:", ":{region}:")
    text = text.replace("arn:aws:", "arn:{partition}:", 1)
    text = re.sub(rf"\b{names.database('')}.*", "{database}*", text)
    text = re.sub(rf"\b{names.prefix}([-_/]).*", r"{prefix}\1*", text).replace(names.prefix, "{prefix}")
    text = re.sub(r":(key|mlTransform)/.*", r":\1/*", text)
    return "*" if text == "arn:{partition}:logs:{region}:{account}:log-group:*" else text


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for checkout in checkout_in(Path(folder) / "lake"):
            checkout.lake("local", "start", "--enforce-iam")
            checkout.lake("up")
            checkout.lake("up", "--all")
            checkout.lake("down", "--delete-data")
            names = load(checkout.root / "lake.yaml", "local").names(ACCOUNT)
            root = [call for call in calls(checkout) if call["Caller"].endswith(":root")]
            write(permissions(root, names))


def write(found: dict[str, list[str]]) -> None:
    lines = (f"{json.dumps(resource)}: {json.dumps(actions)}" for resource, actions in found.items())
    DATA.write_text(f'{{"made": {json.dumps(MADE)}, "actions": {{\n' + ",\n".join(lines) + "\n}}\n")


if __name__ == "__main__":
    main()
