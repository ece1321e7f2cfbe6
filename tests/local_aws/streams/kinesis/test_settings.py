"""A stream's description shows its initial and changed settings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded import store_of
from tests.local_aws.streams.kinesis.conftest import everything, put


def summary(kinesis: Any, stream: str) -> dict[str, Any]:
    described: dict[str, Any] = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    return described


def test_a_new_stream_is_described_as_aws_does(kinesis: Any, stream: str) -> None:
    said = summary(kinesis, stream)
    assert said["StreamARN"] == f"arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"
    expected = {
        "StreamName": stream,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "RetentionPeriodHours": 24,
        "EncryptionType": "NONE",
        "OpenShardCount": 2,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
    }
    assert {name: said[name] for name in expected} == expected
    assert "KeyId" not in said


def test_a_stream_keeps_its_initial_and_later_tags(kinesis: Any, name: str) -> None:
    kinesis.create_stream(StreamName=name, ShardCount=1, Tags={"a": "1", "b": "2"})
    kinesis.add_tags_to_stream(StreamName=name, Tags={"c": "3"})
    kinesis.remove_tags_from_stream(StreamName=name, TagKeys=["b"])
    arn = summary(kinesis, name)["StreamARN"]
    kinesis.tag_resource(ResourceARN=arn, Tags={"d": "4"})
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["a"])
    expected = [{"Key": "c", "Value": "3"}, {"Key": "d", "Value": "4"}]
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == expected
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == expected


def test_a_stream_says_which_shard_level_metrics_are_on(kinesis: Any, stream: str) -> None:
    kinesis.enable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["IncomingBytes", "OutgoingBytes"])
    answer = kinesis.disable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["OutgoingBytes"])
    assert answer["CurrentShardLevelMetrics"] == ["IncomingBytes", "OutgoingBytes"]
    assert summary(kinesis, stream)["EnhancedMonitoring"] == [{"ShardLevelMetrics": ["IncomingBytes"]}]


def test_retention_is_changed_within_awss_limits(kinesis: Any, stream: str) -> None:
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=8760)
    kinesis.decrease_stream_retention_period(StreamName=stream, RetentionPeriodHours=48)
    assert summary(kinesis, stream)["RetentionPeriodHours"] == 48
    for change, hours in (("increase", 24), ("increase", 8761), ("decrease", 23), ("decrease", 49)):
        with pytest.raises(ClientError, match="RetentionPeriodHours"):
            getattr(kinesis, f"{change}_stream_retention_period")(StreamName=stream, RetentionPeriodHours=hours)


def test_encryption_is_started_and_stopped(kinesis: Any, stream: str) -> None:
    kinesis.start_stream_encryption(StreamName=stream, EncryptionType="KMS", KeyId="alias/k")
    assert (summary(kinesis, stream)["EncryptionType"], summary(kinesis, stream)["KeyId"]) == ("KMS", "alias/k")
    kinesis.stop_stream_encryption(StreamName=stream, EncryptionType="KMS", KeyId="alias/k")
    assert summary(kinesis, stream)["EncryptionType"] == "NONE"
    assert "KeyId" not in summary(kinesis, stream)


def test_an_on_demand_stream_has_four_shards_that_cannot_be_changed(kinesis: Any, name: str) -> None:
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert summary(kinesis, name)["OpenShardCount"] == 4
    with pytest.raises(ClientError, match="ON_DEMAND"):
        kinesis.update_shard_count(StreamName=name, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    put(kinesis, name, range(10))
    arn = summary(kinesis, name)["StreamARN"]
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "PROVISIONED"})
    kinesis.update_shard_count(StreamName=name, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    assert summary(kinesis, name)["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    assert everything(kinesis, name) == list(range(10))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"ShardCount": 1, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
        {"ShardCount": 1, "StreamModeDetails": {"StreamMode": "SOMETIMES"}},
    ],
)
def test_a_stream_that_aws_would_refuse_is_refused(kinesis: Any, name: str, given: dict[str, Any]) -> None:
    with pytest.raises(ClientError):
        kinesis.create_stream(StreamName=name, **given)
    assert name not in kinesis.list_streams(Limit=1000)["StreamNames"]


def test_a_stream_name_can_be_used_only_once(kinesis: Any, stream: str) -> None:
    with pytest.raises(kinesis.exceptions.ResourceInUseException):
        kinesis.create_stream(StreamName=stream, ShardCount=1)


def test_streams_are_listed_in_pages(kinesis: Any, name: str) -> None:
    names = [f"{name}-{number}" for number in range(3)]
    for each in names:
        kinesis.create_stream(StreamName=each, ShardCount=1)
    page = kinesis.list_streams(ExclusiveStartStreamName=name, Limit=2)
    assert (page["StreamNames"], page["HasMoreStreams"]) == (names[:2], True)
    assert kinesis.list_streams(NextToken=page["NextToken"], Limit=1)["StreamNames"] == names[2:]


@pytest.mark.parametrize(
    "call", ["describe_stream", "list_shards", "delete_stream", "describe_stream_summary", "list_tags_for_stream"]
)
def test_a_missing_stream_is_named(kinesis: Any, name: str, call: str) -> None:
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException, match=name):
        getattr(kinesis, call)(StreamName=name)


def test_an_unsupported_call_is_refused_and_named(kinesis: Any, stream: str) -> None:
    arn = summary(kinesis, stream)["StreamARN"]
    with pytest.raises(ClientError, match="RegisterStreamConsumer: the embedded Kinesis has no enhanced fan-out"):
        kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")


def test_every_call_of_the_api_is_answered_or_refused_and_named() -> None:
    from botocore.session import get_session

    from local_aws.streams.kinesis import lifecycle, refused, resharding, settings
    from local_aws.streams.kinesis.registry import Streams

    streams = Streams.__new__(Streams)
    layers = (lifecycle.handlers(streams), resharding.handlers(streams), settings.handlers(streams), refused.handlers())
    known = {action for layer in layers for _, action in layer}
    known |= {"PutRecord", "PutRecords", "GetShardIterator", "GetRecords"}
    assert set(get_session().get_service_model("kinesis").operation_names) <= known


def test_a_deleted_stream_leaves_nothing(kinesis: Any, endpoint: str, stream: str) -> None:
    put(kinesis, stream, range(5))
    assert stream in json.dumps(store_of(endpoint))
    kinesis.delete_stream(StreamName=stream)
    assert stream not in json.dumps(store_of(endpoint))
