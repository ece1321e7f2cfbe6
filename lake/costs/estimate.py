"""What a lake costs: while nothing happens, by its schedules, and each time that something is done.

The bytes that people store, send and query are not in lake.yaml: for them the price of each is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from lake.configuration.model import JobSettings, ScriptJob, Stream, Workflow
from lake.configuration.names import ML
from lake.configuration.reading import Lake
from lake.costs.prices import Prices
from lake.costs.schedules import MONTH_HOURS, times_a_month

When = Literal["idle", "run", "use"]
DPUS = {"G.025X": 0.25, "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
SHELL_DPU = 0.0625
CRAWL_DPUS, CRAWL_HOURS = 2, 10 / 60
"""A crawl is billed for ten minutes at least. AWS does not say of how many DPUs: two is what bills show."""
KPU_GIGABYTES = 50
"""Storage that comes with each processing unit of a started application."""
BUILD_WORKERS = 2
"""Of a build of a training set."""
_ONLINE = {"write": "million KB", "read": "million 4 KB", "storage": "GB and month"}
QUERY_ALARMS, STREAM_ALARMS, APPLICATION_ALARMS = 3, 5, 3
"""As many as the stacks make, and a test counts."""
CONVERTED_EVENTS = "GB of events"


@dataclass(frozen=True)
class Cost:
    """A part of the bill, in US dollars.

    Attributes:
        when: `idle` costs by the month though nothing happens, `run` each time, `use` by what people store or send.
        usd: a month, a run, or a unit of use.
        unit: what `usd` is for.
        monthly: what it adds up to in a month; None where lake.yaml does not say how often.
    """

    stack: str
    service: str
    part: str
    when: When
    usd: float
    unit: str
    monthly: float | None = None


@dataclass(frozen=True)
class Estimate:
    """All of it, with the prices that it goes by."""

    prices: Prices
    minutes: float
    costs: list[Cost] = field(default_factory=list)

    @property
    def monthly(self) -> float:
        """What a month costs before anybody does anything by hand."""
        return sum(cost.monthly or 0 for cost in self.costs)

    @property
    def idle(self) -> float:
        return sum(cost.usd for cost in self.costs if cost.when == "idle")


def estimate(lake: Lake, prices: Prices, minutes: float) -> Estimate:
    """What the lake costs in its environment.

    Args:
        minutes: that a run of a job takes, which lake.yaml does not say.
    """
    found = Estimate(prices, minutes)
    parts = (_storage, _catalog, _etl, _athena, _streaming, _ml)
    found.costs.extend(cost for part in parts for cost in part(lake, found))
    return found


def _idle(stack: str, service: str, part: str, usd: float) -> Cost:
    return Cost(stack, service, part, "idle", usd, "month", usd)


def _use(stack: str, service: str, part: str, usd: float, unit: str) -> Cost:
    return Cost(stack, service, part, "use", usd, unit)


def _run(stack: str, part: str, usd: float, times: float, unit: str = "run") -> Cost:
    return Cost(stack, "Glue", part, "run", usd, unit, usd * times if times else None)


def _storage(lake: Lake, found: Estimate) -> Iterator[Cost]:
    yield _idle("storage", "KMS", "the lake's key", found.prices["kms_key"].usd)
    yield _idle("storage", "CloudWatch", "the dashboard", found.prices["dashboard"].usd)
    yield _use("storage", "S3", "files, and their old versions", found.prices["s3_storage"].usd, "GB and month")


def _alarms(stack: str, of: str, count: int, found: Estimate) -> Iterator[Cost]:
    if count:
        alarms = f"{count} alarm{'s' if count > 1 else ''} of {of}"
        yield _idle(stack, "CloudWatch", alarms, count * found.prices["alarm"].usd)


def _catalog(lake: Lake, found: Estimate) -> Iterator[Cost]:
    config = lake.config
    secrets = [name for name, connection in config.connections.items() if connection.type != "network"]
    for name in secrets:
        yield _idle("catalog", "Secrets Manager", f"secret of {name}", found.prices["secret"].usd)
    crawls = [dataset.crawl for dataset in config.datasets.values() if dataset.catalog == "crawled"]
    yield from _alarms("catalog", "stale tables", sum(crawl.stale_hours is not None for crawl in crawls), found)
    for name, dataset in config.datasets.items():
        if dataset.catalog == "crawled":
            yield _run("catalog", f"crawl of {name}", _crawl(found), times_a_month(dataset.crawl.schedule))


def _crawl(found: Estimate) -> float:
    return CRAWL_DPUS * CRAWL_HOURS * found.prices["crawler"].usd


def _etl(lake: Lake, found: Estimate) -> Iterator[Cost]:
    config = lake.config
    if any(job.encryption for job in config.every_job.values()):
        yield _idle("etl", "KMS", "key of the jobs' logs", found.prices["kms_key"].usd)
    stale = sum(job.stale_hours is not None for job in config.every_job.values())
    yield from _alarms("etl", "stale tables", stale, found)
    for name, job in config.every_job.items():
        yield _run("etl", f"run of {name}", _job(job, found), 0, "hour" if _is_streaming(job) else "run")
    for name, workflow in config.workflows.items():
        usd = sum(_steps(lake, workflow, found))
        yield _run("etl", f"workflow {name}", usd, times_a_month(workflow.schedule))
    if config.every_job:
        yield _use("etl", "CloudWatch", "logs of jobs", found.prices["logs"].usd, "GB")


def _steps(lake: Lake, workflow: Workflow, found: Estimate) -> Iterator[float]:
    for step in workflow.steps:
        yield len(step.crawl) * _crawl(found)
        for name in step.run:
            yield _job(lake.config.every_job[name], found)


def _job(job: JobSettings, found: Estimate) -> float:
    """A run with all its workers. Autoscaling may start fewer; AWS bills a minute at least."""
    hours = 1 if _is_streaming(job) else max(found.minutes, 1) / 60
    if isinstance(job, ScriptJob) and job.type == "shell":
        return SHELL_DPU * hours * found.prices["glue"].usd
    price = found.prices["glue_flex" if job.flex else "glue"].usd
    return DPUS[job.worker_type] * job.workers * hours * price


def _is_streaming(job: JobSettings) -> bool:
    """Such a job does not end by itself: its price is that of an hour."""
    return isinstance(job, ScriptJob) and job.type == "streaming"


def _athena(lake: Lake, found: Estimate) -> Iterator[Cost]:
    yield from _alarms("athena", "queries", QUERY_ALARMS, found)
    price, most = found.prices["athena"].usd, lake.config.queries.bytes_scanned_cutoff / 1e12
    yield _use("athena", "Athena", "bytes that queries read", price, "TB")
    yield _use("athena", "Athena", "the dearest query that bytes_scanned_cutoff lets through", price * most, "query")


def _streaming(lake: Lake, found: Estimate) -> Iterator[Cost]:
    for name, stream in lake.config.streams.items():
        results = [f"{name}_{result}" for result in stream.results]
        if stream.delivery.source == "kinesis":
            yield _kinesis(name, stream, found)
        for result in results:
            yield _idle("streaming", "Kinesis", f"shard of {result}", MONTH_HOURS * found.prices["kinesis_shard"].usd)
        if results:
            yield _application(name, stream, found)
        alarms = STREAM_ALARMS + (APPLICATION_ALARMS if results else 0)
        yield from _alarms("streaming", name, alarms, found)
        yield _use("streaming", "Firehose", f"delivery of {name}", _delivered(stream, found), CONVERTED_EVENTS)


def _ml(lake: Lake, found: Estimate) -> Iterator[Cost]:
    """Builds of training sets, and feature groups. The price of training is that of the model's instance."""
    build = DPUS["G.1X"] * BUILD_WORKERS * max(found.minutes, 1) / 60 * found.prices["glue"].usd
    for name, training_set in lake.config.training_sets.items():
        yield _run(ML, f"build of {name}", build, 0)
        if training_set.drift:
            yield _run(ML, f"drift of {name}", build, times_a_month(training_set.drift.schedule))
    for name in (name for name, group in lake.config.feature_groups.items() if group.online):
        for what, unit in _ONLINE.items():
            yield _use(
                ML, "SageMaker", f"online features of {name}: {what}", found.prices[f"features_{what}"].usd, unit
            )


def _kinesis(name: str, stream: Stream, found: Estimate) -> Cost:
    if stream.mode == "on_demand":
        usd = MONTH_HOURS * found.prices["kinesis_on_demand"].usd
        return _idle("streaming", "Kinesis", f"{name}, on demand", usd)
    shards = f"{stream.shards} shard{'s' if stream.shards > 1 else ''} of {name}"
    return _idle("streaming", "Kinesis", shards, stream.shards * MONTH_HOURS * found.prices["kinesis_shard"].usd)


def _application(name: str, stream: Stream, found: Estimate) -> Cost:
    """Started, it has the units of its parallelism, and one more that AWS bills for orchestration."""
    settings = stream.application
    units = -(-settings.parallelism // settings.parallelism_per_kpu)
    hourly = (units + 1) * MONTH_HOURS * found.prices["flink"].usd
    stored = units * KPU_GIGABYTES * found.prices["flink_storage"].usd
    part = f"application of {name} while it runs: {units} + 1 KPU"
    return _idle("streaming", "Flink", part, hourly + stored)


def _delivered(stream: Stream, found: Estimate) -> float:
    """Firehose bills an event as a multiple of 5 KB: small ones cost more."""
    prices, delivery = found.prices, stream.delivery
    conversion = prices["firehose_conversion"].usd if delivery.is_converted else 0
    partitioning = prices["firehose_partitioning"].usd if delivery.is_partitioned else 0
    return prices["firehose"].usd + conversion + partitioning
