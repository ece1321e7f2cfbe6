"""The security configuration of jobs, which encrypts their logs, bookmarks and temporary files."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.glue_security_configuration import (
    GlueSecurityConfiguration,
    GlueSecurityConfigurationEncryptionConfiguration,
    GlueSecurityConfigurationEncryptionConfigurationCloudwatchEncryption,
    GlueSecurityConfigurationEncryptionConfigurationJobBookmarksEncryption,
    GlueSecurityConfigurationEncryptionConfigurationS3Encryption,
)
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from lake.configuration.names import Names
from lake.configuration.reading import Lake
from stacks import policies


def security_configuration(scope: Construct, lake: Lake, names: Names) -> KmsKey:
    """The configuration. Returns the key for the jobs' logs, because CloudWatch needs a key's ARN, not an alias."""
    key = names.key_alias_arn
    logs_key = KmsKey(
        scope,
        "logs_key",
        description=names.logs_key,
        enable_key_rotation=True,
        deletion_window_in_days=7 if lake.environment.destroyable else 30,
        policy=policies.document(policies.owns_key(names), _encrypts_logs(names)),
    )
    GlueSecurityConfiguration(
        scope,
        "security_configuration",
        name=names.security_configuration,
        encryption_configuration=GlueSecurityConfigurationEncryptionConfiguration(
            s3_encryption=GlueSecurityConfigurationEncryptionConfigurationS3Encryption(
                s3_encryption_mode="SSE-KMS", kms_key_arn=key
            ),
            cloudwatch_encryption=GlueSecurityConfigurationEncryptionConfigurationCloudwatchEncryption(
                cloudwatch_encryption_mode="SSE-KMS", kms_key_arn=logs_key.arn
            ),
            job_bookmarks_encryption=GlueSecurityConfigurationEncryptionConfigurationJobBookmarksEncryption(
                job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key
            ),
        ),
    )
    return logs_key


def encrypted_runs(names: Names) -> list[policies.Statement]:
    """The permissions that a job's role needs for it. Without AssociateKmsKey, Glue cannot write logs."""
    groups = names.arn("logs", f"log-group:{names.log_group('glue', '*')}")
    return [
        policies.allow(["glue:GetSecurityConfiguration"], ["*"]),
        policies.allow(["logs:AssociateKmsKey"], [groups]),
        policies.use_key(names, "Encrypt"),
    ]


def _encrypts_logs(names: Names) -> policies.Statement:
    """CloudWatch Logs may use the key for the jobs' log groups."""
    groups = names.arn("logs", f"log-group:{names.log_group('glue', '*')}")
    actions = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    allowed = policies.allow(actions, ["*"], ArnLike={"kms:EncryptionContext:aws:logs:arn": groups})
    return allowed | {"Principal": {"Service": f"logs.{names.region}.{names.domain}"}}
