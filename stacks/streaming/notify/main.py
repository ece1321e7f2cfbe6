"""Publishes alerts to the topic. Firehose calls it with each batch of them, and writes them to the alerts' table."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import boto3


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch that cannot be published whole fails, so that Firehose brings it again: an alert may come twice."""
    topic = boto3.client("sns")
    for record in event["records"]:
        _publish(topic, base64.b64decode(record["data"]).decode())
    return {"records": [_unchanged(record) for record in event["records"]]}


def _publish(topic: Any, alert: str) -> None:
    of = {name: os.environ[name] for name in ("STREAM", "WINDOW", "CONDITION")}
    topic.publish(
        TopicArn=os.environ["TOPIC"],
        Subject=f"{of['STREAM']}: {of['WINDOW']}"[:100],
        Message=json.dumps(
            {"stream": of["STREAM"], "window": of["WINDOW"], "condition": of["CONDITION"], "result": json.loads(alert)}
        ),
        MessageAttributes={
            "stream": {"DataType": "String", "StringValue": of["STREAM"]},
            "window": {"DataType": "String", "StringValue": of["WINDOW"]},
        },
    )


def _unchanged(record: dict[str, Any]) -> dict[str, Any]:
    return {"recordId": record["recordId"], "result": "Ok", "data": record["data"]}
