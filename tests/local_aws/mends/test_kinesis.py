"""Contracts of the mends of Kinesis."""

from __future__ import annotations

from tests.local_aws.mends.conftest import Aws


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
