"""A crawler's log in CloudWatch Logs."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import Any

from local_aws.protocol import Document

LOG_GROUP = "/aws-glue/crawlers"
_LOG_BATCH = 1000


@dataclass
class CrawlLog:
    """The log stream of a crawler, in CloudWatch Logs. Lines carry the crawl's id."""

    logs: Any
    stream: str
    crawl_id: str
    _lines: list[Document] = field(default_factory=list)
    _last_written: float = 0.0

    def info(self, message: str) -> None:
        self._add("INFO", message)

    def warn(self, message: str) -> None:
        self._add("WARN", message)

    def error(self, message: str) -> None:
        self._add("ERROR", message)

    def progress(self, message: str) -> None:
        """As `info`, but sent at once. Within a second, only the first message is logged."""
        if time.monotonic() - self._last_written >= 1:
            self._last_written = time.monotonic()
            self.info(message)
            self.flush()

    def benchmark(self, message: str) -> None:
        self._add("BENCHMARK", message)
        self.flush()

    def flush(self) -> None:
        """Send the collected lines; the group and the stream are created if missing."""
        lines, self._lines = self._lines, []
        exists = self.logs.exceptions.ResourceAlreadyExistsException
        with contextlib.suppress(exists):
            self.logs.create_log_group(logGroupName=LOG_GROUP)
        with contextlib.suppress(exists):
            self.logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=self.stream)
        for start in range(0, len(lines), _LOG_BATCH):
            events = lines[start : start + _LOG_BATCH]
            self.logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=self.stream, logEvents=events)

    def _add(self, level: str, message: str) -> None:
        line = f"[{self.crawl_id}] {level} : {message}"
        self._lines.append({"timestamp": int(time.time() * 1000), "message": line})
