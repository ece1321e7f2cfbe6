"""Firehose to S3: records are buffered on disk by size and time, processed, converted and delivered.

The emulator keeps the registry of delivery streams, and delivers to destinations other than S3.
(docs/adr/0030-firehose-has-a-buffer.md)
"""

from __future__ import annotations

import base64
import binascii
import logging
import threading
import uuid
from importlib import import_module
from typing import Any

from botocore.exceptions import ClientError

from local_aws import startup
from local_aws.context import Context
from local_aws.mends.firehose import DELIVERY_STREAMS
from local_aws.protocol import AwsError, Call, Document, Handlers
from local_aws.streams.firehose import checks
from local_aws.streams.firehose.settings import Settings
from local_aws.streams.firehose.source import CHECKPOINTS
from local_aws.streams.firehose.stream import DeliveryStream

LARGEST_RECORD = 1_024_000
LARGEST_BATCH, MOST_RECORDS = 4 * 1024 * 1024, 500

log = logging.getLogger("local_aws.firehose")


def handlers(context: Context) -> Handlers:
    _disable_the_emulators_kinesis_delivery()
    engine = Engine(context)
    startup.once_answering(context.endpoint, engine.resume)
    return {
        ("firehose", "CreateDeliveryStream"): engine.create,
        ("firehose", "UpdateDestination"): engine.update,
        ("firehose", "DeleteDeliveryStream"): engine.delete,
        ("firehose", "PutRecord"): engine.put_record,
        ("firehose", "PutRecordBatch"): engine.put_records,
    }


def _disable_the_emulators_kinesis_delivery() -> None:
    """The emulator would write one file per event, within the call that puts the event into Kinesis."""
    emulator: Any = import_module("ministack.services.firehose")
    emulator.ingest_from_kinesis_source = lambda arn, records: None


class Engine:
    """The delivery streams to S3, by region and name."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.RLock()
        self._streams = dict[tuple[str, str], DeliveryStream | None]()

    def resume(self) -> None:
        """Resume the streams that existed when this AWS was last stopped or killed."""
        for key in self._context.store.keys(DELIVERY_STREAMS):
            region, _, name = key.partition("/")
            try:
                self._stream(region, name)
            except ClientError as error:
                log.warning("%s cannot go on: %s", name, error)

    def create(self, call: Call) -> Document:
        checks.refuse_settings(call.payload)
        answer = call.forward_unchanged()
        self._stream(call.region, call.required("DeliveryStreamName"))
        return answer

    def update(self, call: Call) -> Document:
        name = call.required("DeliveryStreamName")
        stream = self._stream(call.region, name)
        checks.refuse_update(call.payload, stream.settings if stream else None)
        answer = call.forward_unchanged()
        settings = self._settings(call.region, name)
        if stream and settings:
            stream.settings = settings
        return answer

    def delete(self, call: Call) -> Document:
        """Deliver what is buffered before the answer, so that nothing is written after it."""
        name = call.required("DeliveryStreamName")
        with self._lock:
            stream = self._known(call.region, name)
            answer = call.forward_unchanged()
            self._streams.pop((call.region, name), None)
        if stream:
            stream.delete()
        self._context.store.delete(CHECKPOINTS, f"{call.region}/{name}")
        return answer

    def put_record(self, call: Call) -> Document:
        stream = self._direct(call)
        if stream is None:
            return call.forward_unchanged()
        stream.put([_record(call.payload.get("Record") or {})])
        return {"RecordId": _record_id(), "Encrypted": False}

    def put_records(self, call: Call) -> Document:
        stream = self._direct(call)
        if stream is None:
            return call.forward_unchanged()
        given = call.payload.get("Records") or []
        if not 0 < len(given) <= MOST_RECORDS:
            raise AwsError("InvalidArgumentException", f"A batch holds 1 to {MOST_RECORDS} records, not {len(given)}.")
        records = [_record(each) for each in given]
        if sum(map(len, records)) > LARGEST_BATCH:
            raise AwsError("InvalidArgumentException", "Records size exceeds 4 MB limit")
        stream.put(records)
        answers = [{"RecordId": _record_id()} for _ in records]
        return {"FailedPutCount": 0, "Encrypted": False, "RequestResponses": answers}

    def _direct(self, call: Call) -> DeliveryStream | None:
        """Return the stream of a put; None if the emulator delivers it. Raises AwsError if the stream takes no puts."""
        stream = self._stream(call.region, call.required("DeliveryStreamName"))
        if stream and stream.settings.source:
            message = "This operation is not permitted on KinesisStreamAsSource delivery stream type."
            raise AwsError("InvalidArgumentException", message)
        return stream

    def _known(self, region: str, name: str) -> DeliveryStream | None:
        try:
            return self._stream(region, name)
        except ClientError:
            return None

    def _stream(self, region: str, name: str) -> DeliveryStream | None:
        """Return the running stream, started if necessary. Raises ClientError if there is none."""
        if (region, name) in self._streams:
            return self._streams[region, name]
        settings = self._settings(region, name)
        with self._lock:
            if (region, name) not in self._streams:
                self._streams[region, name] = self._begun(region, settings) if settings else None
            return self._streams[region, name]

    def _begun(self, region: str, settings: Settings) -> DeliveryStream:
        folder = self._context.folder / "firehose" / region / settings.name
        stream = DeliveryStream(self._context, region, settings, folder, self._context.buffer_speed)
        stream.start()
        return stream

    def _settings(self, region: str, name: str) -> Settings | None:
        client: Any = self._context.client("firehose", region)
        described = client.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
        return Settings.of(described)


def _record(given: Document) -> bytes:
    try:
        data = base64.b64decode(given.get("Data") or "", validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise AwsError("SerializationException", "Record.Data is not base64.") from None
    if len(data) > LARGEST_RECORD:
        raise AwsError(
            "ValidationException",
            "1 validation error detected: Value at 'record.data' failed to satisfy constraint: Member must have length "
            f"less than or equal to {LARGEST_RECORD}",
        )
    return data


def _record_id() -> str:
    return f"{uuid.uuid4().hex}{uuid.uuid4().hex}"
