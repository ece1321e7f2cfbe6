"""A crawler in event mode: the messages of its queue name the folders to crawl again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_plus

from local_aws.crawlers.formats import UnsupportedError
from local_aws.crawlers.inference import Warn
from local_aws.protocol import Document

MOST_MESSAGES = 100_000
"""The maximum number of messages that AWS's crawler takes from its queue per crawl."""
_BATCH = 10


@contextmanager
def changed_folders(sqs: Any, own: Any, target: Document, warn: Warn) -> Iterator[set[str]]:
    """The folders, as `s3://bucket/key/`, of every object that the messages of a target's queue name.

    The messages are deleted when the block ends well; else they can be received again at once.
    `sqs` is the crawler's role's; what AWS asks no permission of it for, `own` does.
    A message that is not from S3 goes to the dead-letter queue; without one it stays where it is.

    Raises:
        UnsupportedError: the target has no queue.
    """
    if not target.get("EventQueueArn"):
        raise UnsupportedError(f"The target {target['Path']} has no EventQueueArn, and the crawler is in event mode")
    url, dead_letters = _url(sqs, target["EventQueueArn"]), target.get("DlqEventQueueArn")
    read: list[Document] = []
    bad: list[Document] = []
    folders: set[str] = set()
    for message in _received(sqs, url):
        named = _folders(message["Body"])
        folders |= named or set()
        (bad if named is None else read).append(message)
    for message in bad:
        warn(f"The message {message['MessageId']} of {target['EventQueueArn']} is not a notification of S3")
    if dead_letters:
        for message in bad:
            own.send_message(QueueUrl=_url(sqs, dead_letters), MessageBody=message["Body"])
        _delete(sqs, url, bad)
    try:
        yield folders
    except BaseException:
        for message in read:
            own.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
        raise
    _delete(sqs, url, read)


def _url(sqs: Any, arn: str) -> str:
    return str(sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"])


def _received(sqs: Any, url: str) -> Iterator[Document]:
    for _ in range(0, MOST_MESSAGES, _BATCH):
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=_BATCH).get("Messages")
        if not messages:
            return
        yield from messages


def _folders(body: str) -> set[str] | None:
    """Return the folders that a message names; None if it is not an S3 notification, direct or through SNS."""
    try:
        document = json.loads(body)
        document = json.loads(document["Message"]) if "Message" in document else document
        if document.get("Event") == "s3:TestEvent":
            return set()
        return {_folder(record["s3"]) for record in document["Records"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _folder(record: Document) -> str:
    key = unquote_plus(record["object"]["key"])
    return f"s3://{record['bucket']['name']}/{key}".rpartition("/")[0] + "/"


def _delete(sqs: Any, url: str, messages: Sequence[Document]) -> None:
    for start in range(0, len(messages), _BATCH):
        batch = messages[start : start + _BATCH]
        entries = [{"Id": str(number), "ReceiptHandle": m["ReceiptHandle"]} for number, m in enumerate(batch)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
