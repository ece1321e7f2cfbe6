"""A bucket and a database for each test, and a crawler that is run to its end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

_NUMBERS = itertools.count()
ROLE = "arn:aws:iam::000000000000:role/crawler"


class Lake:
    """A bucket, a database and a crawler, each named `name`."""

    def __init__(self, aws: Callable[[str], Any]) -> None:
        self.name = f"crawled-{next(_NUMBERS)}"
        self.s3, self.glue, self.logs = aws("s3"), aws("glue"), aws("logs")
        self.s3.create_bucket(Bucket=self.name)
        self.glue.create_database(DatabaseInput={"Name": self.name})

    def put(self, files: Mapping[str, str | bytes]) -> None:
        for key, body in files.items():
            self.s3.put_object(Bucket=self.name, Key=key, Body=body.encode() if isinstance(body, str) else body)

    def drop(self, *keys: str) -> None:
        for key in keys:
            self.s3.delete_object(Bucket=self.name, Key=key)

    def define(self, *targets: str | dict[str, Any], **settings: Any) -> None:
        """Create the crawler; targets are keys in the bucket, or S3 targets whose Path is such a key."""
        wanted = [{"Path": target} if isinstance(target, str) else target for target in targets]
        paths = [{**target, "Path": f"s3://{self.name}/{target['Path']}"} for target in wanted]
        self.glue.create_crawler(
            Name=self.name, Role=ROLE, DatabaseName=self.name, Targets={"S3Targets": paths}, **settings
        )

    def start(self) -> None:
        self.glue.start_crawler(Name=self.name)

    def wait(self) -> dict[str, Any]:
        """Return the LastCrawl once the crawler is READY."""
        for _ in range(600):
            crawler = self.glue.get_crawler(Name=self.name)["Crawler"]
            if crawler["State"] == "READY":
                last: dict[str, Any] = crawler["LastCrawl"]
                return last
            time.sleep(0.05)
        raise AssertionError(f"the crawler {self.name} did not end within 30 s")

    def run(self) -> None:
        """Run the crawler, which must succeed."""
        self.start()
        last = self.wait()
        assert last["Status"] == "SUCCEEDED", last

    def crawl(self, *targets: str | dict[str, Any], **settings: Any) -> None:
        self.define(*targets, **settings)
        self.run()

    def tables(self) -> dict[str, dict[str, Any]]:
        return {table["Name"]: table for table in self.glue.get_tables(DatabaseName=self.name)["TableList"]}

    def columns(self, table: str) -> dict[str, str]:
        columns = self.tables()[table]["StorageDescriptor"]["Columns"]
        return {column["Name"]: column["Type"] for column in columns}

    def partitions(self, table: str) -> dict[tuple[str, ...], dict[str, Any]]:
        found = self.glue.get_partitions(DatabaseName=self.name, TableName=table)["Partitions"]
        return {tuple(partition["Values"]): partition for partition in found}

    def metrics(self) -> dict[str, Any]:
        (metrics,) = self.glue.get_crawler_metrics(CrawlerNameList=[self.name])["CrawlerMetricsList"]
        return dict(metrics)

    def log(self) -> list[str]:
        events = self.logs.get_log_events(
            logGroupName="/aws-glue/crawlers", logStreamName=self.name, startFromHead=True
        )["events"]
        return [event["message"] for event in events]

    def warnings(self) -> list[str]:
        return [line for line in self.log() if " WARN : " in line]


@pytest.fixture
def lake(aws: Callable[[str], Any]) -> Lake:
    return Lake(aws)
