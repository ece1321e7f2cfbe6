"""Batches are put by boto3 in Kinesis's own protocol."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from lake.data.puts import Puts

RECORDS: list[Any] = [{"Data": b'{"n": "\xc3\xbc"}', "PartitionKey": "run.1"}, {"Data": b"", "PartitionKey": "run.2"}]


class Raw(BytesIO):
    def stream(self) -> Any:
        yield self.read()


class Service:
    """A Kinesis that answers each call as it is told, and remembers the last one."""

    def __init__(self, status: int, answer: dict[str, Any]) -> None:
        self.status, self.answer = status, answer
        self.asked: dict[str, Any] = {}
        self.headers: dict[str, bytes] = {}

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        self.asked, self.headers = json.loads(request.body), dict(request.headers)
        kind = {"content-type": "application/x-amz-json-1.1"}
        return AWSResponse(request.url, self.status, kind, Raw(json.dumps(self.answer).encode()))


def puts(service: Service) -> Puts:
    session = boto3.session.Session("key", "secret", region_name="us-east-1")
    client = session.client("kinesis", config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))
    client.meta.events.register("before-send.kinesis.PutRecords", service)
    return Puts(client)


def test_a_batch_is_sent_signed_and_answered_as_by_boto3() -> None:
    results = [{"SequenceNumber": "1", "ShardId": "s"}, {"ErrorCode": "Slow", "ErrorMessage": "too many"}]
    service = Service(200, {"FailedRecordCount": 1, "Records": results})

    assert puts(service).put("flights", RECORDS) == results
    assert service.asked == {
        "StreamName": "flights",
        "Records": [{"Data": "eyJuIjogIsO8In0=", "PartitionKey": "run.1"}, {"Data": "", "PartitionKey": "run.2"}],
    }
    assert service.headers["X-Amz-Target"] == b"Kinesis_20131202.PutRecords"
    assert service.headers["Authorization"].startswith(b"AWS4-HMAC-SHA256 Credential=key/")


def test_a_refusal_is_boto3s_error() -> None:
    service = Service(400, {"__type": "ResourceNotFoundException", "message": "no stream"})

    with pytest.raises(ClientError) as refused:
        puts(service).put("flights", RECORDS)
    assert refused.value.response["Error"] == {"Code": "ResourceNotFoundException", "Message": "no stream"}
