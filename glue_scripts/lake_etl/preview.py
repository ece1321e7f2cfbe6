"""Runs a job's steps on a sample, with the code of a run. `python -m lake_etl.preview` reads a request on stdin.

It reads from S3 and the catalog, and writes only to a folder of this machine: it makes no call that changes AWS.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn
from pyspark.sql.types import NullType

from lake_etl.catalog import Table, find_table, table_of
from lake_etl.csv_lines import SERDE
from lake_etl.csv_rows import with_multiline
from lake_etl.errors import JobError, reason
from lake_etl.exact import held
from lake_etl.expectations import Judged
from lake_etl.files import Files
from lake_etl.formats import FORMATS
from lake_etl.incremental import BATCH
from lake_etl.job import Sources, accounted, checked, parse_arguments, session
from lake_etl.names import column
from lake_etl.report import observed
from lake_etl.sample import PARTNERS, ROWS, Copies, InS3, OnDisk, Sample, Sampler
from lake_etl.sink import TIMESTAMP, Sink, Written, read_sink
from lake_etl.source import NO_DAMAGE, Source, read_source
from lake_etl.transforms import TRANSFORMS
from lake_etl.transforms.convert import converted

VIEW = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
COMMITTER = "org.apache.hadoop.mapreduce.lib.output.FileOutputCommitterFactory"
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # a preview ends before better compiled code would pay off
BAD_ROWS = 10  # rows to show
ANSWER = "LAKE_PREVIEW"  # marks the result: Java prints to stdout too


def main() -> None:
    """Run the request, which has the arguments of `preview`. Prints a line: ANSWER and the result, or its `error`."""
    sys.stdout.write(f"\n{ANSWER} {json.dumps(_answer(json.load(sys.stdin)))}\n")


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return preview(**request)
    except JobError as error:
        return {"error": str(error)}
    except (BotoCoreError, ClientError) as error:
        return {"error": f"AWS: {error}"}
    except Exception as error:
        traceback.print_exc()
        return {"error": reason(error)}


def preview(
    *,
    spec: dict[str, Any],
    arguments: list[str],
    buckets: list[str],
    folder: str,
    datasets: list[str],
    rows: int,
    step: int | None = None,
    conf: dict[str, str] | None = None,
    files: dict[str, str] | None = None,
    tables: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Run a job's steps, or the first of them, on a sample.

    Args:
        spec, arguments: those of the job, as a run gets them.
        buckets: the buckets of all zones.
        folder: an empty folder, for the sample and all output.
        datasets: the datasets that the job reads, as far as known: they are fetched while Spark starts.
        rows: number of rows to show.
        step: the last step to run; by default all steps, then the sink and the expectations too.
        conf: Spark settings.
        files: `s3://` path -> local file, instead of S3.
        tables: dataset -> its table as GetTable would return it, instead of the catalog.

    Returns:
        read: the sample of each dataset; steps: each with rows_in, rows_out and its effect on rows; columns: name and
        type; rows; quarantined: the count and the first rows; expectations: each rule's verdict on the sample; report.
    """
    named, copies = parse_arguments(arguments), Copies(Path(folder))
    place = OnDisk(files) if files is not None else InS3(_s3())
    all_steps = step is None
    spec = checked(spec if all_steps else {**spec, "steps": spec["steps"][:step], "expect": []})
    samples = Samples(named.raw_database, spec, Sampler(place, copies), tables or {})
    samples.begin(datasets)
    spark = _spark(spec["job"], copies.folder, buckets, conf)
    target = _target(spec, named, all_steps)
    if target.as_sink:
        target.check()
    own = (named.curated_database, spec["sink"]["table"])
    batch: tuple[int, dict[str, int]] | None = (0, {}) if spec.get("incremental") else None
    sources = SampledSources(samples, spark, named.raw_database, spec, own, batch)
    report, judged, _ = accounted(spec, named, datetime.now(UTC), sources, target)
    return {
        "read": [_read(dataset, samples, source) for dataset, source in sources.read.items()],
        "steps": [_step(number, line) for number, line in enumerate(report["steps"], 1)],
        "columns": [{"name": name, "type": type_} for name, type_ in target.types.items()],
        "rows": target.rows(spark, rows),
        "quarantined": _quarantined(report, copies.folder / named.quarantine_bucket),
        "expectations": _verdicts(judged),
        "report": report,
    }


def _s3() -> Any:
    """Use path-style addresses for an endpoint on this machine, which has no host per bucket."""
    style: Literal["path", "auto"] = "path" if os.environ.get("AWS_ENDPOINT_URL") else "auto"
    return boto3.client("s3", config=Config(s3={"addressing_style": style}, max_pool_connections=32))


class Samples:
    """The samples of a job's datasets, each taken once."""

    def __init__(self, database: str, spec: dict[str, Any], sampler: Sampler, given: dict[str, Any]) -> None:
        self.database, self.source, self.sampler, self.given = database, spec["source"], sampler, given
        self.tables, self.pool = spec["tables"], ThreadPoolExecutor(4)
        self.multiline = spec.get("multiline") or ()
        self.taken: dict[str, Future[Sample]] = {}

    def begin(self, datasets: Iterable[str]) -> None:
        """Fetch in the background; an error is raised where the dataset is read."""
        for dataset in dict.fromkeys([self.source, *datasets]):
            if dataset in self.tables:
                self.taken[dataset] = self.pool.submit(self._take, dataset)

    def table(self, dataset: str) -> Table:
        if dataset in self.given:
            table = table_of(self.given[dataset], dataset)
        else:
            table = find_table(boto3.client("glue"), self.database, self.tables[dataset], dataset)
        return with_multiline(table) if dataset in self.multiline else table

    def of(self, table: Table) -> Sample:
        if table.dataset not in self.taken:
            self.taken[table.dataset] = self.pool.submit(self._sampled, table)
        return self.taken[table.dataset].result()

    def _take(self, dataset: str) -> Sample:
        return self._sampled(self.table(dataset))

    def _sampled(self, table: Table) -> Sample:
        if table.dataset == self.source:
            return self.sampler.first(table)
        return self.sampler.partner(table, self.taken[self.source].result())


class SampledSources(Sources):
    """The datasets of a job, each as a sample."""

    def __init__(self, samples: Samples, *args: Any) -> None:
        super().__init__(*args)
        self.samples = samples

    def __getitem__(self, dataset: str) -> Source:
        if dataset in self.databases:
            raise JobError(f"dataset {dataset} is a table of a database. A preview reads files only: run the job")
        return super().__getitem__(dataset)

    def table_of(self, dataset: str) -> Table:
        return self.samples.table(dataset)

    def source_of(self, table: Table, only: dict[str, int] | None = None) -> Source:
        files = self.samples.of(table).files
        # Text files were cut as they were copied; other files cannot be.
        most = ROWS if table.dataset == self.source and not FORMATS[table.format].is_text else None
        s3: Any = self.samples.sampler.copies
        return read_source(self.spark, s3, table, files, self.damage.get(table.dataset, NO_DAMAGE), most)


@dataclass
class Shown(Files):
    """The sink of a preview: it writes as a run does, to a private folder, and publishes nothing."""

    as_sink: bool = True

    def write(self, frame: DataFrame) -> Written:
        self.types = dict(frame.dtypes)
        frame = frame if self.as_sink else _with_a_type(frame)
        written = super().write(frame)
        self.schema = held(frame, self.sink.format, self.sink.partition_by).schema
        self.location = written.location
        return written

    def rows(self, spark: SparkSession, most: int) -> list[dict[str, Any]]:
        """Return the first rows that were written; values as in JSON, dates and timestamps as text."""
        if not self.types:
            return []
        csv = {"sep": SERDE["field.delim"], "escape": SERDE["escape.delim"], "quote": "", "nullValue": "\\N"}
        times = {"timestampFormat": TIMESTAMP, "timestampNTZFormat": TIMESTAMP}
        reader = spark.read.schema(self.schema).options(**times, **(csv if self.is_csv else {}))
        frame = reader.load(self.location, format=self.sink.format).limit(most)
        columns = fn.struct(*map(column, self.types))
        rows = frame.select(fn.to_json(columns, {"ignoreNullFields": "false"}).alias("row")).collect()
        return [json.loads(row["row"]) for row in rows]

    @property
    def is_csv(self) -> bool:
        return self.sink.format == "csv"


def _with_a_type(frame: DataFrame) -> DataFrame:
    """Between two steps a column may have no type yet, which no file can hold."""
    untyped = [field.name for field in frame.schema if isinstance(field.dataType, NullType)]
    return frame.withColumns({name: column(name).cast("string") for name in untyped})


def _target(spec: dict[str, Any], named: Any, all_steps: bool) -> Shown:
    as_sink = all_steps and "connection" not in spec["sink"]
    sink = (
        read_sink(converted(spec["sink"], spec["steps"]))
        if as_sink
        else Sink(spec["sink"]["table"], compression="none")
    )
    keys = (BATCH,) if spec.get("incremental") else ()
    return Shown(
        named.curated_database, f"s3://{named.curated_bucket}/preview/", sink, "preview", keys, as_sink=as_sink
    )


def _spark(job: str, folder: Path, buckets: list[str], conf: dict[str, str] | None) -> SparkSession:
    """Start Spark as fast as possible, with the buckets' `s3://` paths in the folder."""
    settings: dict[str, Any] = (conf or {}) | {
        "spark.master": "local[2]",
        "spark.driver.memory": "1g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": f'{QUICK} -Duser.timezone=UTC "-Djava.io.tmpdir={folder}"',
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
        "spark.local.dir": str(folder / "tmp"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    SparkSession.builder.config(map=settings).getOrCreate()
    spark = session(job)
    spark.conf.set("spark.sql.sources.parallelPartitionDiscovery.threshold", str(PARTNERS))
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    for name, value in _mounts(folder, buckets).items():
        hadoop.set(name, value)
    return spark


def _mounts(folder: Path, buckets: list[str]) -> dict[str, str]:
    for bucket in buckets:
        (folder / bucket).mkdir(exist_ok=True)
    links = {f"fs.viewfs.mounttable.{bucket}.linkFallback": f"{(folder / bucket).as_uri()}/" for bucket in buckets}
    return links | {"fs.s3.impl": VIEW, "mapreduce.outputcommitter.factory.scheme.s3": COMMITTER}


def _read(dataset: str, samples: Samples, source: Source) -> dict[str, Any]:
    sample, counts = samples.taken[dataset].result(), observed(source.counts)
    return {
        "dataset": dataset,
        "files": sum(1 for size in sample.files.values() if size),
        "rows": counts["rows"],
        "which": sample.description,
    }


def _step(number: int, line: dict[str, Any]) -> dict[str, Any]:
    transform, change = TRANSFORMS[line["step"]], line["rows_out"] - line["rows_in"]
    kind = (transform.adds if change > 0 else transform.removes) or "quarantined"
    return {"number": number, **line, "change": f"{abs(change)} {kind.replace('_', ' ')}" if change else ""}


def _verdicts(judged: Judged) -> list[dict[str, Any]]:
    return [{**verdict.record(), "said": str(verdict)} for verdict in judged.verdicts()]


def _quarantined(report: dict[str, Any], folder: Path) -> dict[str, Any]:
    lines = [line for file in sorted(folder.rglob("*.json")) for line in file.read_text().split("\n") if line]
    rows = [json.loads(line) for line in lines[:BAD_ROWS]]
    shown = [{name: row.get(name) for name in ("dataset", "source_file", "raw", "reason")} for row in rows]
    return {"rows": report["quarantined_rows"], "files": report["quarantined_files"], "first": shown}


if __name__ == "__main__":
    main()
