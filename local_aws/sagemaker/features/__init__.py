"""Feature Store: feature groups, their newest records online, and all records as Parquet of a table."""

from __future__ import annotations

from local_aws.context import Context
from local_aws.protocol import Handlers
from local_aws.sagemaker.features.groups import Groups
from local_aws.sagemaker.features.offline import OfflineStore
from local_aws.sagemaker.features.runtime import Runtime
from local_aws.sagemaker.registry import Registry


def handlers(context: Context, registry: Registry) -> Handlers:
    offline = OfflineStore(context, registry)
    groups, runtime = Groups(context, registry, offline), Runtime(context, registry, offline)
    return {
        ("sagemaker", "CreateFeatureGroup"): groups.create,
        ("sagemaker", "DescribeFeatureGroup"): groups.describe,
        ("sagemaker", "UpdateFeatureGroup"): groups.update,
        ("sagemaker", "DeleteFeatureGroup"): groups.delete,
        ("sagemaker", "ListFeatureGroups"): groups.every,
        ("sagemaker", "PutRecord"): runtime.put,
        ("sagemaker", "BatchWriteRecord"): runtime.put_all,
        ("sagemaker", "GetRecord"): runtime.get,
        ("sagemaker", "BatchGetRecord"): runtime.get_all,
        ("sagemaker", "ListRecords"): runtime.identifiers,
        ("sagemaker", "DeleteRecord"): runtime.delete,
    }
