"""What AWS's services tell the rest of it of an end: events that rules of EventBridge match, and Athena's metrics.

The emulator takes no event of a source of AWS's own, so the rules that match one are asked for, and what they send is
put here. Only topics of SNS are sent to. Each rule that matches is counted in the metric `MatchedEvents`.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Thread
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.context import ACCOUNT, Context
from local_aws.events import Ended
from local_aws.protocol import Document, Handlers

CRAWLER_STATES = {"SUCCEEDED": "Succeeded", "FAILED": "Failed"}
"""Of the events that Glue sends of a crawler's end; of a cancelled crawl it sends none."""
log = logging.getLogger("local_aws.notices")


def handlers(context: Context) -> Handlers:
    """It answers no call: it listens."""
    Notices(context)
    return {}


class Notices:
    """Tells of each end in a thread of its own: nothing that ends waits for it, and no failure of it is theirs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ends: SimpleQueue[Ended] = SimpleQueue()
        context.events.listen(self._ends.put)
        Thread(target=self._tell_all, name="notices", daemon=True).start()

    def _tell_all(self) -> None:
        while True:
            ended = self._ends.get()
            try:
                self._tell(ended)
            except (ClientError, BotoCoreError) as error:
                log.info("the end of %s could not be told: %s", ended.name, error)
            except Exception:
                log.exception("the end of %s could not be told", ended.name)

    def _tell(self, ended: Ended) -> None:
        if ended.kind == "QUERY":
            self._count("AWS/Athena", ended.region, query_metrics(ended))
        elif event := event_of(ended):
            for rule in self._rules(ended.region, event):
                self._send(ended.region, rule, event)
                self._count("AWS/Events", ended.region, rule_metrics(rule))

    def _rules(self, region: str, event: Document) -> Iterator[str]:
        """The names of the rules that match the event."""
        client, text = self._context.client("events", region), json.dumps(event)
        rules = (rule for page in client.get_paginator("list_rules").paginate() for rule in page["Rules"])
        for rule in rules:
            pattern = rule.get("EventPattern") if rule.get("State") == "ENABLED" else None
            if pattern and client.test_event_pattern(EventPattern=pattern, Event=text)["Result"]:
                yield rule["Name"]

    def _send(self, region: str, rule: str, event: Document) -> None:
        targets = self._context.client("events", region).list_targets_by_rule(Rule=rule)["Targets"]
        for target in targets:
            if ":sns:" in target["Arn"]:
                message = transformed(target.get("InputTransformer"), event)
                self._context.client("sns", region).publish(TopicArn=target["Arn"], Message=message)

    def _count(self, namespace: str, region: str, data: list[Document]) -> None:
        self._context.client("cloudwatch", region).put_metric_data(Namespace=namespace, MetricData=data)


def event_of(ended: Ended) -> Document | None:
    """The event that Glue sends of the end of a run or a crawl; None where it sends none."""
    if ended.kind == "JOB":
        severity = "INFO" if ended.state == "SUCCEEDED" else "ERROR"
        detail = {"jobName": ended.name, "severity": severity, "state": ended.state, "jobRunId": ended.run}
        return _event("Glue Job State Change", ended.region, detail | {"message": ended.message})
    state = CRAWLER_STATES.get(ended.state)
    if state is None:
        return None
    detail = {"accountId": ACCOUNT, "crawlerName": ended.name, "state": state}
    detail |= {"errorMessage": ended.message} if state == "Failed" else {"message": "Crawler Succeeded"}
    return _event("Glue Crawler State Change", ended.region, detail)


def _event(kind: str, region: str, detail: Document) -> Document:
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": kind,
        "source": "aws.glue",
        "account": ACCOUNT,
        "time": datetime.fromtimestamp(int(time.time()), UTC).isoformat().replace("+00:00", "Z"),
        "region": region,
        "resources": [],
        "detail": detail,
    }


def transformed(transformer: Document | None, event: Document) -> str:
    """The message of a target: the event, or its template with the values that its paths lead to."""
    if transformer is None:
        return json.dumps(event)
    values = {name: _at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    text = re.sub(r"<(\w+)>", lambda found: str(values.get(found[1], found[0])), transformer["InputTemplate"])
    return text.strip('"') if text.startswith('"') else text


def _at(event: Document, path: str) -> Any:
    found: Any = event
    for step in path.removeprefix("$.").split("."):
        found = found.get(step, "") if isinstance(found, dict) else ""
    return found


def rule_metrics(rule: str) -> list[Document]:
    dimensions = [{"Name": "RuleName", "Value": rule}]
    return [
        {"MetricName": name, "Value": 1, "Unit": "Count", "Dimensions": dimensions}
        for name in ("MatchedEvents", "TriggeredRules", "Invocations")
    ]


def query_metrics(ended: Ended) -> list[Document]:
    """Of a query that is over: its time in milliseconds, and the bytes that it has read."""
    state = "CANCELED" if ended.state == "CANCELLED" else ended.state
    named = {"WorkGroup": ended.name, "QueryState": state, "QueryType": ended.type}
    dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
    values = (("TotalExecutionTime", ended.millis, "Milliseconds"), ("ProcessedBytes", ended.bytes, "Bytes"))
    return [
        {"MetricName": name, "Value": value, "Unit": unit, "Dimensions": dimensions} for name, value, unit in values
    ]
