"""Feature groups: what Terraform and boto3 declare, and the table of the offline store."""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any

from botocore.exceptions import ClientError

from local_aws.context import ACCOUNT, Context
from local_aws.hive_classes import PARQUET
from local_aws.pages import newest
from local_aws.protocol import AwsError, Call, Document
from local_aws.reasons import reason
from local_aws.sagemaker.errors import refused
from local_aws.sagemaker.features.offline import ADDED, COLUMN_TYPES, OfflineStore, columns_of
from local_aws.sagemaker.registry import FEATURE_GROUP, Registry, page

RECORDS = "sagemaker_records"
_NAME = re.compile(r"[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}")
_SUMMARY = ("FeatureGroupName", "FeatureGroupArn", "CreationTime", "FeatureGroupStatus", "OfflineStoreStatus")
_DATABASE = "sagemaker_featurestore"


class Groups:
    """The groups in the registry."""

    def __init__(self, context: Context, registry: Registry, offline: OfflineStore) -> None:
        self._context, self._registry, self._offline = context, registry, offline

    def create(self, call: Call) -> Document:
        """Raises AwsError for what Feature Store would refuse, and for what is not there on the embedded AWS."""
        _check(call)
        fields: dict[str, Any] = {"ThroughputConfig": {"ThroughputMode": "OnDemand"}} | call.payload
        fields["FeatureGroupStatus"] = "Created"
        if "OfflineStoreConfig" in call.payload:
            self._check_bucket(call)
            fields |= {"OfflineStoreConfig": _placed(call), "OfflineStoreStatus": {"Status": "Active"}}
        sent = {key: value for key, value in fields.items() if key not in ("Tags", "ClientRequestToken")}
        answer = self._registry.create(FEATURE_GROUP, call, **sent)
        try:
            self._create_table(call, sent)
        except ClientError:
            self._registry.delete(FEATURE_GROUP, call)
            raise
        return answer

    def describe(self, call: Call) -> Document:
        return self._registry.describe(FEATURE_GROUP, call)

    def update(self, call: Call) -> Document:
        """Add features, or change the throughput."""
        group = self.describe(call)
        added = call.payload.get("FeatureAdditions") or []
        features = [*group["FeatureDefinitions"], *added]
        _check_features(features)
        changes = {"FeatureDefinitions": features}
        if "ThroughputConfig" in call.payload:
            changes["ThroughputConfig"] = call.payload["ThroughputConfig"]
        if added and _has_own_table(group):
            self._add_columns(call, group, added)
        self._registry.update(FEATURE_GROUP, str(group[FEATURE_GROUP.arn_key]), **changes)
        return {FEATURE_GROUP.arn_key: group[FEATURE_GROUP.arn_key]}

    def delete(self, call: Call) -> Document:
        """Records that wait are written first. The files and the table stay, as on AWS."""
        arn = str(self.describe(call)[FEATURE_GROUP.arn_key])
        with contextlib.suppress(ClientError):  # The role or the bucket has gone already: nothing can be written.
            self._offline.write_all(arn)
        self._registry.delete(FEATURE_GROUP, call)
        self._offline.forget(arn)
        self._context.store.delete_all(RECORDS, self._context.store.keys(RECORDS, f"{arn}/"))
        return {}

    def every(self, call: Call) -> Document:
        part = str(call.payload.get("NameContains") or "")
        found = [
            {key: one[key] for key in _SUMMARY if key in one}
            for one in self._registry.all(FEATURE_GROUP, call.region)
            if part in one["FeatureGroupName"]
        ]
        return page(found, call.payload, "FeatureGroupSummaries", newest("CreationTime", FEATURE_GROUP.arn_key))

    def _check_bucket(self, call: Call) -> None:
        """Feature Store asks as the group's role whose bucket it is."""
        uri = str(call.payload["OfflineStoreConfig"]["S3StorageConfig"]["S3Uri"])
        bucket = uri.removeprefix("s3://").partition("/")[0]
        try:
            acting = self._context.acting_as(str(call.required("RoleArn")), "sagemaker", "FeatureStore")
            acting.client("s3").get_bucket_acl(Bucket=bucket)
        except ClientError as error:
            raise _invalid(f"the role cannot use the bucket of {uri}: {reason(error)}") from None

    def _create_table(self, call: Call, group: Document) -> None:
        if not _has_own_table(group):
            return
        glue = self._context.acting(call.caller, call.session).client("glue", call.region)
        catalog = group["OfflineStoreConfig"]["DataCatalogConfig"]
        if catalog["Database"] == _DATABASE:
            with contextlib.suppress(glue.exceptions.AlreadyExistsException):
                glue.create_database(DatabaseInput={"Name": _DATABASE})
        glue.create_table(DatabaseName=catalog["Database"], TableInput=_table(catalog["TableName"], group))

    def _add_columns(self, call: Call, group: Document, added: list[Document]) -> None:
        catalog = group["OfflineStoreConfig"]["DataCatalogConfig"]
        glue = self._context.acting(call.caller, call.session).client("glue", call.region)
        larger = group | {"FeatureDefinitions": [*group["FeatureDefinitions"], *added]}
        glue.update_table(DatabaseName=catalog["Database"], TableInput=_table(catalog["TableName"], larger))


def _has_own_table(group: Document) -> bool:
    config = group.get("OfflineStoreConfig") or {}
    return bool(config) and not config.get("DisableGlueTableCreation")


def _check(call: Call) -> None:
    name = str(call.required("FeatureGroupName"))
    if not _NAME.fullmatch(name):
        raise refused(f"1 validation error detected: Value '{name}' at 'featureGroupName' is no name of a group")
    _check_features(call.required("FeatureDefinitions"))
    types = {each["FeatureName"]: each["FeatureType"] for each in call.payload["FeatureDefinitions"]}
    for field in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if call.required(field) not in types:
            raise _invalid(f"{field} is {call.payload[field]}, which is none of FeatureDefinitions")
    if types[call.payload["EventTimeFeatureName"]] == "Integral":
        raise _invalid("the event time is Integral. Allowed: String, Fractional")
    _check_stores(call.payload)


def _check_stores(given: Document) -> None:
    online, offline = given.get("OnlineStoreConfig") or {}, given.get("OfflineStoreConfig")
    if not online.get("EnableOnlineStore") and not offline:
        raise _invalid("a feature group has an OnlineStoreConfig, an OfflineStoreConfig, or both")
    if online.get("TtlDuration"):
        raise _absent("TtlDuration")
    if online.get("StorageType", "Standard") != "Standard":
        raise _absent(f"StorageType {online['StorageType']}")
    if offline and offline.get("TableFormat", "Glue") not in ("Glue", "Default"):
        raise _absent(f"TableFormat {offline['TableFormat']}")
    if offline and not str(offline.get("S3StorageConfig", {}).get("S3Uri", "")).startswith("s3://"):
        raise _invalid("OfflineStoreConfig has no S3StorageConfig.S3Uri of the form s3://bucket/prefix")


def _invalid(message: str) -> AwsError:
    return refused(f"Validation Error: {message}")


def _absent(what: str) -> AwsError:
    return _invalid(f"the embedded AWS has no {what} of feature groups")


def _check_features(features: list[Document]) -> None:
    names = [str(each.get("FeatureName", "")) for each in features]
    for name, each in zip(names, features, strict=True):
        if not _NAME.fullmatch(name) or name in ADDED:
            raise _invalid(f"{name!r} is no name of a feature")
        if each.get("FeatureType") not in COLUMN_TYPES:
            raise _invalid(f"{name} is {each.get('FeatureType')}. Allowed: {', '.join(COLUMN_TYPES)}")
        if each.get("CollectionType"):
            raise _absent(f"CollectionType {each['CollectionType']}")
        if names.count(name) > 1:
            raise _invalid(f"FeatureDefinitions has {name} twice")


def _placed(call: Call) -> Document:
    """The offline store as it is described: with the place of its files, and its table."""
    config: Document = call.payload["OfflineStoreConfig"]
    storage, name, at = config["S3StorageConfig"], call.payload["FeatureGroupName"], int(time.time())
    uri = str(storage["S3Uri"]).rstrip("/")
    resolved = f"{uri}/{ACCOUNT}/sagemaker/{call.region}/offline-store/{name}-{at}/data"
    own = {"TableName": f"{name.lower().replace('-', '_')}_{at}", "Catalog": "AwsDataCatalog", "Database": _DATABASE}
    table = {} if config.get("DisableGlueTableCreation") else {"DataCatalogConfig": own}
    return {
        "DisableGlueTableCreation": False,
        **table,
        **config,
        "S3StorageConfig": {**storage, "ResolvedOutputS3Uri": resolved},
    }


def _table(name: str, group: Document) -> Document:
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": type_} for column, type_ in columns_of(group).items()],
            "Location": group["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"],
            "InputFormat": PARQUET.input,
            "OutputFormat": PARQUET.output,
            "SerdeInfo": {"SerializationLibrary": PARQUET.serde},
        },
    }
