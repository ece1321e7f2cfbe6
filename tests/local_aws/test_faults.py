"""Faults on purpose: what a client meets, and that what was acknowledged is there all the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import cbor, refusals
from local_aws.faults import VARIABLE
from local_aws.signature import Refused, Request
from tests.embedded import keys_of
from tests.local_aws.conftest import free_port, started, stopped

CALLS = 80


def client(endpoint: str, service: str, attempts: int) -> Any:
    """A person's client, which makes a call so often at most."""
    keys = keys_of(endpoint)
    config = Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "total_max_attempts": attempts})
    session = boto3.session.Session(keys.id, keys.secret, region_name="us-east-1")
    return session.client(service, endpoint_url=endpoint, config=config)


def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Iterator[str]:
    monkeypatch.setenv(VARIABLE, json.dumps(settings))
    port = free_port()
    process = started(port, tmp_path / "aws")
    yield f"http://127.0.0.1:{port}"
    stopped(process)


@pytest.fixture
def shaky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from faulty(tmp_path, monkeypatch, share=0.2, seed=3)


@pytest.fixture
def expiring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from faulty(tmp_path, monkeypatch, expired_after=3)


def codes(call: Any, times: int) -> Counter[str]:
    found = Counter[str]()
    for number in range(times):
        try:
            call(number)
            found["ok"] += 1
        except ClientError as error:
            found[str(error.response["Error"]["Code"])] += 1
    return found


def test_each_kind_of_fault_comes_and_what_was_acknowledged_is_there(shaky: str) -> None:
    once, again = client(shaky, "s3", 1), client(shaky, "s3", 10)
    again.create_bucket(Bucket="faults")
    put = codes(lambda number: once.put_object(Bucket="faults", Key=f"k{number}", Body=b"x"), CALLS)
    assert set(put) == {"ok", "SlowDown", "InternalError", "ServiceUnavailable"}
    assert 0.65 * CALLS < put["ok"] < 0.95 * CALLS
    listed = again.list_objects_v2(Bucket="faults")["KeyCount"]
    # A lost answer is one to a call that was carried out.
    assert listed == put["ok"] + put["ServiceUnavailable"]

    asked = codes(lambda _: client(shaky, "glue", 1).get_databases(), 25)
    assert asked["ok"] > 12
    assert set(asked) <= {"ok", "ThrottlingException", "InternalFailure", "RequestTimeout"}


def test_a_client_that_tries_again_meets_none(shaky: str) -> None:
    logs = client(shaky, "logs", 10)
    assert codes(lambda number: logs.create_log_group(logGroupName=f"/a/{number}"), 8)["ok"] >= 5
    assert codes(lambda _: logs.describe_log_groups(), 12) == {"ok": 12}


def test_after_so_many_calls_the_login_has_expired(expiring: str) -> None:
    sts = client(expiring, "sts", 1)
    assert codes(lambda _: sts.get_caller_identity(), 5) == {"ok": 3, "ExpiredToken": 2}


JSON, CBOR = ("x-amz-target", "AWSGlue.GetDatabases"), ("smithy-protocol", "rpc-v2-cbor")
FORM = ("content-type", "application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("service", "header", "kind", "status", "code"),
    [
        ("s3", None, "throttled", 503, "SlowDown"),
        ("s3", None, "late", 400, "ExpiredToken"),
        ("glue", JSON, "throttled", 400, "ThrottlingException"),
        ("glue", JSON, "late", 400, "ExpiredTokenException"),
        ("monitoring", CBOR, "throttled", 400, "ThrottlingException"),
        ("monitoring", CBOR, "failed", 500, "InternalFailure"),
        ("sts", FORM, "throttled", 400, "Throttling"),
        ("iam", FORM, "late", 403, "ExpiredToken"),
        ("lambda", None, "throttled", 429, "ThrottlingException"),
        ("lambda", None, "lost", 504, "RequestTimeout"),
    ],
)
def test_a_fault_has_the_form_of_its_calls_protocol(
    service: str, header: tuple[str, str] | None, kind: str, status: int, code: str
) -> None:
    request = Request("POST", "/", "", [header] if header else [])
    answered, form, body = refusals.answer(request, service, Refused(kind, "why"))
    assert (answered, code.encode() in body, b"why" in body) == (status, True, True)
    if header == CBOR:
        assert (form, cbor.loads(body)) == ("application/cbor", {"__type": code, "message": "why"})
