"""Firehose: the time zone, the file extension and the backup of a delivery stream."""

from __future__ import annotations

from local_aws.context import Context
from local_aws.mends.kept import Kept, keeping
from local_aws.protocol import Call, Document, Handlers, stacked

_DELIVERY_STREAM = Kept(
    service="firehose",
    fields=("CustomTimeZone", "FileExtension", "S3BackupDescription"),
    writes={
        "CreateDeliveryStream": ("DeliveryStreamName", "ExtendedS3DestinationConfiguration"),
        "UpdateDestination": ("DeliveryStreamName", "ExtendedS3DestinationUpdate"),
    },
    reads={"DescribeDeliveryStream": "DeliveryStreamDescription"},
    deletes={"DeleteDeliveryStream": "DeliveryStreamName"},
    identity="DeliveryStreamName",
    described_at="Destinations.0.ExtendedS3DestinationDescription",
    defaults={"CustomTimeZone": "UTC"},
    merged=("UpdateDestination",),
)
DELIVERY_STREAMS = "kept_firehose"
"""The collection of the store with the `region/name` of every delivery stream."""
_BACKUP_DEFAULTS = {
    "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
    "CompressionFormat": "UNCOMPRESSED",
    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
    "CloudWatchLoggingOptions": {"Enabled": False},
}


def handlers(context: Context) -> Handlers:
    kept = keeping(context, _DELIVERY_STREAM)
    named: Handlers = {("firehose", action): _with_backup_as_described for action in _DELIVERY_STREAM.writes}
    return stacked(kept, named)


def _with_backup_as_described(call: Call) -> Document:
    """A backup has one field name in requests and another in descriptions."""
    payload = dict(call.payload)
    for kind, given in (
        ("ExtendedS3DestinationConfiguration", "S3BackupConfiguration"),
        ("ExtendedS3DestinationUpdate", "S3BackupUpdate"),
    ):
        config = payload.get(kind) or {}
        if backup := config.get(given):
            payload[kind] = {**config, "S3BackupDescription": {**_BACKUP_DEFAULTS, **backup}}
    return call.forward(payload)
