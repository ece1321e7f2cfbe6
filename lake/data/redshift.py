"""What Redshift Spectrum needs to read the lake's tables: the SQL for external schemas, and an IAM role."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lake.configuration.model import Config
from lake.configuration.names import Names

READ_CATALOG = [
    f"glue:{action}"
    for action in (
        *("GetDatabase", "GetDatabases", "GetTable", "GetTables"),
        *("GetPartition", "GetPartitions", "BatchGetPartition"),
    )
]


@dataclass(frozen=True)
class Spectrum:
    """The SQL and the role. `trust` and `policy` are the IAM documents of the role `role`."""

    role: str
    sql: str
    trust: dict[str, Any]
    policy: dict[str, Any]

    def commands(self) -> str:
        """The two shell commands that create the role."""
        return (
            f"aws iam create-role --role-name {self.role} --assume-role-policy-document '{_json(self.trust)}'\n"
            f"aws iam put-role-policy --role-name {self.role} --policy-name read-the-lake "
            f"--policy-document '{_json(self.policy)}'"
        )


def spectrum(names: Names, config: Config) -> Spectrum:
    """An external schema for each database of the lake, and a role that can read only those."""
    databases = ["raw", "curated", *(["streams"] if config.streams else [])]
    schemas = "\n\n".join(_schema(names, database) for database in databases)
    return Spectrum(names.role("redshift"), schemas, _trust(), _policy(names, databases))


def _schema(names: Names, database: str) -> str:
    return (
        f"CREATE EXTERNAL SCHEMA IF NOT EXISTS {names.database(database)}\n"
        f"FROM DATA CATALOG DATABASE '{names.database(database)}'\n"
        f"REGION '{names.region}'\n"
        f"IAM_ROLE '{names.role_arn('redshift')}';"
    )


def _trust() -> dict[str, Any]:
    """For clusters and serverless workgroups. AWS does not document that they send aws:SourceAccount: no condition."""
    services = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]
    return _document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": services}})


def _policy(names: Names, databases: list[str]) -> dict[str, Any]:
    buckets = [names.bucket_arn(zone) for zone in ("raw", "curated")]
    tables = [names.database(database) for database in databases]
    catalog = [f"database/{name}" for name in tables] + [f"table/{name}/*" for name in tables]
    key = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": names.key_alias}}
    return _document(
        _allow(READ_CATALOG, [names.arn("glue", resource) for resource in ("catalog", *catalog)]),
        _allow(["s3:GetObject"], [f"{bucket}/*" for bucket in buckets]),
        _allow(["s3:ListBucket", "s3:GetBucketLocation"], buckets),
        {**_allow(["kms:Decrypt"], [names.arn("kms", "key/*")]), "Condition": key},
    )


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))
