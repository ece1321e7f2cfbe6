"""The state of crawls: what each crawler is doing and has done."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, ClientError

from local_aws import disk
from local_aws.context import ACCOUNT, Context
from local_aws.crawlers.catalog import Changes
from local_aws.crawlers.crawl import Crawl, StoppedError
from local_aws.crawlers.formats import UnsupportedError
from local_aws.crawlers.jdbc import DatabaseError
from local_aws.crawlers.logs import LOG_GROUP, CrawlLog
from local_aws.events import Ended
from local_aws.protocol import AwsError, Document
from local_aws.reasons import reason
from local_aws.startup import once_answering

STATES = "crawlers"
_CRAWLS = "crawls"
_SESSION = "AWS-Crawler"
"""As AWS names the sessions of all crawls."""
_DIED = "The embedded AWS ended while this crawl was running."
_ENDED_AS = {"SUCCEEDED": "COMPLETED", "CANCELLED": "STOPPED", "FAILED": "FAILED"}
"""ListCrawls names the end of a crawl differently than LastCrawl."""

log = logging.getLogger("local_aws.crawlers")


class Runs:
    """The crawls of all crawlers. A crawler's key is `region/name`; its state is kept in the store."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._lock = threading.Lock()
        self._stops: dict[str, threading.Event] = {}

    def state(self, key: str) -> Document:
        """Return `State` and, if set, StartTime, LastCrawl, Runtimes (seconds), TablesCreated, ..."""
        return {"State": "READY", **(self._store.get(STATES, key) or {})}

    def regions(self) -> set[str]:
        return {key.partition("/")[0] for key in self._store.all(STATES)}

    def remember(self, key: str, **fields: object) -> None:
        self._store.update(STATES, key, **fields)

    def history(self, key: str) -> list[Document]:
        """Return the crawls of a crawler as in ListCrawls, oldest first."""
        found = [crawl for crawl in self._store.all(_CRAWLS).values() if crawl["Crawler"] == key]
        return [{name: value for name, value in crawl.items() if name != "Crawler"} for crawl in found]

    def forget(self, key: str) -> None:
        for crawl in self.history(key):
            self._store.delete(_CRAWLS, crawl["CrawlId"])
        self._store.delete(STATES, key)

    def fail_interrupted(self) -> None:
        """Mark crawls that were running when the process ended as FAILED."""
        states = self._store.all(STATES).items()
        died = {key: state["CrawlId"] for key, state in states if state.get("State", "READY") != "READY"}
        for key, crawl_id in died.items():
            self._finish(key, crawl_id, "FAILED", _DIED, Changes())
        if died:
            once_answering(self._context.endpoint, lambda: self._log_interrupted(died))

    def _log_interrupted(self, crawls: Mapping[str, str]) -> None:
        for key, crawl_id in crawls.items():
            region, _, name = key.partition("/")
            self._log_end(CrawlLog(self._context.client("logs", region), name, crawl_id), "FAILED", _DIED)

    def list_again(self) -> None:
        """Make the next crawl of each crawler list its targets, also in event mode: messages may have been lost."""
        for key in self._store.all(STATES):
            self.remember(key, Listed=False)

    def start(self, region: str, crawler: Document) -> None:
        """Begin a crawl in its own thread.

        Raises:
            AwsError: CrawlerRunningException, if the last crawl is not over.
        """
        name = crawler["Name"]
        key, crawl_id, begun = f"{region}/{name}", str(uuid.uuid4()), time.time()
        with self._lock:
            if self.state(key)["State"] != "READY":
                raise AwsError("CrawlerRunningException", f"Crawler with name {name} has already started")
            self._stops[key] = threading.Event()
            with self._store.transaction():
                self.remember(key, State="RUNNING", CrawlId=crawl_id, StartTime=begun)
                self._store.put(_CRAWLS, crawl_id, {"Crawler": key, **_beginning(name, crawl_id, begun)})
        work = (key, region, crawler, crawl_id)
        threading.Thread(target=self._run, args=work, name=f"crawl-{name}", daemon=True).start()

    def stop(self, key: str) -> None:
        """Ask a crawl to end.

        Raises:
            AwsError: CrawlerStoppingException or CrawlerNotRunningException.
        """
        with self._lock:
            state, name = self.state(key)["State"], key.partition("/")[2]
            if state == "STOPPING":
                raise AwsError("CrawlerStoppingException", f"Crawler with name {name} is stopping")
            if state == "READY":
                raise AwsError("CrawlerNotRunningException", f"Crawler with name {name} isn't running")
            self._stops[key].set()
            self.remember(key, State="STOPPING")

    def _run(self, key: str, region: str, crawler: Document, crawl_id: str) -> None:
        lines = CrawlLog(self._context.client("logs", region), crawler["Name"], crawl_id)
        status, message, changes = "FAILED", "", Changes()
        try:
            acting = self._acting(region, crawler)
            lines.logs = acting.client("logs", region)
            lines.benchmark(f"Running Start Crawl for Crawler {crawler['Name']}")
            listed = bool(self.state(key).get("Listed"))
            changes = Crawl(acting, region, crawler, lines, self._stops[key], listed).run()
            self.remember(key, Listed=True)
            status = "SUCCEEDED"
        except StoppedError:
            status = "CANCELLED"
        except (UnsupportedError, DatabaseError) as error:
            message = str(error)
        except ClientError as error:
            message = disk.reason_of(error, self._context.folder) or reason(error)
        except Exception as error:
            log.exception("The crawler %s failed", key)
            internal = f"Internal Service Exception: {reason(error)}"
            message = disk.reason_of(error, self._context.folder) or internal
        disk.once_there_is_room(lambda: self.remember(key, State="STOPPING"))
        self._log_end(lines, status, message)
        disk.once_there_is_room(lambda: self._finish(key, crawl_id, status, message, changes))
        self._context.events.tell(Ended("CRAWLER", region, crawler["Name"], status, message))

    def _acting(self, region: str, crawler: Document) -> Context:
        """Who the crawl is: its crawler's role. Raises ClientError."""
        source = f"arn:aws:glue:{region}:{ACCOUNT}:crawler/{crawler['Name']}"
        return self._context.acting_as(crawler["Role"], "glue", _SESSION, source=source)

    def _log_end(self, lines: CrawlLog, status: str, message: str) -> None:
        if message:
            lines.error(message)
        try:
            lines.benchmark(f"Crawler has finished running ({status}) and is in state READY")
        except (ClientError, BotoCoreError):
            log.exception("The last log lines of the crawl %s are lost", lines.crawl_id)

    def _finish(self, key: str, crawl_id: str, status: str, message: str, changes: Changes) -> None:
        begun, ended = self.state(key)["StartTime"], time.time()
        error = {"ErrorMessage": message} if message else {}
        last = _beginning(key.partition("/")[2], crawl_id, begun)
        last = {name: value for name, value in last.items() if name not in ("CrawlId", "State")}
        with self._store.transaction():
            self._store.update(_CRAWLS, crawl_id, State=_ENDED_AS[status], EndTime=ended, **error)
            self.remember(
                key,
                State="READY",
                LastCrawl={**last, "Status": status, **error},
                Runtimes=[*self.state(key).get("Runtimes", []), ended - begun],
                TablesCreated=changes.created,
                TablesUpdated=changes.updated,
                TablesDeleted=changes.deleted,
            )


def _beginning(name: str, crawl_id: str, begun: float) -> Document:
    return {
        "CrawlId": crawl_id,
        "State": "RUNNING",
        "StartTime": begun,
        "LogGroup": LOG_GROUP,
        "LogStream": name,
        "MessagePrefix": crawl_id,
    }
