"""Sends a job's output to CloudWatch Logs while it runs: the lines of a growing file."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.reasons import reason

_BATCH = 1000
_LONGEST = 100_000

log = logging.getLogger("local_aws.jobs")


class FollowedFile:
    """Sends new lines of a file, after `located`, to a log stream.

    Group and stream are created if missing, also if somebody deletes them meanwhile; not if they have to be there.
    """

    def __init__(
        self, logs: Any, path: Path, group: str, stream: str, located: Callable[[str], str], *, is_there: bool = False
    ) -> None:
        self._logs = logs
        self._path = path
        self._located = located
        self._target = {"logGroupName": group, "logStreamName": stream}
        self._read, self._has_to_be_there = 0, is_there
        if not is_there:
            _create(logs, group, stream)

    def flush(self, *, last: bool = False) -> None:
        """Send the lines written since the last flush; an incomplete line waits for the `last` one.

        Lines that are refused wait for the next flush, because a job does not end for its log.
        """
        with self._path.open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
        if not last:
            fresh = fresh[: fresh.rfind(b"\n") + 1]
        lines = (line for line in self._located(fresh.decode(errors="replace")).splitlines() if line.strip())
        try:
            while batch := list(islice(_events(lines), _BATCH)):
                self._put(batch)
        except (ClientError, BotoCoreError) as error:
            log.warning("%s: lines of the log are not sent: %s", self._target["logStreamName"], reason(error))
        else:
            self._read += len(fresh)

    def _put(self, batch: list[dict[str, Any]]) -> None:
        try:
            self._logs.put_log_events(**self._target, logEvents=batch)
        except self._logs.exceptions.ResourceNotFoundException:
            if self._has_to_be_there:
                raise
            _create(self._logs, *self._target.values())
            self._logs.put_log_events(**self._target, logEvents=batch)


def say(logs: Any, group: str, stream: str, lines: Iterable[str]) -> None:
    """Put messages of the embedded AWS itself into a log stream, which is created if missing."""
    _create(logs, group, stream)
    left = iter(lines)
    while batch := list(islice(_events(left), _BATCH)):
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    now = int(time.time() * 1000)
    return ({"timestamp": now, "message": line[:_LONGEST]} for line in lines)


def _create(logs: Any, group: str, stream: str) -> None:
    there = logs.exceptions.ResourceAlreadyExistsException
    with suppress(there):
        try:
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except logs.exceptions.ResourceNotFoundException:
            with suppress(there):
                logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
