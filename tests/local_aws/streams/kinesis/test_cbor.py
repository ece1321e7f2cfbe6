"""The SDK for Java calls Kinesis with CBOR: the same calls, with bytes as bytes."""

from __future__ import annotations

from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_aws import cbor
from tests.embedded import keys_of
from tests.local_aws.streams.kinesis.conftest import everything, put


def call(endpoint: str, action: str, payload: dict[str, Any]) -> tuple[int, Any]:
    headers = {"Content-Type": "application/x-amz-cbor-1.1", "X-Amz-Target": f"Kinesis_20131202.{action}"}
    request = AWSRequest("POST", endpoint, headers=headers, data=cbor.dumps(payload))
    keys = keys_of(endpoint)
    SigV4Auth(Credentials(keys.id, keys.secret), "kinesis", "us-east-1").add_auth(request)
    try:
        with urlopen(Request(endpoint, request.data, dict(request.headers)), timeout=10) as answer:
            assert answer.headers["content-type"] == "application/x-amz-cbor-1.1"
            return answer.status, cbor.loads(answer.read())
    except HTTPError as error:
        return error.code, cbor.loads(error.read())


def test_records_are_written_and_read_as_bytes(kinesis: Any, endpoint: str, stream: str) -> None:
    records = [{"PartitionKey": str(number), "Data": b"%d" % number} for number in range(20)]
    status, answer = call(endpoint, "PutRecords", {"StreamName": stream, "Records": records})
    assert (status, answer["FailedRecordCount"]) == (200, 0)
    assert everything(kinesis, stream) == list(range(20))
    start = {"StreamName": stream, "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    iterator = call(endpoint, "GetShardIterator", start)[1]["ShardIterator"]
    (_, read), (_, summary) = (
        call(endpoint, "GetRecords", {"ShardIterator": iterator}),
        call(endpoint, "DescribeStreamSummary", {"StreamName": stream}),
    )
    assert {record["Data"] for record in read["Records"]} <= {record["Data"] for record in records}
    created = summary["StreamDescriptionSummary"]["StreamCreationTimestamp"]
    assert 0 <= read["Records"][0]["ApproximateArrivalTimestamp"] - created < 60


def test_a_refusal_is_cbor_too(endpoint: str) -> None:
    status, answer = call(endpoint, "DescribeStream", {"StreamName": "nowhere"})
    assert (status, answer["__type"]) == (400, "ResourceNotFoundException")


def test_records_of_both_protocols_share_one_stream(kinesis: Any, endpoint: str, stream: str) -> None:
    put(kinesis, stream, range(5))
    call(endpoint, "PutRecord", {"StreamName": stream, "PartitionKey": "5", "Data": b"5"})
    assert everything(kinesis, stream) == list(range(6))


@pytest.mark.parametrize("body", [b"\xff", b"\x5a"])
def test_invalid_cbor_is_refused(endpoint: str, body: bytes) -> None:
    headers = {"Content-Type": "application/x-amz-cbor-1.1", "X-Amz-Target": "Kinesis_20131202.ListStreams"}
    request = AWSRequest("POST", endpoint, headers=headers, data=body)
    keys = keys_of(endpoint)
    SigV4Auth(Credentials(keys.id, keys.secret), "kinesis", "us-east-1").add_auth(request)
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(endpoint, body, dict(request.headers)), timeout=10)
    assert cbor.loads(refused.value.read())["__type"] == "SerializationException"
