"""Notifies engines that a crawl or a job run has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Ended:
    """The end of a crawl or a job run.

    Attributes:
        name: the name of the crawler or the job.
        state: the final state in Glue's words: SUCCEEDED, FAILED, ...
        run: the id of the job run's first attempt. Empty for crawls.
    """

    kind: Literal["CRAWLER", "JOB"]
    region: str
    name: str
    state: str
    message: str = ""
    run: str = ""


class Events:
    """Calls every listener about an end, in the thread of the crawl or job run."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Ended], None]] = []

    def listen(self, listener: Callable[[Ended], None]) -> None:
        self._listeners.append(listener)

    def tell(self, event: Ended) -> None:
        for listener in self._listeners:
            listener(event)
