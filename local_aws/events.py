"""What one engine tells the others: a crawl, a job run or a query has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Ended:
    """The end of a crawl, a job run or a query.

    Attributes:
        name: of the crawler, the job or the work group.
        state: the service's word for the end: SUCCEEDED, FAILED, ...
        run: the job run's id, of the first attempt where there were several. Crawls have none here.
        type: of a query: DML, DDL or UTILITY.
        millis: that a query took.
        bytes: that a query has read.
    """

    kind: Literal["CRAWLER", "JOB", "QUERY"]
    region: str
    name: str
    state: str
    message: str = ""
    run: str = ""
    type: str = ""
    millis: int = 0
    bytes: int = 0


class Events:
    """Calls every listener about an end, in the thread of the crawl or job run."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Ended], None]] = []

    def listen(self, listener: Callable[[Ended], None]) -> None:
        self._listeners.append(listener)

    def tell(self, event: Ended) -> None:
        for listener in self._listeners:
            listener(event)
