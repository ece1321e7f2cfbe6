"""Delivers one segment: processes records, groups them by prefix, converts, writes; failures to the error prefix."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import attrgetter
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.athena.errors import QueryFailed
from local_aws.context import Context
from local_aws.s3_keys import LONGEST
from local_aws.streams.firehose import prefixes, processors
from local_aws.streams.firehose.bulk import converted
from local_aws.streams.firehose.files import Content, Lines, Rows, schema_of
from local_aws.streams.firehose.observed import Observed
from local_aws.streams.firehose.prefixes import NoSuchKey
from local_aws.streams.firehose.records import (
    CONVERSION,
    PROCESSING,
    Failed,
    NotDelivered,
    Record,
    now_ms,
)
from local_aws.streams.firehose.settings import Place, Settings, acting
from local_aws.streams.firehose.spool import Segment
from local_aws.streams.firehose.transform import SECONDS, Transform
from local_aws.streams.firehose.values import ConversionError

CHUNK = 10_000
"""Records held in memory as rows at a time."""
MOST_PARTITIONS = 500
"""Prefixes with partition keys that a stream may write at a time."""
_KEYS = attrgetter("query_keys", "lambda_keys")


class _NoPlace(Exception):
    """S3 has no place for a record with these partition keys; `code` is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Delivery:
    """The delivery of one segment. Its object names derive from the segment, so a retry overwrites the objects."""

    context: Context
    region: str
    settings: Settings
    segment: Segment
    observed: Observed
    _contents: dict[str, Content] = field(default_factory=dict)
    _failed: dict[str, list[Failed]] = field(default_factory=dict)
    _columns: dict[str, str] | None = None
    _prefixes: dict[tuple[tuple[str, str] | None, ...], str] = field(default_factory=dict)
    _oldest: int = 0
    _counts: dict[str, int] = field(default_factory=lambda: {"records": 0, "bytes": 0, "objects": 0})

    def run(self) -> None:
        """Raises NotDelivered."""
        backup = Lines(self.settings.backup.compression, self._name("backup")) if self.settings.backup else None
        for chunk in _chunks(self.segment.records()):
            self._oldest = self._oldest or chunk[0].arrived
            if backup:
                backup.add(record.data for record in chunk)
            self._take(chunk)
        if not self._oldest:
            return
        if backup and self.settings.backup:
            self._put_backup(self.settings.backup, backup)
        for number, (prefix, content) in enumerate(self._contents.items()):
            self._put(f"{prefix}{self._name(str(number))}{self.settings.extension}", content.done())
        self._put_failed()
        self._report()

    @property
    def _acting(self) -> Context:
        """Raises NotDelivered: the stream may not take its role."""
        return self._as(self.settings.role)

    @property
    def _schema_reader(self) -> Context:
        assert self.settings.conversion is not None
        return self._as(str(self.settings.conversion.schema.get("RoleARN") or self.settings.role))

    def _as(self, role: str) -> Context:
        try:
            return acting(self.context, role, self.settings)
        except ClientError as error:
            raise NotDelivered("S3.AccessDenied", error.response["Error"]["Message"]) from None

    def _take(self, chunk: list[Record]) -> None:
        groups = dict[str, list[Record]]()
        for _, alike in groupby(self._processed(chunk), key=_KEYS):
            records = list(alike)
            try:
                groups.setdefault(self._prefix(records[0]), []).extend(records)
            except _NoPlace as error:
                self._fail([Failed(record, PROCESSING, error.code, str(error)) for record in records])
        for prefix, group in groups.items():
            self._write(prefix, group)

    def _processed(self, records: list[Record]) -> list[Record]:
        """Return what is left after each processor, in AWS's order."""
        steps = self.settings.processors
        if "RecordDeAggregation" in steps:
            records = self._kept(processors.split(records, steps["RecordDeAggregation"]))
        if "Lambda" in steps:
            client = self._acting.client("lambda", self.region, seconds=SECONDS)
            before = len(records)
            records = self._kept(Transform(client, self.settings, self.region, steps["Lambda"]).apply(records))
            self.observed.count(SucceedProcessing_Records=len(records), ExecuteProcessing_Records=before)
        if "MetadataExtraction" in steps:
            records = self._kept(processors.with_query_keys(records, steps["MetadataExtraction"]))
        return records

    def _kept(self, processed: processors.Processed) -> list[Record]:
        good, failed = processed
        self._fail(failed)
        return good

    def _fail(self, failed: list[Failed]) -> None:
        for each in failed:
            self._failed.setdefault(each.kind, []).append(each)

    def _prefix(self, record: Record) -> str:
        """Raises _NoPlace."""
        keys = (*record.query_keys.items(), None, *record.lambda_keys.items())
        if keys not in self._prefixes:
            self._prefixes[keys] = self._evaluated(record)
        return self._prefixes[keys]

    def _evaluated(self, record: Record) -> str:
        """Raises _NoPlace."""
        try:
            prefix = prefixes.evaluated(
                prefixes.timed(self.settings.to.prefix),
                prefixes.moment_of(self._oldest, self.settings.zone),
                self.segment.id,
                query=record.query_keys,
                lambda_=record.lambda_keys,
            )
        except NoSuchKey as error:
            message = f"the prefix's {error} has no value in this record"
            raise _NoPlace("DynamicPartitioning.PartitionKeyNotFound", message) from None
        size = len(f"{prefix}{self._name('0')}{self.settings.extension}".encode())
        if size > LONGEST:
            message = f"with this record's partition keys, the object's key has {size:,} bytes. S3 allows {LONGEST:,}"
            raise _NoPlace("S3.KeyTooLongError", message)
        return prefix

    def _write(self, prefix: str, records: list[Record]) -> None:
        if prefix not in self._contents and self.settings.is_partitioned and len(self._contents) == MOST_PARTITIONS:
            code = "DynamicPartitioning.ActivePartitionsLimitExceeded"
            message = f"The stream writes to {MOST_PARTITIONS} partitions already."
            self._fail([Failed(record, PROCESSING, code, message) for record in records])
            return
        items = self._rows(records) if self.settings.conversion else self._lines(records)
        if items:
            self._content(prefix).add(items)

    def _lines(self, records: list[Record]) -> list[bytes]:
        if "AppendDelimiterToRecord" in self.settings.processors:
            records = processors.with_delimiter(records, self.settings.processors["AppendDelimiterToRecord"])
        self._counts["records"] += len(records)
        return [record.data for record in records]

    def _rows(self, records: list[Record]) -> list[Any]:
        """Return Arrow tables."""
        assert self.settings.conversion is not None
        try:
            columns = self._table_columns()
        except ConversionError as error:
            self._fail([self._not_converted(record, error) for record in records])
            return []
        tables, refused = converted(records, columns, self.settings.conversion.deserializer)
        self._fail([self._not_converted(record, error) for record, error in refused])
        self._counts["records"] += len(records) - len(refused)
        return tables

    def _content(self, prefix: str) -> Content:
        if prefix not in self._contents:
            if self.settings.conversion:
                content: Content = Rows(self.settings.conversion, schema_of(self._table_columns()))
            else:
                content = Lines(self.settings.to.compression, self._name(prefix))
            self._contents[prefix] = content
        return self._contents[prefix]

    def _table_columns(self) -> dict[str, str]:
        """Return the current columns in the catalog; fetched once per segment.

        Raises:
            ConversionError: there is no such table, or one of its types is unknown.
            NotDelivered: the catalog does not answer.
        """
        if self._columns is None:
            assert self.settings.conversion is not None
            self._columns = _columns(self._schema_reader, self.region, self.settings.conversion.schema)
        return self._columns

    def _not_converted(self, record: Record, error: ConversionError) -> Failed:
        assert self.settings.conversion is not None
        schema = self.settings.conversion.schema
        table = {
            "catalogId": schema.get("CatalogId") or self.settings.arn.split(":")[4],
            "databaseName": schema.get("DatabaseName"),
            "tableName": schema.get("TableName"),
            "region": schema.get("Region") or self.region,
            "versionId": schema.get("VersionId") or "LATEST",
        }
        return Failed(record, CONVERSION, error.code, str(error), 1, {"dataCatalogTable": table})

    def _name(self, seed: str) -> str:
        moment = prefixes.moment_of(self._oldest or now_ms(), self.settings.zone)
        return prefixes.object_name(self.settings, moment, f"{self.segment.id}/{seed}")

    def _put_failed(self) -> None:
        for kind, failed in self._failed.items():
            moment = prefixes.moment_of(self._oldest, self.settings.zone)
            expression = prefixes.error_prefix(self.settings.to.prefix, self.settings.to.error_prefix)
            prefix = prefixes.evaluated(expression, moment, self.segment.id, error=kind)
            lines = b"".join(json.dumps(each.document()).encode() + b"\n" for each in failed)
            self._put(f"{prefix}{self._name(kind)}", lines)
            self.observed.failures(self.settings, failed)

    def _put_backup(self, place: Place, content: Lines) -> None:
        moment = prefixes.moment_of(self._oldest, self.settings.zone)
        prefix = prefixes.evaluated(prefixes.timed(place.prefix), moment, self.segment.id)
        body = content.done()
        self._put(f"{prefix}{self._name('backup')}{place.extension}", body, place.bucket)
        self.observed.count(BackupToS3_Success=1, BackupToS3_Bytes=len(body))

    def _put(self, key: str, body: bytes, bucket: str = "") -> None:
        """Raises NotDelivered."""
        bucket = bucket or self.settings.to.bucket
        try:
            self._acting.client("s3", self.region).put_object(Bucket=bucket, Key=key, Body=body)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise NotDelivered(f"S3.{code}", f"s3://{bucket}: {error.response['Error']['Message']}") from None
        except BotoCoreError as error:
            raise NotDelivered("S3.InternalError", f"s3://{bucket} cannot be written: {error}") from None
        self._counts["objects"] += 1
        self._counts["bytes"] += len(body)

    def _report(self) -> None:
        converted = self.settings.conversion is not None
        failed = len(self._failed.get(CONVERSION, []))
        self.observed.count(
            DeliveryToS3_Success=1,
            DeliveryToS3_Records=self._counts["records"],
            DeliveryToS3_Bytes=self._counts["bytes"],
            DeliveryToS3_ObjectCount=self._counts["objects"],
            **({"SucceedConversion_Records": self._counts["records"]} if converted else {}),
            **({"FailedConversion_Records": failed} if converted else {}),
        )
        self.observed.gauge(DeliveryToS3_DataFreshness=(now_ms() - self._oldest) / 1000)
        if self.settings.is_partitioned:
            self.observed.gauge(PartitionCount=len(self._contents))


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    while chunk := list(islice(records, CHUNK)):
        yield chunk


def _columns(context: Context, region: str, schema: dict[str, Any]) -> dict[str, str]:
    glue = context.client("glue", schema.get("Region") or region)
    try:
        table = glue.get_table(DatabaseName=schema["DatabaseName"], Name=schema["TableName"])["Table"]
    except glue.exceptions.EntityNotFoundException:
        raise ConversionError("EntityNotFound", _NO_TABLE) from None
    except (ClientError, BotoCoreError) as error:
        raise NotDelivered("DataFormatConversion.GlueUnavailable", f"the catalog does not answer: {error}") from None
    columns = {column["Name"]: column["Type"] for column in table.get("StorageDescriptor", {}).get("Columns", [])}
    try:
        schema_of(columns)
    except QueryFailed as error:
        raise ConversionError("InvalidSchema", f"The schema is invalid. {str(error).partition(': ')[2]}") from None
    if not columns:
        raise ConversionError("InvalidSchema", "The schema is invalid. The table has no columns.")
    return columns


_NO_TABLE = (
    "The specified table/database could not be found. Please ensure that the table/database exists and that the values "
    "provided in the schema configuration are correct, especially with regards to casing."
)
