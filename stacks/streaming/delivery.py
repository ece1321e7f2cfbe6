"""The Firehose stream that writes the events into the raw zone."""

from __future__ import annotations

from cdktf_cdktf_provider_aws import kinesis_firehose_delivery_stream as firehose
from cdktf_cdktf_provider_aws.glue_catalog_table import GlueCatalogTable
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.kinesis_stream import KinesisStream

from lake.configuration.model import Stream
from stacks import policies
from stacks.base import LakeStack
from stacks.streaming.services import READ_STREAM, log, service_role


def delivery_stream(
    stack: LakeStack, name: str, stream: Stream, kinesis: KinesisStream, table: GlueCatalogTable, zone: str = "raw"
) -> None:
    log_group, log_stream = log(stack, "firehose", name, "DestinationDelivery")
    role, policy = _delivery_role(stack, name, kinesis, zone)
    delivery = firehose.KinesisFirehoseDeliveryStream(
        stack,
        f"{name}_delivery",
        name=stack.names.stream(name),
        destination="extended_s3",
        kinesis_source_configuration={"kinesis_stream_arn": kinesis.arn, "role_arn": role.arn},
        extended_s3_configuration={
            "bucket_arn": stack.names.bucket_arn(zone),
            "role_arn": role.arn,
            "prefix": f"{name}/date=!{{timestamp:yyyy-MM-dd}}/",
            "error_output_prefix": f"_errors/{name}/!{{firehose:error-output-type}}/",
            "buffering_size": stream.buffer.megabytes,
            "buffering_interval": stream.buffer.seconds,
            "compression_format": "UNCOMPRESSED",
            "cloudwatch_logging_options": {
                "enabled": True,
                "log_group_name": log_group.name,
                "log_stream_name": log_stream.name,
            },
            "data_format_conversion_configuration": _to_parquet(table.database_name, table.name, role.arn),
        },
        depends_on=[policy],
    )
    stack.output(f"{name}_delivery_stream", delivery.name, f"Firehose from {name} to the {zone} zone")


def _delivery_role(stack: LakeStack, name: str, kinesis: KinesisStream, zone: str) -> tuple[IamRole, IamRolePolicy]:
    logs = stack.names.arn("logs", f"log-group:{stack.names.log_group('firehose', name)}:*")
    tables = policies.catalog(stack.names, stack.names.database("streams"))
    return service_role(
        stack,
        f"{name}_delivery",
        "firehose.amazonaws.com",
        *policies.write_objects(stack.names, zone, f"{name}/"),
        *policies.write_objects(stack.names, zone, f"_errors/{name}/"),
        policies.allow(["s3:ListBucketMultipartUploads"], [stack.names.bucket_arn(zone)]),
        policies.allow(READ_STREAM, [kinesis.arn]),
        policies.use_key(stack.names, "Decrypt", "GenerateDataKey"),
        policies.allow(["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"], tables),
        policies.allow(["logs:PutLogEvents"], [logs]),
    )


def _to_parquet(database: str, table: str, role_arn: str) -> dict[str, object]:
    return {
        "input_format_configuration": {"deserializer": {"open_x_json_ser_de": {}}},
        "output_format_configuration": {"serializer": {"parquet_ser_de": {"compression": "SNAPPY"}}},
        "schema_configuration": {"database_name": database, "table_name": table, "role_arn": role_arn},
    }
