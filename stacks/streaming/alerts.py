"""Alerts: results of a window for which its condition is true, to a topic and a table."""

from __future__ import annotations

from pathlib import Path

from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

from lake.configuration.model import Delivery, Stream, Transform
from lake.configuration.model.delivery import Buffer
from lake.configuration.model.windows import ALERTS
from stacks import policies
from stacks.base import LakeStack
from stacks.streaming.transform import function

_CODE = Path(__file__).with_name("notify")
_AT_ONCE = Delivery(
    format="json",
    buffer=Buffer(megabytes=1, seconds=0),
    transform=Transform(folder=_CODE.name, megabytes=0.2, seconds=0),
)
"""Firehose waits for nothing more: an alert is to be heard of."""


def alerts_topic(stack: LakeStack) -> SnsTopic | None:
    """One topic for the alerts of all streams; none where no window has any."""
    windows = [window for stream in stack.lake.config.streams.values() for window in stream.windows.values()]
    if not any(window.alert for window in windows):
        return None
    topic = SnsTopic(stack, "alerts_topic", name=stack.names.alerts_topic, kms_master_key_id=stack.names.key_alias_arn)
    stack.output("alerts_topic", topic.arn, "SNS topic of the windows' alerts")
    return topic


def alerts_of(columns: dict[str, str]) -> Stream:
    """The stream of a window's alerts. `columns`: those of its results."""
    return Stream(columns=columns, delivery=_AT_ONCE)


def notifier(stack: LakeStack, stream: str, window: str, condition: str, topic: SnsTopic) -> LambdaFunction:
    """The function that the alerts pass through. It may publish to the topic, and write its log."""
    assert _AT_ONCE.transform is not None
    return function(
        stack,
        f"{stream}_{window}_{ALERTS}",
        _CODE,
        _AT_ONCE.transform,
        f"Publishes the alerts of {window} of {stream}",
        policies.allow(["sns:Publish"], [topic.arn]),
        policies.use_key(stack.names, "Decrypt", "GenerateDataKey"),
        variables={"STREAM": stream, "WINDOW": window, "CONDITION": condition, "TOPIC": topic.arn},
    )
