"""The security configuration of jobs: what they leave outside the zones is encrypted with the lake's key as well."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.glue_security_configuration import (
    GlueSecurityConfiguration,
    GlueSecurityConfigurationEncryptionConfiguration,
    GlueSecurityConfigurationEncryptionConfigurationCloudwatchEncryption,
    GlueSecurityConfigurationEncryptionConfigurationJobBookmarksEncryption,
    GlueSecurityConfigurationEncryptionConfigurationS3Encryption,
)
from constructs import Construct

from lake.configuration.names import Names
from stacks import policies


def security_configuration(scope: Construct, names: Names) -> GlueSecurityConfiguration:
    key = names.key_alias_arn
    return GlueSecurityConfiguration(
        scope,
        "security_configuration",
        name=names.security_configuration,
        encryption_configuration=GlueSecurityConfigurationEncryptionConfiguration(
            s3_encryption=GlueSecurityConfigurationEncryptionConfigurationS3Encryption(
                s3_encryption_mode="SSE-KMS", kms_key_arn=key
            ),
            cloudwatch_encryption=GlueSecurityConfigurationEncryptionConfigurationCloudwatchEncryption(
                cloudwatch_encryption_mode="SSE-KMS", kms_key_arn=key
            ),
            job_bookmarks_encryption=GlueSecurityConfigurationEncryptionConfigurationJobBookmarksEncryption(
                job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key
            ),
        ),
    )


def encrypted_runs(names: Names) -> list[policies.Statement]:
    """What a job's role needs for it. Without AssociateKmsKey, Glue would write no log."""
    groups = names.arn("logs", f"log-group:{names.log_group('glue', '*')}")
    return [
        policies.allow(["glue:GetSecurityConfiguration"], ["*"]),
        policies.allow(["logs:AssociateKmsKey"], [groups]),
        policies.use_key(names, "Encrypt"),
    ]


def encrypted_logs(names: Names) -> policies.Statement:
    """In the key's own policy: CloudWatch Logs may use it for the jobs' log groups."""
    groups = names.arn("logs", f"log-group:{names.log_group('glue', '*')}")
    actions = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    allowed = policies.allow(actions, ["*"], ArnLike={"kms:EncryptionContext:aws:logs:arn": groups})
    return allowed | {"Principal": {"Service": f"logs.{names.region}.amazonaws.com"}}
