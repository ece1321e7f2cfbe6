"""Glue's crawlers: the emulator keeps their definitions, and the crawls are ours."""

from __future__ import annotations

import logging
import statistics
import time
from datetime import datetime
from typing import Any

from local_aws.context import Context
from local_aws.crawlers.merge import DEFAULT_POLICIES
from local_aws.crawlers.runs import Runs
from local_aws.crawlers.schedule import Clock, expression_of, is_due
from local_aws.pages import newest, paged
from local_aws.protocol import AwsError, Call, Document, Handlers

log = logging.getLogger("local_aws.crawlers")

_KEPT = ("LakeFormationConfiguration",)
"""Fields of CreateCrawler that the emulator drops."""
_DECIDE_WHAT_IS_FOUND = ("Targets", "DatabaseName", "TablePrefix", "Classifiers", "Configuration", "RecrawlPolicy")
_METRICS = ("TablesCreated", "TablesUpdated", "TablesDeleted")


def handlers(context: Context) -> Handlers:
    runs = Runs(context)
    runs.fail_interrupted()
    if context.was_killed:
        runs.list_again()
    crawlers = Crawlers(context, runs)
    Clock(crawlers.start_due).start()
    return {
        ("glue", "CreateCrawler"): crawlers.create,
        ("glue", "UpdateCrawler"): crawlers.update,
        ("glue", "DeleteCrawler"): crawlers.delete,
        ("glue", "GetCrawler"): crawlers.get,
        ("glue", "GetCrawlers"): crawlers.get_all,
        ("glue", "BatchGetCrawlers"): crawlers.batch_get,
        ("glue", "ListCrawlers"): crawlers.names,
        ("glue", "StartCrawler"): crawlers.start,
        ("glue", "StopCrawler"): crawlers.stop,
        ("glue", "GetCrawlerMetrics"): crawlers.metrics,
        ("glue", "ListCrawls"): crawlers.crawls,
        ("glue", "StartCrawlerSchedule"): crawlers.start_schedule,
        ("glue", "StopCrawlerSchedule"): crawlers.stop_schedule,
        ("glue", "UpdateCrawlerSchedule"): crawlers.update_schedule,
    }


class Crawlers:
    """The Glue API calls for crawlers."""

    def __init__(self, context: Context, runs: Runs) -> None:
        self._context = context
        self._runs = runs

    def create(self, call: Call) -> Document:
        _check_schedule(call)
        answer = call.forward_unchanged()
        kept = {field: call.payload[field] for field in _KEPT if field in call.payload}
        self._runs.remember(_key(call), Scheduled=bool(call.payload.get("Schedule")), **kept)
        return answer

    def update(self, call: Call) -> Document:
        _check_schedule(call)
        self._refuse_while_running(call)
        before = self._existing(call, "Name")
        answer = call.forward_unchanged()
        kept = {field: call.payload[field] for field in _KEPT if field in call.payload}
        after = self._existing(call, "Name")
        if any(before.get(field) != after.get(field) for field in _DECIDE_WHAT_IS_FOUND):
            kept["Listed"] = False
        if "Schedule" in call.payload:
            kept["Scheduled"] = bool(call.payload["Schedule"])
        self._runs.remember(_key(call), **kept)
        return answer

    def delete(self, call: Call) -> Document:
        self._refuse_while_running(call)
        answer = call.forward_unchanged()
        self._runs.forget(_key(call))
        return answer

    def get(self, call: Call) -> Document:
        return {"Crawler": self._described(call.region, call.forward_unchanged()["Crawler"])}

    def get_all(self, call: Call) -> Document:
        answer = call.forward_unchanged()
        return {**answer, "Crawlers": [self._described(call.region, found) for found in answer["Crawlers"]]}

    def batch_get(self, call: Call) -> Document:
        existing = {crawler["Name"]: crawler for crawler in self._all(call.region)}
        names = call.required("CrawlerNames")
        return {
            "Crawlers": [existing[name] for name in names if name in existing],
            "CrawlersNotFound": [name for name in names if name not in existing],
        }

    def names(self, call: Call) -> Document:
        return {"CrawlerNames": [crawler["Name"] for crawler in self._all(call.region)]}

    def start(self, call: Call) -> Document:
        self._runs.start(call.region, self._existing(call, "Name"))
        return {}

    def stop(self, call: Call) -> Document:
        self._existing(call, "Name")
        self._runs.stop(_key(call))
        return {}

    def metrics(self, call: Call) -> Document:
        existing = [crawler["Name"] for crawler in self._all(call.region)]
        names = call.payload.get("CrawlerNameList") or existing
        states = {name: self._runs.state(f"{call.region}/{name}") for name in names if name in existing}
        return {"CrawlerMetricsList": [_metrics(name, state) for name, state in states.items()]}

    def crawls(self, call: Call) -> Document:
        """Newest first, 20 unless the call says how many."""
        self._existing(call, "CrawlerName")
        payload = {"MaxResults": 20, **call.payload}
        return paged("Crawls", self._runs.history(_key(call, "CrawlerName")), payload, newest("StartTime", "CrawlId"))

    def start_schedule(self, call: Call) -> Document:
        crawler = self._existing(call, "CrawlerName")
        if not crawler["Schedule"]:
            raise AwsError("NoScheduleException", f"Crawler {crawler['Name']} has no schedule")
        if crawler["Schedule"]["State"] == "SCHEDULED":
            raise AwsError("SchedulerRunningException", f"The schedule of {crawler['Name']} is running")
        self._runs.remember(_key(call, "CrawlerName"), Scheduled=True)
        return {}

    def stop_schedule(self, call: Call) -> Document:
        crawler = self._existing(call, "CrawlerName")
        if crawler["Schedule"].get("State") != "SCHEDULED":
            raise AwsError("SchedulerNotRunningException", f"The schedule of {crawler['Name']} isn't running")
        self._runs.remember(_key(call, "CrawlerName"), Scheduled=False)
        return {}

    def update_schedule(self, call: Call) -> Document:
        schedule = call.payload.get("Schedule") or ""
        self._glue(call.region).update_crawler(Name=call.required("CrawlerName"), Schedule=schedule)
        return {}

    def start_due(self, after: datetime, until: datetime) -> None:
        """Start every crawler whose schedule has a time in (after, until], unless it is still running."""
        for region in self._runs.regions():
            for crawler in self._all(region):
                schedule = crawler["Schedule"]
                if schedule.get("State") == "SCHEDULED" and is_due(schedule["ScheduleExpression"], after, until):
                    self._start_unless_busy(region, crawler)

    def _start_unless_busy(self, region: str, crawler: Document) -> None:
        try:
            self._runs.start(region, crawler)
        except AwsError as error:
            log.info("The schedule of a crawler found it busy: %s", error.message)

    def _described(self, region: str, crawler: Document) -> Document:
        """Return the emulator's crawler with its real state, and the fields that AWS fills in."""
        state = self._runs.state(f"{region}/{crawler['Name']}")
        elapsed = time.time() - state["StartTime"] if state["State"] != "READY" else 0
        policies = {name: {**default, **(crawler.get(name) or {})} for name, default in DEFAULT_POLICIES.items()}
        last = {"LastCrawl": state["LastCrawl"]} if "LastCrawl" in state else {}
        return {
            **{field: value for field, value in crawler.items() if field != "LastCrawl"},
            **policies,
            **{field: state[field] for field in _KEPT if field in state},
            "Schedule": _schedule(crawler, state),
            "State": state["State"],
            "CrawlElapsedTime": int(elapsed * 1000),
            **last,
        }

    def _all(self, region: str) -> list[Document]:
        pages = self._glue(region).get_paginator("get_crawlers").paginate()
        return [crawler for page in pages for crawler in page["Crawlers"]]

    def _existing(self, call: Call, field: str) -> Document:
        glue, name = self._glue(call.region), call.required(field)
        try:
            crawler: Document = glue.get_crawler(Name=name)["Crawler"]
        except glue.exceptions.EntityNotFoundException:
            raise AwsError("EntityNotFoundException", f"Crawler with name {name} does not exist") from None
        return crawler

    def _refuse_while_running(self, call: Call) -> None:
        if self._runs.state(_key(call))["State"] != "READY":
            raise AwsError("CrawlerRunningException", f"Crawler with name {call.payload['Name']} is running")

    def _glue(self, region: str) -> Any:
        return self._context.client("glue", region)


def _key(call: Call, field: str = "Name") -> str:
    return f"{call.region}/{call.required(field)}"


def _schedule(crawler: Document, state: Document) -> Document:
    expression = (crawler.get("Schedule") or {}).get("ScheduleExpression")
    if not expression:
        return {}
    running = state.get("Scheduled", True)
    return {"ScheduleExpression": expression, "State": "SCHEDULED" if running else "NOT_SCHEDULED"}


def _metrics(name: str, state: Document) -> Document:
    runtimes = state.get("Runtimes") or [0.0]
    return {
        "CrawlerName": name,
        "TimeLeftSeconds": 0.0,
        "StillEstimating": state["State"] != "READY",
        "LastRuntimeSeconds": runtimes[-1],
        "MedianRuntimeSeconds": statistics.median(runtimes),
        **{metric: state.get(metric, 0) for metric in _METRICS},
    }


def _check_schedule(call: Call) -> None:
    if schedule := call.payload.get("Schedule"):
        try:
            expression_of(schedule)
        except ValueError as error:
            raise AwsError("InvalidInputException", f"{call.action}: {error}") from None
