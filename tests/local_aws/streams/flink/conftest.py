"""An application per test in an embedded AWS: its streams, its code, and its output."""

from __future__ import annotations

import io
import itertools
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_aws.streams.flink.home import Home, NoFlink
from tests.local_aws.conftest import until

ROOT = Path(__file__).parents[4]
APPLICATION = ROOT / "flink_app"
ROLE = "arn:aws:iam::000000000000:role/r"
COLUMNS = {"k": "STRING", "ts": "TIMESTAMP(3)", "v": "DOUBLE", "n": "INT", "ok": "BOOLEAN", "d": "DECIMAL(10, 2)"}
TUMBLING = {
    "kind": "tumbling",
    "seconds": "60",
    "by": {"k": "STRING"},
    "aggregates": {"events": ["COUNT(*)", "BIGINT"]},
}
_NUMBERS = itertools.count()


def flink_is_missing() -> str:
    try:
        Home.found()
    except NoFlink as error:
        return str(error)
    return ""


needs_flink = pytest.mark.skipif(bool(flink_is_missing()), reason=flink_is_missing() or "Flink is here")


def packed(changed: dict[str, str] | None = None) -> bytes:
    """Return the application as a zip, with some files changed."""
    files = {
        file.relative_to(APPLICATION).as_posix(): file.read_text()
        for file in APPLICATION.rglob("*.*")
        if file.suffix != ".pyc"
    }
    files["resources/META-INF/services/org.apache.flink.table.factories.Factory"] = "lake.events.EventFormatFactory\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in {**files, **(changed or {})}.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@dataclass
class App:
    """An application that reads the stream `NAME`, and writes to `NAME-WINDOW` and `NAME-rejected`."""

    aws: Callable[[str], Any]
    name: str
    windows: dict[str, dict[str, Any]]
    settings: dict[str, str] = field(default_factory=dict)
    parallelism: int = 1

    @property
    def flink(self) -> Any:
        return self.aws("kinesisanalyticsv2")

    def arn(self, stream: str) -> str:
        return f"arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"

    def groups(self) -> list[dict[str, Any]]:
        options = {"python": "main.py", "jarfile": "lib/pyflink-dependencies.jar"}
        stream = {
            "source": self.arn(self.name),
            "rejected": self.arn(f"{self.name}-rejected"),
            "region": "us-east-1",
            "start": "LATEST",
            "time": "ts",
            "lateness": "5",
            "ahead": "3600",
            "columns": json.dumps(COLUMNS),
            **self.settings,
        }
        found = {"kinesis.analytics.flink.run.options": options, "stream": stream}
        for window, group in self.windows.items():
            texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in group.items()}
            sinks = {"sink": self.arn(f"{self.name}-{window}"), "alerts": self.arn(f"{self.name}-{window}-alerts")}
            found[f"window.{window}"] = {**texts, **sinks}
        return [{"PropertyGroupId": name, "PropertyMap": group} for name, group in found.items()]

    def create(self, shards: int = 2) -> None:
        alerts = [f"{window}-alerts" for window, group in self.windows.items() if "alert" in group]
        for stream in (self.name, *(f"{self.name}-{result}" for result in ("rejected", *self.windows, *alerts))):
            self.make_stream(stream, shards if stream == self.name else 1)
        self.aws("s3").create_bucket(Bucket=self.name)
        self.put_code()
        logs, group = self.aws("logs"), f"/aws/kinesis-analytics/{self.name}"
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="application")
        stream = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:log-stream:application"
        tasks = {"ConfigurationType": "CUSTOM", "Parallelism": self.parallelism, "ParallelismPerKPU": 1}
        self.flink.create_application(
            ApplicationName=self.name,
            RuntimeEnvironment="FLINK-1_20",
            ServiceExecutionRole=ROLE,
            CloudWatchLoggingOptions=[{"LogStreamARN": stream}],
            ApplicationConfiguration={
                "ApplicationCodeConfiguration": {"CodeContentType": "ZIPFILE", "CodeContent": self.code("code.zip")},
                "EnvironmentProperties": {"PropertyGroups": self.groups()},
                "ApplicationSnapshotConfiguration": {"SnapshotsEnabled": True},
                "FlinkApplicationConfiguration": {
                    "CheckpointConfiguration": {
                        "ConfigurationType": "CUSTOM",
                        "CheckpointingEnabled": True,
                        "CheckpointInterval": 1000,
                        "MinPauseBetweenCheckpoints": 100,
                    },
                    "ParallelismConfiguration": tasks,
                },
            },
        )

    def make_stream(self, name: str, shards: int) -> None:
        kinesis = self.aws("kinesis")
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})

    def code(self, key: str) -> dict[str, Any]:
        return {"S3ContentLocation": {"BucketARN": f"arn:aws:s3:::{self.name}", "FileKey": key}}

    def put_code(self, key: str = "code.zip", changed: dict[str, str] | None = None) -> None:
        self.aws("s3").put_object(Bucket=self.name, Key=key, Body=packed(changed))

    def start(self, **run: Any) -> None:
        given = {"RunConfiguration": run} if run else {}
        self.ended(self.flink.start_application(ApplicationName=self.name, **given)["OperationId"])

    def stop(self, **given: Any) -> None:
        self.ended(self.flink.stop_application(ApplicationName=self.name, **given)["OperationId"])

    def update(self, checkpoint: int = 1000) -> str:
        """Set the time between two checkpoints. Returns the operation's id."""
        interval = {"ConfigurationTypeUpdate": "CUSTOM", "CheckpointIntervalUpdate": checkpoint}
        answer = self.flink.update_application(
            ApplicationName=self.name,
            CurrentApplicationVersionId=self.version,
            ApplicationConfigurationUpdate={
                "FlinkApplicationConfigurationUpdate": {"CheckpointConfigurationUpdate": interval}
            },
        )
        return str(answer["OperationId"])

    def ended(self, operation: str) -> dict[str, Any]:
        """Return the result of an operation. Raises AssertionError if it failed."""
        details = until(lambda: self.over(operation), 400)
        assert details["OperationStatus"] == "SUCCESSFUL", details
        return details

    def over(self, operation: str) -> dict[str, Any] | None:
        answer = self.flink.describe_application_operation(ApplicationName=self.name, OperationId=operation)
        details: dict[str, Any] = answer["ApplicationOperationInfoDetails"]
        return None if details["OperationStatus"] == "IN_PROGRESS" else details

    @property
    def status(self) -> str:
        return str(self._detail["ApplicationStatus"])

    @property
    def version(self) -> int:
        return int(self._detail["ApplicationVersionId"])

    @property
    def _detail(self) -> dict[str, Any]:
        detail: dict[str, Any] = self.flink.describe_application(ApplicationName=self.name)["ApplicationDetail"]
        return detail

    def put(self, *events: Any, key: str = "1") -> None:
        """Put events: texts unchanged, anything else as JSON."""
        data = [event if isinstance(event, str) else json.dumps(event) for event in events]
        records = [{"Data": text.encode(), "PartitionKey": key} for text in data]
        for place in range(0, len(records), 500):
            answer = self.aws("kinesis").put_records(StreamName=self.name, Records=records[place : place + 500])
            assert answer["FailedRecordCount"] == 0

    def records(self, sink: str) -> list[dict[str, Any]]:
        """Return everything that the application has put to one of its streams."""
        kinesis, stream = self.aws("kinesis"), f"{self.name}-{sink}"
        shard = kinesis.list_shards(StreamName=stream)["Shards"][0]["ShardId"]
        asked = {"StreamName": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        iterator, found = kinesis.get_shard_iterator(**asked)["ShardIterator"], []
        while True:
            answer = kinesis.get_records(ShardIterator=iterator)
            found += [json.loads(record["Data"]) for record in answer["Records"]]
            if not answer["Records"]:
                return found
            iterator = answer["NextShardIterator"]

    def expect(self, sink: str, count: int, seconds: float = 120) -> list[dict[str, Any]]:
        """Return the records of one of the application's streams, once there are this many."""
        try:
            return list(until(lambda: len(found := self.records(sink)) >= count and found, seconds))
        except AssertionError:
            raise AssertionError(f"{self.records(sink)} is all there is.\n" + "\n".join(self.log()[-60:])) from None

    def metric(self, name: str) -> float:
        """Return the largest value of a metric in CloudWatch; 0 if there is none."""
        now = datetime.now(tz=UTC)
        asked = {"Namespace": "AWS/KinesisAnalytics", "MetricName": name, "Period": 60, "Statistics": ["Maximum"]}
        found = self.aws("cloudwatch").get_metric_statistics(
            **asked,
            Dimensions=[{"Name": "Application", "Value": self.name}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=5),
        )
        return max((point["Maximum"] for point in found["Datapoints"]), default=0)

    def log(self) -> list[str]:
        group = f"/aws/kinesis-analytics/{self.name}"
        pages = self.aws("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return [entry["message"] for page in pages for entry in page["events"]]


@pytest.fixture
def make_app(aws: Callable[[str], Any]) -> Iterator[Callable[..., App]]:
    made: list[App] = []

    def make(windows: dict[str, dict[str, Any]] | None = None, *, parallelism: int = 1, **settings: str) -> App:
        name = f"app{os.getpid()}n{next(_NUMBERS)}"
        app = App(aws, name, windows or {"counts": TUMBLING}, settings, parallelism)
        app.create()
        made.append(app)
        return app

    yield make
    for app in made:
        detail = app.flink.describe_application(ApplicationName=app.name)["ApplicationDetail"]
        if detail["ApplicationStatus"] not in ("READY", "RUNNING"):
            app.stop(Force=True)
        app.flink.delete_application(ApplicationName=app.name, CreateTimestamp=detail["CreateTimestamp"])
