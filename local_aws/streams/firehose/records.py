"""The records of a delivery stream, and failed records with AWS's reason."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from local_aws.streams.kinesis.shard import sequence_number

PROCESSING = "processing-failed"
CONVERSION = "format-conversion-failed"


def now_ms() -> int:
    return int(time.time() * 1000)


class Record(NamedTuple):
    """One record of a producer, or a result of the processors.

    Attributes:
        arrived: arrival time, in milliseconds since 1970.
        source: of a record from a Kinesis stream, the prefix of its shard's sequence numbers; else empty.
        position: its position in that shard.
        query_keys: the partition keys found by JQ.
        lambda_keys: the partition keys from the Lambda function.
    """

    arrived: int
    data: bytes
    source: str = ""
    position: int = 0
    query_keys: Mapping[str, str] = MappingProxyType({})
    lambda_keys: Mapping[str, str] = MappingProxyType({})

    @property
    def sequence(self) -> str:
        """Return its sequence number; empty if it is from no Kinesis stream."""
        return self.source and sequence_number(self.source, self.position)

    def with_data(self, data: bytes) -> Record:
        return self._replace(data=data)


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
            document |= {"sequenceNumber": self.record.sequence or None, "subSequenceNumber": None}
        return document | self.more


class NotDelivered(Exception):
    """S3 or the catalog failed; the segment is retried. `code` is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
