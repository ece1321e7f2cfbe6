"""Feature groups, each with its table of all records."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.sagemaker_feature_group import (
    SagemakerFeatureGroup,
    SagemakerFeatureGroupFeatureDefinition,
    SagemakerFeatureGroupOfflineStoreConfig,
    SagemakerFeatureGroupOfflineStoreConfigDataCatalogConfig,
    SagemakerFeatureGroupOfflineStoreConfigS3StorageConfig,
    SagemakerFeatureGroupOnlineStoreConfig,
)

from lake.configuration.features import FEATURES, columns, definitions
from lake.configuration.formats import PARQUET
from lake.configuration.model import FeatureGroup
from stacks.base import LakeStack
from stacks.tables import table


def feature_group(stack: LakeStack, name: str, group: FeatureGroup, bucket: S3Bucket, role: IamRolePolicy) -> None:
    """A group, and the table at the place that Feature Store gives it.

    The table is the stack's: one that Feature Store makes would stay when the group goes.
    """
    database = stack.names.database("ml")
    made = SagemakerFeatureGroup(
        stack,
        f"{name}_features",
        feature_group_name=stack.names.feature_group(name),
        description=f"Features of {name}",
        record_identifier_feature_name=group.identifier,
        event_time_feature_name=group.time,
        feature_definition=[
            SagemakerFeatureGroupFeatureDefinition(feature_name=feature, feature_type=type_)
            for feature, type_ in definitions(group).items()
        ],
        online_store_config=SagemakerFeatureGroupOnlineStoreConfig(enable_online_store=True) if group.online else None,
        offline_store_config=SagemakerFeatureGroupOfflineStoreConfig(
            s3_storage_config=SagemakerFeatureGroupOfflineStoreConfigS3StorageConfig(
                s3_uri=f"s3://{stack.names.bucket('ml')}/{FEATURES}", kms_key_id=stack.names.key_alias_arn
            ),
            disable_glue_table_creation=True,
            data_catalog_config=SagemakerFeatureGroupOfflineStoreConfigDataCatalogConfig(
                catalog="AwsDataCatalog", database=database, table_name=name
            ),
        ),
        role_arn=stack.names.role_arn("features"),
        depends_on=[bucket, role],
    )
    table(
        stack,
        f"{name}_features_table",
        database=database,
        name=name,
        location=f"{made.offline_store_config.s3_storage_config.resolved_output_s3_uri}/",
        format_=PARQUET,
        columns=columns(group),
        keys={},
    )
    stack.output(f"{name}_features", stack.names.feature_group(name), f"Feature group {name}")
