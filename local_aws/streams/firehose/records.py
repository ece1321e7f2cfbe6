"""What passes through a delivery stream: records, and those that failed with AWS's reason."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

PROCESSING = "processing-failed"
CONVERSION = "format-conversion-failed"


def now_ms() -> int:
    return int(time.time() * 1000)


class Record(NamedTuple):
    """One record of a producer, or what the processors made of it.

    Attributes:
        arrived: when it came, in milliseconds since 1970.
        place: of a record of a Kinesis stream, its shard and sequence number as `shard:number`; else empty.
        query_keys: the partition keys that JQ found.
        lambda_keys: the partition keys that the Lambda function gave.
    """

    arrived: int
    data: bytes
    place: str = ""
    query_keys: Mapping[str, str] = MappingProxyType({})
    lambda_keys: Mapping[str, str] = MappingProxyType({})

    def with_data(self, data: bytes) -> Record:
        return self._replace(data=data)


@dataclass(frozen=True)
class Failed:
    """A record that goes to the error prefix.

    Attributes:
        kind: the error output type, `processing-failed` or `format-conversion-failed`.
        code: AWS's error code, such as `DataFormatConversion.ParseError`.
        attempts: how often it was tried.
        more: fields of AWS's error record beside the common ones, such as `lambdaArn`.
    """

    record: Record
    kind: str
    code: str
    message: str
    attempts: int = 1
    more: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The error record as AWS lays it out: a failed conversion names its fields otherwise."""
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
    """S3 or the catalog did not answer as they should: the segment is tried again. `code` is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
