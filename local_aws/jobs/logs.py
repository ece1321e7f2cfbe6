"""Sends a job's output to CloudWatch Logs while it runs: the lines of a growing file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

_BATCH = 1000
_LONGEST = 100_000


class FollowedFile:
    """Sends new lines of a file, after `located`, to a log stream; group and stream are created if missing."""

    def __init__(
        self, logs: Any, path: Path, group: str, stream: str, located: Callable[[str], str], *, is_there: bool = False
    ) -> None:
        self._logs = logs
        self._path = path
        self._located = located
        self._target = {"logGroupName": group, "logStreamName": stream}
        self._read = 0
        if not is_there:
            _create(logs, group, stream)

    def flush(self, *, last: bool = False) -> None:
        """Send the lines written since the last flush; an incomplete line waits for the `last` one."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
        if not last:
            fresh = fresh[: fresh.rfind(b"\n") + 1]
        self._read += len(fresh)
        lines = (line for line in self._located(fresh.decode(errors="replace")).splitlines() if line.strip())
        while batch := list(islice(_events(lines), _BATCH)):
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
