"""IAM policy documents as short sentences: who may do what on which resource, when."""

from __future__ import annotations

import json
from typing import Any

from lake.names import Names

Statement = dict[str, Any]


def allow(actions: list[str], resources: list[str], **conditions: dict[str, Any]) -> Statement:
    """An Allow statement. Conditions by operator: `StringEquals={"kms:ViaService": "..."}`."""
    statement: Statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | ({"Condition": conditions} if conditions else {})


def document(*statements: Statement) -> str:
    """The policy's JSON, with the keys in a stable order."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def trust(service: str, account: str) -> str:
    """Lets a service of AWS take a role, for resources of this account only (no confused deputy)."""
    return document(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": service},
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
    )


def use_key(names: Names, *actions: str) -> Statement:
    """Use of the lake's one key, found by its alias: the key's id is known to the storage stack alone."""
    alias = {"kms:ResourceAliases": names.key_alias}
    return allow(
        [f"kms:{action}" for action in actions],
        [names.arn("kms", "key/*")],
        **{"ForAnyValue:StringEquals": alias},
    )


def read_objects(names: Names, purpose: str, prefix: str = "") -> list[Statement]:
    bucket = names.bucket_arn(purpose)
    return [
        allow(["s3:GetObject"], [f"{bucket}/{prefix}*"]),
        allow(["s3:ListBucket", "s3:GetBucketLocation"], [bucket]),
    ]


def write_objects(names: Names, purpose: str, prefix: str = "") -> list[Statement]:
    """Read, write and replace objects."""
    objects = f"{names.bucket_arn(purpose)}/{prefix}*"
    actions = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    return [*read_objects(names, purpose, prefix), allow(actions, [objects])]


def catalog(names: Names, database: str) -> list[str]:
    """The three resources every call on a database's tables is checked against."""
    return [names.arn("glue", resource) for resource in ("catalog", f"database/{database}", f"table/{database}/*")]


def catalogs(names: Names, *databases: str) -> list[str]:
    """As `catalog`, of several databases."""
    return list(dict.fromkeys(resource for database in databases for resource in catalog(names, database)))


READ_CATALOG = [
    f"glue:{action}" for action in ("GetDatabase", "GetTable", "GetTables", "GetPartition", "GetPartitions")
]
WRITE_CATALOG = [
    f"glue:{action}"
    for action in (
        *("CreateTable", "UpdateTable", "CreatePartition", "UpdatePartition"),
        *("BatchGetPartition", "BatchCreatePartition", "BatchUpdatePartition"),
    )
]
