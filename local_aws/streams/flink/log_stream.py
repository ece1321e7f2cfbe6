"""An application's log: sent to the log stream that it names, or nowhere."""

from __future__ import annotations

from pathlib import Path

from local_aws.context import Context
from local_aws.jobs.logs import FollowedFile, say
from local_aws.protocol import Document


class LogStream:
    """Sends new lines of a process's file to a log stream. It does not create a deleted log group again."""

    def __init__(self, context: Context, detail: Document, region: str, file: Path) -> None:
        self._logs = context.client("logs", region)
        options = detail.get("CloudWatchLoggingOptionDescriptions") or []
        named = options[0]["LogStreamARN"].split(":") if options else []
        self._target = (named[6], named[8]) if len(named) == 9 else None
        self._file = file
        self._flushed = 0
        self._followed: FollowedFile | None = None

    @property
    def where(self) -> str:
        return f"its log {self._target[0]}" if self._target else f"its log {self._file}"

    def say(self, line: str) -> None:
        """Log a line of the embedded AWS itself."""
        if self._target and self._is_there():
            say(self._logs, *self._target, [line])

    def flush(self, *, last: bool = False) -> None:
        size = self._file.stat().st_size if self._file.exists() else 0
        if self._target is None or size == self._flushed or not self._is_there():
            return
        self._flushed = size
        if self._followed is None:
            self._followed = FollowedFile(self._logs, self._file, *self._target, str, is_there=self._has_stream())
        self._followed.flush(last=last)

    def _has_stream(self) -> bool:
        assert self._target is not None
        group, stream = self._target
        found = self._logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]
        return any(each["logStreamName"] == stream for each in found)

    def _is_there(self) -> bool:
        assert self._target is not None
        found = self._logs.describe_log_groups(logGroupNamePrefix=self._target[0])["logGroups"]
        return any(group["logGroupName"] == self._target[0] for group in found)
