"""The streaming stack: a Kinesis stream each, by Firehose to Parquet in the raw zone, counted by Flink."""

from __future__ import annotations

from cdktf_cdktf_provider_aws import kinesis_firehose_delivery_stream as firehose
from cdktf_cdktf_provider_aws import kinesisanalyticsv2_application as flink
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_log_stream import CloudwatchLogStream
from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.glue_catalog_table import GlueCatalogTable
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.kinesis_stream import KinesisStream
from cdktf_cdktf_provider_aws.s3_object import S3Object
from constructs import Construct

from lake.configuration.formats import PARQUET
from lake.configuration.model import Stream, Window
from lake.configuration.reading import Lake
from lake.shipped import FLINK_APP
from stacks import policies, tables
from stacks.base import LakeStack
from stacks.bucket import SecureBucket
from stacks.package import uploaded, zipped

LOG_DAYS = 30
FLINK = "FLINK-1_20"


class StreamingStack(LakeStack):
    """Owns the streams and the tables of what came through them; the events themselves lie in the raw zone."""

    def __init__(self, scope: Construct, id_: str, *, lake: Lake) -> None:
        super().__init__(scope, id_, lake=lake)
        self.database = self._database()
        self.code = self._flink_code()
        for name, stream in lake.config.streams.items():
            table = self._table(name, stream)
            kinesis = self._kinesis(name, stream)
            self._delivery(name, stream, kinesis, table)
            if stream.window is not None and self.code is not None:
                self._application(name, stream.window, kinesis, self.code)

    def _database(self) -> GlueCatalogDatabase:
        name = self.names.database("streams")
        self.output("streams_database", name, "Tables of the events that came by Firehose")
        return GlueCatalogDatabase(self, "database", name=name, description="Events, as Firehose wrote them")

    def _table(self, name: str, stream: Stream) -> GlueCatalogTable:
        """Athena computes the partitions (projection), so that a new day needs neither a crawl nor a call."""
        location = f"s3://{self.names.bucket('raw')}/{name}"
        return tables.table(
            self,
            f"{name}_table",
            database=self.database.name,
            name=name,
            location=f"{location}/",
            format_=PARQUET,
            columns=stream.columns,
            keys={"date": "string"},
            parameters={
                "projection.enabled": "true",
                "projection.date.type": "date",
                "projection.date.format": "yyyy-MM-dd",
                "projection.date.range": "2024-01-01,NOW",
                "storage.location.template": f"{location}/date=$${{date}}/",
            },
        )

    def _kinesis(self, name: str, stream: Stream) -> KinesisStream:
        kinesis = KinesisStream(
            self,
            f"{name}_stream",
            name=self.names.stream(name),
            shard_count=stream.shards,
            retention_period=stream.retention_hours,
            encryption_type="KMS",
            kms_key_id=self.names.key_alias_arn,
            enforce_consumer_deletion=True,
        )
        self.output(f"{name}_stream_name", kinesis.name, f"Kinesis stream of {name}")
        return kinesis

    def _delivery(self, name: str, stream: Stream, kinesis: KinesisStream, table: GlueCatalogTable) -> None:
        log_group, log_stream = self._log("firehose", name, "DestinationDelivery")
        role, policy = self._delivery_role(name, kinesis)
        delivery = firehose.KinesisFirehoseDeliveryStream(
            self,
            f"{name}_delivery",
            name=self.names.stream(name),
            destination="extended_s3",
            kinesis_source_configuration={"kinesis_stream_arn": kinesis.arn, "role_arn": role.arn},
            extended_s3_configuration={
                "bucket_arn": self.names.bucket_arn("raw"),
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
                "data_format_conversion_configuration": _to_parquet(self.database.name, table.name, role.arn),
            },
            depends_on=[policy],
        )
        self.output(f"{name}_delivery_stream", delivery.name, f"Firehose from {name} to the raw zone")

    def _delivery_role(self, name: str, kinesis: KinesisStream) -> tuple[IamRole, IamRolePolicy]:
        logs = self.names.arn("logs", f"log-group:{self.names.log_group('firehose', name)}:*")
        tables = policies.catalog(self.names, self.names.database("streams"))
        return self._service_role(
            f"{name}_delivery",
            "firehose.amazonaws.com",
            *policies.write_objects(self.names, "raw", f"{name}/"),
            *policies.write_objects(self.names, "raw", f"_errors/{name}/"),
            policies.allow(["s3:ListBucketMultipartUploads"], [self.names.bucket_arn("raw")]),
            policies.allow(_READ_STREAM, [kinesis.arn]),
            policies.use_key(self.names, "Decrypt", "GenerateDataKey"),
            policies.allow(["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"], tables),
            policies.allow(["logs:PutLogEvents"], [logs]),
        )

    def _flink_code(self) -> S3Object | None:
        """One code bucket for all applications; none where no stream asks for one."""
        if not any(stream.window for stream in self.lake.config.streams.values()):
            return None
        bucket = SecureBucket(
            self,
            "flink",
            names=self.names,
            purpose="flink",
            keeps_data=False,
            environment=self.lake.environment,
        ).bucket
        self.output("flink_bucket", bucket.bucket, "Bucket of the Flink applications' code")
        package = zipped(FLINK_APP)
        return uploaded(self, "flink_app", file=package, bucket=bucket.id, folder="code")

    def _application(self, name: str, window: Window, source: KinesisStream, code: S3Object) -> None:
        _, log_stream = self._log("flink", name, "application")
        sink = KinesisStream(
            self,
            f"{name}_counts_stream",
            name=self.names.stream(f"{name}-counts"),
            shard_count=1,
            encryption_type="KMS",
            kms_key_id=self.names.key_alias_arn,
            enforce_consumer_deletion=True,
        )
        role, policy = self._application_role(name, source, sink)
        application = flink.Kinesisanalyticsv2Application(
            self,
            f"{name}_application",
            name=self.names.stream(name),
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
                            "bucket_arn": self.names.bucket_arn("flink"),
                            "file_key": code.key,
                        }
                    },
                },
                "application_snapshot_configuration": {"snapshots_enabled": True},
                "environment_properties": {"property_group": _properties(self, name, window, source, sink)},
                "flink_application_configuration": _FLINK_CONFIGURATION,
            },
            depends_on=[policy],
        )
        self.output(f"{name}_application", application.name, f"Flink application that counts {name}")

    def _application_role(self, name: str, source: KinesisStream, sink: KinesisStream) -> tuple[IamRole, IamRolePolicy]:
        group = self.names.arn("logs", f"log-group:{self.names.log_group('flink', name)}")
        return self._service_role(
            f"{name}_flink",
            "kinesisanalytics.amazonaws.com",
            *policies.read_objects(self.names, "flink"),
            policies.allow(_READ_STREAM, [source.arn]),
            policies.allow(["kinesis:DescribeStreamSummary", "kinesis:PutRecord", "kinesis:PutRecords"], [sink.arn]),
            policies.use_key(self.names, "Decrypt", "GenerateDataKey"),
            policies.allow(["logs:DescribeLogGroups"], [self.names.arn("logs", "log-group:*")]),
            policies.allow(["logs:DescribeLogStreams", "logs:PutLogEvents"], [group, f"{group}:*"]),
        )

    def _service_role(self, name: str, service: str, *statements: policies.Statement) -> tuple[IamRole, IamRolePolicy]:
        role = IamRole(
            self,
            f"{name}_role",
            name=self.names.role(name.replace("_", "-")),
            assume_role_policy=policies.trust(service, self.names.account),
        )
        policy = policies.document(*statements)
        return role, IamRolePolicy(self, f"{name}_policy", name="stream", role=role.id, policy=policy)

    def _log(self, service: str, name: str, stream: str) -> tuple[CloudwatchLogGroup, CloudwatchLogStream]:
        group = CloudwatchLogGroup(
            self,
            f"{name}_{service}_log",
            name=self.names.log_group(service, name),
            retention_in_days=LOG_DAYS,
        )
        return group, CloudwatchLogStream(self, f"{name}_{service}_log_stream", name=stream, log_group_name=group.name)


_READ_STREAM = [
    f"kinesis:{action}"
    for action in ("DescribeStream", "DescribeStreamSummary", "GetShardIterator", "GetRecords", "ListShards")
]

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


def _to_parquet(database: str, table: str, role_arn: str) -> dict[str, object]:
    return {
        "input_format_configuration": {"deserializer": {"open_x_json_ser_de": {}}},
        "output_format_configuration": {"serializer": {"parquet_ser_de": {"compression": "SNAPPY"}}},
        "schema_configuration": {"database_name": database, "table_name": table, "role_arn": role_arn},
    }


def _properties(
    stack: StreamingStack, name: str, window: Window, source: KinesisStream, sink: KinesisStream
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
