"""Clients that sign with somebody else's keys, or not at all."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.credentials import Keys

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "s3": ("create_bucket", {"Bucket": "made-by-a-stranger"}),
    "glue": ("create_database", {"DatabaseInput": {"Name": "made_by_a_stranger"}}),
    "iam": ("create_user", {"UserName": "made-by-a-stranger"}),
    "lambda": ("list_functions", {}),
    "cloudwatch": ("list_metrics", {}),
    "route53": ("list_hosted_zones", {}),
}
"""One call per protocol: REST with XML and JSON, JSON, query, CBOR."""


def stranger(service: str, endpoint: str, keys: Keys | None) -> Any:
    config = Config(signature_version=UNSIGNED if keys is None else None, retries={"total_max_attempts": 1})
    given = {"aws_access_key_id": keys.id, "aws_secret_access_key": keys.secret} if keys else {}
    return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1", config=config, **given)


def refusal(service: str, endpoint: str, keys: Keys | None) -> str:
    call, arguments = CALLS[service]
    with pytest.raises(ClientError) as refused:
        getattr(stranger(service, endpoint, keys), call)(**arguments)
    return str(refused.value.response["Error"]["Code"])


def sent(endpoint: str, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str, bytes]:
    """Send a request exactly as given: (status, headers, body)."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=20)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in (headers | ({"Content-Length": str(len(body))} if body else {})).items():
        connection.putheader(name, value)
    connection.endheaders(body or None)
    answer = connection.getresponse()
    told = answer.status, str(answer.headers).lower(), answer.read()
    connection.close()
    return told
