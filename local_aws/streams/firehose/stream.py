"""A running delivery stream: fills its spool, and delivers a segment when it is large or old enough."""

from __future__ import annotations

import contextlib
import logging
import threading
from pathlib import Path

from botocore.exceptions import ClientError

from local_aws.context import Context
from local_aws.protocol import AwsError
from local_aws.streams.block import Block
from local_aws.streams.firehose.observed import Observed
from local_aws.streams.firehose.records import NotDelivered, now_ms
from local_aws.streams.firehose.settings import Settings
from local_aws.streams.firehose.source import Source
from local_aws.streams.firehose.spool import Segment, Spool
from local_aws.streams.firehose.takeover import take_over

IDLE, BUSY = 0.2, 0.1
"""Seconds between two reads of a Kinesis stream, if the last read was empty and if it was not."""
SHORTEST = 0.2
"""Minimum seconds that a buffer accepts records."""
LONGEST_PAUSE = 30.0
MOST_WAITING = 4
"""Segments that may wait for S3 before reading pauses for a Kinesis stream, which keeps its records itself."""
_UNEXPECTED = (
    "A buffer could not be delivered, and is tried again: an unexpected error ({}) of the embedded AWS. "
    "Its own log has the details."
)

log = logging.getLogger("local_aws.firehose")


class DeliveryStream:
    """One delivery stream's buffer and its threads.

    Args:
        speed: how much faster than AWS's its clock runs: a buffer of 60 seconds takes `60 / speed`.
    """

    def __init__(self, context: Context, region: str, settings: Settings, folder: Path, speed: float) -> None:
        self.settings = settings
        self._context, self._region, self._speed = context, region, speed
        take_over(folder)
        self._spool = Spool(folder)
        self._observed = Observed(context, region)
        self._source = Source(context, region, settings, self._spool, self._observed) if settings.source else None
        self._stopped = threading.Event()
        self._changed = threading.Event()
        self._threads = [threading.Thread(target=self._deliver, name=f"firehose {settings.name}", daemon=True)]
        if self._source:
            reader = threading.Thread(target=self._read, name=f"firehose {settings.name} source", daemon=True)
            self._threads.append(reader)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def put(self, records: list[bytes]) -> None:
        """Accept records: they are on disk when this returns. Raises AwsError if the disk is full."""
        block = Block.of(((b"", data) for data in records), 0, now_ms())
        self._spool.append([block])
        self._observed.count(IncomingRecords=block.records, IncomingBytes=block.size)
        self._changed.set()

    def delete(self) -> None:
        """Stop, deliver what is buffered if S3 accepts it, and delete the rest."""
        self._stopped.set()
        self._changed.set()
        for thread in self._threads:
            if thread.ident:
                thread.join(LONGEST_PAUSE)
        self._spool.close_segment()
        with contextlib.suppress(NotDelivered):
            for segment in self._spool.waiting():
                self._deliver_segment(segment)
        self._observed.flush(self.settings.name, now=True)
        self._spool.drop()

    def _deliver(self) -> None:
        pause = 0.5
        while not self._stopped.is_set():
            self._changed.wait(self._patience())
            self._changed.clear()
            try:
                self._deliver_due()
                pause = 0.5
            except Exception as error:
                self._log_error(error)
                self._stopped.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            self._observed.flush(self.settings.name)

    def _patience(self) -> float | None:
        """Return the seconds until the open segment or the metrics are due; None if there is nothing to do."""
        age = self._spool.age
        if age is not None:
            return max(0.0, self._seconds - age)
        return 0.0 if self._spool.waiting() else self._observed.due_in

    @property
    def _seconds(self) -> float:
        return max(SHORTEST, self.settings.seconds / self._speed)

    def _deliver_due(self) -> None:
        age = self._spool.age
        if age is not None and (age >= self._seconds or self._spool.size >= self.settings.bytes):
            self._spool.close_segment()
        for segment in self._spool.waiting():
            if self._stopped.is_set():
                return
            self._deliver_segment(segment)

    def _deliver_segment(self, segment: Segment) -> None:
        from local_aws.streams.firehose.delivery import Delivery  # loads Arrow, 40 MB, only for a delivery

        delivery = Delivery(self._context, self._region, self.settings, segment, self._observed)
        delivery.run()
        if self._source:
            self._source.delivered(segment.last_places())
        self._spool.delivered(segment)

    def _log_error(self, error: Exception) -> None:
        if isinstance(error, NotDelivered):
            self._observed.error(self.settings, error.code, str(error))
            self._observed.count(DeliveryToS3_Success=0)
        else:
            log.exception("%s: a buffer could not be delivered, and will be tried again", self.settings.name)
            self._observed.error(self.settings, "InternalFailure", _UNEXPECTED.format(type(error).__name__))

    def _read(self) -> None:
        assert self._source is not None
        while not self._stopped.is_set():
            found = 0
            try:
                if len(self._spool.waiting()) < MOST_WAITING:
                    found = self._source.read()
            except (AwsError, ClientError) as error:
                log.info("%s: its Kinesis stream cannot be read now: %s", self.settings.name, error)
                self._stopped.wait(IDLE)
            except Exception:
                log.exception("%s: its Kinesis stream cannot be read", self.settings.name)
                self._stopped.wait(LONGEST_PAUSE)
            if found:
                self._changed.set()
            self._stopped.wait(BUSY if found else IDLE)
