"""The processors of a delivery stream: splitting, transformation by a function, partitioning by values."""

from __future__ import annotations

import base64
import io
import json
import textwrap
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.conftest import until
from tests.local_aws.streams.firehose.conftest import DELIMITED, ROLE, Stream, jq, parameters, processing

SPLIT = {"Type": "RecordDeAggregation", "Parameters": parameters({"SubRecordType": "JSON"})}
PARTITIONED: dict[str, Any] = {
    "Prefix": "events/carrier=!{partitionKeyFromQuery:carrier}/day=!{timestamp:dd}/",
    "DynamicPartitioningConfiguration": {"Enabled": True},
}
EXTRACTION_FAILED = "DynamicPartitioning.MetadataExtractionFailed"
Made = Callable[..., str]


def texts(stream: Stream, prefix: str = "events/") -> list[str]:
    return sorted(line for body in stream.objects(prefix).values() for line in body.decode().splitlines())


def test_events_are_partitioned_by_their_values(stream: Stream) -> None:
    stream.create(**PARTITIONED, **processing(jq("{carrier:.carrier}"), DELIMITED))
    stream.put({"carrier": "UA", "n": 1}, {"carrier": "AA", "n": 2}, {"carrier": "UA", "n": 3})

    bodies = stream.objects(least=2)
    found = {key.split("/")[1]: [json.loads(line)["n"] for line in body.splitlines()] for key, body in bodies.items()}
    assert found == {"carrier=UA": [1, 3], "carrier=AA": [2]}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"no JSON", "Non UTF-8 Encoded Invalid Json"),
        (b'{"carrier": ""}', "partitionKeys values must not be null or empty"),
        (b'{"n": 1}', "partitionKeys values must not be null or empty"),
        (b'{"carrier": ["UA"]}', "partitionKeys values must be of type string, number or boolean"),
        (b'"UA"', "The JQ expression failed"),
    ],
)
def test_only_a_record_without_its_partition_key_goes_to_the_error_prefix(
    stream: Stream, record: bytes, reason: str
) -> None:
    stream.create(**PARTITIONED, **processing(jq("{carrier:.carrier}")))
    stream.put({"carrier": "UA"}, record)

    (error,) = stream.errors()
    assert (base64.b64decode(error["rawData"]), error["errorCode"]) == (record, EXTRACTION_FAILED)
    assert error["errorMessage"].startswith(reason)
    assert list(stream.objects().values()) == [b'{"carrier": "UA"}']


def test_only_a_record_whose_key_is_too_long_for_s3_goes_to_the_error_prefix(stream: Stream) -> None:
    stream.create(**PARTITIONED, **processing(jq("{carrier:.carrier}")))
    long = json.dumps({"carrier": "\u00e4" * 600}).encode()
    stream.put({"carrier": "UA"}, long)

    (error,) = stream.errors()
    assert (base64.b64decode(error["rawData"]), error["errorCode"]) == (long, "S3.KeyTooLongError")
    assert error["errorMessage"].endswith("bytes. S3 allows 1,024")
    assert list(stream.objects().values()) == [b'{"carrier": "UA"}']


def test_concatenated_objects_in_a_record_are_split(stream: Stream) -> None:
    stream.create(**processing(SPLIT, DELIMITED))
    stream.put(b'{"n": 1}{"n": 2}\n {"n": 3}', b'[{"n": 4}]')

    (error,) = stream.errors()
    assert base64.b64decode(error["rawData"]) == b'[{"n": 4}]'
    assert texts(stream) == ['{"n": 1}', '{"n": 2}', '{"n": 3}']


def test_parts_between_delimiters_are_split(stream: Stream) -> None:
    given = {"SubRecordType": "DELIMITED", "Delimiter": base64.b64encode(b"##").decode()}
    stream.create(**processing({"Type": "RecordDeAggregation", "Parameters": parameters(given)}, DELIMITED))
    stream.put(b"a##b##c")

    assert texts(stream) == ["a", "b", "c"]


@pytest.fixture
def function(stream: Stream) -> Made:
    """Return a function that creates a Lambda function from the body of `answer(record)` and returns its ARN."""

    def made(body: str, timeout: int = 1) -> str:
        code = f"import base64, json\n\ndef answer(record):\n{textwrap.indent(body, '    ')}\n\n{_HANDLER}"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("main.py", code)
        answer = stream.aws("lambda").create_function(
            FunctionName=f"f{uuid.uuid4().hex[:8]}",
            Runtime="python3.12",
            Role=ROLE,
            Handler="main.handler",
            Timeout=timeout,
            Code={"ZipFile": archive.getvalue()},
        )
        return str(answer["FunctionArn"])

    return made


_HANDLER = """\
def handler(event, context):
    return {"records": [found for record in event["records"] if (found := answer(record))]}
"""


def by(arn: str, *more: dict[str, Any], **given: str) -> dict[str, Any]:
    return processing({"Type": "Lambda", "Parameters": parameters({"LambdaArn": arn, **given})}, *more, DELIMITED)


def test_a_function_changes_drops_and_refuses_records(stream: Stream, function: Made) -> None:
    arn = function(
        """\
text = base64.b64decode(record["data"]).decode()
result = {"drop": "Dropped", "fail": "ProcessingFailed"}.get(text, "Ok")
data = base64.b64encode(text.upper().encode()).decode()
return {"recordId": record["recordId"], "result": result, "data": data}"""
    )
    stream.create(**by(arn))
    stream.put(b"one", b"drop", b"fail", b"two")

    (error,) = stream.errors()
    assert base64.b64decode(error["rawData"]) == b"fail"
    assert error["errorCode"] == "Lambda.ProcessingFailedStatus"
    assert (error["lambdaArn"], error["attemptsMade"]) == (arn, 1)
    assert texts(stream) == ["ONE", "TWO"]


def test_a_function_may_take_longer_than_a_minute(stream: Stream, function: Made) -> None:
    arn = function('import time; time.sleep(61); return {**record, "result": "Ok"}', timeout=90)
    stream.create(**by(arn, NumberOfRetries="0"))
    stream.put(b"one")

    assert until(lambda: stream.objects_now(""), 120).popitem()[1] == b"one\n"


def test_a_function_returns_partition_keys(stream: Stream, function: Made) -> None:
    arn = function(
        """\
keys = {"carrier": base64.b64decode(record["data"]).decode()}
return {**record, "result": "Ok", "metadata": {"partitionKeys": keys}}"""
    )
    prefix = {"Prefix": "events/!{partitionKeyFromLambda:carrier}/"}
    stream.create(**{**PARTITIONED, **prefix}, **by(arn))
    stream.put(b"UA", b"AA")

    assert {key.split("/")[1] for key in stream.objects(least=2)} == {"UA", "AA"}


@pytest.mark.parametrize(
    ("body", "code", "attempts"),
    [
        ("import time; time.sleep(5)", "Lambda.FunctionTimedOut", 2),
        ("raise ValueError('no')", "Lambda.FunctionError", 2),
        ("return 'rubbish'", "Lambda.JsonProcessingException", 2),
        ("return {**record, 'recordId': '0', 'result': 'Ok'}", "Lambda.DuplicatedRecordId", 2),
        ("return None", "Lambda.MissingRecordId", 1),
        ("return {**record, 'result': 'ok'}", "Lambda.JsonProcessingException", 1),
        ("return {**record, 'result': 'Ok', 'data': '!'}", "Lambda.JsonProcessingException", 1),
        ("return {**record, 'result': 'Ok', 'data': '\u00e4'}", "Lambda.JsonProcessingException", 1),
        ("return {**record, 'result': 'Ok', 'data': None}", "Lambda.JsonProcessingException", 1),
        ("return {**record, 'result': 'Ok', 'metadata': ['UA']}", "Lambda.JsonProcessingException", 1),
        ("return {**record, 'result': 'Ok', 'metadata': {'partitionKeys': 'UA'}}", "Lambda.JsonProcessingException", 1),
    ],
)
def test_records_of_a_failing_function_go_to_the_error_prefix(
    stream: Stream, function: Made, body: str, code: str, attempts: int
) -> None:
    stream.create(**by(function(body), NumberOfRetries="1"))
    stream.put(b"one", b"two")

    errors = stream.errors(least=2)
    assert [base64.b64decode(error["rawData"]) for error in errors] == [b"one", b"two"]
    assert {(error["errorCode"], error["attemptsMade"]) for error in errors} == {(code, attempts)}
    assert stream.objects_now("events/") == {}


def test_records_of_a_missing_function_go_to_the_error_prefix(stream: Stream) -> None:
    stream.create(**by("arn:aws:lambda:us-east-1:000000000000:function:gone", NumberOfRetries="0"))
    stream.put(b"one")

    (error,) = stream.errors()
    assert error["errorCode"] == "Lambda.ResourceNotFound"


@pytest.mark.parametrize(
    ("config", "refusal"),
    [
        ({"size": 63, "DataFormatConversionConfiguration": True}, "at least 64 when data format conversion"),
        ({"CompressionFormat": "GZIP", "DataFormatConversionConfiguration": True}, "must be UNCOMPRESSED"),
        ({**PARTITIONED, "size": 5}, "at least 64 when dynamic partitioning"),
        ({**PARTITIONED, "seconds": 0}, "at least 60 when dynamic partitioning"),
        ({"Prefix": "a/!{timestamp:yyyy}/", "ErrorOutputPrefix": ""}, "ErrorOutputPrefix cannot be empty"),
        ({"ErrorOutputPrefix": "e/!{timestamp:yyyy}/"}, "must contain !{firehose:error-output-type}"),
        ({"Prefix": "a/!{nothing:x}/"}, "the unknown namespace 'nothing'"),
        ({"Prefix": "a/!{partitionKeyFromQuery:x}/"}, "needs dynamic partitioning"),
        ({"Prefix": "a/", "DynamicPartitioningConfiguration": {"Enabled": True}}, "needs partition keys in Prefix"),
        ({**PARTITIONED, **processing(jq("{carrier:"))}, "is not JQ"),
        (processing(jq("{carrier:.c}")), "MetadataExtraction needs dynamic partitioning"),
        ({"seconds": 901}, "0 to 900"),
    ],
)
def test_settings_that_aws_refuses_are_refused(stream: Stream, config: dict[str, Any], refusal: str) -> None:
    if config.get("DataFormatConversionConfiguration"):
        config = {**config, "DataFormatConversionConfiguration": stream.conversion}
    with pytest.raises(ClientError) as refused:
        stream.create(**config)
    assert refusal in str(refused.value)
    assert stream.name not in stream.aws("firehose").list_delivery_streams(Limit=1000)["DeliveryStreamNames"]


def test_a_stream_with_a_kinesis_source_cannot_be_encrypted_itself(stream: Stream) -> None:
    kinesis = {"KinesisStreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/k", "RoleARN": ROLE}
    with pytest.raises(ClientError, match="encrypt that stream"):
        stream.aws("firehose").create_delivery_stream(
            DeliveryStreamName=stream.name,
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration=kinesis,
            DeliveryStreamEncryptionConfigurationInput={"KeyType": "AWS_OWNED_CMK"},
            ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{stream.name}"},
        )
