"""The records of feature groups: put, read and deleted, in the online store and the offline one."""

from __future__ import annotations

import threading
from typing import Any

from local_aws.context import Context
from local_aws.pages import paged
from local_aws.protocol import AwsError, Call, Document
from local_aws.sagemaker.features.groups import RECORDS
from local_aws.sagemaker.features.offline import WAITING, OfflineStore
from local_aws.sagemaker.features.records import Record, event_time, record_of, refused, types_of
from local_aws.sagemaker.registry import FEATURE_GROUP, Registry

ONLINE, OFFLINE = "OnlineStore", "OfflineStore"
_MOST = 25
"""Records of one BatchWriteRecord."""


class Runtime:
    """A call changes both stores or none."""

    def __init__(self, context: Context, registry: Registry, offline: OfflineStore) -> None:
        self._store, self._registry, self._offline = context.store, registry, offline
        self._lock = threading.Lock()

    def put(self, call: Call) -> Document:
        group = self._group(call.payload.get("FeatureGroupName"), call.region)
        self._keep(group, record_of(group, call.payload.get("Record")), _targets(group, call.payload))
        return {}

    def put_all(self, call: Call) -> Document:
        """Entries that are refused are told, and the others kept."""
        entries = call.payload.get("Entries") or []
        if not 1 <= len(entries) <= _MOST:
            raise refused(f"Entries has {len(entries)} records. Allowed: 1 to {_MOST}")
        errors: list[Document] = []
        for entry in entries:
            try:
                group = self._group(entry.get("FeatureGroupName"), call.region)
                given = entry if "TtlDuration" in entry else {**entry, "TtlDuration": call.payload.get("TtlDuration")}
                self._keep(group, record_of(group, entry.get("Record")), _targets(group, given))
            except AwsError as error:
                errors.append({"Entry": entry, "ErrorCode": error.code, "ErrorMessage": error.message})
        return {"Errors": errors, "UnprocessedEntries": []}

    def get(self, call: Call) -> Document:
        group = self._online(call.payload.get("FeatureGroupName"), call.region)
        identifier = str(call.required("RecordIdentifierValueAsString"))
        record = self._record(group, identifier, call.payload.get("FeatureNames"))
        return {"Record": record} if record else {}

    def get_all(self, call: Call) -> Document:
        """Records of several groups; what cannot be read is told beside them."""
        found: list[Document] = []
        errors: list[Document] = []
        for asked in call.payload.get("Identifiers") or []:
            name = str(asked.get("FeatureGroupName"))
            for identifier in asked.get("RecordIdentifiersValueAsString") or []:
                place = {"FeatureGroupName": name, "RecordIdentifierValueAsString": identifier}
                try:
                    group = self._online(name, call.region)
                    if record := self._record(group, identifier, asked.get("FeatureNames")):
                        found.append({**place, "Record": record})
                except AwsError as error:
                    errors.append({**place, "ErrorCode": error.code, "ErrorMessage": error.message})
        return {"Records": found, "Errors": errors, "UnprocessedIdentifiers": []}

    def identifiers(self, call: Call) -> Document:
        group = self._online(call.payload.get("FeatureGroupName"), call.region)
        every = bool(call.payload.get("IncludeSoftDeletedRecords"))
        kept = self._store.under(RECORDS, _key(group, ""))
        names = [one["identifier"] for one in kept if every or not one["is_deleted"]]
        return paged("RecordIdentifiers", names, call.payload, lambda name: (name,), error="ValidationError")

    def delete(self, call: Call) -> Document:
        """A later put brings the record back; an earlier one does not."""
        given = call.payload
        group = self._group(given.get("FeatureGroupName"), call.region)
        identifier, at = str(given.get("RecordIdentifierValueAsString") or ""), str(given.get("EventTime") or "")
        name, time = group["RecordIdentifierFeatureName"], group["EventTimeFeatureName"]
        if not identifier:
            raise refused("RecordIdentifierValueAsString is required")
        moment = event_time(time, at, types_of(group)[time])
        record = Record(identifier, moment, {name: identifier, time: at})
        is_hard = given.get("DeletionMode") == "HardDelete"
        self._keep(group, record, _targets(group, given), is_deleted=True, is_hard=is_hard)
        return {}

    def _keep(
        self, group: Document, record: Record, targets: set[str], *, is_deleted: bool = False, is_hard: bool = False
    ) -> None:
        key = _key(group, record.identifier)
        with self._lock, self._store.transaction():
            before = self._store.get(RECORDS, key)
            is_newer = before is None or record.time_ms > before["time_ms"]
            if is_hard and ONLINE in targets and not is_newer:
                raise refused(f"EventTime: the record of {record.identifier} is not older than the deletion")
            if ONLINE in targets and is_newer:
                self._keep_online(key, record, is_deleted=is_deleted, is_hard=is_hard)
            if OFFLINE in targets:
                self._store.put_all(WAITING, self._offline.waiting(group, [record], are_deleted=is_deleted))
        self._offline.wake()

    def _keep_online(self, key: str, record: Record, *, is_deleted: bool, is_hard: bool) -> None:
        if is_hard:
            self._store.delete(RECORDS, key)
            return
        document = {"identifier": record.identifier, "time_ms": record.time_ms, "values": record.values}
        self._store.put(RECORDS, key, {**document, "is_deleted": is_deleted})

    def _group(self, name: Any, region: str) -> Document:
        """By name or ARN. Raises AwsError: there is none."""
        try:
            return self._registry.find(FEATURE_GROUP, str(name), region)
        except AwsError as error:
            raise AwsError("ResourceNotFound", error.message, 404) from None

    def _online(self, name: Any, region: str) -> Document:
        group = self._group(name, region)
        if ONLINE not in _stores(group):
            raise refused(f"the feature group {group['FeatureGroupName']} has no online store")
        return group

    def _record(self, group: Document, identifier: str, names: Any) -> list[Document]:
        wanted = list(names or types_of(group))
        if unknown := sorted(set(wanted) - types_of(group).keys()):
            raise refused(f"the feature group {group['FeatureGroupName']} has no feature {', '.join(unknown)}")
        found = self._store.get(RECORDS, _key(group, identifier))
        if found is None or found["is_deleted"]:
            return []
        values = found["values"]
        return [{"FeatureName": name, "ValueAsString": values[name]} for name in wanted if name in values]


def _key(group: Document, identifier: str) -> str:
    return f"{group[FEATURE_GROUP.arn_key]}/{identifier}"


def _stores(group: Document) -> set[str]:
    found = {OFFLINE} if group.get("OfflineStoreConfig") else set()
    return found | ({ONLINE} if (group.get("OnlineStoreConfig") or {}).get("EnableOnlineStore") else set())


def _targets(group: Document, given: Document) -> set[str]:
    if given.get("TtlDuration"):
        raise refused("the embedded AWS has no TtlDuration of records")
    asked, stores = set(given.get("TargetStores") or ()), _stores(group)
    if absent := sorted(asked - stores):
        raise refused(f"the feature group {group['FeatureGroupName']} has no {', '.join(absent)}")
    return asked or stores
