"""Event mode: after the first crawl, only what S3's notifications name is crawled."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local_aws.crawlers.events import changed_folders

ROW = '{"a": 1}\n'
WIDER = '{"a": 2.5, "b": "x"}\n'


class Queues:
    """The queue for the bucket's notifications, and its dead-letter queue."""

    def __init__(self, sqs: Any, lake: Any) -> None:
        self.sqs = sqs
        self.url, self.arn = self._made(f"{lake.name}-events")
        self.dead_url, self.dead_arn = self._made(f"{lake.name}-dead")
        rule = {"QueueArn": self.arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        lake.s3.put_bucket_notification_configuration(
            Bucket=lake.name, NotificationConfiguration={"QueueConfigurations": [rule]}
        )
        sqs.purge_queue(QueueUrl=self.url)  # S3's own test event

    def _made(self, name: str) -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        return url, self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def waiting(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def wait_for(self, count: int) -> None:
        """Wait: S3 delivers a little after it answers."""
        for _ in range(100):
            if self.waiting(self.url) >= count:
                return
            time.sleep(0.05)
        raise AssertionError(f"{self.waiting(self.url)} messages came, not {count}")


@pytest.fixture
def queues(aws: Callable[[str], Any], lake: Any) -> Queues:
    return Queues(aws("sqs"), lake)


def crawl_by_events(lake: Any, queues: Queues, delete: str = "DEPRECATE_IN_DATABASE", update: str = "UPDATE") -> None:
    behaviour = "UPDATE_IN_DATABASE" if update == "UPDATE" else "LOG"
    lake.crawl(
        {"Path": "t/", "EventQueueArn": queues.arn, "DlqEventQueueArn": queues.dead_arn},
        RecrawlPolicy={"RecrawlBehavior": "CRAWL_EVENT_MODE"},
        SchemaChangePolicy={"UpdateBehavior": behaviour, "DeleteBehavior": delete},
    )


def test_a_crawl_reads_only_the_folders_of_the_events(lake: Any, queues: Queues) -> None:
    lake.put({"t/d=1/a.json": ROW, "t/d=2/a.json": ROW})
    crawl_by_events(lake, queues)
    assert set(lake.partitions("t")) == {("1",), ("2",)}
    queues.wait_for(2)
    queues.sqs.purge_queue(QueueUrl=queues.url)
    lake.put({"t/d=1/unseen.json": WIDER})
    queues.wait_for(1)
    queues.sqs.purge_queue(QueueUrl=queues.url)
    lake.put({"t/d=3/new day.json": WIDER.replace("2.5", "7")})
    queues.wait_for(1)
    lake.run()
    assert set(lake.partitions("t")) == {("1",), ("2",), ("3",)}
    assert lake.columns("t") == {"a": "int", "b": "string"}
    assert any("consuming Amazon S3 events" in line for line in lake.log())
    assert queues.waiting(queues.url) == 0


def test_columns_are_added_and_widened_but_not_removed(lake: Any, queues: Queues) -> None:
    lake.put({"t/d=1/a.json": '{"a": 1, "c": 1}\n'})
    crawl_by_events(lake, queues)
    lake.put({"t/d=2/a.json": WIDER})
    queues.wait_for(2)
    lake.run()
    assert lake.columns("t") == {"a": "double", "c": "int", "b": "string"}


def test_with_log_an_event_changes_no_table(lake: Any, queues: Queues) -> None:
    lake.put({"t/d=1/a.json": ROW})
    crawl_by_events(lake, queues, update="LOG", delete="LOG")
    lake.put({"t/d=1/b.json": WIDER})
    queues.wait_for(2)
    lake.run()
    assert lake.columns("t") == {"a": "int"}


def test_a_crawl_without_events_changes_nothing(lake: Any, queues: Queues) -> None:
    lake.put({"t/d=1/a.json": ROW})
    crawl_by_events(lake, queues)
    lake.run()
    before = lake.tables(), lake.partitions("t")
    lake.run()
    assert (lake.tables(), lake.partitions("t")) == before


@pytest.mark.parametrize(
    ("delete", "partitions"),
    [("DELETE_FROM_DATABASE", {("2",)}), ("DEPRECATE_IN_DATABASE", {("1",), ("2",)}), ("LOG", {("1",), ("2",)})],
)
def test_a_deleted_folder_follows_the_policy(
    lake: Any, queues: Queues, delete: str, partitions: set[tuple[str, ...]]
) -> None:
    lake.put({"t/d=1/a.json": ROW, "t/d=2/a.json": ROW})
    crawl_by_events(lake, queues, delete)
    lake.drop("t/d=1/a.json")
    queues.wait_for(3)
    lake.run()
    assert set(lake.partitions("t")) == partitions
    assert lake.columns("t") == {"a": "int"}


@pytest.mark.parametrize(("delete", "left"), [("DELETE_FROM_DATABASE", set()), ("DEPRECATE_IN_DATABASE", {"t"})])
def test_a_table_whose_last_object_is_deleted_follows_the_policy(
    lake: Any, queues: Queues, delete: str, left: set[str]
) -> None:
    lake.put({"t/a.json": ROW})
    crawl_by_events(lake, queues, delete)
    lake.drop("t/a.json")
    queues.wait_for(2)
    lake.run()
    assert {name for name, table in lake.tables().items() if "DEPRECATED_BY_CRAWLER" in table["Parameters"]} == left
    assert set(lake.tables()) == left


def test_the_first_objects_after_an_empty_crawl_make_a_table(lake: Any, queues: Queues) -> None:
    crawl_by_events(lake, queues)
    assert not lake.tables()
    lake.put({"t/d=1/a.json": ROW})
    queues.wait_for(1)
    lake.run()
    assert set(lake.partitions("t")) == {("1",)}


def test_a_message_that_is_not_a_notification_goes_to_the_dead_letter_queue(lake: Any, queues: Queues) -> None:
    crawl_by_events(lake, queues)
    envelope = {"Message": json.dumps({"Records": []})}
    test_event = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})
    for body in (test_event, "hello", '{"some": "thing"}', "[1]", json.dumps(envelope)):
        queues.sqs.send_message(QueueUrl=queues.url, MessageBody=body)
    lake.run()
    dead = queues.sqs.receive_message(QueueUrl=queues.dead_url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(message["Body"] for message in dead) == ["[1]", "hello", '{"some": "thing"}']
    assert queues.waiting(queues.url) == 0
    assert any("is not a notification of S3" in line for line in lake.warnings())


def test_a_crawl_that_fails_leaves_its_events_for_the_next(lake: Any, queues: Queues) -> None:
    lake.put({"t/d=1/a b.json": ROW, "t/d=2/a.json": ROW})
    queues.wait_for(2)
    target = {"Path": f"s3://{lake.name}/t/", "EventQueueArn": queues.arn}
    with pytest.raises(RuntimeError), changed_folders(queues.sqs, queues.sqs, target, print):
        assert queues.sqs.receive_message(QueueUrl=queues.url).get("Messages", []) == []
        raise RuntimeError
    with changed_folders(queues.sqs, queues.sqs, target, print) as folders:
        assert folders == {f"s3://{lake.name}/t/d=1/", f"s3://{lake.name}/t/d=2/"}
    assert queues.waiting(queues.url) == 0


def test_an_updated_crawler_lists_everything_again(lake: Any, queues: Queues) -> None:
    lake.put({"t/d=1/a.json": ROW})
    crawl_by_events(lake, queues)
    lake.put({"t/d=2/a.json": ROW})
    queues.wait_for(2)
    queues.sqs.purge_queue(QueueUrl=queues.url)
    lake.glue.update_crawler(Name=lake.name, Schedule="cron(15 * * * ? *)")
    lake.run()
    assert set(lake.partitions("t")) == {("1",)}
    lake.glue.update_crawler(Name=lake.name, Configuration='{"Version": 1.0}')
    lake.run()
    assert set(lake.partitions("t")) == {("1",), ("2",)}


def test_event_mode_without_a_queue_fails_and_says_so(lake: Any) -> None:
    lake.define("t/", RecrawlPolicy={"RecrawlBehavior": "CRAWL_EVENT_MODE"})
    lake.start()
    assert lake.wait()["Status"] == "SUCCEEDED"
    lake.start()
    assert "has no EventQueueArn" in lake.wait()["ErrorMessage"]
