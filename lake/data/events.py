"""Events into Kinesis, at a rate."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lake.aws import Aws
from lake.configuration.suggest import allowed
from lake.errors import BadInput, LakeError

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

BATCH = 500
"""Records of one PutRecords call, at most."""
BATCHES_A_SECOND = 10


def send(aws: Aws, stream: str, file: Path, rate: float, limit: int | None = None) -> Iterator[int]:
    """Send a file's JSON lines into a stream.

    Args:
        rate: events per second.
        limit: stop after this many; by default all are sent.

    Yields:
        The number of events sent so far, after each call to Kinesis.

    Raises:
        BadInput: the stream is not in lake.yaml, the file is not there, or a line is not a JSON object.
        LakeError: the stream is not deployed, or takes no more records.
    """
    if stream not in aws.lake.config.streams:
        raise BadInput(f"there is no stream {stream!r} in lake.yaml. {allowed(stream, aws.lake.config.streams)}")
    if not file.is_file():
        raise BadInput(f"{file} is {'a folder: name a file in it' if file.is_dir() else 'not there'}")
    size = max(1, min(BATCH, int(rate / BATCHES_A_SECOND)))
    sent, begun = 0, time.monotonic()
    for batch in _batches(_records(file, limit), size):
        _put(aws, aws.names.stream(stream), batch)
        sent += len(batch)
        yield sent
        time.sleep(max(0.0, begun + sent / rate - time.monotonic()))


def _records(file: Path, limit: int | None) -> Iterator[PutRecordsRequestEntryTypeDef]:
    with file.open("rb") as lines:
        for number, data in enumerate(itertools.islice(lines, limit), start=1):
            try:
                line = data.decode("utf-8-sig" if number == 1 else "utf-8")
                event = json.loads(line)
            except UnicodeDecodeError:
                raise BadInput(f"{file}, line {number}: is not UTF-8 text. An event is a line of JSON") from None
            except (json.JSONDecodeError, RecursionError) as error:
                at = getattr(error, "pos", 0) + 1
                raise BadInput(f"{file}, line {number}: is not JSON from character {at} on") from None
            if not isinstance(event, dict):
                raise BadInput(f"{file}, line {number}: an event is a JSON object. Given: {line.strip()[:80]}")
            yield {"Data": line.strip().encode(), "PartitionKey": uuid.uuid4().hex}


def _batches(
    records: Iterator[PutRecordsRequestEntryTypeDef], size: int
) -> Iterator[list[PutRecordsRequestEntryTypeDef]]:
    while batch := list(itertools.islice(records, size)):
        yield batch


def _put(aws: Aws, stream: str, batch: list[PutRecordsRequestEntryTypeDef]) -> None:
    """Kinesis may take a part of a batch: the rest is sent again."""
    for attempt in range(8):
        try:
            answer = aws.kinesis.put_records(StreamName=stream, Records=batch)
        except aws.kinesis.exceptions.ResourceNotFoundException:
            raise LakeError(f"the stream {stream} is not there. Deploy it first: `lake up streaming`") from None
        if not answer["FailedRecordCount"]:
            return
        batch = [record for record, result in zip(batch, answer["Records"], strict=True) if "ErrorCode" in result]
        time.sleep(0.1 * 2**attempt)
    raise LakeError(f"the stream {stream} refused {len(batch)} events again and again. Send fewer a second (--rate)")
