"""Answers the emulator forgets to give: what a Create or Update call said is kept, and given back in the Get.

Terraform reads back all it wrote; what is missing there is drift, and every plan wants to change it again.
Each mend has one contract test that also runs against the emulator alone, where it is expected to fail:
an emulator release that needs the mend no more turns that test red.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from local_aws import connections
from local_aws.context import ACCOUNT, Context
from local_aws.protocol import AwsError, Call, Document, Handler, Handlers, stacked


def handlers(context: Context) -> Handlers:
    return stacked(
        connections.handlers(context),
        _data_quality_rulesets(context),
        _partition_indexes(context),
        _application_operations(context),
        _application_list(context),
        _shard_metrics(context),
        *(_keeping(context, kept) for kept in KEPT),
        *(_tagging(context, tagged) for tagged in TAGGED),
        {
            ("athena", "CreateWorkGroup"): _with_workgroup_defaults,
            ("athena", "GetWorkGroup"): partial(_missing, "is not found."),
            ("athena", "GetNamedQuery"): partial(_missing, "does not exist."),
            **{("glue", action): _with_true_triggers for action in ("GetTrigger", "GetTriggers", "BatchGetTriggers")},
            ("kinesis", "CreateStream"): partial(_with_stream_tags, context),
            ("sqs", "CreateQueue"): _with_compact_redrive_policy,
            ("sqs", "SetQueueAttributes"): _with_compact_redrive_policy,
        },
    )


def _place(call: Call, *names: str) -> str:
    return "/".join((call.region, *names))


def _at(document: Any, path: str) -> Any:
    """What a dotted path such as `Destinations.0.Name` leads to; None where it leads nowhere."""
    for step in filter(None, path.split(".")):
        if isinstance(document, list):
            document = document[int(step)] if int(step) < len(document) else None
        else:
            document = (document or {}).get(step)
    return document


# Fields that a Create or Update takes and the Get loses


@dataclass(frozen=True)
class Kept:
    """Fields of a resource type to keep for the emulator. Paths are dotted, the empty one is the document.

    Attributes:
        writes: by action, the field that names the resource and the path to the fields in the payload.
        reads: by action, the path to the resource, or to the list of them, in the answer.
        deletes: by action, the field that names the resource.
        identity: the name of a resource in an answer.
        described_at: the path to the fields in a resource of an answer.
        defaults: what AWS answers where nothing was given.
        merged: the actions that leave the fields they do not name as they were.
    """

    service: str
    fields: tuple[str, ...]
    writes: Mapping[str, tuple[str, str]]
    reads: Mapping[str, str]
    deletes: Mapping[str, str]
    identity: str
    described_at: str = ""
    defaults: Document = field(default_factory=dict)
    merged: tuple[str, ...] = ()


KEPT = (
    Kept(
        service="glue",
        fields=(
            "ExecutionClass",
            "ExecutionProperty",
            "JobMode",
            "JobRunQueuingEnabled",
            "LogUri",
            "MaintenanceWindow",
            "NotificationProperty",
            "SourceControlDetails",
        ),
        writes={"CreateJob": ("Name", ""), "UpdateJob": ("JobName", "JobUpdate")},
        reads={"GetJob": "Job", "GetJobs": "Jobs"},
        deletes={"DeleteJob": "JobName"},
        identity="Name",
        defaults={"ExecutionProperty": {"MaxConcurrentRuns": 1}},
    ),
    Kept(
        service="firehose",
        fields=("CustomTimeZone", "FileExtension"),
        writes={
            "CreateDeliveryStream": ("DeliveryStreamName", "ExtendedS3DestinationConfiguration"),
            "UpdateDestination": ("DeliveryStreamName", "ExtendedS3DestinationUpdate"),
        },
        reads={"DescribeDeliveryStream": "DeliveryStreamDescription"},
        deletes={"DeleteDeliveryStream": "DeliveryStreamName"},
        identity="DeliveryStreamName",
        described_at="Destinations.0.ExtendedS3DestinationDescription",
        defaults={"CustomTimeZone": "UTC"},
        merged=("UpdateDestination",),
    ),
)


def _keeping(context: Context, kept: Kept) -> Handlers:
    collection = f"kept_{kept.service}"

    def write(call: Call) -> Document:
        answer = call.passed_on()
        name, path = kept.writes[call.action]
        place = _place(call, call.required(name))
        before = context.store.get(collection, place) if call.action in kept.merged else None
        given = _at(call.payload, path) or {}
        said = {name: given[name] for name in kept.fields if given.get(name) is not None}
        context.store.put(collection, place, {**(before or {}), **said})
        return answer

    def read(call: Call) -> Document:
        answer = call.passed_on()
        found = _at(answer, kept.reads[call.action])
        for resource in found if isinstance(found, list) else [found]:
            said = context.store.get(collection, _place(call, resource[kept.identity])) or {}
            (_at(resource, kept.described_at) or {}).update({**kept.defaults, **said})
        return answer

    def delete(call: Call) -> Document:
        answer = call.passed_on()
        context.store.delete(collection, _place(call, call.required(kept.deletes[call.action])))
        return answer

    actions = ((write, kept.writes), (read, kept.reads), (delete, kept.deletes))
    return {(kept.service, action): handler for handler, table in actions for action in table}


# Tags given at creation


@dataclass(frozen=True)
class Tagged:
    """A Glue resource type whose Create loses the tags. `created` and `deleted` are paths to its name."""

    kind: str
    create: str
    created: str
    delete: str
    deleted: str


TAGGED = (
    Tagged("connection", "CreateConnection", "ConnectionInput.Name", "DeleteConnection", "ConnectionName"),
    Tagged("crawler", "CreateCrawler", "Name", "DeleteCrawler", "Name"),
    Tagged("dataQualityRuleset", "CreateDataQualityRuleset", "Name", "DeleteDataQualityRuleset", "Name"),
    Tagged("job", "CreateJob", "Name", "DeleteJob", "JobName"),
)


def _tagging(context: Context, tagged: Tagged) -> Handlers:
    def arn(call: Call, path: str) -> str:
        return f"arn:aws:glue:{call.region}:{ACCOUNT}:{tagged.kind}/{_at(call.payload, path)}"

    def create(call: Call) -> Document:
        answer = call.passed_on()
        if tags := call.payload.get("Tags"):
            client = context.client("glue", call.region)
            client.tag_resource(ResourceArn=arn(call, tagged.created), TagsToAdd=tags)
        return answer

    def delete(call: Call) -> Document:
        answer = call.passed_on()
        client, resource = context.client("glue", call.region), arn(call, tagged.deleted)
        client.untag_resource(ResourceArn=resource, TagsToRemove=list(client.get_tags(ResourceArn=resource)["Tags"]))
        return answer

    return {("glue", tagged.create): create, ("glue", tagged.delete): delete}


def _with_stream_tags(context: Context, call: Call) -> Document:
    answer = call.passed_on()
    if tags := call.payload.get("Tags"):
        context.client("kinesis", call.region).add_tags_to_stream(StreamName=call.payload["StreamName"], Tags=tags)
    return answer


# Values the emulator takes or gives otherwise than AWS


def _with_workgroup_defaults(call: Call) -> Document:
    defaults = {"EnforceWorkGroupConfiguration": True, "PublishCloudWatchMetricsEnabled": True}
    configuration = {**defaults, **call.payload.get("Configuration", {})}
    return call.forward({**call.payload, "Configuration": configuration})


def _missing(words: str, call: Call) -> Document:
    """Terraform knows by AWS's very words that a thing is gone."""
    try:
        return call.passed_on()
    except AwsError as error:
        if error.message.endswith(" not found"):
            raise AwsError(error.code, f"{error.message.removesuffix('not found')}{words}") from None
        raise


def _with_true_triggers(call: Call) -> Document:
    """A trigger without a predicate has none, and one on demand is never ACTIVATED: it stays CREATED."""
    answer = call.passed_on()
    for trigger in answer["Triggers"] if "Triggers" in answer else [answer["Trigger"]]:
        if not trigger.get("Predicate"):
            trigger.pop("Predicate", None)
        if trigger["Type"] == "ON_DEMAND":
            trigger["State"] = "CREATED"
    return answer


def _with_compact_redrive_policy(call: Call) -> Document:
    """AWS gives the policy back without white space, and Terraform compares the text."""
    attributes = dict(call.payload.get("Attributes", {}))
    if policy := attributes.get("RedrivePolicy"):
        attributes["RedrivePolicy"] = json.dumps(json.loads(policy), separators=(",", ":"))
    return call.forward({**call.payload, "Attributes": attributes})


# Calls the emulator does not know


def _data_quality_rulesets(context: Context) -> Handlers:
    """Rulesets are kept and listed; nothing evaluates them."""
    collection = "glue_data_quality_rulesets"
    fields = ("Name", "Description", "Ruleset", "TargetTable", "DataQualitySecurityConfiguration")

    def create(call: Call) -> Document:
        name = call.required("Name")
        if context.store.get(collection, _place(call, name)):
            raise AwsError("AlreadyExistsException", f"Data quality ruleset {name} already exists.")
        return write(call, {"CreatedOn": time.time()})

    def update(call: Call) -> Document:
        return write(call, get(call))

    def write(call: Call, before: Document) -> Document:
        said = {name: call.payload[name] for name in fields if name in call.payload}
        ruleset = {**before, **said, "LastModifiedOn": time.time()}
        context.store.put(collection, _place(call, call.required("Name")), ruleset)
        return ruleset

    def get(call: Call) -> Document:
        name = call.required("Name")
        ruleset = context.store.get(collection, _place(call, name))
        if ruleset is None:
            raise AwsError("EntityNotFoundException", f"Data quality ruleset {name} not found.")
        return ruleset

    def list_(call: Call) -> Document:
        rulesets = context.store.all(collection).items()
        return {"Rulesets": [ruleset for place, ruleset in rulesets if place.startswith(_place(call, ""))]}

    def delete(call: Call) -> Document:
        get(call)
        context.store.delete(collection, _place(call, call.required("Name")))
        return {}

    return {
        ("glue", "CreateDataQualityRuleset"): create,
        ("glue", "GetDataQualityRuleset"): get,
        ("glue", "UpdateDataQualityRuleset"): update,
        ("glue", "DeleteDataQualityRuleset"): delete,
        ("glue", "ListDataQualityRulesets"): list_,
    }


def _partition_indexes(context: Context) -> Handlers:
    """The emulator makes partition indexes but cannot delete one, so all of them are kept here."""
    collection = "glue_partition_indexes"

    def place(call: Call) -> str:
        return _place(call, call.required("DatabaseName"), call.required("TableName"))

    def indexes(call: Call) -> dict[str, Document]:
        return context.store.get(collection, place(call)) or {}

    def create(call: Call) -> Document:
        index, known = call.required("PartitionIndex"), indexes(call)
        glue = context.client("glue", call.region)
        table = glue.get_table(DatabaseName=call.payload["DatabaseName"], Name=call.payload["TableName"])["Table"]
        types = {key["Name"]: key["Type"] for key in table["PartitionKeys"]}
        keys = [{"Name": key, "Type": types[key]} for key in index["Keys"]]
        made = {"IndexName": index["IndexName"], "Keys": keys, "IndexStatus": "ACTIVE"}
        context.store.put(collection, place(call), {**known, index["IndexName"]: made})
        return {}

    def get(call: Call) -> Document:
        return {"PartitionIndexDescriptorList": list(indexes(call).values())}

    def delete(call: Call) -> Document:
        known = indexes(call)
        if known.pop(call.required("IndexName"), None) is None:
            raise AwsError("EntityNotFoundException", f"Partition index {call.payload['IndexName']} not found.")
        context.store.put_or_delete(collection, place(call), known)
        return {}

    def forget(tables: Callable[[Call], Iterable[str]]) -> Handler:
        def handler(call: Call) -> Document:
            answer = call.passed_on()
            for table in list(tables(call)):
                context.store.delete(collection, table)
            return answer

        return handler

    def of_database(call: Call) -> Iterable[str]:
        return (key for key in context.store.all(collection) if key.startswith(_place(call, call.required("Name"), "")))

    def of_tables(call: Call) -> Iterable[str]:
        names = [call.payload["Name"]] if "Name" in call.payload else call.required("TablesToDelete")
        return (_place(call, call.required("DatabaseName"), name) for name in names)

    return {
        ("glue", "CreatePartitionIndex"): create,
        ("glue", "GetPartitionIndexes"): get,
        ("glue", "DeletePartitionIndex"): delete,
        ("glue", "DeleteTable"): forget(of_tables),
        ("glue", "BatchDeleteTable"): forget(of_tables),
        ("glue", "DeleteDatabase"): forget(of_database),
    }


def _application_operations(context: Context) -> Handlers:
    """Terraform waits for the operation that starting, stopping or updating a Flink application is."""
    collection = "flink_operations"

    def begin(call: Call) -> Document:
        answer = call.passed_on()
        if operation := answer.get("OperationId"):
            begun = {"Operation": call.action, "StartTime": time.time()}
            place = _place(call, call.required("ApplicationName"))
            context.store.update(collection, place, **{operation: begun})
        return answer

    def describe(call: Call) -> Document:
        name, operation = call.required("ApplicationName"), call.required("OperationId")
        begun = (context.store.get(collection, _place(call, name)) or {}).get(operation)
        if begun is None:
            raise AwsError("ResourceNotFoundException", f"Application {name} has no operation {operation}.")
        client = context.client("kinesisanalyticsv2", call.region)
        status = client.describe_application(ApplicationName=name)["ApplicationDetail"]["ApplicationStatus"]
        state = "IN_PROGRESS" if status.endswith("ING") and status != "RUNNING" else "SUCCESSFUL"
        details = {**begun, "EndTime": time.time(), "OperationStatus": state}
        return {"ApplicationOperationInfoDetails": details}

    def delete(call: Call) -> Document:
        answer = call.passed_on()
        context.store.delete(collection, _place(call, call.required("ApplicationName")))
        return answer

    beginning = (
        "AddApplicationCloudWatchLoggingOption",
        "DeleteApplicationCloudWatchLoggingOption",
        "StartApplication",
        "StopApplication",
        "UpdateApplication",
    )
    return {
        **{("kinesisanalytics", action): begin for action in beginning},
        ("kinesisanalytics", "DescribeApplicationOperation"): describe,
        ("kinesisanalytics", "DeleteApplication"): delete,
    }


def _application_list(context: Context) -> Handlers:
    """The emulator describes an application, and lists none."""
    collection = "flink_applications"

    def create(call: Call) -> Document:
        answer = call.passed_on()
        name = call.required("ApplicationName")
        context.store.put(collection, _place(call, name), {"ApplicationName": name})
        return answer

    def list_(call: Call) -> Document:
        client = context.client("kinesisanalyticsv2", call.region)
        kept = [entry for place, entry in context.store.all(collection).items() if place.startswith(_place(call, ""))]
        details = [client.describe_application(**entry)["ApplicationDetail"] for entry in kept]
        fields = (
            "ApplicationName",
            "ApplicationARN",
            "ApplicationStatus",
            "ApplicationVersionId",
            "RuntimeEnvironment",
        )
        return {"ApplicationSummaries": [{name: detail[name] for name in fields} for detail in details]}

    def delete(call: Call) -> Document:
        answer = call.passed_on()
        context.store.delete(collection, _place(call, call.required("ApplicationName")))
        return answer

    return {
        ("kinesisanalytics", "CreateApplication"): create,
        ("kinesisanalytics", "ListApplications"): list_,
        ("kinesisanalytics", "DeleteApplication"): delete,
    }


def _shard_metrics(context: Context) -> Handlers:
    """The emulator says which shard-level metrics are on when they are switched, and not again."""
    collection = "kinesis_shard_metrics"

    def place(call: Call) -> str:
        name = call.payload.get("StreamName") or call.required("StreamARN").rpartition("/")[2]
        return _place(call, name)

    def switch(call: Call) -> Document:
        answer = call.passed_on()
        wanted = answer["DesiredShardLevelMetrics"]
        context.store.put_or_delete(collection, place(call), {"ShardLevelMetrics": wanted} if wanted else {})
        return answer

    def describe(call: Call) -> Document:
        answer = call.passed_on()
        if metrics := context.store.get(collection, place(call)):
            next(iter(answer.values()))["EnhancedMonitoring"] = [metrics]
        return answer

    def delete(call: Call) -> Document:
        answer = call.passed_on()
        context.store.delete(collection, place(call))
        return answer

    return {
        ("kinesis", "EnableEnhancedMonitoring"): switch,
        ("kinesis", "DisableEnhancedMonitoring"): switch,
        ("kinesis", "DescribeStream"): describe,
        ("kinesis", "DescribeStreamSummary"): describe,
        ("kinesis", "DeleteStream"): delete,
    }
