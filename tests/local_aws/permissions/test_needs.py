"""The permissions that a call needs, as AWS's Service Authorization Reference has them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from local_aws.permissions import calls, needs
from local_aws.permissions.holdings import Holdings
from local_aws.signature import Request, signature_of

HERE = "us-east-1:000000000000"
KEY = f"arn:aws:kms:{HERE}:key/1"
ROLE = "arn:aws:iam::000000000000:role/r"
DB = [f"arn:aws:glue:{HERE}:catalog", f"arn:aws:glue:{HERE}:database/d"]
JOB = {"Name": "j", "Role": ROLE, "Command": {"Name": "glueetl"}, "Tags": {"a": "b"}}
INPUT = {"Name": "t"}


class Held(Holdings):
    """What AWS would say of keys: everything that is encrypted is under one."""

    def __init__(self) -> None:
        super().__init__(lambda service, region: None)

    def key(self, named: str, region: str) -> str:
        return KEY

    def aliases(self, key: str, region: str) -> tuple[str, ...]:
        return ("alias/lake",)

    def key_of_bucket(self, bucket: str, region: str) -> str:
        return KEY if bucket == "locked" else ""

    def key_of_stream(self, stream: str, region: str) -> str:
        return KEY if stream.endswith("/locked") else ""

    def secret(self, named: str, region: str) -> tuple[str, str]:
        return f"arn:aws:secretsmanager:{HERE}:secret:{named}-AbCdEf", KEY

    def workgroup(self, field: str, identity: str, region: str) -> str:
        return "w"


def asked(service: str, method: str, given: dict[str, Any]) -> list[tuple[str, str]]:
    """(action, resource) of what a call of boto3 needs; nothing is sent."""
    sent: list[Any] = []

    def kept(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {}, None)

    client = boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(s3={"addressing_style": "path"}, parameter_validation=False, retries={"total_max_attempts": 1}),
    )
    client.meta.events.register("before-send", kept)
    try:
        getattr(client, method)(**given)
    except Exception:  # the answer is empty: only what was sent counts
        assert sent
    request, body = _request(sent[0])
    signature = signature_of(request)
    if signature.in_s3:
        found = needs.of_s3(request, body, Held(), "us-east-1")
    else:
        found = needs.of_call(calls.asked(request, signature, body), Held())
    return [(ask.action, ask.resource) for ask in found]


def _request(sent: Any) -> tuple[Request, bytes]:
    url = urlsplit(sent.url)
    headers = [
        (name.lower(), value.decode() if isinstance(value, bytes) else value) for name, value in sent.headers.items()
    ]
    body = sent.body or b""
    body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
    return Request(sent.method, url.path, url.query, headers), body


OBJECT = {"Bucket": "b", "Key": "k"}
S3 = "arn:aws:s3:::"
CASES: list[tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = [
    ("s3", "list_buckets", {}, [("s3:ListAllMyBuckets", "*")]),
    ("s3", "list_objects_v2", {"Bucket": "b"}, [("s3:ListBucket", f"{S3}b")]),
    ("s3", "head_bucket", {"Bucket": "b"}, [("s3:ListBucket", f"{S3}b")]),
    ("s3", "list_object_versions", {"Bucket": "b"}, [("s3:ListBucketVersions", f"{S3}b")]),
    ("s3", "list_multipart_uploads", {"Bucket": "b"}, [("s3:ListBucketMultipartUploads", f"{S3}b")]),
    ("s3", "get_bucket_location", {"Bucket": "b"}, [("s3:GetBucketLocation", f"{S3}b")]),
    ("s3", "get_bucket_encryption", {"Bucket": "b"}, [("s3:GetEncryptionConfiguration", f"{S3}b")]),
    ("s3", "delete_bucket_policy", {"Bucket": "b"}, [("s3:DeleteBucketPolicy", f"{S3}b")]),
    ("s3", "delete_bucket_lifecycle", {"Bucket": "b"}, [("s3:PutLifecycleConfiguration", f"{S3}b")]),
    ("s3", "delete_bucket", {"Bucket": "b"}, [("s3:DeleteBucket", f"{S3}b")]),
    ("s3", "get_object", OBJECT, [("s3:GetObject", f"{S3}b/k")]),
    ("s3", "head_object", OBJECT, [("s3:GetObject", f"{S3}b/k")]),
    ("s3", "get_object", {**OBJECT, "VersionId": "1"}, [("s3:GetObjectVersion", f"{S3}b/k")]),
    ("s3", "get_object_tagging", OBJECT, [("s3:GetObjectTagging", f"{S3}b/k")]),
    ("s3", "put_object", OBJECT, [("s3:PutObject", f"{S3}b/k")]),
    ("s3", "put_object", {"Bucket": "b", "Key": "a b/ü"}, [("s3:PutObject", f"{S3}b/a b/ü")]),
    (
        "s3",
        "put_object",
        {"Bucket": "locked", "Key": "k"},
        [("s3:PutObject", f"{S3}locked/k"), ("kms:GenerateDataKey", KEY)],
    ),
    ("s3", "get_object", {"Bucket": "locked", "Key": "k"}, [("s3:GetObject", f"{S3}locked/k"), ("kms:Decrypt", KEY)]),
    (
        "s3",
        "create_multipart_upload",
        {"Bucket": "locked", "Key": "k"},
        [("s3:PutObject", f"{S3}locked/k"), ("kms:GenerateDataKey", KEY), ("kms:Decrypt", KEY)],
    ),
    ("s3", "abort_multipart_upload", {**OBJECT, "UploadId": "u"}, [("s3:AbortMultipartUpload", f"{S3}b/k")]),
    ("s3", "list_parts", {**OBJECT, "UploadId": "u"}, [("s3:ListMultipartUploadParts", f"{S3}b/k")]),
    ("s3", "delete_object", OBJECT, [("s3:DeleteObject", f"{S3}b/k")]),
    ("s3", "delete_object", {**OBJECT, "VersionId": "1"}, [("s3:DeleteObjectVersion", f"{S3}b/k")]),
    (
        "s3",
        "copy_object",
        {**OBJECT, "CopySource": {"Bucket": "c", "Key": "s"}},
        [("s3:PutObject", f"{S3}b/k"), ("s3:GetObject", f"{S3}c/s")],
    ),
    ("glue", "get_database", {"Name": "d"}, [("glue:GetDatabase", arn) for arn in DB]),
    (
        "glue",
        "get_table",
        {"DatabaseName": "d", "Name": "t"},
        [("glue:GetTable", a) for a in [*DB, f"arn:aws:glue:{HERE}:table/d/t"]],
    ),
    (
        "glue",
        "get_tables",
        {"DatabaseName": "d"},
        [("glue:GetTables", a) for a in [*DB, f"arn:aws:glue:{HERE}:table/d/*"]],
    ),
    (
        "glue",
        "create_table",
        {"DatabaseName": "d", "TableInput": INPUT},
        [("glue:CreateTable", a) for a in [*DB, f"arn:aws:glue:{HERE}:table/d/t"]],
    ),
    (
        "glue",
        "batch_create_partition",
        {"DatabaseName": "d", "TableName": "t", "PartitionInputList": []},
        [("glue:BatchCreatePartition", a) for a in [*DB, f"arn:aws:glue:{HERE}:table/d/t"]],
    ),
    ("glue", "get_classifier", {"Name": "c"}, [("glue:GetClassifier", "*")]),
    ("glue", "get_job_run", {"JobName": "j", "RunId": "r"}, [("glue:GetJobRun", f"arn:aws:glue:{HERE}:job/j")]),
    ("glue", "start_crawler", {"Name": "c"}, [("glue:StartCrawler", f"arn:aws:glue:{HERE}:crawler/c")]),
    (
        "glue",
        "create_job",
        JOB,
        [
            ("glue:CreateJob", f"arn:aws:glue:{HERE}:job/j"),
            ("glue:TagResource", f"arn:aws:glue:{HERE}:job/j"),
            ("iam:PassRole", ROLE),
        ],
    ),
    (
        "glue",
        "get_connection",
        {"Name": "c"},
        [("glue:GetConnection", a) for a in (DB[0], f"arn:aws:glue:{HERE}:connection/c")],
    ),
    (
        "kinesis",
        "put_record",
        {"StreamName": "locked", "Data": b"1", "PartitionKey": "p"},
        [("kinesis:PutRecord", f"arn:aws:kinesis:{HERE}:stream/locked"), ("kms:GenerateDataKey", KEY)],
    ),
    (
        "kinesis",
        "get_shard_iterator",
        {"StreamARN": f"arn:aws:kinesis:{HERE}:stream/s", "ShardId": "0", "ShardIteratorType": "LATEST"},
        [("kinesis:GetShardIterator", f"arn:aws:kinesis:{HERE}:stream/s")],
    ),
    (
        "firehose",
        "put_record",
        {"DeliveryStreamName": "d", "Record": {"Data": b""}},
        [("firehose:PutRecord", f"arn:aws:firehose:{HERE}:deliverystream/d")],
    ),
    (
        "logs",
        "put_log_events",
        {"logGroupName": "/g", "logStreamName": "s", "logEvents": []},
        [("logs:PutLogEvents", f"arn:aws:logs:{HERE}:log-group:/g:log-stream:s")],
    ),
    ("logs", "describe_log_groups", {}, [("logs:DescribeLogGroups", f"arn:aws:logs:{HERE}:log-group:*")]),
    ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": []}, [("cloudwatch:PutMetricData", "*")]),
    (
        "cloudwatch",
        "describe_alarms",
        {"AlarmNames": ["a"]},
        [("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{HERE}:alarm:a")],
    ),
    (
        "sqs",
        "delete_message_batch",
        {"QueueUrl": "http://h/000000000000/q", "Entries": []},
        [("sqs:DeleteMessage", f"arn:aws:sqs:{HERE}:q")],
    ),
    (
        "sns",
        "publish",
        {"TopicArn": f"arn:aws:sns:{HERE}:t", "Message": "m"},
        [("sns:Publish", f"arn:aws:sns:{HERE}:t")],
    ),
    (
        "secretsmanager",
        "get_secret_value",
        {"SecretId": "s"},
        [("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:s-AbCdEf"), ("kms:Decrypt", KEY)],
    ),
    (
        "athena",
        "start_query_execution",
        {"QueryString": "q", "WorkGroup": "w"},
        [("athena:StartQueryExecution", f"arn:aws:athena:{HERE}:workgroup/w")],
    ),
    (
        "athena",
        "get_query_results",
        {"QueryExecutionId": "e"},
        [("athena:GetQueryResults", f"arn:aws:athena:{HERE}:workgroup/w")],
    ),
    ("lambda", "invoke", {"FunctionName": "f"}, [("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:f")]),
    ("iam", "get_role", {"RoleName": "r"}, [("iam:GetRole", ROLE)]),
    (
        "iam",
        "attach_role_policy",
        {"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/p"},
        [("iam:AttachRolePolicy", ROLE)],
    ),
    ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "me"}, [("sts:AssumeRole", ROLE)]),
    ("sts", "get_caller_identity", {}, [("sts:GetCallerIdentity", "*")]),
    (
        "kms",
        "create_alias",
        {"AliasName": "alias/a", "TargetKeyId": "1"},
        [("kms:CreateAlias", f"arn:aws:kms:{HERE}:alias/a"), ("kms:CreateAlias", KEY)],
    ),
    ("kms", "describe_key", {"KeyId": "alias/a"}, [("kms:DescribeKey", KEY)]),
    (
        "sagemaker-featurestore-runtime",
        "put_record",
        {"FeatureGroupName": "f", "Record": []},
        [("sagemaker:PutRecord", f"arn:aws:sagemaker:{HERE}:feature-group/f")],
    ),
    (
        "sagemaker-featurestore-runtime",
        "get_record",
        {"FeatureGroupName": f"arn:aws:sagemaker:{HERE}:feature-group/f", "RecordIdentifierValueAsString": "1"},
        [("sagemaker:GetRecord", f"arn:aws:sagemaker:{HERE}:feature-group/f")],
    ),
]


@pytest.mark.parametrize(("service", "method", "given", "needed"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_a_call_needs(service: str, method: str, given: dict[str, Any], needed: list[tuple[str, str]]) -> None:
    assert asked(service, method, given) == needed
