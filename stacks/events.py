"""S3 notifications for event-driven crawlers: a queue per dataset, and the raw zone's notifications to it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cdktf_cdktf_provider_aws.s3_bucket_notification import S3BucketNotification, S3BucketNotificationQueue
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.sqs_queue_policy import SqsQueuePolicy
from constructs import Construct

from lake.configuration.names import Names
from stacks import policies

FORTNIGHT = 14 * 24 * 3600
"""The maximum retention of a queue, because a crawler may run rarely."""
CRAWL_SECONDS = 3600
"""How long a message is invisible while its crawl runs."""
ATTEMPTS = 5
EVENTS = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
READ_QUEUE = [
    f"sqs:{action}"
    for action in (
        *("ReceiveMessage", "DeleteMessage", "PurgeQueue"),
        *("GetQueueUrl", "GetQueueAttributes", "SetQueueAttributes", "ListQueueTags", "ListDeadLetterSourceQueues"),
    )
]
"""The permissions that AWS's crawlers need."""


def notified(scope: Construct, names: Names, datasets: Sequence[str]) -> S3BucketNotification:
    """The datasets' queues, and the notifications in one resource, because S3 has one document per bucket."""
    queues = {dataset: _queue(scope, names, dataset) for dataset in datasets}
    sent_to = [
        S3BucketNotificationQueue(id=dataset, queue_arn=queue.arn, events=EVENTS, filter_prefix=f"{dataset}/")
        for dataset, (queue, _) in queues.items()
    ]
    allowed = [policy for _, policy in queues.values()]
    return S3BucketNotification(
        scope, "raw_notifications", bucket=names.bucket("raw"), queue=sent_to, depends_on=allowed
    )


def may_read(names: Names, datasets: Sequence[str]) -> policies.Statement:
    """The permissions of the crawlers' role on the queues and their dead-letter queues."""
    queues = [queue for dataset in datasets for queue in (names.queue(dataset), names.dead_letters(dataset))]
    return policies.allow(READ_QUEUE, [names.arn("sqs", queue) for queue in queues])


def _queue(scope: Construct, names: Names, dataset: str) -> tuple[SqsQueue, SqsQueuePolicy]:
    # S3 could send to a queue with the lake's key only if the key allowed it. SQS's own encryption is enough here.
    dead_letters = SqsQueue(
        scope,
        f"{dataset}_dead_letters",
        name=names.dead_letters(dataset),
        sqs_managed_sse_enabled=True,
        message_retention_seconds=FORTNIGHT,
    )
    queue = SqsQueue(
        scope,
        f"{dataset}_events",
        name=names.queue(dataset),
        sqs_managed_sse_enabled=True,
        message_retention_seconds=FORTNIGHT,
        visibility_timeout_seconds=CRAWL_SECONDS,
        redrive_policy=json.dumps(
            {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": ATTEMPTS}, separators=(",", ":")
        ),
    )
    policy = SqsQueuePolicy(
        scope, f"{dataset}_events_policy", queue_url=queue.id, policy=policies.document(_from_raw_zone(names, dataset))
    )
    return queue, policy


def _from_raw_zone(names: Names, dataset: str) -> policies.Statement:
    source = {"ArnEquals": {"aws:SourceArn": names.bucket_arn("raw")}}
    sender = policies.allow(["sqs:SendMessage"], [names.arn("sqs", names.queue(dataset))], **source)
    sender["Condition"]["StringEquals"] = {"aws:SourceAccount": names.account}
    return {**sender, "Principal": {"Service": "s3.amazonaws.com"}}
