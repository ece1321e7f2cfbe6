"""The lake's KMS keys before a deploy: one that waits for its deletion takes with it what it has encrypted."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from lake.aws import Aws, is_absent
from lake.errors import LakeError


def need_living_keys(aws: Aws) -> None:
    """Raise LakeError where a key that is in use waits for its deletion.

    Terraform takes such a key for one that is gone. It would make another in its place, and what only the first one
    decrypts would be lost on the day of its deletion, without a word.
    """
    for used in _in_use(aws):
        try:
            key = aws.kms.describe_key(KeyId=used)["KeyMetadata"]
        except ClientError as error:
            if not is_absent(error):
                raise
            continue
        if key["KeyState"] == "PendingDeletion":
            raise LakeError(
                f"the KMS key {key['KeyId']} waits for its deletion on {key['DeletionDate']:%Y-%m-%d}, and with it "
                f"goes all that it encrypts ({key.get('Description') or used}). Keep it with `aws kms "
                f"cancel-key-deletion --key-id {key['KeyId']}` and `aws kms enable-key --key-id {key['KeyId']}`, then "
                "run this again"
            )


def _in_use(aws: Aws) -> Iterator[str]:
    """The keys that something of the lake still names. A `lake down` takes the names away first."""
    yield aws.names.key_alias
    if any(job.encryption for job in aws.lake.config.every_job.values()):
        try:
            found = aws.glue.get_security_configuration(Name=aws.names.security_configuration)
        except ClientError as error:
            if not is_absent(error):
                raise
            return
        settings = found["SecurityConfiguration"]["EncryptionConfiguration"]
        yield settings["CloudWatchEncryption"]["KmsKeyArn"]
