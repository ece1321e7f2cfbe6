"""A job run: read the source, apply the steps, write and register the table, and prove where every row went."""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
from botocore.exceptions import ClientError
from pyspark.sql import DataFrame, SparkSession

from lake_etl.catalog import NoTable, find_table
from lake_etl.database import read_database
from lake_etl.database_sink import Load, loading, read_database_sink
from lake_etl.errors import JobError, NotYetWritten, check_options, reason, unknown
from lake_etl.expectations import Judged, check, judge, read_rules
from lake_etl.files import Files
from lake_etl.quarantine import Quarantine
from lake_etl.report import account, check_balance, observed
from lake_etl.results import publish_results
from lake_etl.sink import Written, read_sink
from lake_etl.source import Source, read_source
from lake_etl.steps import Applied, apply_steps, check_steps, keep_rejects
from lake_etl.transforms.convert import converted

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # Blocks of S3 objects have no place, and asking for it costs one call a file.
    "spark.sql.sources.ignoreDataLocality": "true",
    # Folders of folders of small files (year/month/day/hour) are listed side by side from the months on.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "8",
    # The optimizer would cut an empty branch off the plan, and with it the counts observed there.
    "spark.sql.adaptive.optimizer.excludedRules": "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation",
    "spark.sql.optimizer.excludedRules": ",".join(
        f"org.apache.spark.sql.catalyst.optimizer.{rule}" for rule in ("PropagateEmptyRelation", "PruneFilters")
    ),
}


def main() -> None:
    """Run the job of the command line. On an error the last line of stderr says why, and the exit code is 1."""
    try:
        report = run(sys.argv[1:])
    except JobError as error:
        sys.exit(str(error))
    except Exception as error:
        traceback.print_exc()
        sys.exit(reason(error))
    sys.stdout.write(f"LAKE_REPORT {json.dumps(report)}\n")


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """The job's arguments. Glue adds some of its own: those not known here are left alone."""
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
    return parser.parse_known_args(argv)[0]


class Sources:
    """The datasets of a job by name, each read once, and the table that it writes, `own`: (database, name).

    Those in `databases` are tables there: {connection, table} by dataset; the others are files, as the catalog says.
    """

    def __init__(
        self,
        spark: SparkSession,
        database: str,
        tables: dict[str, str],
        own: tuple[str, str],
        databases: dict[str, dict[str, str]] | None = None,
    ) -> None:
        self.spark, self.database, self.tables, self.own = spark, database, tables, own
        self.databases = databases or {}
        self.read: dict[str, Source] = {}

    def __getitem__(self, dataset: str) -> Source:
        if dataset not in (known := [*self.tables, *self.databases]):
            raise unknown("dataset", dataset, known)
        if dataset in self.databases and dataset not in self.read:
            self.read[dataset] = read_database(self.spark, dataset=dataset, **self.databases[dataset])
        if dataset not in self.read:
            table = find_table(boto3.client("glue"), self.database, self.tables[dataset], dataset)
            self.read[dataset] = read_source(self.spark, boto3.client("s3"), table)
        return self.read[dataset]

    def rows(self, dataset: str) -> DataFrame:
        """Raises NotYetWritten for the job's own table before its first run."""
        database, table = self.own
        if dataset in (*self.tables, *self.databases) or dataset != table:
            return self[dataset].rows
        try:
            found = find_table(boto3.client("glue"), database, table, dataset)
        except NoTable:
            raise NotYetWritten(f"{database}.{table} is there only after the job's first run") from None
        return read_source(self.spark, boto3.client("s3"), found).rows


def run(argv: list[str]) -> dict[str, Any]:
    """Run a job and return its report, which is then in s3://<curated bucket>/job_reports/job=<job>/ too."""
    with ExitStack() as cleanup:
        return _run(argv, cleanup)


def _run(argv: list[str], cleanup: ExitStack) -> dict[str, Any]:
    started = datetime.now(UTC)
    arguments = parse_arguments(argv)
    spec = read_spec(arguments.spec)
    spark = session(arguments.JOB_NAME)
    target = cleanup.enter_context(_opened(spark, spec, arguments))
    own = (arguments.curated_database, spec["sink"]["table"])
    sources = Sources(spark, arguments.raw_database, spec["tables"], own, spec.get("databases"))
    quarantine = Quarantine(arguments.quarantine_bucket, spec["job"], arguments.JOB_RUN_ID, started)

    target.check()
    frame, steps = apply_steps(sources.rows(spec["source"]), spec["steps"], sources.rows)
    judged = judge(frame, read_rules(spec.get("expect", ())), sources.rows, started)
    written = target.write(judged.rows)
    kept = {name: quarantine.keep(spark, source) for name, source in sources.read.items()}
    rejected = keep_rejects(quarantine, sources[spec["source"]], steps)
    if judged.rejected and judged.rejects:
        rejected += quarantine.keep_rows(spec["source"], judged.rejected)
    expectations = _concluded(spec["job"], arguments, judged)
    report = _report(spec, arguments, started, sources, steps, target.name, written, kept, rejected) | expectations
    check_balance(report)
    target.publish(written)
    _write_report(report, arguments.curated_bucket)
    return report


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
    after = [(step.name, step.transform, step.rows) for step in steps]
    return {
        "job": spec["job"],
        "run_id": arguments.JOB_RUN_ID,
        "source": source,
        "table": table,
        "rows_in": rows_in,
        "rows_out": written.rows,
        "quarantined_rows": kept[source]["rows"] + rejected,
        "quarantined_files": sum(counts["files"] for counts in kept.values()),
        **account(rows_in - bad, after),
        "quarantined": kept,
        "partitions": len(written.partitions),
        "files": written.files,
        "bytes": written.bytes,
        "started_at": started.isoformat(),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 1),
    }


def _concluded(job: str, arguments: argparse.Namespace, judged: Judged) -> dict[str, Any]:
    """What the report says of the expectations. Their results are kept, also of a run that they fail."""
    verdicts = judged.verdicts()
    if not verdicts:
        return {}
    place = (arguments.curated_database, arguments.curated_bucket)
    publish_results(boto3.client("glue"), boto3.client("s3"), *place, job, arguments.JOB_RUN_ID, verdicts)
    check(verdicts)
    return {"expectations": [verdict.record() for verdict in verdicts]}


@contextmanager
def _opened(spark: SparkSession, spec: dict[str, Any], arguments: argparse.Namespace) -> Iterator[Files | Load]:
    """Where the job writes to: files in the curated zone, or a table of a database."""
    if "connection" in spec["sink"]:
        with loading(spark, read_database_sink(spec["sink"]), spec["job"], arguments.JOB_RUN_ID) as load:
            yield load
    else:
        sink = read_sink(converted(spec["sink"], spec["steps"]))
        yield Files(arguments.curated_database, f"s3://{arguments.curated_bucket}/{sink.table}/", sink)


def _write_report(report: dict[str, Any], bucket: str) -> None:
    """One line of JSON, so that a crawler makes a table of the reports; the job is its partition, not a column."""
    key = f"job_reports/job={report['job']}/{report['run_id']}.json"
    kept = {name: value for name, value in report.items() if name != "job"}
    try:
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(kept).encode() + b"\n")
    except ClientError as error:
        # Whoever starts the job again must know: an insert would add the rows once more.
        raise JobError(f"the rows are in {report['table']}, and only the run's report is missing: {error}") from error


def read_spec(location: str) -> dict[str, Any]:
    """The job's specification. Raises JobError for a field or a step that is not known."""
    place = urlsplit(location)
    try:
        body = boto3.client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"]
    except ClientError as error:
        raise JobError(f"--spec {location}: {error}") from error
    spec: dict[str, Any] = json.load(body)
    check_options(spec, ("job", "source", "tables", "steps", "sink"), ("databases", "expect"))
    check_steps(spec["steps"])
    read_rules(spec.get("expect", ()))
    if "connection" in spec["sink"]:
        read_database_sink(spec["sink"])
    else:
        read_sink(converted(spec["sink"], spec["steps"]))
    return spec
