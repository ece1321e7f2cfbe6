"""The storage stack: the data zones, the bucket of their access logs, and the lake's one key."""

from __future__ import annotations

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from lake.configuration.names import ZONES
from lake.configuration.reading import Lake
from stacks import policies
from stacks.base import LakeStack
from stacks.bucket import SecureBucket
from stacks.encryption import encrypted_logs


class StorageStack(LakeStack):
    """Owns the data. It dies only in an environment that is destroyable, and with its buckets empty."""

    def __init__(self, scope: Construct, id_: str, *, lake: Lake) -> None:
        super().__init__(scope, id_, lake=lake)
        key = self._key()
        self._bucket("logs", keeps_data=False, expire_days=90)
        for zone in ZONES:
            self._bucket(zone, keeps_data=True)
        self.output("key_arn", key.arn, "KMS key that encrypts every bucket and stream of the lake")

    def _key(self) -> KmsKey:
        destroyable = self.lake.environment.destroyable
        key = KmsKey(
            self,
            "key",
            description=f"Data of the lake {self.names.prefix}",
            enable_key_rotation=True,
            deletion_window_in_days=7 if destroyable else 30,
            policy=self._key_policy(),
            lifecycle=None if destroyable else TerraformResourceLifecycle(prevent_destroy=True),
        )
        KmsAlias(self, "key_alias", name=self.names.key_alias, target_key_id=key.key_id)
        return key

    def _key_policy(self) -> str:
        """The account's IAM policies decide who uses the key."""
        root = {"AWS": f"arn:aws:iam::{self.names.account}:root"}
        owner = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
        encrypted = any(job.encryption for job in self.lake.config.every_job.values())
        return policies.document(owner, *([encrypted_logs(self.names)] if encrypted else []))

    def _bucket(self, purpose: str, *, keeps_data: bool, expire_days: int | None = None) -> None:
        bucket = SecureBucket(
            self,
            purpose,
            names=self.names,
            purpose=purpose,
            keeps_data=keeps_data,
            environment=self.lake.environment,
            expire_days=expire_days,
        )
        description = f"Bucket of the {purpose} zone" if purpose in ZONES else "Bucket of the access logs"
        self.output(f"{purpose}_bucket", bucket.bucket.bucket, description)
