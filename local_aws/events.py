"""What one engine tells the others: a crawl or a job run has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Ended:
    """The end of a crawl or a job run.

    Attributes:
        name: of the crawler or the job.
        state: Glue's word for the end: SUCCEEDED, FAILED, ...
        run: the job run's id, of the first attempt where there were several. Crawls have none here.
    """

    kind: Literal["CRAWLER", "JOB"]
    region: str
    name: str
    state: str
    message: str = ""
    run: str = ""


class Events:
    """Tells every listener of what has ended, in the thread of what ended."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Ended], None]] = []

    def listen(self, listener: Callable[[Ended], None]) -> None:
        self._listeners.append(listener)

    def tell(self, event: Ended) -> None:
        for listener in self._listeners:
            listener(event)
