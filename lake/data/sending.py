"""Sends events to Kinesis exactly once: a ledger records sent lines, and uncertain ones are looked up in the stream."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from lake.aws import Aws, error_code
from lake.configuration.suggest import allowed
from lake.data.events import Event
from lake.data.puts import Puts
from lake.data.records import Key, key_text, records
from lake.errors import BadInput, LakeError

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

BATCH = 500
"""The maximum number of records per PutRecords call."""
BATCH_BYTES = 4 * 1024 * 1024
TICK = 0.02
"""The minimum time between two calls, in seconds. Events that are due in between are sent together."""
ATTEMPTS = 12
SETTLED = 5.0
"""The time after which a call has ended, answered or not, in seconds."""
CLOCKS_APART = 60.0
"""The maximum difference between the local clock and AWS's, in seconds."""


@dataclass
class Run:
    """One run of `lake send`.

    Attributes:
        id: the prefix of its records' partition keys; the line number follows.
        done: the last line up to which all lines were acknowledged.
        tried: the last line that was sent, perhaps without an answer.
        since: no line after `done` was sent before this time, in seconds since 1970.
        called: when the last call began, in seconds since 1970.
        stamp: the file's size and modification time.
    """

    file: str
    stamp: list[int]
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    done: int = 0
    tried: int = 0
    since: float = field(default_factory=time.time)
    called: float = 0.0
    is_over: bool = False

    def __post_init__(self) -> None:
        self.called = self.called or self.since


class Ledger:
    """The runs of a stream, stored in a file in .state."""

    def __init__(self, aws: Aws, stream: str) -> None:
        self.path = aws.lake.root / ".state" / aws.lake.deployment / "sent" / f"{stream}.json"
        self.runs = [Run(**run) for run in json.loads(self.path.read_text())] if self.path.exists() else []

    def begin(self, file: Path) -> Run:
        self.runs.append(Run(str(file.resolve()), _stamp(file)))
        self.save()
        return self.runs[-1]

    def unfinished(self, file: Path) -> Run:
        """The newest run of a file. Raises BadInput if there is none to resume."""
        run = next((run for run in reversed(self.runs) if run.file == str(file.resolve())), None)
        if run is None or run.is_over:
            raise BadInput(f"there is no interrupted `lake send` of {file}. Send it without --resume")
        if run.stamp != _stamp(file):
            raise BadInput(f"{file} was changed after {run.done:,} of its lines were sent. Send it without --resume")
        return run

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps([asdict(run) for run in self.runs]))
        new.replace(self.path)


class Sender:
    """Sends the events of one run.

    Attributes:
        there: lines in the stream that an earlier command sent without getting an answer.
        sent: the number of events that this command sent.
        retried: the number of records that Kinesis first refused and that were sent again.
    """

    def __init__(self, aws: Aws, stream: str, ledger: Ledger, run: Run) -> None:
        # boto3 must not retry an unanswered call: its records might then be in the stream twice.
        self._puts = Puts(aws.once("kinesis"))
        self._aws, self._stream = aws, aws.names.stream(stream)
        self._ledger, self._run, self._last = ledger, run, run.done
        self.sent = self.retried = 0
        self.there = self._in_doubt()

    def send(self, events: Iterable[Event]) -> Iterator[int]:
        """Send each event when it is due, except those already in the stream.

        Yields:
            The number of events sent so far, after each call to Kinesis.

        Raises:
            BadInput: an event is invalid.
            LakeError: the stream is not deployed, or does not accept more records.
        """
        for batch in due_together(self._absent(events), time.monotonic, time.sleep):
            self._put([self._record(event) for event in batch], batch[-1].line)
            self._run.done = batch[-1].line
            self.sent += len(batch)
            yield self.sent
        self._run.done, self._run.is_over = self._last, True
        self._ledger.save()

    def _absent(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            if event.line not in self.there:
                yield event
            self._last = event.line

    def _in_doubt(self) -> set[int]:
        """The lines after `done` that are in the stream, although their calls got no answer."""
        if self._run.tried <= self._run.done:
            return set()
        # The last call may still be in flight, also that of a killed process.
        time.sleep(max(0.0, min(SETTLED, self._run.called + SETTLED - time.time())))
        keys = (Key.of(record["PartitionKey"]) for _, record in self._newest())
        return {key.line for key in keys if key is not None and key.run == self._run.id and key.line > self._run.done}

    def _newest(self) -> Iterator[tuple[str, Any]]:
        return records(self._aws, self._stream, since=self._run.since - CLOCKS_APART)

    def _record(self, event: Event) -> PutRecordsRequestEntryTypeDef:
        return {"Data": event.data, "PartitionKey": key_text(self._run.id, event.line)}

    def _note(self, last: int) -> None:
        """Record that a call begins, whose last line is this one. Lines in doubt stay so, as of their first call."""
        run = self._run
        run.called = time.time()
        if run.tried <= run.done:
            run.since = run.called
        run.tried = max(run.tried, last)
        self._ledger.save()

    def _put(self, batch: list[PutRecordsRequestEntryTypeDef], last: int) -> None:
        """Send a batch. If Kinesis accepts only a part, the rest is sent again, in order, before anything else.

        After a call without an answer, the stream is read first to see which records arrived.
        """
        reason, is_in_doubt = "", False
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(min(5.0, 0.1 * 2**attempt))
            try:
                if is_in_doubt:
                    batch, is_in_doubt = self._missing(batch), False
                if batch:
                    self._note(last)
                    batch = self._refused(batch)
                    reason = "it accepts fewer events per second (see --rate)"
            except (BotoCoreError, ClientError) as error:
                reason, is_in_doubt = self._reason(error), True
            if not batch:
                return
        raise LakeError(
            f"the stream {self._stream} did not accept {len(batch)} events: {reason}. Continue with --resume"
        )

    def _refused(self, batch: list[PutRecordsRequestEntryTypeDef]) -> list[PutRecordsRequestEntryTypeDef]:
        """Put records. Returns those that Kinesis did not accept."""
        results = self._puts.put(self._stream, batch)
        refused = [record for record, result in zip(batch, results, strict=True) if "ErrorCode" in result]
        self.retried += len(refused)
        return refused

    def _reason(self, error: Exception) -> str:
        """Why a call failed. Raises LakeError if a retry is pointless."""
        if isinstance(error, ClientError) and error_code(error) == "ResourceNotFoundException":
            raise LakeError(f"the stream {self._stream} does not exist. Deploy it first: `lake up streaming`") from None
        if isinstance(error, ClientError) and error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
            raise LakeError(f"the stream {self._stream} refuses events: {error.response['Error']['Message']}") from None
        return "AWS does not answer"

    def _missing(self, batch: list[PutRecordsRequestEntryTypeDef]) -> list[PutRecordsRequestEntryTypeDef]:
        there = self._in_doubt()
        return [record for record in batch if Key.line_of(record["PartitionKey"]) not in there]


def due_together(
    events: Iterable[Event], clock: Callable[[], float], pause: Callable[[float], None]
) -> Iterator[list[Event]]:
    """Batches of events, in order: as many as are due and fit in one call."""
    begun, batch, size = clock(), list[Event](), 0
    for event in events:
        is_full = len(batch) == BATCH or size + len(event.data) > BATCH_BYTES
        if batch and (is_full or event.due > clock() - begun + TICK):
            yield batch
            batch, size = [], 0
        if (wait := event.due - (clock() - begun)) > 0:
            pause(wait)
        batch.append(event)
        size += len(event.data)
    if batch:
        yield batch


def need_stream(aws: Aws, stream: str) -> None:
    """Raise BadInput if the stream is not in lake.yaml, or has no Kinesis stream."""
    streams = aws.lake.config.streams
    if stream not in streams:
        raise BadInput(f"there is no stream {stream!r} in lake.yaml. {allowed(stream, streams)}")
    if streams[stream].delivery.source == "direct":
        raise BadInput(
            f"{stream} has no Kinesis stream (delivery.source: direct). Send events to Firehose: "
            f"`aws firehose put-record-batch --delivery-stream-name {aws.names.stream(stream)} ...`"
        )


def need_file(file: Path) -> None:
    """Raise BadInput if the path is not a file."""
    if not file.is_file():
        raise BadInput(f"{file} is {'a folder. Name a file in it' if file.is_dir() else 'missing'}")


def _stamp(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]
