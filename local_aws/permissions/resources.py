"""The resources that a call is checked against, as ARNs, by AWS's Service Authorization Reference.

A call of which the resource is not told here is checked against `*`: a policy that names resources does not allow it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local_aws.permissions.calls import Asked
from local_aws.permissions.principals import ACCOUNT, role_arn

Find = Callable[[Asked], Sequence[str]]


def resources(call: Asked) -> Sequence[str]:
    """All of them have to be allowed."""
    found = _SERVICES.get(call.service, _none)(call)
    return [arn for arn in found if arn] or ["*"]


def _none(call: Asked) -> Sequence[str]:
    return ()


def _first(given: Mapping[str, Any], *names: str) -> str:
    return next((str(given[name]) for name in names if given.get(name)), "")


def _arn(call: Asked, resource: str, service: str = "") -> str:
    return f"arn:aws:{service or call.service}:{call.region}:{ACCOUNT}:{resource}"


_OF_NO_RESOURCE = ("Classifier", "SecurityConfiguration")
_KINDS = {
    "Job": ("job", "JobName"),
    "Crawler": ("crawler", "CrawlerName"),
    "Trigger": ("trigger", "TriggerName"),
    "Workflow": ("workflow", "WorkflowName"),
    "DataQualityRuleset": ("dataQualityRuleset", "Name"),
    "MLTransform": ("mlTransform", "TransformId"),
}
"""Of Glue, beside the catalog: by a word in the action's name, how an ARN and how a call names it."""


def _glue(call: Asked) -> Sequence[str]:
    given, action = call.given, call.action
    if "ResourceArn" in given:
        return [given["ResourceArn"]]
    if any(word in action for word in _OF_NO_RESOURCE):
        return ()
    if "Connection" in action:
        name = _first(given, "Name", "ConnectionName") or _first(given.get("ConnectionInput", {}), "Name")
        return [_arn(call, "catalog"), *([_arn(call, f"connection/{name}")] if name else [])]
    for word, (kind, field) in _KINDS.items():
        if word in action:
            named = next((given[many] for many in (f"{word}Names", "Names") if many in given), None)
            names = named if isinstance(named, list) else [_first(given, field, "Name", "CrawlerNameList")]
            return [_arn(call, f"{kind}/{name}") for name in names if name]
    return _of_catalog(call)


def _of_catalog(call: Asked) -> Sequence[str]:
    given, action = call.given, call.action
    of_database = "Database" in action
    database = _first(given, "DatabaseName") or (_first(given, "Name") if of_database else "")
    database = database or _first(given.get("DatabaseInput", {}), "Name") or "*"
    catalog = [_arn(call, "catalog"), _arn(call, f"database/{database}")]
    if of_database:
        return catalog
    table = _first(given, "TableName") or _first(given.get("TableInput", {}), "Name")
    table = table or ("*" if action in ("GetTables", "SearchTables") else _first(given, "Name")) or "*"
    tables = given.get("TablesToDelete") or [table]
    return [*catalog, *(_arn(call, f"table/{database}/{each}") for each in tables)]


def table_arns(region: str, database: str, table: str) -> list[str]:
    """What a call on a table of the catalog is checked against."""
    places = ("catalog", f"database/{database}", f"table/{database}/{table}")
    return [f"arn:aws:glue:{region}:{ACCOUNT}:{place}" for place in places]


def _kinesis(call: Asked) -> Sequence[str]:
    given = call.given
    if "ConsumerARN" in given:
        return [given["ConsumerARN"]]
    name = _first(given, "StreamName")
    return [_first(given, "StreamARN", "ResourceARN") or (_arn(call, f"stream/{name}") if name else "")]


def _logs(call: Asked) -> Sequence[str]:
    given = call.given
    if call.action == "DescribeLogGroups":
        return [_arn(call, "log-group:*")]
    group = _first(given, "logGroupName", "logGroupIdentifier", "resourceArn", "resourceIdentifier")
    group = group.partition(":log-group:")[2] or group
    stream = _first(given, "logStreamName")
    # Messages of AWS have this form also where no stream is named.
    return [_arn(call, f"log-group:{group.removesuffix(':*')}:log-stream:{stream}") if group else ""]


def _cloudwatch(call: Asked) -> Sequence[str]:
    given = call.given
    dashboards = given.get("DashboardNames") or [_first(given, "DashboardName", "DashboardNames.member.1")]
    if any(dashboards):
        return [f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}" for name in dashboards]
    if "ResourceARN" in given:
        return [given["ResourceARN"]]
    names = given.get("AlarmNames") or [_first(given, "AlarmName", "AlarmNames.member.1")]
    return [_arn(call, f"alarm:{name}") for name in names if name]


def _named(pattern: str, *fields: str) -> Find:
    """A resource by the first field that is given: its ARN, or its name put into the pattern."""

    def found(call: Asked) -> Sequence[str]:
        name = _first(call.given, *fields)
        return [name if name.startswith("arn:") or not name else _arn(call, pattern.format(name))]

    return found


def _sqs(call: Asked) -> Sequence[str]:
    name = _first(call.given, "QueueName") or _first(call.given, "QueueUrl").rpartition("/")[2]
    return [_arn(call, name) if name else ""]


def _iam(call: Asked) -> Sequence[str]:
    given = call.given
    if arn := _first(given, "PolicyArn"):
        attached = [_of_iam(kind, given) for kind in ("Role", "User", "Group")]
        return [next(filter(None, attached), arn)]
    return [next(filter(None, (_of_iam(kind, given) for kind in ("Role", "User", "Group", "Policy"))), "")]


def _of_iam(kind: str, given: Mapping[str, Any]) -> str:
    name = _first(given, f"{kind}Name")
    return f"arn:aws:iam::{ACCOUNT}:{kind.lower()}{given.get('Path', '/')}{name}" if name else ""


def _lambda(call: Asked) -> Sequence[str]:
    name = _first(call.given, "FunctionName")
    return [name if name.startswith("arn:") or not name else _arn(call, f"function:{name}")]


def _sts(call: Asked) -> Sequence[str]:
    return [role_arn(_first(call.given, "RoleArn"))] if call.action.startswith("AssumeRole") else ()


_OF_SAGEMAKER = {
    "TrainingJob": "training-job",
    "ProcessingJob": "processing-job",
    "TransformJob": "transform-job",
    "Pipeline": "pipeline",
    "FeatureGroup": "feature-group",
    "ModelPackageGroup": "model-package-group",
    "ModelPackage": "model-package",
    "Model": "model",
}
"""By a word in the action's name, the longer ones first: how an ARN names it. A call names it with `Name` behind it."""


def _sagemaker(call: Asked) -> Sequence[str]:
    given, action = call.given, call.action
    if arn := _first(given, "ResourceArn", "PipelineExecutionArn", "ModelPackageArn"):
        return [arn]
    group = _first(given, "ModelPackageGroupName").rpartition("/")[2]
    versions = [_arn(call, f"model-package/{group}/*")] if group else []
    if action == "CreateModelPackage" and group:
        return [_arn(call, f"model-package-group/{group}"), *versions]
    if action in _OF_RECORDS:
        return [_feature_group(call, name) for name in _feature_groups(given)]
    if action == "ListModelPackages":
        return versions or ["*"]
    word = next((word for word in _OF_SAGEMAKER if word in action), "")
    return _named(f"{_OF_SAGEMAKER.get(word)}/{{}}", f"{word}Name")(call)


_OF_RECORDS = (
    *("PutRecord", "GetRecord", "DeleteRecord", "UpdateRecord", "ListRecords", "BatchGetRecord", "BatchWriteRecord"),
)


def _feature_groups(given: Mapping[str, Any]) -> list[str]:
    """The groups of a call on records, by name or ARN: one, or those of a batch."""
    batch = [*(given.get("Identifiers") or []), *(given.get("Entries") or [])] or [given]
    return [str(each.get("FeatureGroupName", "")) for each in batch if isinstance(each, Mapping)]


def _feature_group(call: Asked, name: str) -> str:
    return name if name.startswith("arn:") else _arn(call, f"feature-group/{name}")


_SERVICES: dict[str, Find] = {
    "sagemaker": _sagemaker,
    "glue": _glue,
    "kinesis": _kinesis,
    "logs": _logs,
    "cloudwatch": _cloudwatch,
    "sqs": _sqs,
    "iam": _iam,
    "lambda": _lambda,
    "sts": _sts,
    "firehose": _named("deliverystream/{}", "DeliveryStreamARN", "DeliveryStreamName"),
    "kinesisanalytics": _named("application/{}", "ResourceARN", "ApplicationName"),
    "sns": _named("{}", "TopicArn", "ResourceArn", "Name"),
    "dynamodb": _named("table/{}", "TableName"),
    "athena": _named("workgroup/{}", "ResourceARN", "WorkGroup", "Name"),
    "events": _named("rule/{}", "ResourceARN", "Rule", "Name"),
    "secretsmanager": _named("secret:{}", "SecretId", "Name"),
    "kms": _named("key/{}", "KeyId"),
}
