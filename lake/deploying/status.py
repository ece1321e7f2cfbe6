"""What is deployed, and its state, according to AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws, is_absent
from lake.configuration.connections import address
from lake.configuration.model import Config
from lake.configuration.model.windows import REJECTED
from lake.configuration.names import ML, ZONES
from lake.data import partitions
from lake.data.catalog import crawled_datasets, table_size

ABSENT = "not deployed"

Ask = Callable[[Aws, str], tuple[str, str]]
"""Gets the (state, detail) of one part from AWS, by its name in lake.yaml."""


@dataclass(frozen=True)
class Line:
    """One part of the lake. `detail` is a short sentence."""

    stack: str
    part: str
    state: str
    detail: str = ""


def status(aws: Aws) -> list[Line]:
    """The state of every bucket, connection, crawler, job, workgroup, stream and model that lake.yaml declares."""
    config = aws.lake.config
    crawled = crawled_datasets(aws)
    declared = [name for name in config.datasets if name not in crawled]
    counted = [name for name, stream in config.streams.items() if stream.windows]
    zones = _zones(config)
    with_kinesis = [
        name for name in zones if name not in config.streams or config.streams[name].delivery.source == "kinesis"
    ]
    transformed = [name for name, stream in config.streams.items() if stream.delivery.transform]
    parts: list[tuple[str, str, Ask, Iterable[str]]] = [
        ("storage", "zone", _bucket, ZONES),
        ("catalog", "connection", _connection, config.connections),
        ("catalog", "crawler", _crawler, crawled),
        ("catalog", "table", _table, declared),
        ("etl", "job", _job, config.every_job),
        ("etl", "workflow", _workflow, config.workflows),
        ("athena", "workgroup", _workgroup, [aws.names.workgroup]),
        ("streaming", "stream", _stream, with_kinesis),
        ("streaming", "delivery", _delivery, zones),
        ("streaming", "transform", _transform, transformed),
        ("streaming", "application", _application, counted),
        (ML, "training set", _training_set, config.training_sets),
        (ML, "model", _model, config.models),
        (ML, "feature group", _feature_group, config.feature_groups),
    ]
    return [
        Line(stack, f"{part} {name}", *_asked(ask, aws, name)) for stack, part, ask, names in parts for name in names
    ]


def _zones(config: Config) -> dict[str, str]:
    """The zone that each stream is delivered to: those of lake.yaml, and those of the results of their windows."""
    results = {
        f"{name}_{result}": "raw" if result == REJECTED else "curated"
        for name, stream in config.streams.items()
        for result in stream.results
    }
    return dict.fromkeys(config.streams, "raw") | results


def _asked(ask: Ask, aws: Aws, name: str) -> tuple[str, str]:
    try:
        return ask(aws, name)
    except ClientError as error:
        if not is_absent(error):
            raise
        return ABSENT, ""


def _bucket(aws: Aws, zone: str) -> tuple[str, str]:
    bucket = aws.names.bucket(zone)
    aws.s3.head_bucket(Bucket=bucket)
    return "deployed", f"s3://{bucket}"


def _connection(aws: Aws, name: str) -> tuple[str, str]:
    connection = aws.lake.config.connections[name]
    aws.glue.get_connection(Name=aws.names.connection(name), HidePassword=True)
    if connection.type == "network":
        return "deployed", address(connection)
    versions = aws.secrets.describe_secret(SecretId=aws.names.secret(name)).get("VersionIdsToStages")
    return "deployed", address(connection) + ("" if versions else f"; no password yet: `lake secret {name}`")


def _crawler(aws: Aws, dataset: str) -> tuple[str, str]:
    crawler = aws.glue.get_crawler(Name=aws.names.crawler(dataset))["Crawler"]
    last = crawler.get("LastCrawl", {}).get("Status", "never run")
    return crawler["State"], f"last crawl: {last}; {_size(aws, dataset)}"


def _table(aws: Aws, dataset: str) -> tuple[str, str]:
    table = aws.lake.config.datasets[dataset].catalog
    aws.glue.get_table(DatabaseName=aws.names.database("raw"), Name=dataset)
    return "deployed", f"{table}; {_size(aws, dataset)}"


def _size(aws: Aws, dataset: str) -> str:
    columns, count = table_size(aws, dataset)
    if not columns:
        return "no table"
    if aws.lake.config.datasets[dataset].catalog == "projected":
        return f"table with {columns} columns, partitions computed by Athena"
    advice = partitions.unindexed(aws, dataset, count)
    return f"table with {columns} columns, {count} partitions" + (f"; {advice}" if advice else "")


def _job(aws: Aws, job: str) -> tuple[str, str]:
    return _runs(aws, aws.names.job(job))


def _training_set(aws: Aws, training_set: str) -> tuple[str, str]:
    return _runs(aws, aws.names.dataset_job(training_set))


def _runs(aws: Aws, name: str) -> tuple[str, str]:
    aws.glue.get_job(JobName=name)
    runs: list[Any] = sorted(aws.glue.get_job_runs(JobName=name)["JobRuns"], key=lambda run: run["StartedOn"])
    if not runs:
        return "deployed", "never run"
    return "deployed", f"last run: {runs[-1]['JobRunState']} in {runs[-1].get('ExecutionTime', 0)} s"


def _workflow(aws: Aws, workflow: str) -> tuple[str, str]:
    found = aws.glue.get_workflow(Name=aws.names.workflow(workflow))["Workflow"]
    last = found.get("LastRun")
    if not last:
        return "deployed", "never run"
    counts = last["Statistics"]
    done = f"{counts['SucceededActions']} of {counts['TotalActions']} succeeded"
    return "deployed", f"last run: {last['Status']}, {done}"


def _workgroup(aws: Aws, name: str) -> tuple[str, str]:
    group = aws.athena.get_work_group(WorkGroup=name)["WorkGroup"]
    return group.get("State", "ENABLED"), ""


def _stream(aws: Aws, stream: str) -> tuple[str, str]:
    summary = aws.kinesis.describe_stream_summary(StreamName=aws.names.stream(stream))["StreamDescriptionSummary"]
    return summary["StreamStatus"], f"{summary['OpenShardCount']} shards"


def _delivery(aws: Aws, stream: str) -> tuple[str, str]:
    name = aws.names.stream(stream)
    zone = _zones(aws.lake.config)[stream]
    delivery = aws.firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    return delivery["DeliveryStreamStatus"], f"to s3://{aws.names.bucket(zone)}/{stream}/"


def _transform(aws: Aws, stream: str) -> tuple[str, str]:
    found = aws.functions.get_function_configuration(FunctionName=aws.names.transform(stream))
    return found.get("State", "Active"), f"{found['Runtime']}, {found['Handler']}"


def _application(aws: Aws, stream: str) -> tuple[str, str]:
    detail = aws.flink.describe_application(ApplicationName=aws.names.stream(stream))["ApplicationDetail"]
    state = detail["ApplicationStatus"]
    return state, "computes windows" if state == "RUNNING" else "not started: `lake stream start` starts it"


def _model(aws: Aws, model: str) -> tuple[str, str]:
    name = aws.names.model(model)
    state = aws.sagemaker.describe_pipeline(PipelineName=name)["PipelineStatus"]
    newest = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 1}
    found = aws.sagemaker.list_pipeline_executions(PipelineName=name, **newest)["PipelineExecutionSummaries"]
    return state, f"last execution: {found[0]['PipelineExecutionStatus']}" if found else "never trained"


def _feature_group(aws: Aws, group: str) -> tuple[str, str]:
    found = aws.sagemaker.describe_feature_group(FeatureGroupName=aws.names.feature_group(group))
    return found["FeatureGroupStatus"], "table, and online" if aws.lake.config.feature_groups[group].online else "table"
