"""What is deployed and in what state, asked of AWS itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws
from lake.catalog import table_size

ABSENT = "not deployed"


@dataclass(frozen=True)
class Line:
    """One part of the lake. `detail` is a short sentence."""

    stack: str
    part: str
    state: str
    detail: str = ""


def status(aws: Aws) -> list[Line]:
    """The state of every bucket, crawler, job, workgroup and stream that lake.yaml asks for."""
    config = aws.lake.config
    return [
        *(_or_absent("storage", f"{zone} zone", lambda zone=zone: _bucket(aws, zone)) for zone in _ZONES),
        *(_or_absent("catalog", f"crawler {name}", lambda name=name: _crawler(aws, name)) for name in config.datasets),
        *(_or_absent("etl", f"job {name}", lambda name=name: _job(aws, name)) for name in config.jobs),
        _or_absent("athena", "workgroup", lambda: _workgroup(aws)),
        *(_or_absent("streaming", f"stream {name}", lambda name=name: _stream(aws, name)) for name in config.streams),
        *(_or_absent("streaming", f"delivery {name}", lambda name=name: _delivery(aws, name)) for name in config.streams),
        *(
            _or_absent("streaming", f"application {name}", lambda name=name: _application(aws, name))
            for name, stream in config.streams.items()
            if stream.window
        ),
    ]


_ZONES = ("raw", "curated", "quarantine")


def _or_absent(stack: str, part: str, ask: Callable[[], tuple[str, str]]) -> Line:
    try:
        return Line(stack, part, *ask())
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 404):
            return Line(stack, part, ABSENT)
        raise


def _bucket(aws: Aws, zone: str) -> tuple[str, str]:
    bucket = aws.names.bucket(zone)
    aws.s3.head_bucket(Bucket=bucket)
    return "deployed", f"s3://{bucket}"


def _crawler(aws: Aws, dataset: str) -> tuple[str, str]:
    crawler = aws.glue.get_crawler(Name=aws.names.crawler(dataset))["Crawler"]
    last = crawler.get("LastCrawl", {}).get("Status", "never run")
    columns, partitions = table_size(aws, dataset)
    table = f"table with {columns} columns, {partitions} partitions" if columns else "no table"
    return crawler["State"], f"last crawl: {last}; {table}"


def _job(aws: Aws, job: str) -> tuple[str, str]:
    name = aws.names.job(job)
    aws.glue.get_job(JobName=name)
    runs: list[Any] = sorted(aws.glue.get_job_runs(JobName=name)["JobRuns"], key=lambda run: run["StartedOn"])
    if not runs:
        return "deployed", "never run"
    return "deployed", f"last run: {runs[-1]['JobRunState']} in {runs[-1].get('ExecutionTime', 0)} s"


def _workgroup(aws: Aws) -> tuple[str, str]:
    group = aws.athena.get_work_group(WorkGroup=aws.names.workgroup)["WorkGroup"]
    return group.get("State", "ENABLED"), group["Name"]


def _stream(aws: Aws, stream: str) -> tuple[str, str]:
    summary = aws.kinesis.describe_stream_summary(StreamName=aws.names.stream(stream))["StreamDescriptionSummary"]
    return summary["StreamStatus"], f"{summary['OpenShardCount']} shards"


def _delivery(aws: Aws, stream: str) -> tuple[str, str]:
    name = aws.names.stream(stream)
    delivery = aws.firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    return delivery["DeliveryStreamStatus"], f"to s3://{aws.names.bucket('raw')}/{stream}/"


def _application(aws: Aws, stream: str) -> tuple[str, str]:
    detail = aws.flink.describe_application(ApplicationName=aws.names.stream(stream))["ApplicationDetail"]
    state = detail["ApplicationStatus"]
    return state, "counts windows" if state == "RUNNING" else "not started: it counts nothing"
