"""The policies that IAM and the resources' services hold, read by their own calls and remembered until one changes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import unquote

from botocore.exceptions import ClientError

from local_aws.permissions.decision import Policies, Policy
from local_aws.permissions.principals import Principal

T = TypeVar("T")


class NoSuchPrincipalError(Exception):
    """IAM does not know the role or user."""


class Holdings:
    """What counts for a caller or a resource. Safe to use from several threads.

    Args:
        client: makes a boto3 client of this AWS that may do everything: `client("iam", "us-east-1")`.
    """

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], Any] = {}
        self._age = 0

    def forget(self) -> None:
        """A policy may have changed: all of them are read again."""
        with self._lock:
            self._age += 1
            self._known = {}

    def of(self, caller: Principal) -> Policies:
        """The policies of a caller that is no service. Raises NoSuchPrincipalError."""
        if caller.is_root:
            return Policies(identity=[_EVERYTHING])
        return self._once(("identity", caller.identity), lambda: self._identity(caller.identity))

    def trust(self, role: str) -> Policy | None:
        """Who may take a role. Raises NoSuchPrincipalError."""
        found: Policy | None = self._once(("trust", role), lambda: self._role(role).get("AssumeRolePolicyDocument"))
        return found

    def on(self, resource: str, region: str) -> Policy | None:
        """A resource's own policy, by its ARN; None where it has none, or cannot have one."""
        service = resource.split(":")[2] if resource.startswith("arn:") else ""
        read = _RESOURCE_POLICIES.get(service)
        if read is None:
            return None
        resource = resource.partition("/")[0] if service == "s3" else resource
        return self._once(("resource", resource), lambda: read(self._client(service, region), resource))

    def aliases(self, key: str, region: str) -> tuple[str, ...]:
        """The aliases of a key, by its ARN."""
        return self._once(("aliases", key), lambda: _aliases(self._client("kms", region), key))

    def key(self, named: str, region: str) -> str:
        """The ARN of a key that is named by it, its id, or an alias. What is not there stays as it is."""
        return self._once(("key", named, region), lambda: _key(self._client("kms", region), named))

    def key_of_bucket(self, bucket: str, region: str) -> str:
        """The ARN of the KMS key that encrypts what comes into a bucket; empty where none does."""
        named = self._once(("bucket's key", bucket), lambda: _bucket_key(self._client("s3", region), bucket))
        return self.key(named, region) if named else ""

    def key_of_stream(self, stream: str, region: str) -> str:
        """As `key_of_bucket`, of a Kinesis stream by its ARN."""
        named = self._once(("stream's key", stream), lambda: _stream_key(self._client("kinesis", region), stream))
        return self.key(named, region) if named else ""

    def secret(self, named: str, region: str) -> tuple[str, str]:
        """(ARN, ARN of its KMS key or empty) of a secret by its ARN or name."""
        arn, key = self._once(("secret", named), lambda: _secret(self._client("secretsmanager", region), named))
        return arn, self.key(key, region) if key else ""

    def workgroup(self, field: str, identity: str, region: str) -> str:
        """The workgroup of an Athena query execution or named query."""
        return self._once((field, identity), lambda: _workgroup(self._client("athena", region), field, identity))

    def _once(self, name: tuple[str, ...], read: Callable[[], T]) -> T:
        if name in self._known:
            found: T = self._known[name]
            return found
        age, found = self._age, read()
        with self._lock:
            if age == self._age:
                self._known[name] = found
        return found

    def _role(self, arn: str) -> Any:
        try:
            return self._client("iam", "us-east-1").get_role(RoleName=arn.rpartition("/")[2])["Role"]
        except ClientError:
            raise NoSuchPrincipalError(arn) from None

    def _identity(self, arn: str) -> Policies:
        iam, name = self._client("iam", "us-east-1"), arn.rpartition("/")[2]
        if ":role/" in arn:
            return Policies(list(_attached(iam, "role", name)), _boundary(iam, self._role(arn)))
        try:
            user = iam.get_user(UserName=name)["User"]
            groups = [group["GroupName"] for group in iam.list_groups_for_user(UserName=name)["Groups"]]
        except ClientError:
            raise NoSuchPrincipalError(arn) from None
        of_groups = [document for group in groups for document in _attached(iam, "group", group)]
        return Policies([*_attached(iam, "user", name), *of_groups], _boundary(iam, user))


_EVERYTHING: Policy = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def _attached(iam: Any, kind: str, name: str) -> list[Policy]:
    named = {f"{kind.title()}Name": name}
    pages = iam.get_paginator(f"list_{kind}_policies").paginate(**named)
    inline = [each for page in pages for each in page["PolicyNames"]]
    read = getattr(iam, f"get_{kind}_policy")
    pages = iam.get_paginator(f"list_attached_{kind}_policies").paginate(**named)
    managed = [each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]]
    return [
        *(_document(read(**named, PolicyName=each)["PolicyDocument"]) for each in inline),
        *(_managed(iam, arn) for arn in managed),
    ]


def _managed(iam: Any, arn: str) -> Policy:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return _document(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def _boundary(iam: Any, holder: Any) -> Policy | None:
    boundary = holder.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return _managed(iam, boundary) if boundary else None


def _document(found: Any) -> Policy:
    return json.loads(unquote(found)) if isinstance(found, str) else found  # type: ignore[no-any-return]


def _of_bucket(s3: Any, arn: str) -> Policy | None:
    with suppress(ClientError):
        return _document(s3.get_bucket_policy(Bucket=arn.rpartition(":")[2])["Policy"])
    return None


def _of_key(kms: Any, arn: str) -> Policy | None:
    with suppress(ClientError):
        return _document(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    return None


def _of_queue(sqs: Any, arn: str) -> Policy | None:
    with suppress(ClientError):
        url = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {}).get("Policy")
        return _document(found) if found else None
    return None


def _of_topic(sns: Any, arn: str) -> Policy | None:
    with suppress(ClientError):
        found = sns.get_topic_attributes(TopicArn=arn)["Attributes"].get("Policy")
        return _document(found) if found else None
    return None


def _of_secret(secrets: Any, arn: str) -> Policy | None:
    with suppress(ClientError):
        found = secrets.get_resource_policy(SecretId=arn).get("ResourcePolicy")
        return _document(found) if found else None
    return None


_RESOURCE_POLICIES: dict[str, Callable[[Any, str], Policy | None]] = {
    "s3": _of_bucket,
    "kms": _of_key,
    "sqs": _of_queue,
    "sns": _of_topic,
    "secretsmanager": _of_secret,
}


def _key(kms: Any, named: str) -> str:
    with suppress(ClientError):
        return str(kms.describe_key(KeyId=named)["KeyMetadata"]["Arn"])
    return named if named.startswith("arn:") else "*"


def _aliases(kms: Any, key: str) -> tuple[str, ...]:
    with suppress(ClientError):
        pages = kms.get_paginator("list_aliases").paginate(KeyId=key)
        return tuple(entry["AliasName"] for page in pages for entry in page["Aliases"])
    return ()


def _bucket_key(s3: Any, bucket: str) -> str:
    with suppress(ClientError):
        rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        return str(rules[0]["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID", ""))
    return ""


def _stream_key(kinesis: Any, stream: str) -> str:
    with suppress(ClientError):
        found = kinesis.describe_stream_summary(StreamARN=stream)["StreamDescriptionSummary"]
        return str(found.get("KeyId", "")) if found.get("EncryptionType") == "KMS" else ""
    return ""


def _secret(secrets: Any, named: str) -> tuple[str, str]:
    with suppress(ClientError):
        found = secrets.describe_secret(SecretId=named)
        return found["ARN"], found.get("KmsKeyId", "")
    return "", ""


def _workgroup(athena: Any, field: str, identity: str) -> str:
    with suppress(ClientError):
        if field == "QueryExecutionId":
            return str(athena.get_query_execution(QueryExecutionId=identity)["QueryExecution"]["WorkGroup"])
        return str(athena.get_named_query(NamedQueryId=identity)["NamedQuery"]["WorkGroup"])
    return ""
