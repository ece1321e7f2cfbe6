"""Contracts of the mends, each checked on two sides: through the gateway, and on the emulator alone.

There they must fail. When one passes (XPASS, strict), the emulator has learned it, and its mend can go.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from tests.embedded import client, store_of
from tests.local_aws.conftest import free_port

Aws = Callable[[str], Any]
UNMENDED = pytest.mark.xfail(strict=True, reason="the emulator alone does not; if it does now, drop the mend")


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "ministack.app:app", "--port", str(port)]
    off = {
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nowhere",
    }
    process = subprocess.Popen(command, env={**os.environ, **off, "GATEWAY_PORT": str(port)})
    for _ in range(100):
        try:
            urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(30)


@pytest.fixture(params=["endpoint", pytest.param("emulator", marks=UNMENDED)])
def side(request: pytest.FixtureRequest) -> Aws:
    endpoint = request.getfixturevalue(request.param)
    return lambda service: client(service, endpoint)


@pytest.fixture
def name() -> str:
    return f"mend_{uuid.uuid4().hex[:8]}"


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:glue:us-east-1:000000000000:{kind}/{name}"


def _job(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "Role": "r",
        "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k.py"},
        "Name": name,
        **fields,
    }


CREATED_WITH_TAGS = {
    "connection": (
        "create_connection",
        lambda name: {"ConnectionInput": {"Name": name, "ConnectionType": "NETWORK", "ConnectionProperties": {}}},
        lambda glue, name: glue.delete_connection(ConnectionName=name),
    ),
    "crawler": (
        "create_crawler",
        lambda name: {"Name": name, "Role": "", "Targets": {"S3Targets": [{"Path": "s3://b/"}]}},
        lambda glue, name: glue.delete_crawler(Name=name),
    ),
    "job": ("create_job", _job, lambda glue, name: glue.delete_job(JobName=name)),
    "dataQualityRuleset": (
        "create_data_quality_ruleset",
        lambda name: {"Name": name, "Ruleset": "Rules = [RowCount > 1]"},
        lambda glue, name: glue.delete_data_quality_ruleset(Name=name),
    ),
}


def test_the_emulator_alone_answers(emulator: str) -> None:
    """Without this, an emulator that does not start would look like one that needs every mend."""
    assert client("glue", emulator).get_jobs()["Jobs"] == []


@pytest.mark.parametrize("kind", CREATED_WITH_TAGS)
def test_tags_given_at_creation_live_as_long_as_the_resource(side: Aws, name: str, kind: str) -> None:
    glue = side("glue")
    create, payload, delete = CREATED_WITH_TAGS[kind]
    getattr(glue, create)(**payload(name), Tags={"a": "b"})
    assert glue.get_tags(ResourceArn=_arn(kind, name))["Tags"] == {"a": "b"}
    delete(glue, name)
    assert glue.get_tags(ResourceArn=_arn(kind, name))["Tags"] == {}


def test_a_glue_job_keeps_all_it_was_given(side: Aws, name: str) -> None:
    glue = side("glue")
    given = {
        "ExecutionClass": "FLEX",
        "ExecutionProperty": {"MaxConcurrentRuns": 3},
        "MaintenanceWindow": "Sun:10",
        "NotificationProperty": {"NotifyDelayAfter": 10},
    }
    glue.create_job(**_job(name, **given))
    assert given.items() <= glue.get_job(JobName=name)["Job"].items()
    (listed,) = (job for job in glue.get_jobs()["Jobs"] if job["Name"] == name)
    assert given.items() <= listed.items()


def test_an_updated_glue_job_has_what_the_update_says_and_defaults_for_the_rest(side: Aws, name: str) -> None:
    glue = side("glue")
    glue.create_job(**_job(name, ExecutionClass="FLEX", ExecutionProperty={"MaxConcurrentRuns": 3}))
    update = _job(name, ExecutionClass="STANDARD")
    del update["Name"]
    glue.update_job(JobName=name, JobUpdate=update)
    job = glue.get_job(JobName=name)["Job"]
    assert (job["ExecutionClass"], job["ExecutionProperty"]) == ("STANDARD", {"MaxConcurrentRuns": 1})


def test_a_trigger_without_a_predicate_has_none(side: Aws, name: str) -> None:
    glue = side("glue")
    glue.create_trigger(Name=name, Type="SCHEDULED", Schedule="cron(0 1 * * ? *)", Actions=[{"JobName": "j"}])
    assert "Predicate" not in glue.get_trigger(Name=name)["Trigger"]


def test_a_trigger_on_demand_stays_created_when_it_is_started(side: Aws, name: str) -> None:
    glue = side("glue")
    glue.create_trigger(Name=name, Type="ON_DEMAND", Actions=[{"JobName": "j"}])
    glue.start_trigger(Name=name)
    assert glue.get_trigger(Name=name)["Trigger"]["State"] == "CREATED"


def test_a_data_quality_ruleset_is_made_changed_listed_and_deleted(side: Aws, name: str) -> None:
    glue = side("glue")
    target = {"DatabaseName": "d", "TableName": "t"}
    glue.create_data_quality_ruleset(Name=name, Ruleset="Rules = [RowCount > 1]", TargetTable=target)
    glue.update_data_quality_ruleset(Name=name, Ruleset="Rules = [RowCount > 2]")
    ruleset = glue.get_data_quality_ruleset(Name=name)
    assert (ruleset["Ruleset"], ruleset["TargetTable"]) == ("Rules = [RowCount > 2]", target)
    assert name in {listed["Name"] for listed in glue.list_data_quality_rulesets()["Rulesets"]}
    glue.delete_data_quality_ruleset(Name=name)
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.get_data_quality_ruleset(Name=name)


def test_a_partition_index_can_be_deleted(side: Aws, name: str) -> None:
    glue = side("glue")
    table = {"DatabaseName": name, "TableName": "t"}
    glue.create_database(DatabaseInput={"Name": name})
    glue.create_table(DatabaseName=name, TableInput={"Name": "t", "PartitionKeys": [{"Name": "day", "Type": "string"}]})
    glue.create_partition_index(**table, PartitionIndex={"IndexName": "by_day", "Keys": ["day"]})
    (index,) = glue.get_partition_indexes(**table)["PartitionIndexDescriptorList"]
    assert (index["IndexName"], index["IndexStatus"]) == ("by_day", "ACTIVE")
    glue.delete_partition_index(**table, IndexName="by_day")
    assert glue.get_partition_indexes(**table)["PartitionIndexDescriptorList"] == []


def test_a_stream_keeps_the_tags_it_was_made_with(side: Aws, name: str) -> None:
    kinesis = side("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1, Tags={"a": "b"})
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_a_stream_says_which_shard_level_metrics_are_on(side: Aws, name: str) -> None:
    kinesis = side("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.enable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["IncomingBytes", "OutgoingBytes"])
    kinesis.disable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["OutgoingBytes"])
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["EnhancedMonitoring"] == [{"ShardLevelMetrics": ["IncomingBytes"]}]


def test_a_delivery_stream_keeps_its_time_zone_and_file_extension(side: Aws, name: str) -> None:
    firehose = side("firehose")
    bucket = {"RoleARN": "arn:aws:iam::000000000000:role/r", "BucketARN": "arn:aws:s3:::bucket"}
    firehose.create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration={**bucket, "FileExtension": ".parquet"}
    )
    assert _s3_destination(firehose, name) == {"CustomTimeZone": "UTC", "FileExtension": ".parquet"}
    firehose.update_destination(
        DeliveryStreamName=name,
        CurrentDeliveryStreamVersionId="1",
        DestinationId="destinationId-000000000001",
        ExtendedS3DestinationUpdate={"CustomTimeZone": "Europe/Oslo"},
    )
    assert _s3_destination(firehose, name) == {"CustomTimeZone": "Europe/Oslo", "FileExtension": ".parquet"}


def _s3_destination(firehose: Any, name: str) -> dict[str, str]:
    (destination,) = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"][
        "Destinations"
    ]
    described = destination["ExtendedS3DestinationDescription"]
    return {field: described[field] for field in ("CustomTimeZone", "FileExtension") if field in described}


def test_the_operation_that_starts_an_application_can_be_followed(side: Aws, name: str) -> None:
    flink = side("kinesisanalyticsv2")
    role = "arn:aws:iam::000000000000:role/r"
    flink.create_application(ApplicationName=name, RuntimeEnvironment="FLINK-1_20", ServiceExecutionRole=role)
    operation = flink.start_application(ApplicationName=name)["OperationId"]
    details = flink.describe_application_operation(ApplicationName=name, OperationId=operation)
    assert details["ApplicationOperationInfoDetails"]["Operation"] == "StartApplication"
    assert details["ApplicationOperationInfoDetails"]["OperationStatus"] == "SUCCESSFUL"


def test_applications_are_listed_until_they_are_deleted(side: Aws, name: str) -> None:
    flink = side("kinesisanalyticsv2")
    role = "arn:aws:iam::000000000000:role/r"
    made = flink.create_application(ApplicationName=name, RuntimeEnvironment="FLINK-1_20", ServiceExecutionRole=role)
    listed = flink.list_applications()["ApplicationSummaries"]
    assert (name, "READY") in [(entry["ApplicationName"], entry["ApplicationStatus"]) for entry in listed]

    created = made["ApplicationDetail"]["CreateTimestamp"]
    flink.delete_application(ApplicationName=name, CreateTimestamp=created)
    assert name not in [entry["ApplicationName"] for entry in flink.list_applications()["ApplicationSummaries"]]


def test_a_workgroup_made_without_settings_enforces_its_own_and_publishes_metrics(side: Aws, name: str) -> None:
    athena = side("athena")
    athena.create_work_group(Name=name)
    configuration = athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["PublishCloudWatchMetricsEnabled"] is True


def test_a_missing_workgroup_is_said_in_the_words_that_terraform_looks_for(side: Aws, name: str) -> None:
    with pytest.raises(ClientError, match=r"InvalidRequestException.* is not found"):
        side("athena").get_work_group(WorkGroup=name)


def test_a_missing_named_query_is_said_in_the_words_that_terraform_looks_for(side: Aws) -> None:
    with pytest.raises(ClientError, match=r"InvalidRequestException.* does not exist"):
        side("athena").get_named_query(NamedQueryId=str(uuid.uuid4()))


def test_a_redrive_policy_comes_back_without_white_space(side: Aws, name: str) -> None:
    sqs = side("sqs")
    dead = "arn:aws:sqs:us-east-1:000000000000:dead"
    sqs.create_queue(QueueName="dead")
    policy = {"deadLetterTargetArn": dead, "maxReceiveCount": 4}
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": json.dumps(policy)})["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert attributes["RedrivePolicy"] == json.dumps(policy, separators=(",", ":"))


def test_what_is_deleted_is_nowhere_in_the_store(endpoint: str, name: str) -> None:
    aws: Aws = lambda service: client(service, endpoint)  # noqa: E731
    glue, kinesis = aws("glue"), aws("kinesis")
    for create, payload, delete in CREATED_WITH_TAGS.values():
        getattr(glue, create)(**payload(name), Tags={"a": "b"})
        delete(glue, name)
    glue.create_database(DatabaseInput={"Name": name})
    keys = [{"Name": "day", "Type": "string"}]
    glue.create_table(DatabaseName=name, TableInput={"Name": "t", "PartitionKeys": keys})
    index = {"IndexName": "by_day", "Keys": ["day"]}
    glue.create_partition_index(DatabaseName=name, TableName="t", PartitionIndex=index)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.enable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["IncomingBytes"])
    assert name in json.dumps(store_of(endpoint))
    glue.delete_database(Name=name)
    kinesis.delete_stream(StreamName=name)
    assert name not in json.dumps(store_of(endpoint))


def test_an_ml_transform_is_made_changed_listed_and_deleted(side: Aws, name: str) -> None:
    glue = side("glue")
    glue.create_database(DatabaseInput={"Name": name})
    columns: Any = [{"Name": "id", "Type": "string"}]
    glue.create_table(DatabaseName=name, TableInput={"Name": "people", "StorageDescriptor": {"Columns": columns}})
    table = {"DatabaseName": name, "TableName": "people"}
    matching = {"PrimaryKeyColumnName": "id", "PrecisionRecallTradeoff": 0.5}
    given: Any = {"Parameters": {"TransformType": "FIND_MATCHES", "FindMatchesParameters": matching}}
    given |= {"Role": "arn:aws:iam::000000000000:role/r", "MaxCapacity": 10.0, "GlueVersion": "2.0"}
    with pytest.raises(ClientError, match="InvalidInputException"):
        glue.create_ml_transform(Name=name, InputRecordTables=[{**table, "TableName": "none"}], **given)

    made = glue.create_ml_transform(Name=name, InputRecordTables=[table], Tags={"a": "b"}, **given)["TransformId"]
    glue.update_ml_transform(TransformId=made, Description="changed")
    found = glue.get_ml_transform(TransformId=made)
    assert (found["Description"], found["InputRecordTables"], found["MaxCapacity"]) == ("changed", [table], 10.0)
    assert found["Schema"] == [{"Name": "id", "DataType": "string"}]
    assert glue.get_tags(ResourceArn=f"arn:aws:glue:us-east-1:000000000000:mlTransform/{made}")["Tags"] == {"a": "b"}
    assert name in {listed["Name"] for listed in glue.get_ml_transforms()["Transforms"]}
    glue.delete_ml_transform(TransformId=made)
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.get_ml_transform(TransformId=made)


def test_a_connection_can_be_changed_and_keeps_its_tags(side: Aws, name: str) -> None:
    glue, given = side("glue"), {"Name": name, "ConnectionType": "JDBC"}
    before, after = ({"JDBC_CONNECTION_URL": f"jdbc:postgresql://{host}:5432/shop"} for host in ("old", "new"))
    glue.create_connection(ConnectionInput={**given, "ConnectionProperties": before}, Tags={"team": "data"})
    glue.update_connection(Name=name, ConnectionInput={**given, "ConnectionProperties": after})
    assert glue.get_connection(Name=name)["Connection"]["ConnectionProperties"] == after
    assert glue.get_tags(ResourceArn=_arn("connection", name))["Tags"] == {"team": "data"}


def test_a_secret_without_a_value_has_none(side: Aws, name: str) -> None:
    secrets = side("secretsmanager")
    secrets.create_secret(Name=name)
    with pytest.raises(secrets.exceptions.ResourceNotFoundException, match="staging label: AWSCURRENT"):
        secrets.get_secret_value(SecretId=name)
    assert "VersionIdsToStages" not in secrets.describe_secret(SecretId=name)
    version = secrets.put_secret_value(SecretId=name, SecretString="x")["VersionId"]
    assert secrets.describe_secret(SecretId=name)["VersionIdsToStages"][version] == ["AWSCURRENT"]
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "x"
