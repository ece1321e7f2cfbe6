"""Finds a stack's resources that exist in AWS but are in no Terraform state, so that they can be imported.

A process that is killed after it created a resource, and before the state was written, leaves such a resource behind.
Settings of another resource (a bucket policy, an object) are not handled here: setting them again does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import THREADS, Aws, error_code, is_absent
from lake.deploying import keys

Body = Mapping[str, Any]
Resources = Mapping[str, Mapping[str, Body]]
"""The resources of a synthesised stack: type -> logical name -> arguments."""
Tags = dict[str, str]


@dataclass(frozen=True)
class Found:
    """A resource that exists.

    Attributes:
        id: its import id in Terraform.
        tags: None if AWS has no tags for this kind of resource: then only its name shows whose it is.
        tagged_later: whether AWS creates it first and tags it in a second call.
        is_hidden: whether this login may not look at it, as at a bucket of another account.
    """

    id: str
    tags: Tags | None = None
    tagged_later: bool = False
    is_hidden: bool = False

    def belongs_to(self, aws: Aws) -> bool:
        wanted = aws.lake.tags
        if self.is_hidden:
            return False
        if self.tags is None or (self.tagged_later and not self.tags):
            return True
        return wanted.items() <= self.tags.items()


@dataclass(frozen=True)
class Orphan:
    """A resource of a stack that exists in AWS but is in no state."""

    address: str
    found: Found


def orphans(aws: Aws, resources: Resources, in_state: Iterable[str]) -> list[Orphan]:
    """The resources of a stack that exist but are not among the addresses `in_state`. Calls AWS once for each."""
    known = set(in_state)
    missing = [
        (f"{type_}.{name}", _FINDERS[type_], body)
        for type_, bodies in resources.items()
        if type_ in _FINDERS
        for name, body in bodies.items()
        if f"{type_}.{name}" not in known
    ]
    if not missing:
        return []
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda one: _asked(aws, one[1], _resolved(one[2], resources, aws.names.account)), missing)
    return [Orphan(address, it) for (address, _, _), it in zip(missing, found, strict=True) if it]


def foreign(aws: Aws, orphan: Orphan) -> str:
    """Why what has a name of the lake, and is not the lake's, stops a deploy, and the way out."""
    what, file = f"{orphan.found.id} ({orphan.address})", aws.lake.file.name
    if orphan.found.is_hidden:
        return (
            f"{what} is there already, and this login may not look at it: it is another account's, or a right is "
            "missing. Names of buckets are unique in all of AWS. Choose another login with AWS_PROFILE, or another "
            f"project in {file}"
        )
    return (
        f"{what} already exists, but its tags do not mark it as part of {aws.names.prefix}. Delete or rename it, or "
        f"choose another project in {file}"
    )


Finder = Callable[[Aws, Body], Found | None]


def _asked(aws: Aws, finder: Finder, body: Body) -> Found | None:
    try:
        return finder(aws, body)
    except ClientError as error:
        if is_absent(error) or error_code(error) == _LEAVING:
            return None
        raise


_LEAVING = "InvalidRequestException"
"""The error code for a secret that is scheduled for deletion."""


def _resolved(value: Any, resources: Resources, account: str) -> Any:
    """Arguments with the account id and the references within the stack resolved."""
    if isinstance(value, Mapping):
        return {key: _resolved(inner, resources, account) for key, inner in value.items()}
    if not isinstance(value, str):
        return value
    value = value.replace("${data.aws_caller_identity.account.account_id}", account)
    if match := re.fullmatch(r"\$\{(\w+)\.(\w+)\.(\w+)\}", value):
        type_, name, argument = match.groups()
        referred = resources.get(type_, {}).get(name, {}).get(argument)
        return value if referred is None else _resolved(referred, resources, account)
    return value


def _as_dict(tags: Iterable[Any], key: str = "Key", value: str = "Value") -> Tags:
    return {str(tag[key]): str(tag[value]) for tag in tags}


def _bucket(aws: Aws, body: Body) -> Found:
    bucket = body["bucket"]
    try:
        aws.s3.head_bucket(Bucket=bucket)
        tags = _as_dict(aws.s3.get_bucket_tagging(Bucket=bucket)["TagSet"])
    except ClientError as error:
        if error_code(error) in _HIDDEN:
            return Found(bucket, is_hidden=True)
        if error_code(error) != "NoSuchTagSet":
            raise
        tags = {}
    return Found(bucket, tags, tagged_later=True)


_HIDDEN = {"403", "AccessDenied"}
"""A bucket that there is, and that this login may not look at. S3 does not say whose it is."""


def _key(aws: Aws, body: Body) -> Found | None:
    living = (key for key in keys.tagged(aws, body["description"]) if keys.is_living(key))
    return next((Found(key["KeyId"], aws.lake.tags) for key in living), None)


def _key_tags(aws: Aws, key: str) -> Tags:
    return _as_dict(aws.kms.list_resource_tags(KeyId=key)["Tags"], "TagKey", "TagValue")


def _alias(aws: Aws, body: Body) -> Found:
    key = aws.kms.describe_key(KeyId=body["name"])["KeyMetadata"]["KeyId"]
    return Found(body["name"], _key_tags(aws, key))


def _glue(operation: str, kind: str = "", argument: str = "Name", *, by_account: bool = False) -> Finder:
    """A finder for resources that Glue gets by name. `kind` is the type in its ARN; empty if it has no tags."""

    def find(aws: Aws, body: Body) -> Found:
        name = body["name"]
        getattr(aws.glue, operation)(**{argument: name})
        tags = _glue_tags(aws, f"{kind}/{name}") if kind else None
        return Found(f"{aws.names.account}:{name}" if by_account else name, tags)

    return find


def _glue_tags(aws: Aws, resource: str) -> Tags:
    return dict(aws.glue.get_tags(ResourceArn=aws.names.arn("glue", resource))["Tags"])


def _table(aws: Aws, body: Body) -> Found:
    database, name = body["database_name"], body["name"]
    table = aws.glue.get_table(DatabaseName=database, Name=name)["Table"]
    declared = body.get("storage_descriptor", {}).get("location", "").rstrip("/")
    is_declared = table.get("StorageDescriptor", {}).get("Location", "").rstrip("/") == declared
    return Found(f"{aws.names.account}:{database}:{name}", None if is_declared else {})


def _partition_index(aws: Aws, body: Body) -> Found | None:
    database, table, index = body["database_name"], body["table_name"], body["partition_index"]["index_name"]
    indexes = aws.glue.get_partition_indexes(DatabaseName=database, TableName=table)
    names = [found["IndexName"] for found in indexes.get("PartitionIndexDescriptorList", [])]
    return Found(f"{aws.names.account}:{database}:{table}:{index}") if index in names else None


def _ml_transform(aws: Aws, body: Body) -> Found | None:
    for transform in aws.glue.get_ml_transforms(Filter={"Name": body["name"]})["Transforms"]:
        if transform["Name"] == body["name"]:
            id_ = transform["TransformId"]
            return Found(id_, _glue_tags(aws, f"mlTransform/{id_}"))
    return None


def _secret(aws: Aws, body: Body) -> Found | None:
    secret = aws.secrets.describe_secret(SecretId=body["name"])
    return None if secret.get("DeletedDate") else Found(secret["ARN"], _as_dict(secret.get("Tags", [])))


def _queue(aws: Aws, body: Body) -> Found:
    url = aws.sqs.get_queue_url(QueueName=body["name"])["QueueUrl"]
    return Found(url, aws.sqs.list_queue_tags(QueueUrl=url).get("Tags", {}))


def _role(aws: Aws, body: Body) -> Found:
    return Found(body["name"], _as_dict(aws.iam.list_role_tags(RoleName=body["name"])["Tags"]))


def _log_group(aws: Aws, body: Body) -> Found | None:
    name = body["name"]
    groups = aws.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    if all(group["logGroupName"] != name for group in groups):
        return None
    return Found(name, aws.logs.list_tags_log_group(logGroupName=name).get("tags", {}))


def _log_stream(aws: Aws, body: Body) -> Found | None:
    group, name = body["log_group_name"], body["name"]
    streams = aws.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=name)["logStreams"]
    return Found(f"{group}:{name}") if any(stream["logStreamName"] == name for stream in streams) else None


def _alarm(aws: Aws, body: Body) -> Found | None:
    alarms = aws.cloudwatch.describe_alarms(AlarmNames=[body["alarm_name"]])["MetricAlarms"]
    if not alarms:
        return None
    tags = aws.cloudwatch.list_tags_for_resource(ResourceARN=alarms[0]["AlarmArn"])["Tags"]
    return Found(body["alarm_name"], _as_dict(tags))


def _dashboard(aws: Aws, body: Body) -> Found:
    aws.cloudwatch.get_dashboard(DashboardName=body["dashboard_name"])
    return Found(body["dashboard_name"])


def _topic(aws: Aws, body: Body) -> Found:
    arn = aws.names.arn("sns", body["name"])
    return Found(arn, _as_dict(aws.sns.list_tags_for_resource(ResourceArn=arn)["Tags"]))


def _rule(aws: Aws, body: Body) -> Found:
    rule = aws.events.describe_rule(Name=body["name"])
    return Found(body["name"], _as_dict(aws.events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]))


def _target(aws: Aws, body: Body) -> Found | None:
    targets = aws.events.list_targets_by_rule(Rule=body["rule"])["Targets"]
    there = any(target["Id"] == body["target_id"] for target in targets)
    return Found(f"{body['rule']}/{body['target_id']}") if there else None


def _budget(aws: Aws, body: Body) -> Found:
    aws.budgets.describe_budget(AccountId=aws.names.account, BudgetName=body["name"])
    return Found(f"{aws.names.account}:{body['name']}")


def _workgroup(aws: Aws, body: Body) -> Found:
    name = body["name"]
    aws.athena.get_work_group(WorkGroup=name)
    arn = aws.names.arn("athena", f"workgroup/{name}")
    return Found(name, _as_dict(aws.athena.list_tags_for_resource(ResourceARN=arn)["Tags"]))


def _named_query(aws: Aws, body: Body) -> Found | None:
    """AWS allows several named queries of one name. One with different SQL is not ours."""
    for page in aws.athena.get_paginator("list_named_queries").paginate(WorkGroup=aws.names.workgroup):
        if not page["NamedQueryIds"]:
            continue
        queries = aws.athena.batch_get_named_query(NamedQueryIds=page["NamedQueryIds"])["NamedQueries"]
        for query in queries:
            if (query["Name"], query["QueryString"]) == (body["name"], body["query"]):
                return Found(query["NamedQueryId"])
    return None


def _stream(aws: Aws, body: Body) -> Found | None:
    name = body["name"]
    state = aws.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"]
    tags = _as_dict(aws.kinesis.list_tags_for_stream(StreamName=name)["Tags"])
    return None if state == _GOING else Found(name, tags, tagged_later=True)


def _delivery_stream(aws: Aws, body: Body) -> Found | None:
    name = body["name"]
    stream = aws.firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    tags = _as_dict(aws.firehose.list_tags_for_delivery_stream(DeliveryStreamName=name)["Tags"])
    return None if stream["DeliveryStreamStatus"] == _GOING else Found(stream["DeliveryStreamARN"], tags)


def _function(aws: Aws, body: Body) -> Found | None:
    answer = aws.functions.get_function(FunctionName=body["function_name"])
    return Found(body["function_name"], answer.get("Tags", {}))


def _application(aws: Aws, body: Body) -> Found | None:
    application = aws.flink.describe_application(ApplicationName=body["name"])["ApplicationDetail"]
    arn = application["ApplicationARN"]
    tags = _as_dict(aws.flink.list_tags_for_resource(ResourceARN=arn)["Tags"])
    return None if application["ApplicationStatus"] == _GOING else Found(arn, tags)


_GOING = "DELETING"

_FINDERS: dict[str, Finder] = {
    "aws_athena_named_query": _named_query,
    "aws_athena_workgroup": _workgroup,
    "aws_budgets_budget": _budget,
    "aws_cloudwatch_dashboard": _dashboard,
    "aws_cloudwatch_event_rule": _rule,
    "aws_cloudwatch_event_target": _target,
    "aws_cloudwatch_log_group": _log_group,
    "aws_cloudwatch_log_stream": _log_stream,
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_glue_catalog_database": _glue("get_database", "database", by_account=True),
    "aws_glue_catalog_table": _table,
    "aws_glue_classifier": _glue("get_classifier"),
    "aws_glue_connection": _glue("get_connection", "connection", by_account=True),
    "aws_glue_crawler": _glue("get_crawler", "crawler"),
    "aws_glue_data_quality_ruleset": _glue("get_data_quality_ruleset", "dataQualityRuleset"),
    "aws_glue_job": _glue("get_job", "job", "JobName"),
    "aws_glue_ml_transform": _ml_transform,
    "aws_glue_partition_index": _partition_index,
    "aws_glue_security_configuration": _glue("get_security_configuration"),
    "aws_glue_trigger": _glue("get_trigger", "trigger"),
    "aws_glue_workflow": _glue("get_workflow", "workflow"),
    "aws_iam_role": _role,
    "aws_kinesis_firehose_delivery_stream": _delivery_stream,
    "aws_kinesis_stream": _stream,
    "aws_kinesisanalyticsv2_application": _application,
    "aws_kms_alias": _alias,
    "aws_lambda_function": _function,
    "aws_kms_key": _key,
    "aws_s3_bucket": _bucket,
    "aws_secretsmanager_secret": _secret,
    "aws_sns_topic": _topic,
    "aws_sqs_queue": _queue,
}
