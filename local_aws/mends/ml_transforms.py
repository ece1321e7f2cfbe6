"""Glue's machine learning transforms, stored and listed. Nothing trains or runs them; AWS no longer does either."""

from __future__ import annotations

import hashlib
import time

from botocore.exceptions import ClientError

from local_aws.context import ACCOUNT, Context
from local_aws.protocol import AwsError, Call, Document, Handlers
from local_aws.reasons import reason

COLLECTION = "glue_ml_transforms"
FIELDS = (
    *("Name", "Description", "InputRecordTables", "Parameters", "Role", "GlueVersion", "Timeout", "MaxRetries"),
    *("MaxCapacity", "WorkerType", "NumberOfWorkers"),
)


def handlers(context: Context) -> Handlers:
    """Return the five calls of a transform's life cycle. Its schema is that of its first table."""

    def create(call: Call) -> Document:
        name = call.required("Name")
        if name in {found["Name"] for found in _all(context, call)}:
            raise AwsError("AlreadyExistsException", f"ML transform {name} already exists.")
        made: Document = {"TransformId": f"tfm-{hashlib.sha1(f'{name}{time.time()}'.encode()).hexdigest()}"}
        made |= {"Schema": _schema(context, call), "Status": "NOT_READY", "LabelCount": 0, "CreatedOn": time.time()}
        _write(context, call, made)
        if tags := call.payload.get("Tags"):
            client = context.client("glue", call.region)
            client.tag_resource(ResourceArn=_arn(call, made["TransformId"]), TagsToAdd=tags)
        return {"TransformId": made["TransformId"]}

    def update(call: Call) -> Document:
        _write(context, call, _get(context, call))
        return {"TransformId": call.payload["TransformId"]}

    def delete(call: Call) -> Document:
        transform = _get(context, call)["TransformId"]
        client, arn = context.client("glue", call.region), _arn(call, transform)
        client.untag_resource(ResourceArn=arn, TagsToRemove=list(client.get_tags(ResourceArn=arn)["Tags"]))
        context.store.delete(COLLECTION, f"{call.region}/{transform}")
        return {"TransformId": transform}

    return {
        ("glue", "CreateMLTransform"): create,
        ("glue", "GetMLTransform"): lambda call: _get(context, call),
        ("glue", "GetMLTransforms"): lambda call: {"Transforms": _all(context, call)},
        ("glue", "UpdateMLTransform"): update,
        ("glue", "DeleteMLTransform"): delete,
    }


def _all(context: Context, call: Call) -> list[Document]:
    kept = context.store.all(COLLECTION).items()
    return [transform for place, transform in kept if place.startswith(f"{call.region}/")]


def _get(context: Context, call: Call) -> Document:
    transform: Document | None = context.store.get(COLLECTION, f"{call.region}/{call.required('TransformId')}")
    if transform is None:
        raise AwsError("EntityNotFoundException", f"ML transform {call.payload['TransformId']} not found.")
    return transform


def _write(context: Context, call: Call, before: Document) -> None:
    given = {name: call.payload[name] for name in FIELDS if name in call.payload}
    transform = {**before, **given, "LastModifiedOn": time.time()}
    context.store.put(COLLECTION, f"{call.region}/{before['TransformId']}", transform)


def _schema(context: Context, call: Call) -> list[Document]:
    """Return the schema. Glue refuses a transform of a table that is not in the catalog."""
    table = call.required("InputRecordTables")[0]
    try:
        found = context.client("glue", call.region).get_table(
            DatabaseName=table["DatabaseName"], Name=table["TableName"]
        )
    except ClientError as error:
        raise AwsError(
            "InvalidInputException", f"Table {table['DatabaseName']}.{table['TableName']}: {reason(error)}"
        ) from None
    columns = found["Table"]["StorageDescriptor"]["Columns"]
    return [{"Name": column["Name"], "DataType": column["Type"]} for column in columns]


def _arn(call: Call, transform: str) -> str:
    return f"arn:aws:glue:{call.region}:{ACCOUNT}:mlTransform/{transform}"
