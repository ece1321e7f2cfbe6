"""Kinesis calls that this AWS does not support: each is refused with a message that names it."""

from __future__ import annotations

from local_aws.protocol import AwsError, Call, Document, Handler, Handlers

_WHY = {
    "enhanced fan-out (read with GetShardIterator and GetRecords)": (
        "RegisterStreamConsumer",
        "DeregisterStreamConsumer",
        "DescribeStreamConsumer",
        "ListStreamConsumers",
        "SubscribeToShard",
    ),
    "resource policies": ("PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"),
    "channels": ("CreateChannel", "DeleteChannel", "DescribeChannel", "ListChannels", "UpdateChannel"),
    "account settings": ("DescribeAccountSettings", "UpdateAccountSettings"),
    "warm throughput": ("UpdateStreamWarmThroughput",),
    "another distribution of records than by their keys": ("UpdateStreamRecordDistributionStrategy",),
}


def handlers() -> Handlers:
    return {("kinesis", action): _refusing(what) for what, actions in _WHY.items() for action in actions}


def _refusing(what: str) -> Handler:
    def handler(call: Call) -> Document:
        raise AwsError("UnsupportedOperationException", f"{call.action}: the embedded Kinesis has no {what}.")

    return handler
