"""Contracts of the fixes of Firehose."""

from __future__ import annotations

from typing import Any

from tests.local_aws.mends.conftest import Aws


def test_a_delivery_stream_keeps_its_time_zone_and_file_extension(side: Aws, name: str) -> None:
    firehose = side("firehose")
    bucket = {"RoleARN": "arn:aws:iam::000000000000:role/r", "BucketARN": "arn:aws:s3:::bucket"}
    firehose.create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration={**bucket, "FileExtension": ".parquet"}
    )
    assert _s3_destination(firehose, name) == {"CustomTimeZone": "UTC", "FileExtension": ".parquet"}
    firehose.update_destination(
        DeliveryStreamName=name,
        CurrentDeliveryStreamVersionId="1",
        DestinationId=_destination(firehose, name)["DestinationId"],
        ExtendedS3DestinationUpdate={"CustomTimeZone": "Europe/Oslo"},
    )
    assert _s3_destination(firehose, name) == {"CustomTimeZone": "Europe/Oslo", "FileExtension": ".parquet"}


def _s3_destination(firehose: Any, name: str) -> dict[str, str]:
    described = _destination(firehose, name)["ExtendedS3DestinationDescription"]
    return {field: described[field] for field in ("CustomTimeZone", "FileExtension") if field in described}


def _destination(firehose: Any, name: str) -> dict[str, Any]:
    described = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    (destination,) = described["Destinations"]
    return dict(destination)
