"""The recorded state of applications: which run, where they resume, their snapshots and operations."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from local_aws.protocol import AwsError, Document
from local_aws.store import Store

RUNS, SNAPSHOTS, OPERATIONS = "flink_runs", "flink_snapshots", "flink_operations"
READY = "READY"
RESTORED_LATEST = "RESTORE_FROM_LATEST_SNAPSHOT"
SKIPPED, CUSTOM = "SKIP_RESTORE_FROM_SNAPSHOT", "RESTORE_FROM_CUSTOM_SNAPSHOT"


@dataclass(frozen=True)
class Remembered:
    """The store's documents, by the place of an application: `region/name`."""

    store: Store

    def status(self, place: str) -> str:
        return str((self.store.get(RUNS, place) or {}).get("status", READY))

    def run(self, place: str) -> Document:
        return self.store.get(RUNS, place) or {}

    def note(self, place: str, **fields: Any) -> Document:
        return self.store.update(RUNS, place, **fields)

    def begin(self, place: str, action: str) -> str:
        """Record a new operation in progress. Returns its id."""
        operation = uuid.uuid4().hex[:16]
        begun = {"Operation": action, "StartTime": time.time(), "OperationStatus": "IN_PROGRESS"}
        self.store.update(OPERATIONS, place, **{operation: begun})
        return operation

    def end(self, place: str, operation: str, failure: str = "") -> None:
        known = (self.store.get(OPERATIONS, place) or {}).get(operation)
        if known is not None:
            status = "FAILED" if failure else "SUCCESSFUL"
            details = {"OperationFailureDetails": {"ErrorInfo": {"ErrorString": failure}}} if failure else {}
            ended = {**known, "EndTime": time.time(), "OperationStatus": status, **details}
            self.store.update(OPERATIONS, place, **{operation: ended})

    def operation(self, place: str, operation: str) -> Document:
        """Raises AwsError if there is no operation with that id."""
        found: Document | None = (self.store.get(OPERATIONS, place) or {}).get(operation)
        if found is None:
            message = f"Application {place.partition('/')[2]} has no operation {operation}."
            raise AwsError("ResourceNotFoundException", message)
        return found

    def operations(self, place: str) -> list[Document]:
        """Newest first, each as ListApplicationOperations tells it."""
        known = self.store.get(OPERATIONS, place) or {}
        shown = ("Operation", "StartTime", "EndTime", "OperationStatus")
        found = [
            {"OperationId": name, **{part: each[part] for part in shown if part in each}}
            for name, each in known.items()
        ]
        return sorted(found, key=lambda each: each["StartTime"], reverse=True)

    def snapshots(self, place: str) -> list[Document]:
        """Return the snapshots, oldest first."""
        return sorted(self.store.under(SNAPSHOTS, f"{place}/"), key=lambda kept: kept["SnapshotCreationTimestamp"])

    def snapshot(self, place: str, name: str) -> Document:
        """Raises AwsError if there is no snapshot with that name."""
        found = self.store.get(SNAPSHOTS, f"{place}/{name}")
        if found is None:
            message = f"Application {place.partition('/')[2]} has no snapshot {name}."
            raise AwsError("ResourceNotFoundException", message)
        return found

    def keep_snapshot(self, place: str, name: str, **fields: Any) -> None:
        self.store.update(SNAPSHOTS, f"{place}/{name}", SnapshotName=name, **fields)

    def drop_snapshot(self, place: str, name: str) -> None:
        self.store.delete(SNAPSHOTS, f"{place}/{name}")

    def forget(self, place: str) -> None:
        for collection in (RUNS, OPERATIONS):
            self.store.delete(collection, place)
        self.store.delete_all(SNAPSHOTS, self.store.keys(SNAPSHOTS, f"{place}/"))

    def restored(self, place: str, wanted: Document) -> Document:
        """Return the snapshot to restore, by an ApplicationRestoreConfiguration; empty for none.

        Raises AwsError: the named snapshot is missing or cannot be used.
        """
        kind = wanted.get("ApplicationRestoreType", RESTORED_LATEST)
        if kind == SKIPPED:
            return {}
        if kind == CUSTOM:
            named = self.snapshot(place, wanted.get("SnapshotName", ""))
            if named["SnapshotStatus"] != READY:
                message = f"Snapshot {named['SnapshotName']} is {named['SnapshotStatus']} and cannot be restored."
                raise AwsError("InvalidArgumentException", message)
            return named
        ready = [kept for kept in self.snapshots(place) if kept["SnapshotStatus"] == READY]
        return ready[-1] if ready else {}
