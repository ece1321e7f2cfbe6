"""The records of a delivery stream, and failed records with AWS's reason."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

PROCESSING = "processing-failed"
CONVERSION = "format-conversion-failed"
_SHARD = len("shardId-000000000000")


def now_ms() -> int:
    return int(time.time() * 1000)


class Record(NamedTuple):
    """One record of a producer, or a result of the processors.

    Attributes:
        arrived: arrival time, in milliseconds since 1970.
        place: shard and sequence number of a record from a Kinesis stream, as `shard:number`; else empty.
        query_keys: the partition keys found by JQ.
        lambda_keys: the partition keys from the Lambda function.
    """

    arrived: int
    data: bytes
    place: str = ""
    query_keys: Mapping[str, str] = MappingProxyType({})
    lambda_keys: Mapping[str, str] = MappingProxyType({})

    def with_data(self, data: bytes) -> Record:
        return self._replace(data=data)


def last_places(records: Iterable[Record]) -> dict[str, str]:
    """Return the last sequence number of each shard among the records."""
    newest = {record.place[:_SHARD]: record.place for record in records}
    return dict(place.split(":") for place in newest.values() if place)


@dataclass(frozen=True)
class Failed:
    """A record that goes to the error prefix.

    Attributes:
        kind: the error output type, `processing-failed` or `format-conversion-failed`.
        code: AWS's error code, such as `DataFormatConversion.ParseError`.
        attempts: number of attempts.
        more: fields of AWS's error record besides the common ones, such as `lambdaArn`.
    """

    record: Record
    kind: str
    code: str
    message: str
    attempts: int = 1
    more: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the error record in AWS's format: a failed conversion has other field names."""
        last = "lastError" if self.kind == CONVERSION else "error"
        document = {
            "attemptsMade": self.attempts,
            "arrivalTimestamp": self.record.arrived,
            f"{last}Code": self.code,
            f"{last}Message": self.message,
            "attemptEndingTimestamp": now_ms(),
            "rawData": base64.b64encode(self.record.data).decode(),
        }
        if self.kind == CONVERSION:
            number = self.record.place.rpartition(":")[2] or None
            document |= {"sequenceNumber": number, "subSequenceNumber": None}
        return document | self.more


class NotDelivered(Exception):
    """S3 or the catalog failed; the segment is retried. `code` is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
