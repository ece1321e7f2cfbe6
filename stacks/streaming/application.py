"""The Flink application of a stream, the streams of its results, and the bucket of its code."""

from __future__ import annotations

from cdktf import Annotations
from cdktf_cdktf_provider_aws import kinesisanalyticsv2_application as flink
from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.kinesis_stream import KinesisStream
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction
from cdktf_cdktf_provider_aws.s3_object import S3Object
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

from lake.configuration.flink import APPLICATION, is_installed, jar, missing
from lake.configuration.model import Application, Stream
from lake.configuration.model.delivery import Buffer, Delivery
from lake.configuration.model.windows import ALERTS, REJECTED
from lake.deploying.backend import state_file
from lake.deploying.state import types
from lake.shipped import FLINK_APP
from stacks import policies
from stacks.base import LakeStack
from stacks.bucket import SecureBucket
from stacks.package import uploaded, zipped
from stacks.streaming.alerts import alerts_of, notifier
from stacks.streaming.delivery import delivery_stream
from stacks.streaming.kinesis import kinesis_stream
from stacks.streaming.properties import REJECTED_COLUMNS, groups, result_columns
from stacks.streaming.services import READ_STREAM, log, service_role
from stacks.streaming.table import events_table

FLINK = "FLINK-1_20"
_PATTERNS = ("*.py", "*.sql", "*.scala", "*.Factory")
_JAR = "lib/pyflink-dependencies.jar"


def code(stack: LakeStack) -> S3Object | None:
    """The code for all applications, in one bucket; None if no stream has windows, or if the jar is missing."""
    if not any(stream.windows for stream in stack.lake.config.streams.values()):
        return None
    if missing(stack.lake):
        _tell_of_the_jar(stack)
        return None
    bucket = SecureBucket(
        stack,
        "flink",
        names=stack.names,
        purpose="flink",
        keeps_data=False,
        lake=stack.lake,
    ).bucket
    stack.output("flink_bucket", bucket.bucket, "Bucket of the Flink applications' code")
    # The embedded AWS has its own connector, and compiles the event format.
    extra = {} if stack.lake.environment.endpoint else {_JAR: jar()}
    package = zipped(FLINK_APP, patterns=_PATTERNS, extra=extra)
    return uploaded(stack, "flink_app", file=package, bucket=bucket.id, folder="code")


def _tell_of_the_jar(stack: LakeStack) -> None:
    """An error where the state here has applications: the deploy would destroy them. One in a bucket is not read."""
    lake = stack.lake
    if lake.environment.state:
        there = "`cdktf deploy` would destroy those that are deployed, and `lake up` refuses to"
        Annotations.of(stack).add_warning(f"{missing(lake)}. {there}")
        return
    file = state_file(lake, stack.node.id)
    if file.is_file() and APPLICATION in types(file.read_bytes()):
        Annotations.of(stack).add_error(missing(lake, deployed=True))
    else:
        Annotations.of(stack).add_warning(missing(lake))


def application(
    stack: LakeStack,
    name: str,
    stream: Stream,
    source: KinesisStream,
    code: S3Object,
    database: GlueCatalogDatabase,
    topic: SnsTopic | None,
) -> None:
    """`topic`: of the alerts; there is one where a window has any."""
    assert stream.event_time is not None  # lake/configuration/rules/windows.py
    sinks = _sinks(stack, name, stream, database, topic)
    _, log_stream = log(stack, "flink", name, "application")
    role, policy = _application_role(stack, name, stream.application, source, list(sinks.values()))
    arns = {result: sink.arn for result, sink in sinks.items()}
    region = stack.lake.environment.region
    settings = groups(stream, stream.event_time, source.arn, arns, region)
    application = flink.Kinesisanalyticsv2Application(
        stack,
        f"{name}_application",
        name=stack.names.stream(name),
        description=f"Windows of {name}",  # another description would replace the application
        runtime_environment=FLINK,
        application_mode="STREAMING",
        service_execution_role=role.arn,
        start_application=stream.application.start and _can_start(stack),
        cloudwatch_logging_options={"log_stream_arn": log_stream.arn},
        application_configuration={
            "application_code_configuration": {
                "code_content_type": "ZIPFILE",
                "code_content": {
                    "s3_content_location": {
                        "bucket_arn": stack.names.bucket_arn("flink"),
                        "file_key": code.key,
                    }
                },
            },
            "application_snapshot_configuration": {"snapshots_enabled": stream.application.snapshots},
            "environment_properties": {"property_group": [_group(*entry) for entry in settings.items()]},
            "flink_application_configuration": _flink(stream.application),
            "run_configuration": {
                "application_restore_configuration": {"application_restore_type": "RESTORE_FROM_LATEST_SNAPSHOT"}
            },
            **_vpc(stack, stream.application),
        },
        depends_on=[policy],
    )
    stack.output(f"{name}_application", application.name, f"Flink application of {name}")


def _can_start(stack: LakeStack) -> bool:
    """Whether a deploy starts the application. On the embedded AWS, only if Flink is installed, which takes minutes."""
    return stack.lake.environment.endpoint is None or is_installed()


def _sinks(
    stack: LakeStack, name: str, stream: Stream, database: GlueCatalogDatabase, topic: SnsTopic | None
) -> dict[str, KinesisStream]:
    """The streams that the application writes to, by the names of `stream.results`."""
    buffered = Delivery(buffer=Buffer(seconds=stream.delivery.buffer.seconds))
    rejected = Stream(columns=REJECTED_COLUMNS, delivery=buffered)
    sinks = {REJECTED: _results(stack, f"{name}_{REJECTED}", rejected, database, "raw")}
    for window, asked in stream.windows.items():
        columns = result_columns(asked, stream.columns)
        results = Stream(columns=columns, delivery=buffered)
        sinks[window] = _results(stack, f"{name}_{window}", results, database, "curated")
        if asked.alert and topic is not None:
            alerts = f"{window}_{ALERTS}"
            publish = notifier(stack, name, window, asked.alert, topic)
            sinks[alerts] = _results(stack, f"{name}_{alerts}", alerts_of(columns), database, "curated", publish)
    return sinks


def _results(
    stack: LakeStack,
    name: str,
    results: Stream,
    database: GlueCatalogDatabase,
    zone: str,
    function: LambdaFunction | None = None,
) -> KinesisStream:
    """A stream of results, by Firehose to a table whose files lie in `zone`."""
    kinesis = kinesis_stream(stack, name, results)
    table = events_table(stack, database, name, results, zone)
    delivery_stream(stack, name, results, kinesis, table, zone, function)
    return kinesis


def _application_role(
    stack: LakeStack, name: str, settings: Application, source: KinesisStream, sinks: list[KinesisStream]
) -> tuple[IamRole, IamRolePolicy]:
    group = stack.names.arn("logs", f"log-group:{stack.names.log_group('flink', name)}")
    packages = f"{stack.names.bucket_arn('flink')}/*"
    return service_role(
        stack,
        f"{name}_flink",
        "kinesisanalytics.amazonaws.com",
        policies.allow(["s3:GetObject"], [packages]),
        policies.allow([*READ_STREAM, "kinesis:DescribeStreamSummary"], [source.arn]),
        policies.allow(["kinesis:PutRecords"], [sink.arn for sink in sinks]),
        policies.use_key(stack.names, "Decrypt", "GenerateDataKey"),
        policies.allow(["logs:DescribeLogGroups"], [stack.names.arn("logs", "log-group:*")]),
        policies.allow(["logs:DescribeLogStreams", "logs:PutLogEvents"], [group, f"{group}:*"]),
        *(_in_network(stack) if settings.connection else []),
    )


def _in_network(stack: LakeStack) -> list[policies.Statement]:
    permission = "ec2:CreateNetworkInterfacePermission"
    return policies.network_interfaces(stack.names, ["Vpcs", "DhcpOptions"], permission)


def _flink(settings: Application) -> dict[str, object]:
    return {
        "checkpoint_configuration": {
            "configuration_type": "CUSTOM",
            "checkpointing_enabled": True,
            "checkpoint_interval": settings.checkpoint_seconds * 1000,
            "min_pause_between_checkpoints": min(5000, settings.checkpoint_seconds * 1000),
        },
        "monitoring_configuration": {
            "configuration_type": "CUSTOM",
            "log_level": settings.log_level,
            "metrics_level": "APPLICATION",
        },
        "parallelism_configuration": {
            "configuration_type": "CUSTOM",
            "auto_scaling_enabled": settings.autoscaling,
            "parallelism": settings.parallelism,
            "parallelism_per_kpu": settings.parallelism_per_kpu,
        },
    }


def _vpc(stack: LakeStack, settings: Application) -> dict[str, object]:
    if settings.connection is None:
        return {}
    network = stack.lake.config.connections[settings.connection].network
    assert network is not None  # a connection of type network has one
    return {"vpc_configuration": {"subnet_ids": [network.subnet], "security_group_ids": network.security_groups}}


def _group(
    name: str, settings: dict[str, str]
) -> flink.Kinesisanalyticsv2ApplicationApplicationConfigurationEnvironmentPropertiesPropertyGroup:
    return flink.Kinesisanalyticsv2ApplicationApplicationConfigurationEnvironmentPropertiesPropertyGroup(
        property_group_id=name, property_map=settings
    )
