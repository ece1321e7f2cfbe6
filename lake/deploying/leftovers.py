"""Lists everything of a lake that still exists, by name and by tag in every service that it uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.configuration.names import ML
from lake.data.catalog import CRAWLER_LOGS
from lake.deploying.in_state import owners, stacks_to_go

NOTHING = "nothing"
COSTS = {
    "S3 bucket": "by its bytes",
    "KMS key": "by the month",
    "Secrets Manager secret": "by the month",
    "CloudWatch log group": "by its bytes",
    "CloudWatch log stream": "by its bytes",
    "CloudWatch alarm": "by the month",
    "CloudWatch dashboard": "by the month",
    "Kinesis stream": "by the hour",
    "Flink application": "by the hour while it runs",
}
"""What is billed while nobody uses it, by the kind of thing."""


@dataclass(frozen=True)
class Leftover:
    """A resource that still exists.

    Attributes:
        name: its name or ARN.
        costs: what AWS bills while it exists: by the hour, by the month, by its bytes, or nothing.
        state: the stack whose state names it; empty where none does.
    """

    kind: str
    name: str
    costs: str = NOTHING
    state: str = ""


Finder = Callable[[Aws], Iterable[str]]


def leftovers(aws: Aws) -> list[Leftover]:
    """All that is left of the lake in its environment: resources of stacks, and those that services created.

    KMS keys and secrets that are scheduled for deletion (AWS waits 7 to 30 days, at no cost) are not included:
    see `pending_keys` and `pending_secrets`.
    On AWS, a tag search may still list a resource for some minutes after it was deleted.
    """
    known = owners(aws)
    found = [
        Leftover(kind, name, COSTS.get(kind, NOTHING), known.get(name, ""))
        for kind, finder in _FINDERS.items()
        for name in finder(aws)
    ]
    tagged = [arn for arn in _tagged(aws) if not _named_already(arn, found)]
    return found + [Leftover("by tag", arn, "see the prices of its service", known.get(arn, "")) for arn in tagged]


def pending_keys(aws: Aws) -> list[str]:
    """The lake's KMS keys that are scheduled for deletion, each with the date."""
    return [
        f"{key['KeyId']} (deleted on {key['DeletionDate']:%Y-%m-%d})"
        for key in _keys(aws)
        if key["KeyState"] == "PendingDeletion"
    ]


def pending_secrets(aws: Aws) -> list[str]:
    """The lake's secrets that are scheduled for deletion, each with the date of the request."""
    return [
        f"{secret['Name']} (deletion requested on {secret['DeletedDate']:%Y-%m-%d})"
        for secret in _secrets(aws)
        if secret.get("DeletedDate")
    ]


def _ours(names: Iterable[str], prefix: str) -> Iterator[str]:
    """The names that belong to this lake: its prefix, then a separator or the end. `flights-devel` is not one."""
    for name in names:
        rest = name.removeprefix(prefix)
        if rest != name and (not rest or not rest[0].isalnum()):
            yield name


def _pages(client: Any, operation: str, key: str, field: str | None, **request: Any) -> Iterator[str]:
    """The `field` of each entry under `key`, over all pages; without `field`, the entries themselves."""
    if client.can_paginate(operation):
        pages = client.get_paginator(operation).paginate(**request)
    else:
        pages = [getattr(client, operation)(**request)]
    for page in pages:
        for entry in page[key]:
            yield entry[field] if field else entry


def _buckets(aws: Aws) -> Iterator[str]:
    return _ours(_pages(aws.s3, "list_buckets", "Buckets", "Name"), aws.names.prefix)


def _keys(aws: Aws) -> Iterator[Any]:
    for key_id in _pages(aws.kms, "list_keys", "Keys", "KeyId"):
        try:
            key = aws.kms.describe_key(KeyId=key_id)["KeyMetadata"]
        except ClientError as error:
            if error_code(error) != "AccessDeniedException":  # a key whose policy denies this login
                raise
            continue
        if key.get("Description") in (aws.names.key, aws.names.logs_key):
            yield key


def _live_keys(aws: Aws) -> Iterator[str]:
    return (key["KeyId"] for key in _keys(aws) if key["KeyState"] != "PendingDeletion")


def _aliases(aws: Aws) -> Iterator[str]:
    return _ours(_pages(aws.kms, "list_aliases", "Aliases", "AliasName"), aws.names.key_alias)


def _databases(aws: Aws) -> Iterator[str]:
    prefix = aws.names.database("").rstrip("_")
    return _ours(_pages(aws.glue, "get_databases", "DatabaseList", "Name"), prefix)


def _tables(aws: Aws) -> Iterator[str]:
    for database in _databases(aws):
        for table in _pages(aws.glue, "get_tables", "TableList", "Name", DatabaseName=database):
            yield f"{database}.{table}"


def _glue(operation: str, key: str, field: str) -> Finder:
    return lambda aws: _ours(_pages(aws.glue, operation, key, field), aws.names.prefix)


def _classifiers(aws: Aws) -> Iterator[str]:
    pages = aws.glue.get_paginator("get_classifiers").paginate()
    kinds = (kind for page in pages for entry in page["Classifiers"] for kind in entry.values())
    return _ours((str(kind["Name"]) for kind in kinds), aws.names.prefix)  # type: ignore[index]


def _secrets(aws: Aws) -> Iterator[Any]:
    pages = aws.secrets.get_paginator("list_secrets").paginate(IncludePlannedDeletion=True)
    secrets = (secret for page in pages for secret in page["SecretList"])
    return (secret for secret in secrets if any(_ours([secret["Name"]], aws.names.prefix)))


def _live_secrets(aws: Aws) -> Iterator[str]:
    return (secret["Name"] for secret in _secrets(aws) if not secret.get("DeletedDate"))


def _log_groups(aws: Aws) -> Iterator[str]:
    prefix = f"/{aws.names.prefix}/"
    return _pages(aws.logs, "describe_log_groups", "logGroups", "logGroupName", logGroupNamePrefix=prefix)


def _crawler_logs(aws: Aws) -> Iterator[str]:
    request = {"logGroupName": CRAWLER_LOGS, "logStreamNamePrefix": aws.names.prefix}
    try:
        streams = list(_pages(aws.logs, "describe_log_streams", "logStreams", "logStreamName", **request))
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return
    for stream in _ours(streams, aws.names.prefix):
        yield f"{CRAWLER_LOGS} {stream}"


def _roles(aws: Aws) -> Iterator[str]:
    return _ours(_pages(aws.iam, "list_roles", "Roles", "RoleName"), aws.names.prefix)


def _workgroups(aws: Aws) -> Iterator[str]:
    pages = _all_pages(aws.athena.list_work_groups, "NextToken")
    return _ours((group["Name"] for page in pages for group in page["WorkGroups"]), aws.names.prefix)


def _queues(aws: Aws) -> Iterator[str]:
    pages = aws.sqs.get_paginator("list_queues").paginate(QueueNamePrefix=aws.names.prefix)
    urls = (url for page in pages for url in page.get("QueueUrls", []))
    return _ours((url.rpartition("/")[2] for url in urls), aws.names.prefix)


def _alarms(aws: Aws) -> Iterator[str]:
    return _ours(_pages(aws.cloudwatch, "describe_alarms", "MetricAlarms", "AlarmName"), aws.names.prefix)


def _dashboards(aws: Aws) -> Iterator[str]:
    return _ours(_pages(aws.cloudwatch, "list_dashboards", "DashboardEntries", "DashboardName"), aws.names.prefix)


def _rules(aws: Aws) -> Iterator[str]:
    return _ours(_pages(aws.events, "list_rules", "Rules", "Name", NamePrefix=aws.names.prefix), aws.names.prefix)


def _budgets(aws: Aws) -> Iterator[str]:
    request = {"AccountId": aws.names.account}
    pages = aws.budgets.get_paginator("describe_budgets").paginate(**request)
    names = (budget["BudgetName"] for page in pages for budget in page.get("Budgets", []))
    return _ours(names, aws.names.prefix)


def _topics(aws: Aws) -> Iterator[str]:
    arns = _pages(aws.sns, "list_topics", "Topics", "TopicArn")
    return _ours((arn.rpartition(":")[2] for arn in arns), aws.names.prefix)


def _streams(aws: Aws) -> Iterator[str]:
    return _ours(_pages(aws.kinesis, "list_streams", "StreamNames", None), aws.names.prefix)


def _delivery_streams(aws: Aws) -> Iterator[str]:
    return _ours(aws.firehose.list_delivery_streams(Limit=10_000)["DeliveryStreamNames"], aws.names.prefix)


def _functions(aws: Aws) -> Iterator[str]:
    return _ours(_pages(aws.functions, "list_functions", "Functions", "FunctionName"), aws.names.prefix)


def _applications(aws: Aws) -> Iterator[str]:
    pages = _all_pages(aws.flink.list_applications, "NextToken")
    names = (entry["ApplicationName"] for page in pages for entry in page["ApplicationSummaries"])
    return _ours(names, aws.names.prefix)


def _all_pages(operation: Callable[..., Any], token: str) -> Iterator[Any]:
    """All pages of an operation that botocore has no paginator for."""
    page = operation()
    yield page
    while page.get(token):
        page = operation(**{token: page[token]})
        yield page


def _sagemaker(operation: str, key: str, field: str) -> Finder:
    """Of a lake without an ml stack nothing is looked for: its login may well have no right to."""

    def find(aws: Aws) -> Iterator[str]:
        names = _pages(aws.sagemaker, operation, key, field) if ML in stacks_to_go(aws) else ()
        return _ours(names, aws.names.prefix)

    return find


_FINDERS: dict[str, Finder] = {
    "S3 bucket": _buckets,
    "KMS key": _live_keys,
    "KMS alias": _aliases,
    "Glue database": _databases,
    "Glue table": _tables,
    "Glue connection": _glue("get_connections", "ConnectionList", "Name"),
    "Secrets Manager secret": _live_secrets,
    "Glue crawler": _glue("get_crawlers", "Crawlers", "Name"),
    "Glue classifier": _classifiers,
    "Glue job": _glue("get_jobs", "Jobs", "Name"),
    "Glue data quality ruleset": _glue("list_data_quality_rulesets", "Rulesets", "Name"),
    "Glue ML transform": _glue("get_ml_transforms", "Transforms", "Name"),
    "Glue workflow": lambda aws: _ours(_pages(aws.glue, "list_workflows", "Workflows", None), aws.names.prefix),
    "Glue trigger": _glue("get_triggers", "Triggers", "Name"),
    "Glue security configuration": _glue("get_security_configurations", "SecurityConfigurations", "Name"),
    "CloudWatch log group": _log_groups,
    "CloudWatch log stream": _crawler_logs,
    "CloudWatch alarm": _alarms,
    "CloudWatch dashboard": _dashboards,
    "SNS topic": _topics,
    "EventBridge rule": _rules,
    "Budget": _budgets,
    "IAM role": _roles,
    "SQS queue": _queues,
    "Athena workgroup": _workgroups,
    "Kinesis stream": _streams,
    "Firehose delivery stream": _delivery_streams,
    "Flink application": _applications,
    "Lambda function": _functions,
    "SageMaker pipeline": _sagemaker("list_pipelines", "PipelineSummaries", "PipelineName"),
    "SageMaker model package group": _sagemaker(
        "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"
    ),
    "SageMaker feature group": _sagemaker("list_feature_groups", "FeatureGroupSummaries", "FeatureGroupName"),
    "SageMaker model": _sagemaker("list_models", "Models", "ModelName"),
}


def _tagged(aws: Aws) -> Iterator[str]:
    wanted = aws.lake.tags
    filters = [{"Key": key, "Values": [value]} for key, value in wanted.items()]
    pending = {key["Arn"] for key in _keys(aws) if key["KeyState"] == "PendingDeletion"}
    pending |= {secret["ARN"] for secret in _secrets(aws) if secret.get("DeletedDate")}
    if state := aws.lake.environment.state:  # it outlives every lake: no command destroys it
        pending.add(f"arn:{aws.names.partition}:s3:::{state.bucket}")
    arns = _pages(aws.tagging, "get_resources", "ResourceTagMappingList", "ResourceARN", TagFilters=filters)
    return (arn for arn in arns if arn not in pending)


def _named_already(arn: str, found: list[Leftover]) -> bool:
    return any(arn.endswith((f":{left.name}", f"/{left.name}", f"/{left.name}:*")) for left in found)
