"""Run crawlers and show what they found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.configuration.connections import crawled_table
from lake.configuration.reading import Lake
from lake.configuration.suggest import allowed
from lake.data import partitions
from lake.errors import BadInput, LakeError

POLL_SECONDS = 1.0
SHOWN = 10
"""The maximum number of tables in a message."""
CRAWLER_LOGS = "/aws-glue/crawlers"
"""The log group of all crawlers of an account. Each crawler has a log stream in it."""


@dataclass(frozen=True)
class Crawled:
    """The outcome of a dataset's crawl. `status` is Glue's: SUCCEEDED, FAILED or CANCELLED. It is also FAILED if the
    crawl did not find exactly the dataset's table. `message` says why, or what the table lacks.
    """

    dataset: str
    status: str
    message: str
    columns: int
    partitions: int
    seconds: float


def crawled_datasets(aws: Aws) -> list[str]:
    """The datasets that have a crawler."""
    return [name for name, dataset in aws.lake.config.datasets.items() if dataset.catalog == "crawled"]


def crawl(aws: Aws, datasets: list[str], show: Callable[[str, str, str], None]) -> list[Crawled]:
    """Run the crawlers of datasets side by side and wait for all of them.

    Args:
        show: called at each poll with a dataset, the state of its crawl, and the last line that its crawler logged.

    Raises:
        BadInput: a dataset is not in lake.yaml, or has no crawler.
        LakeError: a crawler is not deployed.
    """
    for dataset in datasets:
        check_crawled(aws.lake, dataset)
    started = {dataset: _start(aws, dataset) for dataset in datasets}
    for dataset in started:
        show(dataset, "RUNNING", "")
    crawled: list[Crawled] = []
    while started:
        time.sleep(POLL_SECONDS)
        for dataset, outcome in _finished(aws, started):
            del started[dataset]
            crawled.append(outcome)
            show(dataset, outcome.status, "")
        for dataset, since in started.items():
            show(dataset, "RUNNING", _last_word(aws, dataset, since))
    return crawled


def _last_word(aws: Aws, dataset: str, since: float) -> str:
    """The crawler's last log line of this crawl, such as `Objects seen in s3://raw/flights/: 1,200`."""
    begun = int((time.time() - time.monotonic() + since) * 1000)
    try:
        events = aws.logs.get_log_events(
            logGroupName=CRAWLER_LOGS, logStreamName=aws.names.crawler(dataset), startTime=begun, limit=1
        )["events"]
    except ClientError:  # a crawl must not fail because its log cannot be read
        return ""
    return events[-1]["message"].partition(" : ")[2].strip() if events else ""


_WITHOUT_CRAWLER = {
    "projected": "Athena computes its partitions, so it sees new folders at once",
    "declared": "`lake put` registers its partitions. For files that arrived in another way: "
    "`lake query --database raw 'MSCK REPAIR TABLE {}'`",
}


def check_crawled(lake: Lake, dataset: str) -> None:
    """Raise BadInput for a dataset that is not in lake.yaml or has no crawler."""
    datasets = lake.config.datasets
    if dataset not in datasets:
        raise BadInput(f"there is no dataset {dataset!r} in lake.yaml. {allowed(dataset, datasets)}")
    table = datasets[dataset].catalog
    if table != "crawled":
        raise BadInput(f"{dataset} has no crawler: its table is {table}. {_WITHOUT_CRAWLER[table].format(dataset)}")


def _start(aws: Aws, dataset: str) -> float:
    try:
        with suppress(aws.glue.exceptions.CrawlerRunningException):
            aws.glue.start_crawler(Name=aws.names.crawler(dataset))
    except ClientError as error:
        if error_code(error) == "EntityNotFoundException":
            raise LakeError(f"the crawler of {dataset} does not exist. Deploy it first: `lake up catalog`") from None
        raise
    return time.monotonic()


def _finished(aws: Aws, started: dict[str, float]) -> Iterator[tuple[str, Crawled]]:
    for dataset, since in list(started.items()):
        crawler = aws.glue.get_crawler(Name=aws.names.crawler(dataset))["Crawler"]
        if crawler["State"] != "READY":
            continue
        last = crawler.get("LastCrawl", {})
        columns, count = table_size(aws, dataset)
        seconds = round(time.monotonic() - since, 1)
        status = last.get("Status", "FAILED")
        fault = _fault(aws, dataset, columns) if status == "SUCCEEDED" else ""
        message = last.get("ErrorMessage", "") or fault or partitions.unindexed(aws, dataset, count)
        yield dataset, Crawled(dataset, "FAILED" if fault else status, message, columns, count, seconds)


def _fault(aws: Aws, dataset: str, columns: int) -> str:
    """What is wrong with the result of a crawl; empty if it found exactly the dataset's table."""
    settings = aws.lake.config.datasets[dataset]
    if settings.connection:
        return "" if columns else "it found no table: see `connection` and `table` of the dataset in lake.yaml"
    others = [name for name in _made(aws, dataset) if name != dataset]
    see = f"See `lake crawl --dry-run {dataset}`, and correct or delete (`lake rm`) the files that do not belong there"
    if others:
        made = ", ".join(([dataset] if columns else []) + others[:SHOWN]) + (", ..." if len(others) > SHOWN else "")
        drop = f", then `lake query --database {settings.zone} 'DROP TABLE {others[0]}'`"
        return f"it made {len(others) + bool(columns)} tables, but a dataset is one table: {made}. {see}{drop}"
    bucket = aws.names.bucket(settings.zone)
    if columns:
        return ""
    if not aws.s3.list_objects_v2(Bucket=bucket, Prefix=f"{dataset}/", MaxKeys=1).get("Contents"):
        # Jobs may not have written to the curated zone yet.
        return (
            ""
            if settings.zone == "curated"
            else f"it found no columns: s3://{bucket}/{dataset}/ has no files. Upload some: `lake put {dataset}`"
        )
    return f"it found no columns. {see}"


def _made(aws: Aws, dataset: str) -> list[str]:
    """The names of the tables that the dataset's crawler made, without those it has marked as deprecated."""
    database = aws.names.database(aws.lake.config.datasets[dataset].zone)
    pages = aws.glue.get_paginator("get_tables").paginate(DatabaseName=database)
    tables = [(table["Name"], table.get("Parameters", {})) for page in pages for table in page["TableList"]]
    crawler = aws.names.crawler(dataset)
    own = [(name, parameters) for name, parameters in tables if parameters.get("UPDATED_BY_CRAWLER") == crawler]
    return sorted(name for name, parameters in own if "DEPRECATED_BY_CRAWLER" not in parameters)


def table_size(aws: Aws, dataset: str) -> tuple[int, int]:
    """(columns, partitions) of a dataset's table; zeros if it does not exist."""
    zone, name = aws.lake.config.datasets[dataset].zone, crawled_table(aws.lake.config, dataset)
    database = aws.names.database(zone)
    try:
        table = aws.glue.get_table(DatabaseName=database, Name=name)["Table"]
    except aws.glue.exceptions.EntityNotFoundException:
        return 0, 0
    pages = aws.glue.get_paginator("get_partitions").paginate(
        DatabaseName=database, TableName=name, ExcludeColumnSchema=True
    )
    count = sum(len(page["Partitions"]) for page in pages) if table.get("PartitionKeys") else 0
    return len(table["StorageDescriptor"]["Columns"]), count
