"""Which permissions were asked for while a checkout deployed and worked."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lake.configuration.reading import load
from lake.embedded.credentials import keys_of
from tests.e2e.conftest import Checkout

ACCOUNT = "000000000000"
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
