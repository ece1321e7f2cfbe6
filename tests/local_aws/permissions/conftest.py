"""An embedded AWS that evaluates IAM, and people in it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from local_aws.credentials import Keys
from tests.embedded import client
from tests.local_aws.conftest import free_port, started, stopped

ACCOUNT = "000000000000"
Statement = dict[str, Any]


@pytest.fixture(scope="package")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    process = started(port, tmp_path_factory.mktemp("enforced") / "aws", "--enforce-iam")
    yield f"http://127.0.0.1:{port}"
    stopped(process)


@pytest.fixture(scope="package")
def aws(endpoint: str) -> Callable[[str], Any]:
    """A client of the account's root."""
    return lambda service: client(service, endpoint)


@pytest.fixture
def name() -> str:
    return f"n{uuid.uuid4().hex[:12]}"


def document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: str | list[str], resources: str | list[str] = "*", **conditions: Any) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, "Condition": conditions}


def deny(actions: str | list[str], resources: str | list[str] = "*", **conditions: Any) -> Statement:
    return allow(actions, resources, **conditions) | {"Effect": "Deny"}


def signed_by(keys: Keys, endpoint: str, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys.id,
        aws_secret_access_key=keys.secret,
        aws_session_token=keys.token or None,
    )


@pytest.fixture
def keys(aws: Callable[[str], Any], name: str) -> Callable[..., Keys]:
    """Keys of a new user with policies: `keys(allow("s3:*"))`."""

    def made(*statements: Statement, boundary: str = "") -> Keys:
        iam = aws("iam")
        given = {"PermissionsBoundary": boundary} if boundary else {}
        iam.create_user(UserName=name, **given)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Keys(key["AccessKeyId"], key["SecretAccessKey"])

    return made


@pytest.fixture
def user(keys: Callable[..., Keys], endpoint: str) -> Callable[..., Callable[[str], Any]]:
    """A new user with policies; gives clients of its: `user(allow("s3:*"))("s3")`."""

    def made(*statements: Statement, boundary: str = "") -> Callable[[str], Any]:
        own = keys(*statements, boundary=boundary)
        return lambda service: signed_by(own, endpoint, service)

    return made
