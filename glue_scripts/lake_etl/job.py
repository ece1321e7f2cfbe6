"""A job run: reads the source, applies the steps, writes and registers the table, and accounts for every row."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import boto3
from botocore.exceptions import ClientError
from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession

from lake_etl.binary_source import Damage
from lake_etl.cast_nulls import WARN_OVER, cast_nulls, summary
from lake_etl.catalog import Locations, NoTable, Table, find_table
from lake_etl.csv_rows import with_multiline
from lake_etl.database import find_database, is_of_reading, refusal
from lake_etl.database_sink import Load, loading, read_database_sink
from lake_etl.database_source import read_database
from lake_etl.entry import run_to_end, specification
from lake_etl.errors import JobError, NotYetWritten, check_options, of_query, unknown
from lake_etl.expectations import Judged, check, judge, read_rules
from lake_etl.feature_store import add_features
from lake_etl.files import Batches, Files
from lake_etl.incremental import checkpoint_of, each_batch, total
from lake_etl.progress import reporting
from lake_etl.quarantine import Quarantine
from lake_etl.report import account, check_balance, observed
from lake_etl.results import publish_results
from lake_etl.sink import Written, read_sink
from lake_etl.source import NO_DAMAGE, Source, read_source
from lake_etl.steps import Applied, apply_steps, check_steps, keep_rejects, leaves_unread, rows_after
from lake_etl.transforms.convert import converted
from lake_etl.versions import remove_unused, run_folder

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # Blocks of S3 objects have no locality, and asking for it costs a call per file.
    "spark.sql.sources.ignoreDataLocality": "true",
    # Nested folders of small files (year/month/day/hour) are listed in parallel from the months on.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "8",
    # The optimizer would remove an empty branch from the plan, and the counts observed in it.
    "spark.sql.adaptive.optimizer.excludedRules": "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation",
    "spark.sql.optimizer.excludedRules": ",".join(
        f"org.apache.spark.sql.catalyst.optimizer.{rule}" for rule in ("PropagateEmptyRelation", "PruneFilters")
    ),
    # A row that a filter below its count drops, because no other side of a join has its key, is not counted. No dataset
    # has partitions of Spark's own, and to look for them through all that is computed of a wide line takes all memory.
    "spark.sql.optimizer.dynamicPartitionPruning.enabled": "false",
    "spark.sql.optimizer.runtime.bloomFilter.enabled": "false",
    # Of a key that is twice in a map of JSON, the last value counts.
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    # Keep dates and timestamps of any century unchanged: no file is treated as written by Spark 2.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
}


def main() -> None:
    """Run the job of the command line."""
    run_to_end(run)


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parse the job's arguments. Glue adds its own; unknown arguments are ignored."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in (
        "JOB_NAME",
        "spec",
        "raw_database",
        "curated_database",
        "curated_bucket",
        "quarantine_bucket",
    ):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--JOB_RUN_ID", default=str(uuid4()))
    parser.add_argument("--full_refresh", choices=("true", "false"), default="false")
    return parser.parse_known_args(argv)[0]


class Sources:
    """The datasets of a job by name, each read once, and `own`, the table that it writes: (database, name).

    Datasets in the specification's `databases` are tables there: {connection, table} by dataset. The others are files
    described by the catalog; CSV records of those in `multiline` may span lines. In a batch, the source has only the
    batch's files (path -> size in bytes), and the own table only the earlier batches.
    """

    def __init__(
        self,
        spark: SparkSession,
        database: str,
        spec: dict[str, Any],
        own: tuple[str, str],
        batch: tuple[int, dict[str, int]] | None = None,
    ) -> None:
        self.spark, self.database, self.own, self.batch = spark, database, own, batch
        self.source, self.tables, self.databases = spec["source"], spec["tables"], spec.get("databases") or {}
        self.multiline = spec.get("multiline") or ()
        self.read: dict[str, Source] = {}
        self.damage: dict[str, Damage] = {}
        self.shuffles = False  # whether all rows go through a shuffle before a join

    def __getitem__(self, dataset: str) -> Source:
        if dataset not in (known := [*self.tables, *self.databases]):
            raise unknown("dataset", dataset, known)
        if dataset in self.databases and dataset not in self.read:
            self.read[dataset] = read_database(self.spark, dataset=dataset, **self.databases[dataset])
        if dataset not in self.read:
            only = self.batch[1] if self.batch and dataset == self.source else None
            self.read[dataset] = self.source_of(self.table_of(dataset), only)
        return self.read[dataset]

    def table_of(self, dataset: str) -> Table:
        table = find_table(boto3.client("glue"), self.database, self.tables[dataset], dataset)
        return with_multiline(table) if dataset in self.multiline else table

    def source_of(self, table: Table, only: dict[str, int] | None = None) -> Source:
        return read_source(self.spark, boto3.client("s3"), table, only, self.damage.get(table.dataset, NO_DAMAGE))

    def begin_again(self) -> bool:
        """Discard what was read, and exclude the files that cannot be read. False if there are none."""
        self.damage = {dataset: found for dataset, source in self.read.items() if (found := source.damage())}
        self.read.clear()
        return bool(self.damage)

    def check_unchanged(self) -> None:
        """Raise JobError for a file that was replaced while it was read: Spark reads the new one to the old length."""
        for dataset, source in self.read.items():
            if path := source.changed():
                raise JobError(
                    f"dataset {dataset}: {path} was replaced or deleted while the job read it. Nothing is published. "
                    "Run the job again"
                )

    def check_databases(self, error: Exception) -> None:
        """Raise JobError where a query failed because of a database that it was reading."""
        failed = next((each for each in (error, error.__cause__) if isinstance(each, Py4JJavaError)), None)
        if failed and is_of_reading(failed):
            datasets = [dataset for dataset in self.read if dataset in self.databases]
            connections = dict.fromkeys(self.databases[dataset]["connection"] for dataset in datasets)
            reasons = " or ".join(str(refusal(failed, find_database(name))) for name in connections)
            raise JobError(f"while reading {', '.join(datasets)}: {reasons}. Nothing is published") from None

    def rows(self, dataset: str) -> DataFrame:
        """Return a dataset that a step names. Raises NotYetWritten for the job's own table before its first run."""
        database, table = self.own
        if self.batch and dataset == self.source:
            raise JobError(f"dataset {dataset} is the source of an incremental job, so it has only new files here too")
        if dataset in (*self.tables, *self.databases) or dataset != table:
            return self[dataset].rows
        try:
            found = find_table(boto3.client("glue"), database, table, dataset)
        except NoTable:
            raise NotYetWritten(f"{database}.{table} does not exist before the job's first run") from None
        partitions: Locations = found.partitions if found.partition_keys else {(): found.location}
        if self.batch:
            partitions = {values: place for values, place in partitions.items() if int(values[-1]) < self.batch[0]}
            if not partitions:
                raise NotYetWritten(f"{database}.{table} has no rows before this batch")
        return self.source_of(replace(found, partitions=partitions, is_closed=True)).rows


def run(argv: list[str]) -> dict[str, Any]:
    """Run a job and return its report, which is also written to s3://<curated bucket>/job_reports/job=<job>/."""
    with ExitStack() as cleanup:
        return _run(argv, cleanup)


def _run(argv: list[str], cleanup: ExitStack) -> dict[str, Any]:
    started = datetime.now(UTC)
    arguments = parse_arguments(argv)
    spec = read_spec(arguments.spec)
    spark = session(arguments.JOB_NAME)
    cleanup.enter_context(reporting(spark))
    cleanup.callback(spark.catalog.clearCache)
    target = cleanup.enter_context(_opened(spark, spec, arguments))
    target.check()
    if isinstance(target, Batches):
        report = _incremental(spark, spec, arguments, started, target)
    else:
        own = (arguments.curated_database, spec["sink"]["table"])
        report = _moved(spec, arguments, started, Sources(spark, arguments.raw_database, spec, own), target)
    _write_report(report, arguments.curated_bucket)
    target.tidy(arguments.JOB_NAME)
    return report


def _moved(
    spec: dict[str, Any], arguments: argparse.Namespace, started: datetime, sources: Sources, target: Files | Load
) -> dict[str, Any]:
    """Apply the steps to the source, write the rows, account for every one, and publish."""
    report, judged, written = accounted(spec, arguments, started, sources, target)
    part = f"-{sources.batch[0]}" if sources.batch else ""
    report |= _concluded(spec["job"], arguments, judged, part)
    check_balance(report)
    sources.check_unchanged()
    target.check_fit(written)
    if group := spec.get("feature_group"):
        add_features(sources.spark, group, written)
    target.publish(written)
    return report


def accounted(
    spec: dict[str, Any], arguments: argparse.Namespace, started: datetime, sources: Sources, target: Files | Load
) -> tuple[dict[str, Any], Judged, Written]:
    """Apply the steps and write the rows, and the rejected rows to the quarantine zone, whose report comes first.

    Nothing is published or judged yet.
    """
    steps, judged, written = _written(spec, started, sources, target)
    if not _is_counted(spec["source"], sources, steps, judged, written):
        sources.read.clear()
        steps, judged, written = _written(spec, started, sources, target)
    quarantine = Quarantine(arguments.quarantine_bucket, spec["job"], arguments.JOB_RUN_ID, started)
    kept = {name: quarantine.keep(sources.spark, source) for name, source in sources.read.items()}
    rejected = keep_rejects(quarantine, sources[spec["source"]], steps)
    if judged.rejected and judged.rejects:
        rejected += quarantine.keep_rows(spec["source"], "expect", judged.rejected)
    report = _report(spec, arguments, started, sources, steps, target.name, written, kept, rejected)
    report |= summary(cast_nulls(steps), (spec.get("cast_nulls") or {}).get("warn_over", WARN_OVER))
    return report, judged, written


def _is_counted(source: str, sources: Sources, steps: list[Applied], judged: Judged, written: Written) -> bool:
    """Whether each row was read and counted once: a task is counted again if Spark repeats it for a lost executor."""
    counts = observed(sources[source].counts)
    after = rows_after(counts["rows"] - counts["bad"], steps)
    partners = [read for dataset, read in sources.read.items() if dataset != source]
    sources.shuffles = leaves_unread(steps, after, partners)
    left = [counts["rows"] - counts["bad"], *after][-1]
    return not sources.shuffles and left == written.rows + judged.rejects


def _written(
    spec: dict[str, Any], started: datetime, sources: Sources, target: Files | Load
) -> tuple[list[Applied], Judged, Written]:
    """Apply the steps and write the rows, without the files that cannot be read."""
    try:
        return _written_from(sources[spec["source"]].rows, spec, started, sources, target)
    except Exception as error:
        sources.check_databases(error)
        if not of_query(error) or not sources.begin_again():
            raise
        return _written_from(sources[spec["source"]].rows, spec, started, sources, target)


def _written_from(
    rows: DataFrame, spec: dict[str, Any], started: datetime, sources: Sources, target: Files | Load
) -> tuple[list[Applied], Judged, Written]:
    frame, steps = apply_steps(rows, spec["steps"], sources.rows, sources.shuffles)
    judged = judge(frame, read_rules(spec.get("expect", ())), sources.rows, started)
    return steps, judged, target.write(judged.rows)


def _incremental(
    spark: SparkSession, spec: dict[str, Any], arguments: argparse.Namespace, started: datetime, target: Batches
) -> dict[str, Any]:
    """Run the job on the files that no run has read before."""
    glue, own = boto3.client("glue"), (target.database, target.sink.table)
    checkpoints = f"s3://{arguments.curated_bucket}/_checkpoints/{spec['job']}/"
    known = "" if arguments.full_refresh == "true" else checkpoint_of(glue, *own)
    target.checkpoint = known or run_folder(checkpoints, arguments.JOB_RUN_ID)
    reports = []

    def process(number: int, files: dict[str, int]) -> None:
        target.number = number
        sources = Sources(spark, arguments.raw_database, spec, own, (number, files))
        reports.append(_moved(spec, arguments, started, sources, target))

    source = find_table(glue, arguments.raw_database, spec["tables"][spec["source"]], spec["source"])
    each_batch(spark, boto3.client("s3"), source, target.checkpoint, process)
    remove_unused(
        glue,
        boto3.client("s3"),
        arguments.JOB_NAME,
        checkpoints,
        lambda: [target.checkpoint, checkpoint_of(glue, *own)],
    )
    return _identity(spec, arguments, target.name) | total(reports) | _time(started)


def session(name: str) -> SparkSession:
    spark = SparkSession.builder.appName(name).getOrCreate()
    for setting, value in SETTINGS.items():
        spark.conf.set(setting, value)
    return spark


def _report(
    spec: dict[str, Any],
    arguments: argparse.Namespace,
    started: datetime,
    sources: Sources,
    steps: list[Applied],
    table: str,
    written: Written,
    kept: dict[str, dict[str, int]],
    rejected: int,
) -> dict[str, Any]:
    source = spec["source"]
    rows_in, bad = (observed(sources[source].counts)[name] for name in ("rows", "bad"))
    after = zip(steps, rows_after(rows_in - bad, steps), strict=True)
    return {
        **_identity(spec, arguments, table),
        "rows_in": rows_in,
        "rows_out": written.rows,
        "quarantined_rows": kept[source]["rows"] + rejected,
        "quarantined_files": sum(counts["files"] for counts in kept.values()),
        **account(rows_in - bad, [(step.name, step.transform, rows) for step, rows in after]),
        "quarantined": kept,
        "partitions": len(written.partitions),
        "files": written.files,
        "bytes": written.bytes,
        **_time(started),
    }


def _identity(spec: dict[str, Any], arguments: argparse.Namespace, table: str) -> dict[str, Any]:
    return {"job": spec["job"], "run_id": arguments.JOB_RUN_ID, "source": spec["source"], "table": table}


def _time(started: datetime) -> dict[str, Any]:
    return {
        "started_at": started.isoformat(),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 1),
    }


def _concluded(job: str, arguments: argparse.Namespace, judged: Judged, part: str) -> dict[str, Any]:
    """Return the report's part about the expectations. Their results are kept even if they fail the run or batch."""
    verdicts = judged.verdicts()
    if not verdicts:
        return {}
    place = (arguments.curated_database, arguments.curated_bucket)
    publish_results(boto3.client("glue"), boto3.client("s3"), *place, job, arguments.JOB_RUN_ID, verdicts, part)
    check(verdicts)
    return {"expectations": [verdict.record() for verdict in verdicts]}


@contextmanager
def _opened(spark: SparkSession, spec: dict[str, Any], arguments: argparse.Namespace) -> Iterator[Files | Load]:
    """Open the job's target: files in the curated zone, or a table of a database."""
    if "connection" in spec["sink"]:
        with loading(spark, read_database_sink(spec["sink"]), spec["job"], arguments.JOB_RUN_ID) as load:
            yield load
    else:
        sink = read_sink(converted(spec["sink"], spec["steps"]))
        kind = Batches if spec.get("incremental") else Files
        root = f"s3://{arguments.curated_bucket}/{sink.table}/"
        yield kind(arguments.curated_database, root, sink, arguments.JOB_RUN_ID)


def _write_report(report: dict[str, Any], bucket: str) -> None:
    """Write one line of JSON, so that a crawler can make a table of reports. The job is a partition, not a column."""
    key = f"job_reports/job={report['job']}/{report['run_id']}.json"
    kept = {name: value for name, value in report.items() if name != "job"}
    try:
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(kept).encode() + b"\n")
    except ClientError as error:
        # The user must know before starting the job again: an insert would add the rows twice.
        raise JobError(f"the rows are in {report['table']}, and only the run's report is missing: {error}") from error


def read_spec(location: str) -> dict[str, Any]:
    """Return the job's specification. Raises JobError for an unknown field or step."""
    return checked(specification(location))


def checked(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the specification unchanged. Raises JobError for an unknown field or step."""
    check_options(
        spec,
        ("job", "source", "tables", "steps", "sink"),
        ("databases", "multiline", "expect", "incremental", "cast_nulls", "feature_group"),
    )
    check_steps(spec["steps"])
    read_rules(spec.get("expect", ()))
    if "connection" in spec["sink"]:
        read_database_sink(spec["sink"])
    else:
        read_sink(converted(spec["sink"], spec["steps"]))
    return spec
