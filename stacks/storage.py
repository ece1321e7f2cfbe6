"""The storage stack: the data zones, the bucket of their access logs, and what the whole lake has one of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cdktf import ITerraformDependable, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from lake.configuration.names import ZONES
from lake.configuration.reading import Lake
from stacks import policies
from stacks.base import LakeStack
from stacks.bucket import SecureBucket
from stacks.notices import budget, notices

ACCESS_LOG_DAYS = 90


class StorageStack(LakeStack):
    """Owns the data. It can be destroyed only in a destroyable environment, and only if its buckets are empty."""

    def __init__(self, scope: Construct, id_: str, *, lake: Lake) -> None:
        super().__init__(scope, id_, lake=lake)
        key = self._key()
        alias = KmsAlias(self, "key_alias", name=self.names.key_alias, target_key_id=key.key_id)
        logs = self._bucket("logs", keeps_data=False, expire_days={"": ACCESS_LOG_DAYS})
        for zone in ZONES:
            days = {"": lake.config.retention.quarantine_days} if zone == "quarantine" else None
            # A zone that is not empty stops its destroy, and with it that of the key of its objects.
            self._bucket(zone, keeps_data=True, expire_days=days, logs=logs, after=[key, alias])
        notices(self)
        if lake.environment.budget:
            budget(self, lake.environment.budget)
        self.output("key_arn", key.arn, "KMS key that encrypts every bucket and stream of the lake")

    def _key(self) -> KmsKey:
        destroyable = self.lake.environment.destroyable
        return KmsKey(
            self,
            "key",
            description=self.names.key,
            enable_key_rotation=True,
            deletion_window_in_days=7 if destroyable else 30,
            policy=policies.document(
                policies.owns_key(self.names),
                *policies.for_notifiers(self.names, ["kms:Decrypt", "kms:GenerateDataKey*"], "*"),
            ),
            lifecycle=None if destroyable else TerraformResourceLifecycle(prevent_destroy=True),
        )

    def _bucket(
        self,
        purpose: str,
        *,
        keeps_data: bool,
        expire_days: Mapping[str, int] | None,
        logs: SecureBucket | None = None,
        after: Sequence[ITerraformDependable] = (),
    ) -> SecureBucket:
        bucket = SecureBucket(
            self,
            purpose,
            names=self.names,
            purpose=purpose,
            keeps_data=keeps_data,
            lake=self.lake,
            expire_days=expire_days,
            logs=logs,
            after=after,
        )
        description = f"Bucket of the {purpose} zone" if purpose in ZONES else "Bucket of the access logs"
        self.output(f"{purpose}_bucket", bucket.bucket.bucket, description)
        return bucket
