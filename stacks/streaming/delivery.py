"""The Firehose delivery stream that writes events to S3."""

from __future__ import annotations

from typing import Any

from cdktf_cdktf_provider_aws import kinesis_firehose_delivery_stream as firehose
from cdktf_cdktf_provider_aws.glue_catalog_table import GlueCatalogTable
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.kinesis_stream import KinesisStream
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction

from lake.configuration.event_day import query
from lake.configuration.model import Delivery, Stream
from lake.configuration.model.delivery import DATE
from stacks import policies
from stacks.base import LakeStack, literal
from stacks.streaming.services import READ_STREAM, log, service_role
from stacks.streaming.transform import transform_function

# Dicts in a list block would lose their keys (docs/gotchas.md).
Processors = firehose.KinesisFirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessors
Parameters = firehose.KinesisFirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessorsParameters
_COMPRESSIONS = {
    "gzip": "GZIP",
    "hadoop_snappy": "HADOOP_SNAPPY",
    "none": "UNCOMPRESSED",
    "snappy": "Snappy",
    "zip": "ZIP",
}
_DEFAULT_RETRIES, _DEFAULT_MEGABYTES, _DEFAULT_SECONDS = 3, 1, 60
"""A parameter at its default must not be given, or every plan wants to change it."""


def delivery_stream(
    stack: LakeStack,
    name: str,
    stream: Stream,
    kinesis: KinesisStream | None,
    table: GlueCatalogTable,
    zone: str = "raw",
    function: LambdaFunction | None = None,
) -> None:
    """
    Args:
        kinesis: what it reads; without one, producers put events into it directly.
        zone: where it writes.
        function: what the events pass through; by default what the stream's transform says.
    """
    if function is None and stream.delivery.transform:
        function = transform_function(stack, name, stream.delivery.transform)
    role, policy = _delivery_role(stack, name, stream.delivery, kinesis, function, zone)
    source: dict[str, Any] = (
        {"kinesis_source_configuration": {"kinesis_stream_arn": kinesis.arn, "role_arn": role.arn}}
        if kinesis
        else {"server_side_encryption": {"enabled": True, "key_type": "AWS_OWNED_CMK"}}
    )
    delivery = firehose.KinesisFirehoseDeliveryStream(
        stack,
        f"{name}_delivery",
        name=stack.names.stream(name),
        destination="extended_s3",
        extended_s3_configuration=_to_s3(stack, name, stream, role, table, function, zone),
        depends_on=[policy],
        **source,
    )
    stack.output(f"{name}_delivery_stream", delivery.name, f"Firehose from {name} to the {zone} zone")


def _to_s3(
    stack: LakeStack,
    name: str,
    stream: Stream,
    role: IamRole,
    table: GlueCatalogTable,
    function: LambdaFunction | None,
    zone: str,
) -> dict[str, Any]:
    delivery = stream.delivery
    log_group, log_stream = log(stack, "firehose", name, "DestinationDelivery")
    return {
        "bucket_arn": stack.names.bucket_arn(zone),
        "role_arn": role.arn,
        "prefix": _prefix(name, delivery),
        "error_output_prefix": f"_errors/{name}/!{{firehose:error-output-type}}/",
        "buffering_size": delivery.buffer.megabytes,
        "buffering_interval": delivery.buffer.seconds,
        "compression_format": "UNCOMPRESSED" if delivery.is_converted else _COMPRESSIONS[delivery.compressed],
        "custom_time_zone": delivery.time_zone,
        **({"file_extension": delivery.file_extension} if delivery.file_extension else {}),
        "cloudwatch_logging_options": {
            "enabled": True,
            "log_group_name": log_group.name,
            "log_stream_name": log_stream.name,
        },
        **_processing(stream, function),
        **_partitioning(delivery),
        **_conversion(delivery, table, role),
        **_backup(stack, name, delivery, role),
    }


def _prefix(name: str, delivery: Delivery) -> str:
    in_events = {key: f"!{{partitionKeyFromQuery:{key}}}" for key in delivery.keys}
    day = in_events[DATE] if delivery.since else "!{timestamp:yyyy-MM-dd}"
    return f"{name}/" + "".join(f"{key}={value}/" for key, value in {**in_events, DATE: day}.items())


def _processing(stream: Stream, function: LambdaFunction | None) -> dict[str, Any]:
    delivery, processors = stream.delivery, list[Processors]()
    if delivery.split:
        processors.append(_processor("RecordDeAggregation", SubRecordType="JSON"))
    if function is not None:
        processors.append(_processor("Lambda", **_lambda_parameters(delivery, function)))
    if delivery.is_partitioned:
        text = literal(query(stream))
        processors.append(_processor("MetadataExtraction", MetadataExtractionQuery=text, JsonParsingEngine="JQ-1.6"))
    if not delivery.is_converted:
        processors.append(_processor("AppendDelimiterToRecord"))
    return {"processing_configuration": {"enabled": True, "processors": processors}} if processors else {}


def _processor(kind: str, **parameters: str) -> Processors:
    listed = [Parameters(parameter_name=name, parameter_value=value) for name, value in parameters.items()]
    return Processors(type=kind, parameters=listed or None)


def _lambda_parameters(delivery: Delivery, function: LambdaFunction) -> dict[str, str]:
    assert delivery.transform is not None
    transform = delivery.transform
    return {
        "LambdaArn": f"{function.arn}:$LATEST",
        **({"NumberOfRetries": str(transform.retries)} if transform.retries != _DEFAULT_RETRIES else {}),
        **({"BufferSizeInMBs": str(transform.megabytes)} if transform.megabytes != _DEFAULT_MEGABYTES else {}),
        **({"BufferIntervalInSeconds": str(transform.seconds)} if transform.seconds != _DEFAULT_SECONDS else {}),
    }


def _partitioning(delivery: Delivery) -> dict[str, Any]:
    if not delivery.is_partitioned:
        return {}
    return {"dynamic_partitioning_configuration": {"enabled": True, "retry_duration": delivery.retry_seconds}}


def _conversion(delivery: Delivery, table: GlueCatalogTable, role: IamRole) -> dict[str, Any]:
    if not delivery.is_converted:
        return {}
    serde, none = ("orc_ser_de", "NONE") if delivery.format == "orc" else ("parquet_ser_de", "UNCOMPRESSED")
    compression = none if delivery.compressed == "none" else delivery.compressed.upper()
    conversion = {
        "input_format_configuration": {"deserializer": {"open_x_json_ser_de": {}}},
        "output_format_configuration": {"serializer": {serde: {"compression": compression}}},
        "schema_configuration": {
            "database_name": table.database_name,
            "table_name": table.name,
            "role_arn": role.arn,
        },
    }
    return {"data_format_conversion_configuration": conversion}


def _backup(stack: LakeStack, name: str, delivery: Delivery, role: IamRole) -> dict[str, Any]:
    if not delivery.backup:
        return {}
    place = {
        "bucket_arn": stack.names.bucket_arn("raw"),
        "role_arn": role.arn,
        "prefix": f"_source/{name}/date=!{{timestamp:yyyy-MM-dd}}/",
        "error_output_prefix": f"_errors/{name}/!{{firehose:error-output-type}}/",
        "compression_format": "GZIP",
    }
    return {"s3_backup_mode": "Enabled", "s3_backup_configuration": place}


def _delivery_role(
    stack: LakeStack,
    name: str,
    delivery: Delivery,
    kinesis: KinesisStream | None,
    function: LambdaFunction | None,
    zone: str,
) -> tuple[IamRole, IamRolePolicy]:
    logs = stack.names.arn("logs", f"log-group:{stack.names.log_group('firehose', name)}:*")
    tables = policies.catalog(stack.names, stack.names.database("streams"))
    folders = [f"{name}/", f"_errors/{name}/", *([f"_source/{name}/"] if delivery.backup else [])]
    invoke = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]
    return service_role(
        stack,
        f"{name}_delivery",
        "firehose.amazonaws.com",
        *policies.deliver_objects(stack.names, zone, folders),
        *([policies.allow([*READ_STREAM, "kinesis:DescribeStream"], [kinesis.arn])] if kinesis else []),
        policies.use_key(stack.names, "Decrypt", "GenerateDataKey"),
        *(
            [policies.allow(["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"], tables)]
            if delivery.is_converted
            else []
        ),
        *([policies.allow(invoke, [function.arn, f"{function.arn}:*"])] if function else []),
        policies.allow(["logs:PutLogEvents"], [logs]),
    )
