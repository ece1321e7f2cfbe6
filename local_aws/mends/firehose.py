"""Firehose: the time zone and the file extension of a delivery stream."""

from __future__ import annotations

from local_aws.context import Context
from local_aws.mends.kept import Kept, keeping
from local_aws.protocol import Handlers

_DELIVERY_STREAM = Kept(
    service="firehose",
    fields=("CustomTimeZone", "FileExtension"),
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


def handlers(context: Context) -> Handlers:
    return keeping(context, _DELIVERY_STREAM)
