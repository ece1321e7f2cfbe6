"""Glue: jobs, tags, triggers, connections, classifiers, data quality rulesets and partition indexes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from local_aws.context import ACCOUNT, Context
from local_aws.mends.in_place import updating
from local_aws.mends.kept import Kept, at, keeping, place_of
from local_aws.protocol import AwsError, Call, Document, Handler, Handlers, stacked
from local_aws.shapes import checking

_JOB = Kept(
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
)


def handlers(context: Context) -> Handlers:
    updating("glue", {"UpdateConnection": _update_connection, "UpdateClassifier": _update_classifier})
    return stacked(
        _data_quality_rulesets(context),
        _partition_indexes(context),
        keeping(context, _JOB),
        *(_tagging(context, tagged) for tagged in _TAGGED),
        {
            **{("glue", action): _with_true_triggers for action in ("GetTrigger", "GetTriggers", "BatchGetTriggers")},
        },
        checking("glue", "CreateConnection", "UpdateConnection", "CreateClassifier", "UpdateClassifier"),
    )


@dataclass(frozen=True)
class _Tagged:
    """A Glue resource type whose Create drops the tags. `created` and `deleted` are paths to its name."""

    kind: str
    create: str
    created: str
    delete: str
    deleted: str


_TAGGED = (
    _Tagged("connection", "CreateConnection", "ConnectionInput.Name", "DeleteConnection", "ConnectionName"),
    _Tagged("crawler", "CreateCrawler", "Name", "DeleteCrawler", "Name"),
    _Tagged("dataQualityRuleset", "CreateDataQualityRuleset", "Name", "DeleteDataQualityRuleset", "Name"),
    _Tagged("job", "CreateJob", "Name", "DeleteJob", "JobName"),
)


def _tagging(context: Context, tagged: _Tagged) -> Handlers:
    def arn(call: Call, path: str) -> str:
        return f"arn:aws:glue:{call.region}:{ACCOUNT}:{tagged.kind}/{at(call.payload, path)}"

    def create(call: Call) -> Document:
        answer = call.forward_unchanged()
        if tags := call.payload.get("Tags"):
            client = context.client("glue", call.region)
            client.tag_resource(ResourceArn=arn(call, tagged.created), TagsToAdd=tags)
        return answer

    def delete(call: Call) -> Document:
        answer = call.forward_unchanged()
        client, resource = context.client("glue", call.region), arn(call, tagged.deleted)
        client.untag_resource(ResourceArn=resource, TagsToRemove=list(client.get_tags(ResourceArn=resource)["Tags"]))
        return answer

    return {("glue", tagged.create): create, ("glue", tagged.delete): delete}


def _update_connection(emulator: Any, payload: Document) -> None:
    given, name = payload["ConnectionInput"], payload["Name"]
    before = emulator._connections.get(name)
    if before is None:
        raise AwsError("EntityNotFoundException", f"Connection {name} not found.")
    if given["Name"] != name:
        raise AwsError(
            "InvalidInputException",
            f"UpdateConnection: ConnectionInput.Name is {given['Name']}, but the connection is {name}: "
            "it cannot be renamed; create another and delete it",
        )
    times = {"CreationTime": before["CreationTime"], "LastUpdatedTime": int(time.time())}
    emulator._connections[name] = {**given, **times}


def _update_classifier(emulator: Any, payload: Document) -> None:
    """The fields that are not given stay."""
    if len(payload) != 1:
        raise AwsError("InvalidInputException", "UpdateClassifier: exactly one classifier has to be given")
    ((kind, given),) = payload.items()
    known = emulator._classifiers.get(given["Name"])
    if known is None:
        raise AwsError("EntityNotFoundException", f"Classifier {given['Name']} not found.")
    if kind not in known:
        raise AwsError("InvalidInputException", f"Classifier {given['Name']} is of another type than {kind}")
    made = {"LastUpdated": int(time.time()), "Version": known[kind]["Version"] + 1}
    emulator._classifiers[given["Name"]] = {kind: {**known[kind], **given, **made}}


def _with_true_triggers(call: Call) -> Document:
    """Correct triggers: without a predicate the field is absent, and an on-demand trigger stays CREATED."""
    answer = call.forward_unchanged()
    for trigger in answer["Triggers"] if "Triggers" in answer else [answer["Trigger"]]:
        if not trigger.get("Predicate"):
            trigger.pop("Predicate", None)
        if trigger["Type"] == "ON_DEMAND":
            trigger["State"] = "CREATED"
    return answer


def _data_quality_rulesets(context: Context) -> Handlers:
    """Store and list rulesets; nothing evaluates them."""
    collection = "glue_data_quality_rulesets"
    fields = ("Name", "Description", "Ruleset", "TargetTable", "DataQualitySecurityConfiguration")

    def create(call: Call) -> Document:
        name = call.required("Name")
        if context.store.get(collection, place_of(call, name)):
            raise AwsError("AlreadyExistsException", f"Data quality ruleset {name} already exists.")
        return write(call, {"CreatedOn": time.time()})

    def update(call: Call) -> Document:
        return write(call, get(call))

    def write(call: Call, before: Document) -> Document:
        given = {name: call.payload[name] for name in fields if name in call.payload}
        ruleset = {**before, **given, "LastModifiedOn": time.time()}
        context.store.put(collection, place_of(call, call.required("Name")), ruleset)
        return ruleset

    def get(call: Call) -> Document:
        name = call.required("Name")
        ruleset = context.store.get(collection, place_of(call, name))
        if ruleset is None:
            raise AwsError("EntityNotFoundException", f"Data quality ruleset {name} not found.")
        return ruleset

    def list_(call: Call) -> Document:
        rulesets = context.store.all(collection).items()
        return {"Rulesets": [ruleset for place, ruleset in rulesets if place.startswith(place_of(call, ""))]}

    def delete(call: Call) -> Document:
        get(call)
        context.store.delete(collection, place_of(call, call.required("Name")))
        return {}

    return {
        ("glue", "CreateDataQualityRuleset"): create,
        ("glue", "GetDataQualityRuleset"): get,
        ("glue", "UpdateDataQualityRuleset"): update,
        ("glue", "DeleteDataQualityRuleset"): delete,
        ("glue", "ListDataQualityRulesets"): list_,
    }


def _partition_indexes(context: Context) -> Handlers:
    """Keep all partition indexes here: the emulator creates them but cannot delete one."""
    collection = "glue_partition_indexes"

    def place(call: Call) -> str:
        return place_of(call, call.required("DatabaseName"), call.required("TableName"))

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
            answer = call.forward_unchanged()
            for table in list(tables(call)):
                context.store.delete(collection, table)
            return answer

        return handler

    def of_database(call: Call) -> Iterable[str]:
        return (
            key for key in context.store.all(collection) if key.startswith(place_of(call, call.required("Name"), ""))
        )

    def of_tables(call: Call) -> Iterable[str]:
        names = [call.payload["Name"]] if "Name" in call.payload else call.required("TablesToDelete")
        return (place_of(call, call.required("DatabaseName"), name) for name in names)

    return {
        ("glue", "CreatePartitionIndex"): create,
        ("glue", "GetPartitionIndexes"): get,
        ("glue", "DeletePartitionIndex"): delete,
        ("glue", "DeleteTable"): forget(of_tables),
        ("glue", "BatchDeleteTable"): forget(of_tables),
        ("glue", "DeleteDatabase"): forget(of_database),
    }
