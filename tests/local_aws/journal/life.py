"""An embedded AWS that can be killed, and calls to every service that a lake uses."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.embedded import client
from tests.local_aws.conftest import free_port, started

ROLE = "arn:aws:iam::000000000000:role/kept"
TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
TABLE = {
    "Name": "kept",
    "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://kept/t/"},
    "PartitionKeys": [{"Name": "day", "Type": "string"}],
}
COMMAND = {"Name": "glueetl", "ScriptLocation": "s3://kept/job.py"}
TARGETS = {"S3Targets": [{"Path": "s3://kept/t/"}]}
CONNECTION = {"Name": "kept", "ConnectionType": "JDBC", "ConnectionProperties": {"JDBC_CONNECTION_URL": "jdbc:x://y/z"}}
NOTIFY = [{"QueueArn": "arn:aws:sqs:us-east-1:000000000000:told", "Events": ["s3:ObjectCreated:*"]}]
LINES = {"Enabled": True, "Processors": [{"Type": "AppendDelimiterToRecord"}]}
DELIVERY = {
    "RoleARN": ROLE,
    "BucketARN": "arn:aws:s3:::delivered",
    "Prefix": "direct/",
    "ProcessingConfiguration": LINES,
}
CODE = {"CodeContent": {"TextContent": "1"}, "CodeContentType": "PLAINTEXT"}

CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("iam", "create_role", {"RoleName": "kept", "AssumeRolePolicyDocument": TRUST}),
    ("iam", "put_role_policy", {"RoleName": "kept", "PolicyName": "p_kept", "PolicyDocument": TRUST}),
    ("iam", "tag_role", {"RoleName": "kept", "Tags": [{"Key": "t_kept", "Value": "v"}]}),
    ("kms", "create_key", {"Description": "d_kept"}),
    ("kms", "create_alias", {"AliasName": "alias/kept", "TargetKeyId": "$key"}),
    ("secretsmanager", "create_secret", {"Name": "kept", "SecretString": "s_kept"}),
    ("sqs", "create_queue", {"QueueName": "told"}),
    ("sqs", "create_queue", {"QueueName": "kept"}),
    ("sqs", "send_message", {"QueueUrl": "$queue", "MessageBody": "m_kept"}),
    ("s3", "create_bucket", {"Bucket": "kept"}),
    ("s3", "create_bucket", {"Bucket": "delivered"}),
    ("s3", "put_bucket_versioning", {"Bucket": "kept", "VersioningConfiguration": {"Status": "Enabled"}}),
    ("s3", "put_bucket_tagging", {"Bucket": "kept", "Tagging": {"TagSet": [{"Key": "t_kept", "Value": "v"}]}}),
    (
        "s3",
        "put_bucket_notification_configuration",
        {"Bucket": "kept", "NotificationConfiguration": {"QueueConfigurations": NOTIFY}},
    ),
    ("glue", "create_database", {"DatabaseInput": {"Name": "kept"}}),
    ("glue", "create_table", {"DatabaseName": "kept", "TableInput": TABLE}),
    ("glue", "create_classifier", {"CsvClassifier": {"Name": "kept", "Delimiter": ";"}}),
    ("glue", "create_connection", {"ConnectionInput": CONNECTION}),
    ("glue", "create_job", {"Name": "kept", "Role": ROLE, "Command": COMMAND, "Tags": {"t_kept": "v"}}),
    (
        "glue",
        "create_crawler",
        {"Name": "kept", "Role": ROLE, "DatabaseName": "kept", "Targets": TARGETS, "Tags": {"t_kept": "v"}},
    ),
    ("glue", "create_workflow", {"Name": "kept"}),
    (
        "glue",
        "create_trigger",
        {"Name": "kept", "Type": "ON_DEMAND", "WorkflowName": "kept", "Actions": [{"JobName": "kept"}]},
    ),
    ("athena", "create_work_group", {"Name": "kept", "Tags": [{"Key": "t_kept", "Value": "v"}]}),
    ("athena", "create_named_query", {"Name": "q_kept", "Database": "kept", "QueryString": "SELECT 1"}),
    ("athena", "create_prepared_statement", {"StatementName": "p", "WorkGroup": "kept", "QueryStatement": "SELECT ?"}),
    ("kinesis", "create_stream", {"StreamName": "kept", "ShardCount": 2, "Tags": {"t_kept": "v"}}),
    (
        "firehose",
        "create_delivery_stream",
        {"DeliveryStreamName": "kept", "ExtendedS3DestinationConfiguration": DELIVERY},
    ),
    (
        "firehose",
        "create_delivery_stream",
        {
            "DeliveryStreamName": "f_kept",
            "DeliveryStreamType": "KinesisStreamAsSource",
            "KinesisStreamSourceConfiguration": {
                "KinesisStreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/kept",
                "RoleARN": ROLE,
            },
            "ExtendedS3DestinationConfiguration": {**DELIVERY, "Prefix": "from-kinesis/"},
        },
    ),
    (
        "kinesisanalyticsv2",
        "create_application",
        {
            "ApplicationName": "kept",
            "RuntimeEnvironment": "FLINK-1_20",
            "ServiceExecutionRole": ROLE,
            "ApplicationConfiguration": {"ApplicationCodeConfiguration": CODE},
        },
    ),
    ("logs", "create_log_group", {"logGroupName": "kept", "tags": {"t_kept": "v"}}),
    ("logs", "put_retention_policy", {"logGroupName": "kept", "retentionInDays": 7}),
    ("logs", "create_log_stream", {"logGroupName": "kept", "logStreamName": "s_kept"}),
    (
        "resourcegroupstaggingapi",
        "tag_resources",
        {"ResourceARNList": ["arn:aws:s3:::kept"], "Tags": {"late_kept": "v"}},
    ),
]  # fmt: skip

DESCRIPTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("iam", "get_role", {"RoleName": "kept"}),
    ("iam", "get_role_policy", {"RoleName": "kept", "PolicyName": "p_kept"}),
    ("kms", "list_aliases", {}),
    ("kms", "describe_key", {"KeyId": "alias/kept"}),
    ("sts", "get_caller_identity", {}),
    ("secretsmanager", "describe_secret", {"SecretId": "kept"}),
    ("sqs", "get_queue_attributes", {"QueueUrl": "$queue", "AttributeNames": ["All"]}),
    ("s3", "get_bucket_versioning", {"Bucket": "kept"}),
    ("s3", "get_bucket_tagging", {"Bucket": "kept"}),
    ("s3", "get_bucket_notification_configuration", {"Bucket": "kept"}),
    ("s3", "list_object_versions", {"Bucket": "kept"}),
    ("s3", "get_object_tagging", {"Bucket": "kept", "Key": "twice.txt"}),
    ("glue", "get_databases", {}),
    ("glue", "get_tables", {"DatabaseName": "kept"}),
    ("glue", "get_classifiers", {}),
    ("glue", "get_connections", {}),
    ("glue", "get_jobs", {}),
    ("glue", "get_crawlers", {}),
    ("glue", "get_workflow", {"Name": "kept"}),
    ("glue", "get_triggers", {}),
    ("glue", "get_tags", {"ResourceArn": "arn:aws:glue:us-east-1:000000000000:job/kept"}),
    ("athena", "list_work_groups", {}),
    ("athena", "get_work_group", {"WorkGroup": "kept"}),
    ("athena", "list_named_queries", {}),
    ("athena", "get_prepared_statement", {"StatementName": "p", "WorkGroup": "kept"}),
    ("kinesis", "describe_stream", {"StreamName": "kept"}),
    ("kinesis", "list_tags_for_stream", {"StreamName": "kept"}),
    ("firehose", "describe_delivery_stream", {"DeliveryStreamName": "kept"}),
    ("firehose", "describe_delivery_stream", {"DeliveryStreamName": "f_kept"}),
    ("kinesisanalyticsv2", "describe_application", {"ApplicationName": "kept"}),
    ("logs", "describe_log_groups", {}),
    ("resourcegroupstaggingapi", "get_resources", {}),
]


class Life:
    """An embedded AWS that can be killed and started again."""

    def __init__(self, folder: Path, log: Path | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.queue = self.key = ""
        self._log = log
        self.again()

    def aws(self, service: str) -> Any:
        return client(service, f"http://127.0.0.1:{self.port}")

    def call(self, service: str, action: str, payload: dict[str, Any]) -> Any:
        named = {"$queue": self.queue, "$key": self.key}
        filled = {name: named.get(value, value) if isinstance(value, str) else value for name, value in payload.items()}
        answer = getattr(self.aws(service), action)(**filled)
        self.queue = answer.get("QueueUrl", self.queue)
        self.key = answer.get("KeyMetadata", {}).get("KeyId", self.key)
        answer.pop("ResponseMetadata", None)
        return answer

    def on_disk(self) -> str:
        """Return the state of the emulator's services, and the documents of the engines."""
        states = "".join(path.read_text() for path in (self.folder / "state").glob("*.json*"))
        with closing(sqlite3.connect(self.folder / "engines.sqlite")) as store:
            return states + json.dumps(store.execute("SELECT * FROM document").fetchall())

    def killed(self) -> None:
        self.process.kill()
        self.process.wait()

    def again(self) -> None:
        self.process = started(self.port, self.folder, log_file=self._log)
