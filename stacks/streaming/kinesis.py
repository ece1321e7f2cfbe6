"""The Kinesis stream that receives the events."""

from __future__ import annotations

from typing import Any

from cdktf_cdktf_provider_aws.kinesis_stream import KinesisStream, KinesisStreamStreamModeDetails

from lake.configuration.model import Stream
from stacks.base import LakeStack


def kinesis_stream(stack: LakeStack, name: str, stream: Stream) -> KinesisStream:
    kinesis = KinesisStream(
        stack,
        f"{name}_stream",
        name=stack.names.stream(name),
        **_capacity(stream),
        retention_period=stream.retention_hours,
        encryption_type="KMS",
        kms_key_id=stack.names.key_alias_arn,
        enforce_consumer_deletion=True,
    )
    stack.output(f"{name}_stream_name", kinesis.name, f"Kinesis stream of {name}")
    return kinesis


def _capacity(stream: Stream) -> dict[str, Any]:
    if stream.mode == "on_demand":
        return {"stream_mode_details": KinesisStreamStreamModeDetails(stream_mode="ON_DEMAND")}
    return {"shard_count": stream.shards}
