"""A private, encrypted, versioned bucket with a log of who read it. Every bucket of the lake is one."""

from __future__ import annotations

import json

from cdktf import TerraformResourceLifecycle
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

from lake.configuration.model import Environment
from lake.configuration.names import Names


class SecureBucket(Construct):
    """A bucket of the lake.

    Args:
        purpose: one of `lake.configuration.names.BUCKETS`.
        keeps_data: its objects cannot be made again. It is then never emptied by Terraform, and in an environment
            that is not destroyable it cannot be destroyed at all.
        environment: where it is. What is not destroyable is kept from Terraform, and the embedded AWS gets no lifecycle
            rules (docs/adr/0025-no-lifecycle-rules-on-the-laptop.md).
        expire_days: delete objects of this age; by default they stay.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        purpose: str,
        keeps_data: bool,
        environment: Environment,
        expire_days: int | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.names = names
        self.purpose = purpose
        keeps = keeps_data and not environment.destroyable
        self.bucket = S3Bucket(
            self,
            "bucket",
            bucket=names.bucket(purpose),
            force_destroy=environment.destroyable and not keeps_data,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=keeps) if keeps else None,
        )
        self._close_to_the_public()
        self._encrypt()
        versioning = S3BucketVersioningA(
            self, "versioning", bucket=self.bucket.id, versioning_configuration={"status": "Enabled"}
        )
        if not environment.endpoint:
            self._drop_what_is_old(expire_days, versioning)
        if purpose != "logs":
            self._log_access()

    def _close_to_the_public(self) -> None:
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
        # S3 refuses to change the policy and the block of one bucket at the same time.
        S3BucketPolicy(self, "policy", bucket=self.bucket.id, policy=self._policy(), depends_on=[block])

    def _policy(self) -> str:
        arn = self.names.bucket_arn(self.purpose)
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
        key = None if self.purpose == "logs" else self.names.key_alias_arn
        default = S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
            sse_algorithm="aws:kms" if key else "AES256", kms_master_key_id=key
        )
        rule = S3BucketServerSideEncryptionConfigurationRuleA(
            apply_server_side_encryption_by_default=default, bucket_key_enabled=key is not None
        )
        S3BucketServerSideEncryptionConfigurationA(self, "encryption", bucket=self.bucket.id, rule=[rule])

    def _drop_what_is_old(self, expire_days: int | None, versioning: S3BucketVersioningA) -> None:
        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=self.bucket.id,
            rule=_lifecycle_rules(expire_days),
            depends_on=[versioning],
        )

    def _log_access(self) -> None:
        S3BucketLoggingA(
            self,
            "logging",
            bucket=self.bucket.id,
            target_bucket=self.names.bucket("logs"),
            target_prefix=f"{self.purpose}/",
        )


def _lifecycle_rules(expire_days: int | None) -> list[S3BucketLifecycleConfigurationRule]:
    rule = S3BucketLifecycleConfigurationRule
    everything = [S3BucketLifecycleConfigurationRuleFilter(prefix="")]
    rules = [
        rule(
            id="drop-what-was-replaced",
            status="Enabled",
            filter=everything,
            noncurrent_version_expiration=[
                S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(noncurrent_days=30)
            ],
            abort_incomplete_multipart_upload=[
                S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(days_after_initiation=7)
            ],
        )
    ]
    if expire_days is not None:
        expiration = [S3BucketLifecycleConfigurationRuleExpiration(days=expire_days)]
        rules.append(rule(id="drop-what-is-old", status="Enabled", filter=everything, expiration=expiration))
    return rules
