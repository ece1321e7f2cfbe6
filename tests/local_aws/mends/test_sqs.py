"""Contracts of the fixes of SQS."""

from __future__ import annotations

import json

from tests.local_aws.mends.conftest import Aws


def test_a_redrive_policy_is_returned_without_white_space(side: Aws, name: str) -> None:
    sqs = side("sqs")
    dead = "arn:aws:sqs:us-east-1:000000000000:dead"
    sqs.create_queue(QueueName="dead")
    policy = {"deadLetterTargetArn": dead, "maxReceiveCount": 4}
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": json.dumps(policy)})["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert attributes["RedrivePolicy"] == json.dumps(policy, separators=(",", ":"))
