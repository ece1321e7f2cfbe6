"""Building blocks of IAM policy documents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lake.configuration.model import Connection
from lake.configuration.names import Names

Statement = dict[str, Any]


def allow(actions: list[str], resources: list[str], **conditions: dict[str, Any]) -> Statement:
    """An Allow statement. Conditions are given by operator: `StringEquals={"kms:ViaService": "..."}`."""
    statement: Statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | ({"Condition": conditions} if conditions else {})


def document(*statements: Statement) -> str:
    """The policy's JSON, with the keys in a stable order."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def trust(service: str, account: str) -> str:
    """Lets an AWS service assume a role, only for resources of this account (prevents the confused deputy problem).

    For Glue: https://docs.aws.amazon.com/glue/latest/dg/cross-service-confused-deputy-prevention.html
    """
    return document(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": service},
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
    )


def owns_key(names: Names) -> Statement:
    """For a key policy: the account's IAM policies determine who can use the key."""
    return {"Effect": "Allow", "Principal": {"AWS": names.root_arn}, "Action": "kms:*", "Resource": "*"}


def for_notifiers(names: Names, actions: list[str], resource: str) -> Iterator[Statement]:
    """In the policy of the lake's topic and of its key: what the services that notify of something may do."""
    account = {"StringEquals": {"aws:SourceAccount": names.account}}
    # EventBridge fulfils no condition when it publishes to a topic: see its page on resource-based policies.
    for service, conditions in {"cloudwatch": account, "budgets": account, "events": {}}.items():
        yield allow(actions, [resource], **conditions) | {"Principal": {"Service": f"{service}.amazonaws.com"}}


def use_key(names: Names, *actions: str) -> Statement:
    """Use of the lake's key, identified by its alias, because only the storage stack knows the key's id."""
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


def deliver_objects(names: Names, purpose: str, prefixes: Sequence[str]) -> list[Statement]:
    """What Firehose asks for under prefixes of a bucket: it adds objects, and replaces and deletes none."""
    bucket = names.bucket_arn(purpose)
    return [
        allow(
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], [f"{bucket}/{prefix}*" for prefix in prefixes]
        ),
        allow(["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], [bucket]),
    ]


def catalog(names: Names, database: str) -> list[str]:
    """The three resources against which AWS checks every call on a database's tables."""
    return [names.arn("glue", resource) for resource in ("catalog", f"database/{database}", f"table/{database}/*")]


def catalogs(names: Names, *databases: str) -> list[str]:
    """Like `catalog`, for several databases."""
    return list(dict.fromkeys(resource for database in databases for resource in catalog(names, database)))


def use_connections(names: Names, connections: Mapping[str, Connection]) -> list[Statement]:
    """The permissions that a crawler or job needs for its connections, by their names in lake.yaml."""
    if not connections:
        return []
    found = [
        names.arn("glue", "catalog"),
        *(names.arn("glue", f"connection/{names.connection(c)}") for c in connections),
    ]
    # The ARN of a secret ends with a hyphen and six random characters.
    secrets = [names.arn("secretsmanager", f"secret:{names.secret(c)}-??????") for c in _with_secret(connections)]
    return [
        allow(["glue:GetConnection"], found),
        *([allow(["secretsmanager:GetSecretValue"], secrets)] if secrets else []),
        *(_glue_in_network(names) if any(connection.network for connection in connections.values()) else []),
    ]


def _with_secret(connections: Mapping[str, Connection]) -> list[str]:
    return [name for name, connection in connections.items() if connection.type != "network"]


def network_interfaces(names: Names, described: Sequence[str], *more: str) -> list[Statement]:
    """A service puts network interfaces into a subnet.

    Args:
        described: what it looks up beside subnets, security groups and interfaces, for example `RouteTables`.
        more: actions on its interfaces beside making and deleting them.
    """
    interfaces, *places = [names.arn("ec2", f"{kind}/*") for kind in ("network-interface", "subnet", "security-group")]
    looked_up = ("Subnets", "SecurityGroups", "NetworkInterfaces", *described)
    return [
        allow([f"ec2:Describe{what}" for what in looked_up], ["*"]),
        allow(["ec2:CreateNetworkInterface"], [interfaces, *places]),
        allow(["ec2:DeleteNetworkInterface", *more], [interfaces]),
    ]


def _glue_in_network(names: Names) -> list[Statement]:
    """Glue marks its interfaces with a tag of its own."""
    tags = {"ForAllValues:StringEquals": {"aws:TagKeys": ["aws-glue-service-resource"]}}
    return [
        *network_interfaces(names, ["VpcEndpoints", "RouteTables"]),
        allow(["ec2:DescribeVpcAttribute"], [names.arn("ec2", "vpc/*")]),
        allow(["ec2:CreateTags", "ec2:DeleteTags"], [names.arn("ec2", "network-interface/*")], **tags),
    ]


READ_TABLES = ["glue:GetTable", "glue:GetPartitions"]
WRITE_TABLES = [
    f"glue:{action}" for action in ("CreateTable", "UpdateTable", "BatchCreatePartition", "BatchUpdatePartition")
]
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
