"""The Flink application of a stream, and the bucket of its code."""

from __future__ import annotations

from cdktf_cdktf_provider_aws import kinesisanalyticsv2_application as flink
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.kinesis_stream import KinesisStream
from cdktf_cdktf_provider_aws.s3_object import S3Object

from lake.configuration.model import Window
from lake.shipped import FLINK_APP
from stacks import policies
from stacks.base import LakeStack
from stacks.bucket import SecureBucket
from stacks.package import uploaded, zipped
from stacks.streaming.services import READ_STREAM, log, service_role

FLINK = "FLINK-1_20"
_FLINK_CONFIGURATION = {
    "checkpoint_configuration": {"configuration_type": "DEFAULT"},
    "monitoring_configuration": {
        "configuration_type": "CUSTOM",
        "log_level": "INFO",
        "metrics_level": "APPLICATION",
    },
    "parallelism_configuration": {
        "configuration_type": "CUSTOM",
        "auto_scaling_enabled": False,
        "parallelism": 1,
        "parallelism_per_kpu": 1,
    },
}


def code(stack: LakeStack) -> S3Object | None:
    """One code bucket for all applications; none where no stream asks for one."""
    if not any(stream.window for stream in stack.lake.config.streams.values()):
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
    package = zipped(FLINK_APP)
    return uploaded(stack, "flink_app", file=package, bucket=bucket.id, folder="code")


def application(stack: LakeStack, name: str, window: Window, source: KinesisStream, code: S3Object) -> None:
    _, log_stream = log(stack, "flink", name, "application")
    sink = KinesisStream(
        stack,
        f"{name}_counts_stream",
        name=stack.names.stream(f"{name}-counts"),
        shard_count=1,
        encryption_type="KMS",
        kms_key_id=stack.names.key_alias_arn,
        enforce_consumer_deletion=True,
    )
    role, policy = _application_role(stack, name, source, sink)
    application = flink.Kinesisanalyticsv2Application(
        stack,
        f"{name}_application",
        name=stack.names.stream(name),
        description=f"Counts {name} by {window.by} every {window.seconds} s",
        runtime_environment=FLINK,
        application_mode="STREAMING",
        service_execution_role=role.arn,
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
            "application_snapshot_configuration": {"snapshots_enabled": True},
            "environment_properties": {"property_group": _properties(stack, name, window, source, sink)},
            "flink_application_configuration": _FLINK_CONFIGURATION,
        },
        depends_on=[policy],
    )
    stack.output(f"{name}_application", application.name, f"Flink application that counts {name}")


def _application_role(
    stack: LakeStack, name: str, source: KinesisStream, sink: KinesisStream
) -> tuple[IamRole, IamRolePolicy]:
    group = stack.names.arn("logs", f"log-group:{stack.names.log_group('flink', name)}")
    return service_role(
        stack,
        f"{name}_flink",
        "kinesisanalytics.amazonaws.com",
        *policies.read_objects(stack.names, "flink"),
        policies.allow(READ_STREAM, [source.arn]),
        policies.allow(["kinesis:DescribeStreamSummary", "kinesis:PutRecord", "kinesis:PutRecords"], [sink.arn]),
        policies.use_key(stack.names, "Decrypt", "GenerateDataKey"),
        policies.allow(["logs:DescribeLogGroups"], [stack.names.arn("logs", "log-group:*")]),
        policies.allow(["logs:DescribeLogStreams", "logs:PutLogEvents"], [group, f"{group}:*"]),
    )


def _properties(
    stack: LakeStack, name: str, window: Window, source: KinesisStream, sink: KinesisStream
) -> list[flink.Kinesisanalyticsv2ApplicationApplicationConfigurationEnvironmentPropertiesPropertyGroup]:
    """What flink_app/main.py reads at run time."""
    group = flink.Kinesisanalyticsv2ApplicationApplicationConfigurationEnvironmentPropertiesPropertyGroup
    region = stack.lake.environment.region
    columns = stack.lake.config.streams[name].columns
    return [
        group(
            property_group_id="kinesis.analytics.flink.run.options",
            property_map={"python": "main.py", "jarfile": "lib/pyflink-dependencies.jar"},
        ),
        group(
            property_group_id="counts",
            property_map={
                "source": source.arn,
                "sink": sink.arn,
                "region": region,
                "by": window.by,
                "by_type": columns[window.by],
                "seconds": str(window.seconds),
            },
        ),
    ]
