"""The logs of jobs, crawlers and streams, from CloudWatch Logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple

from lake.aws import Aws
from lake.configuration.suggest import hint
from lake.data import catalog
from lake.errors import BadInput, LakeError
from lake.running import jobs, runs

KINDS = ("job", "crawler", "stream")
POLL_SECONDS = 1.0
_MOST = 10_000
GRACE_SECONDS = 5.0
"""The maximum number of events per call."""


@dataclass(frozen=True)
class Line:
    """A line of a log. `source` is a short name of its log group: output, error, crawler, firehose, lambda or flink."""

    at: datetime
    source: str
    text: str


class Place(NamedTuple):
    source: str
    group: str
    stream: str


@dataclass(frozen=True)
class Log:
    """The log of a run, a crawl or a stream.

    Attributes:
        what: its description in messages, such as `the run jr_1 of flights`.
        streams: gets the log streams that exist now. A run has one for each of its machines.
        only: the prefix of its lines, if other logs share the stream.
        is_over: returns whether the log is complete.
        nothing: the message if there is no line yet.
    """

    what: str
    streams: Callable[[], Sequence[Place]]
    is_over: Callable[[], bool]
    nothing: str
    only: str = ""


def find(aws: Aws, name: str, kind: str | None = None, run: str | None = None) -> Log:
    """The log of a job's run, of a crawler's last crawl, or of a stream's delivery and application.

    Args:
        name: the name in lake.yaml; for a crawler, that of its dataset.
        kind: `job`, `crawler` or `stream`, if the name is more than one of them.
        run: for a job, a run id or its beginning; by default the last run.

    Raises:
        BadInput: the name is none of them, or more than one.
        LakeError: there is nothing yet.
    """
    found = _kind(aws, name, kind or ("job" if run and name in aws.lake.config.every_job else None))
    if found == "job":
        return _of_job(aws, name, run)
    if run:
        raise BadInput(f"--run is for a job, and {name} is a {found}")
    return _of_crawler(aws, name) if found == "crawler" else _of_stream(aws, name)


def _kind(aws: Aws, name: str, kind: str | None) -> str:
    """The kind of the name in lake.yaml: the only one, or the given one."""
    config = aws.lake.config
    named = {"job": list(config.every_job), "crawler": list(config.datasets), "stream": list(config.streams)}
    kinds = [each for each in KINDS if name in named[each] and kind in (None, each)]
    if not kinds:
        known = "; ".join(f"{each}s {', '.join(names)}" for each, names in named.items() if names)
        choices = f"Allowed: {known}.{hint(name, chain(*named.values()))}".removesuffix(".")
        raise BadInput(f"there is no {kind or 'job, crawler or stream'} {name!r} in lake.yaml. {choices}")
    if len(kinds) > 1:
        choice = " or ".join(f"--of {each}" for each in kinds)
        raise BadInput(f"{name} is a {' and a '.join(kinds)}. Choose one with {choice}")
    if kinds == ["crawler"]:
        catalog.check_crawled(aws.lake, name)
    return kinds[0]


def lines(aws: Aws, log: Log, last: int) -> list[Line]:
    """The last lines of a log, oldest first."""
    return _started(aws, log, last)[0]


def follow(aws: Aws, log: Log, last: int) -> Iterator[Line]:
    """The last lines of a log, then new ones until the log is complete."""
    found, tokens = _started(aws, log, last)
    yield from found
    ended = None
    # AWS shows new lines only after some seconds.
    grace = 0 if aws.lake.environment.endpoint else GRACE_SECONDS
    while True:
        fresh = [line for place in log.streams() for line in _fresh(aws, log, place, tokens)]
        yield from sorted(fresh, key=lambda line: line.at)
        if ended is not None and not fresh and time.monotonic() >= ended + grace:
            return
        if ended is None and log.is_over():
            ended = time.monotonic()
        elif not fresh:
            time.sleep(POLL_SECONDS)


Tokens = dict[Place, str]
"""Log stream -> the token to continue reading from."""


def _started(aws: Aws, log: Log, last: int) -> tuple[list[Line], Tokens]:
    """The last lines, and where to continue reading."""
    tokens: Tokens = {}
    found: list[Line] = []
    for place in log.streams():
        # Lines of other logs in a shared stream are skipped.
        answer = _events(aws, place, limit=_MOST if log.only else max(last, 1))
        if answer:
            tokens[place] = answer["nextForwardToken"]
            found += _lines(log, place.source, answer["events"])
    found.sort(key=lambda line: line.at)
    return found[-last:] if last else [], tokens


def _fresh(aws: Aws, log: Log, place: Place, tokens: Tokens) -> list[Line]:
    position: dict[str, Any] = {"nextToken": tokens[place]} if place in tokens else {}
    answer = _events(aws, place, startFromHead=True, **position)
    if answer:
        tokens[place] = answer["nextForwardToken"]
    return list(_lines(log, place.source, answer["events"] if answer else []))


def _events(aws: Aws, place: Place, **options: Any) -> Any:
    """One page of events; None if the group or stream does not exist yet."""
    try:
        return aws.logs.get_log_events(logGroupName=place.group, logStreamName=place.stream, **options)
    except aws.logs.exceptions.ResourceNotFoundException:
        return None


def _lines(log: Log, source: str, events: list[Any]) -> Iterator[Line]:
    for event in events:
        if event["message"].startswith(log.only):
            text = event["message"].removeprefix(log.only).strip("\n")
            yield Line(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), source, text)


def _of_job(aws: Aws, job: str, given: str | None) -> Log:
    run = runs.find(aws, given) if given else next(runs.of_job(aws, job, 1), None)
    if run is None:
        raise LakeError(f"the job {job} has never run. Start it: `lake run {job}`")
    if run.name != job or run.kind != "job":
        raise BadInput(f"the run {run.id} belongs to {run.name}, not to {job}")

    def is_over() -> bool:
        found = aws.glue.get_job_run(JobName=aws.names.job(job), RunId=run.id)["JobRun"]
        return found["JobRunState"] in jobs.ENDED

    def streams() -> list[Place]:
        groups = {kind: jobs.log_group(aws, job, kind) for kind in ("output", "error")}
        return [
            Place(kind, group, name) for kind, group in groups.items() for name in _streams_of_run(aws, group, run.id)
        ]

    what = f"the run {run.id} of {job}"
    return Log(what, streams, is_over, f"{what} is {run.state} and has logged nothing yet")


def _of_crawler(aws: Aws, dataset: str) -> Log:
    name = aws.names.crawler(dataset)
    try:
        crawls = aws.glue.list_crawls(CrawlerName=name)["Crawls"]
    except aws.glue.exceptions.EntityNotFoundException:
        raise LakeError(f"the crawler of {dataset} does not exist. Deploy it first: `lake up catalog`") from None
    if not crawls:
        raise LakeError(f"the crawler of {dataset} has never run. Start it: `lake crawl {dataset}`")
    last = max(crawls, key=lambda crawl: crawl["StartTime"])
    is_over = lambda: aws.glue.get_crawler(Name=name)["Crawler"]["State"] == "READY"  # noqa: E731
    what = f"the last crawl of {dataset}"
    nothing = f"{what} is {last['State']} and has logged nothing yet"
    streams = [Place("crawler", catalog.CRAWLER_LOGS, name)]
    return Log(what, lambda: streams, is_over, nothing, f"[{last['CrawlId']}] ")


def _of_stream(aws: Aws, stream: str) -> Log:
    results = [f"{stream}_{result}" for result in aws.lake.config.streams[stream].results]
    parts = [(service, name) for name in (stream, *results) for service in ("firehose", "lambda")]
    groups = [(service, aws.names.log_group(service, name)) for service, name in (*parts, ("flink", stream))]
    found = [Place(service, group, name) for service, group in groups for name in _streams_of(aws, group)]
    what = f"the stream {stream}"
    nothing = f"{what} has logged nothing. Firehose logs only errors, and a Flink application only after it was started"
    return Log(what, lambda: found, lambda: False, nothing)


def _streams_of_run(aws: Aws, group: str, run_id: str) -> list[str]:
    """The log streams of a run's driver and executors, or of its only process."""
    try:
        pages = aws.logs.get_paginator("describe_log_streams").paginate(logGroupName=group, logStreamNamePrefix=run_id)
        names = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    except aws.logs.exceptions.ResourceNotFoundException:
        return []
    return [name for name in names if name.removeprefix(run_id)[:1] in ("", "-")]


def _streams_of(aws: Aws, group: str) -> list[str]:
    try:
        answer = aws.logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True, limit=1)
    except aws.logs.exceptions.ResourceNotFoundException:
        return []
    return [found["logStreamName"] for found in answer["logStreams"]]
