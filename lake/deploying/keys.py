"""The lake's KMS keys before a deploy: one that waits for its deletion takes with it what it has encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code, is_absent
from lake.configuration.names import ZONES
from lake.errors import LakeError

if TYPE_CHECKING:
    from mypy_boto3_resourcegroupstaggingapi.type_defs import TagFilterTypeDef

ALIAS_COUNTS_AFTER = timedelta(minutes=5)
"""AWS says that a new alias may take that long to take effect in the conditions of policies."""
_LEAVING = "PendingDeletion"
_HIDDEN = ("403", "AccessDenied")
"""The error codes for a bucket of another account: it is none of the lake's."""


def need_living_keys(aws: Aws) -> None:
    """Raise LakeError where a key that is in use waits for its deletion.

    Terraform takes such a key for one that is gone. It would make another in its place, and what only the first one
    decrypts would be lost on the day of its deletion, without a word.
    """
    for key in _in_use(aws):
        if key["KeyState"] == _LEAVING:
            raise LakeError(
                f"the KMS key {key['KeyId']} waits for its deletion on {key['DeletionDate']:%Y-%m-%d}, and with it "
                f"goes all that it encrypts ({key.get('Description') or aws.names.prefix}). Keep it with `aws kms "
                f"cancel-key-deletion --key-id {key['KeyId']}` and `aws kms enable-key --key-id {key['KeyId']}`, then "
                "run this again"
            )


def alias_counts_from(aws: Aws) -> datetime | None:
    """When every role may use the lake's key by its alias; None if there is no alias."""
    key = _described(aws, aws.names.key_alias)
    if key is None:
        return None
    pages = aws.kms.get_paginator("list_aliases").paginate(KeyId=key["KeyId"])
    found = (alias for page in pages for alias in page["Aliases"] if alias["AliasName"] == aws.names.key_alias)
    return next((alias["LastUpdatedDate"] + ALIAS_COUNTS_AFTER for alias in found), None)


def tagged(aws: Aws, description: str) -> Iterator[Any]:
    """What KMS knows of the keys that have the lake's tags and this description: a key has no name."""
    wanted: list[TagFilterTypeDef] = [{"Key": key, "Values": [value]} for key, value in aws.lake.tags.items()]
    pages = aws.tagging.get_paginator("get_resources").paginate(ResourceTypeFilters=["kms"], TagFilters=wanted)
    for arn in (entry["ResourceARN"] for page in pages for entry in page["ResourceTagMappingList"]):
        key = aws.kms.describe_key(KeyId=arn)["KeyMetadata"]
        if key.get("Description") == description:
            yield key


def is_living(key: Any) -> bool:
    return bool(key["KeyState"] != _LEAVING)


def _in_use(aws: Aws) -> Iterator[Any]:
    """What KMS knows of the keys that something of the lake still names. A `lake down` takes the names away first."""
    for named in (aws.names.key_alias, *_of_logs(aws)):
        if key := _described(aws, named):
            yield key
        elif named == aws.names.key_alias and _has_a_zone(aws):
            yield from _without_alias(aws)


def _described(aws: Aws, named: str) -> Any:
    try:
        return aws.kms.describe_key(KeyId=named)["KeyMetadata"]
    except ClientError as error:
        if not is_absent(error):
            raise
        return None


def _without_alias(aws: Aws) -> Iterator[Any]:
    """The lake's key after a destroy that took its alias, and stopped at a zone. Older ones may be there too."""
    found = list(tagged(aws, aws.names.key))
    if not any(map(is_living, found)):
        yield from sorted(found, key=lambda key: key["CreationDate"], reverse=True)[:1]


def _has_a_zone(aws: Aws) -> bool:
    for zone in ZONES:
        try:
            aws.s3.head_bucket(Bucket=aws.names.bucket(zone))
            return True
        except ClientError as error:
            if not is_absent(error) and error_code(error) not in _HIDDEN:
                raise
    return False


def _of_logs(aws: Aws) -> Iterator[str]:
    if any(job.encryption for job in aws.lake.config.every_job.values()):
        try:
            found = aws.glue.get_security_configuration(Name=aws.names.security_configuration)
        except ClientError as error:
            if not is_absent(error):
                raise
            return
        settings = found["SecurityConfiguration"]["EncryptionConfiguration"]
        yield settings["CloudWatchEncryption"]["KmsKeyArn"]
