"""The Lambda function of a delivery stream: sends it batches of records and takes its results."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.streams.firehose.processors import Processed
from local_aws.streams.firehose.records import PROCESSING, Failed, Record
from local_aws.streams.firehose.settings import MEGABYTE, Settings
from local_aws.streams.kinesis.shard import shard_of

RETRIES = 3
SECONDS = 310
"""Seconds that a call may take: AWS waits five minutes for the function."""
_MOST = 10_000
"""Maximum records per call."""
_SIMPLE = {
    "Lambda.FunctionError": "The Lambda function was successfully invoked but it returned an error result.",
    "Lambda.FunctionTimedOut": "The Lambda function invocation timed out. Increase the Timeout setting in the Lambda "
    "function.",
    "Lambda.JsonProcessingException": "There was an error parsing returned records from Lambda function. Make sure "
    "returned records follow the status model required by Amazon Data Firehose.",
    "Lambda.MissingRecordId": "One or more record Ids were not returned. Ensure that the Lambda function returns all "
    "received record Ids.",
    "Lambda.DuplicatedRecordId": "Multiple records were returned with the same record Id. Ensure that the Lambda "
    "function returns unique record Ids for each record.",
    "Lambda.ResourceNotFound": "The specified Lambda function does not exist. Use a different function that does "
    "exist.",
    "Lambda.ProcessingFailedStatus": "ProcessingFailed status set for record",
}


class _NotTransformed(Exception):
    """A whole call had no usable result; `code` is AWS's."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or _SIMPLE[code])
        self.code = code


@dataclass(frozen=True)
class Transform:
    """The function of the `Lambda` processor.

    Attributes:
        client: a boto3 client of Lambda.
    """

    client: Any
    settings: Settings
    region: str
    parameters: Mapping[str, str]

    def apply(self, records: list[Record]) -> Processed:
        """Transform records. Records that the function dropped are in neither list."""
        good, failed = list[Record](), list[Failed]()
        for batch in self._batches(records):
            transformed, refused = self._transformed(batch)
            good += transformed
            failed += refused
        return good, failed

    @property
    def _arn(self) -> str:
        return self.parameters["LambdaArn"]

    def _batches(self, records: Iterable[Record]) -> Iterator[list[Record]]:
        limit = float(self.parameters.get("BufferSizeInMBs", 1)) * MEGABYTE
        batch, size = list[Record](), 0
        for record in records:
            if batch and (size + len(record.data) > limit or len(batch) == _MOST):
                yield batch
                batch, size = [], 0
            batch.append(record)
            size += len(record.data)
        if batch:
            yield batch

    def _transformed(self, batch: list[Record]) -> Processed:
        tries = int(self.parameters.get("NumberOfRetries", RETRIES)) + 1
        for attempt in range(1, tries + 1):
            try:
                return self._outcome(batch, self._answer(batch), attempt)
            except _NotTransformed as error:
                last = error
        return [], [self._failed(record, last.code, str(last), tries) for record in batch]

    def _answer(self, batch: list[Record]) -> Any:
        """Raises _NotTransformed."""
        try:
            answer = self.client.invoke(FunctionName=self._arn, Payload=json.dumps(self._event(batch)))
            body = answer["Payload"].read()
        except ClientError as error:
            refusal = error.response["Error"]
            if refusal["Code"] == "ResourceNotFoundException":
                raise _NotTransformed("Lambda.ResourceNotFound") from None
            raise _NotTransformed(f"Lambda.{refusal['Code']}", refusal["Message"]) from None
        except BotoCoreError:
            raise _NotTransformed("Lambda.FunctionTimedOut") from None
        if answer.get("FunctionError"):
            raise _NotTransformed("Lambda.FunctionTimedOut" if b"imed out" in body else "Lambda.FunctionError")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise _NotTransformed("Lambda.JsonProcessingException") from None

    def _event(self, batch: list[Record]) -> dict[str, Any]:
        source = (self.settings.source or {}).get("KinesisStreamARN")
        return {
            "invocationId": str(uuid.uuid4()),
            "deliveryStreamArn": self.settings.arn,
            **({"sourceKinesisStreamArn": source} if source else {}),
            "region": self.region,
            "records": [_given(number, record) for number, record in enumerate(batch)],
        }

    def _outcome(self, batch: list[Record], answer: Any, attempt: int) -> Processed:
        returned = answer.get("records") if isinstance(answer, dict) else None
        if not isinstance(returned, list) or not all(isinstance(each, dict) for each in returned):
            raise _NotTransformed("Lambda.JsonProcessingException")
        by_id = {str(each.get("recordId")): each for each in returned}
        if len(by_id) < len(returned):
            raise _NotTransformed("Lambda.DuplicatedRecordId")
        good, failed = list[Record](), list[Failed]()
        for number, record in enumerate(batch):
            try:
                good += _made_of(record, by_id.get(str(number)))
            except _NotTransformed as error:
                failed.append(self._failed(record, error.code, str(error), attempt))
        return good, failed

    def _failed(self, record: Record, code: str, message: str, attempts: int) -> Failed:
        return Failed(record, PROCESSING, code, message, attempts, {"lambdaArn": self._arn})


def _made_of(record: Record, returned: dict[str, Any] | None) -> list[Record]:
    """Return the record as the function returned it, or nothing if the function dropped it.

    Raises:
        _NotTransformed: it is missing, marked as failed, or not in Firehose's format.
    """
    if returned is None:
        raise _NotTransformed("Lambda.MissingRecordId")
    result = returned.get("result")
    if result == "Dropped":
        return []
    if result == "ProcessingFailed":
        raise _NotTransformed("Lambda.ProcessingFailedStatus")
    if result != "Ok":
        raise _NotTransformed("Lambda.JsonProcessingException")
    try:
        return [record._replace(data=_data(returned.get("data")), lambda_keys=_keys(returned.get("metadata") or {}))]
    except ValueError:
        raise _NotTransformed("Lambda.JsonProcessingException") from None


def _data(text: Any) -> bytes:
    """Raises ValueError: it is not base64."""
    if not isinstance(text, str):
        raise ValueError("not a text")
    return base64.b64decode(text, validate=True)


def _keys(metadata: Any) -> dict[str, str]:
    """Raises ValueError: these are no partition keys."""
    keys = (metadata.get("partitionKeys") or {}) if isinstance(metadata, dict) else metadata
    if not isinstance(keys, dict):
        raise ValueError("not an object")
    return {name: str(value) for name, value in keys.items()}


def _given(number: int, record: Record) -> dict[str, Any]:
    given: dict[str, Any] = {
        "recordId": str(number),
        "approximateArrivalTimestamp": record.arrived,
        "data": base64.b64encode(record.data).decode(),
    }
    if record.source:
        given["kinesisRecordMetadata"] = {
            "shardId": shard_of(record.source),
            "sequenceNumber": record.sequence,
            "subsequenceNumber": 0,
            "approximateArrivalTimestamp": record.arrived,
        }
    return given
