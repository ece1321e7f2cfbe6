"""A private, encrypted, versioned bucket with access logs. Every bucket of the lake is one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from cdktf import ITerraformDependable, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from cdktf_cdktf_provider_aws.s3_bucket_logging import S3BucketLoggingA
from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import (
    S3BucketOwnershipControls,
    S3BucketOwnershipControlsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import S3BucketVersioningA
from constructs import Construct

from lake.configuration.names import Names
from lake.configuration.reading import Lake


class SecureBucket(Construct):
    """A bucket of the lake.

    Args:
        purpose: one of `lake.configuration.names.BUCKETS`.
        lake: its environment determines whether data may be destroyed. The embedded AWS gets no lifecycle rules
            (docs/adr/0025-no-lifecycle-rules-on-the-laptop.md).
        keeps_data: its objects cannot be made again. It is then never emptied by Terraform, and in an environment
            that is not destroyable it cannot be destroyed at all. What keeps no data is emptied with its stack.
        expire_days: delete objects of this age, by the prefix of their keys; by default they stay.
        logs: the bucket of the access logs, where the same stack makes it.
        after: what has to outlive the bucket, such as the key of its objects where the same stack makes it.
        alone: the whole name of a bucket that needs nothing of the lake, neither its key nor its logs, and that no
            command destroys.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        purpose: str,
        keeps_data: bool,
        lake: Lake,
        expire_days: Mapping[str, int] | None = None,
        logs: SecureBucket | None = None,
        after: Sequence[ITerraformDependable] = (),
        alone: str | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.names = names
        self.purpose = purpose
        self.name = alone or names.bucket(purpose)
        self.alone = alone is not None
        keeps = self.alone or (keeps_data and not lake.environment.destroyable)
        self.bucket = S3Bucket(
            self,
            "bucket",
            bucket=self.name,
            force_destroy=not keeps_data,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=keeps) if keeps else None,
            depends_on=list(after) or None,
        )
        self.policy = self._close_to_the_public()
        self._encrypt()
        versioning = S3BucketVersioningA(
            self, "versioning", bucket=self.bucket.id, versioning_configuration={"status": "Enabled"}
        )
        if not lake.environment.endpoint:
            self._drop_what_is_old(expire_days or {}, lake.config.retention.noncurrent_days, versioning)
        if purpose != "logs" and not self.alone:
            # S3 takes no other bucket for its logs than one that is there.
            self._log_access([logs.bucket, logs.policy] if logs else [])

    def _close_to_the_public(self) -> S3BucketPolicy:
        block = S3BucketPublicAccessBlock(
            self,
            "public_access",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        rule = S3BucketOwnershipControlsRule(object_ownership="BucketOwnerEnforced")
        S3BucketOwnershipControls(self, "ownership", bucket=self.bucket.id, rule=rule)
        # S3 refuses to change a bucket's policy and its public access block at the same time.
        return S3BucketPolicy(self, "policy", bucket=self.bucket.id, policy=self._policy(), depends_on=[block])

    def _policy(self) -> str:
        arn = f"arn:{self.names.partition}:s3:::{self.name}"
        statements: list[dict[str, object]] = [
            {
                "Sid": "OnlyTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]
        if self.purpose == "logs":
            statements.append(self._log_delivery(arn))
        return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)

    def _log_delivery(self, arn: str) -> dict[str, object]:
        return {
            "Sid": "AccessLogs",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"{arn}/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": self.names.account}},
        }

    def _encrypt(self) -> None:
        # S3 cannot deliver access logs into a bucket that has a KMS key.
        key = None if self.purpose == "logs" or self.alone else self.names.key_alias_arn
        default = S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
            sse_algorithm="aws:kms" if key else "AES256", kms_master_key_id=key
        )
        rule = S3BucketServerSideEncryptionConfigurationRuleA(
            apply_server_side_encryption_by_default=default, bucket_key_enabled=key is not None
        )
        S3BucketServerSideEncryptionConfigurationA(self, "encryption", bucket=self.bucket.id, rule=[rule])

    def _drop_what_is_old(
        self, expire_days: Mapping[str, int], noncurrent_days: int, versioning: S3BucketVersioningA
    ) -> None:
        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=self.bucket.id,
            rule=_lifecycle_rules(expire_days, noncurrent_days),
            depends_on=[versioning],
        )

    def _log_access(self, after: Sequence[ITerraformDependable]) -> None:
        S3BucketLoggingA(
            self,
            "logging",
            bucket=self.bucket.id,
            target_bucket=self.names.bucket("logs"),
            target_prefix=f"{self.purpose}/",
            depends_on=after,
        )


def _lifecycle_rules(expire_days: Mapping[str, int], noncurrent_days: int) -> list[S3BucketLifecycleConfigurationRule]:
    expiration = S3BucketLifecycleConfigurationRuleExpiration
    replaced = S3BucketLifecycleConfigurationRule(
        id="drop-what-was-replaced",
        status="Enabled",
        filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
        expiration=[expiration(expired_object_delete_marker=True)],
        noncurrent_version_expiration=[
            S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(noncurrent_days=noncurrent_days)
        ],
        abort_incomplete_multipart_upload=[
            S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(days_after_initiation=7)
        ],
    )
    old = [
        S3BucketLifecycleConfigurationRule(
            id="-".join(["drop-what-is-old", *prefix.split("/")]).rstrip("-"),
            status="Enabled",
            filter=[S3BucketLifecycleConfigurationRuleFilter(prefix=prefix)],
            expiration=[expiration(days=days)],
        )
        for prefix, days in expire_days.items()
    ]
    return [replaced, *old]
