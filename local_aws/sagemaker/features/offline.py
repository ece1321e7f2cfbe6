"""The offline store: records wait in the store, and become Parquet under the hour of their events.

A batch is named before it is written and forgotten after, so that a kill in between writes the same file again.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import logging
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from botocore.exceptions import ClientError

from local_aws.context import Context
from local_aws.mirror import split_uri
from local_aws.protocol import AwsError, Document
from local_aws.reasons import reason
from local_aws.sagemaker.features.records import Record, typed, types_of
from local_aws.sagemaker.registry import FEATURE_GROUP, Registry
from local_aws.startup import once_answering

WAITING, BATCHES = "sagemaker_records_waiting", "sagemaker_record_batches"
LONGEST = 900.0
"""Seconds within which AWS writes a record."""
SHORTEST = 0.2
COLUMN_TYPES = {"Integral": "bigint", "Fractional": "double", "String": "string"}
ADDED = {"write_time": "timestamp", "api_invocation_time": "timestamp", "is_deleted": "boolean"}
"""The columns that Feature Store adds."""

log = logging.getLogger("local_aws.sagemaker")


def columns_of(group: Document) -> dict[str, str]:
    """The columns of a group's table, with the types of the catalog."""
    return {name: COLUMN_TYPES[kind] for name, kind in types_of(group).items()} | ADDED


class OfflineStore:
    """Takes records of groups, and writes them as their groups' roles."""

    def __init__(self, context: Context, registry: Registry) -> None:
        self._context, self._store, self._registry = context, context.store, registry
        self._delay = max(SHORTEST, LONGEST / context.buffer_speed)
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._has_work = threading.Event()
        once_answering(context.endpoint, self._run)

    def waiting(self, group: Document, records: Iterable[Record], *, are_deleted: bool = False) -> dict[str, Document]:
        """Documents of records to be put into the store; `wake` has to be called once they are there."""
        now, arn = time.time(), group[FEATURE_GROUP.arn_key]
        return {
            f"{arn} {time.time_ns():020d}-{next(self._numbers):06d}": {
                "values": record.values,
                "time_ms": record.time_ms,
                "called": now,
                "is_deleted": are_deleted,
            }
            for record in records
        }

    def wake(self) -> None:
        self._has_work.set()

    def write_all(self, arn: str = "") -> None:
        """Write what waits, of one group or of all. Raises ClientError: what a role may not write waits on."""
        prefix = f"{arn} " if arn else ""
        with self._lock:
            self._gather(prefix)
            failures = [error for key in self._store.keys(BATCHES, prefix) if (error := self._written(key))]
        if failures:
            raise failures[0]

    def forget(self, arn: str) -> None:
        for collection in (WAITING, BATCHES):
            self._store.delete_all(collection, self._store.keys(collection, f"{arn} "))

    def _run(self) -> None:
        self._has_work.set()  # of an earlier process
        while True:
            self._has_work.wait()
            self._has_work.clear()
            time.sleep(self._delay)
            try:
                self.write_all()
            except ClientError:
                self._has_work.set()
            except Exception:
                log.exception("records could not be written, and will be tried again")
                self._has_work.set()

    def _gather(self, prefix: str) -> None:
        """Make batches of what waits: a file for each hour of a group."""
        keys = self._store.keys(WAITING, prefix)
        for group, of_group in groupby(keys, key=lambda key: key.partition(" ")[0]):
            found = {key: self._store.get(WAITING, key) or {} for key in of_group}
            by_hour: dict[int, list[str]] = {}
            for key, row in found.items():
                by_hour.setdefault(row["time_ms"] // 3_600_000, []).append(key)
            batches = {
                f"{group} {_file(hour, [found[key]['time_ms'] for key in chosen], chosen)}": {
                    "rows": [found[key] for key in chosen],
                    "written": time.time(),
                }
                for hour, chosen in by_hour.items()
            }
            with self._store.transaction():
                self._store.put_all(BATCHES, batches)
                self._store.delete_all(WAITING, found)

    def _written(self, key: str) -> ClientError | None:
        arn, _, file = key.partition(" ")
        batch = self._store.get(BATCHES, key) or {}
        try:
            group = self._registry.find(FEATURE_GROUP, arn, "")
            acting = self._context.acting_as(group["RoleArn"], "sagemaker", "FeatureStore", source=arn)
            bucket, prefix = split_uri(group["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"])
            acting.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{file}", Body=_parquet(group, batch))
        except ClientError as error:
            self._tell(arn, {"Status": "Blocked", "BlockedReason": reason(error)})
            return error
        except AwsError:  # the group has gone
            pass
        else:
            self._tell(arn, {"Status": "Active"})
        self._store.delete(BATCHES, key)
        return None

    def _tell(self, arn: str, status: Document) -> None:
        if self._registry.find(FEATURE_GROUP, arn, "").get("OfflineStoreStatus") != status:
            self._registry.update(FEATURE_GROUP, arn, OfflineStoreStatus=status)


def _file(hour: int, times: list[int], keys: list[str]) -> str:
    """The path that AWS documents: the hour, the time of the latest event in the file, and 16 characters."""
    at, latest = (datetime.fromtimestamp(seconds, UTC) for seconds in (hour * 3600, max(times) / 1000))
    mark = hashlib.sha256("".join(keys).encode()).hexdigest()[:16]
    return f"{at:year=%Y/month=%m/day=%d/hour=%H}/{latest:%Y%m%dT%H%M%SZ}_{mark}.parquet"


def _parquet(group: Document, batch: Document) -> bytes:
    import pyarrow as pa  # 40 MB of memory that only files need
    import pyarrow.parquet as pq

    from local_aws.streams.firehose.files import schema_of

    types, schema = types_of(group), schema_of(columns_of(group))
    rows = [_row(types, row, batch["written"]) for row in batch["rows"]]
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), target, compression="snappy")
    return target.getvalue()


def _row(types: dict[str, str], row: Document, written: float) -> dict[str, Any]:
    values = {name: typed(name, text, types[name]) for name, text in row["values"].items()}
    times = {"write_time": written, "api_invocation_time": row["called"]}
    return values | {name: _moment(at) for name, at in times.items()} | {"is_deleted": row["is_deleted"]}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
