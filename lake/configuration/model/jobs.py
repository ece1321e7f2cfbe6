"""Glue jobs: steps from a dataset to a table, or a script of your own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from lake.configuration.model.base import (
    ARGUMENT,
    ENDED,
    PYTHON_FILE,
    REQUIREMENT,
    SCRIPT,
    SINK_TABLE,
    SPARK_CONF,
    Model,
    Name,
    WorkerType,
)
from lake.configuration.model.expectations import Expectation
from lake.configuration.model.steps import Compression, Format, Step


class CastNulls(Model):
    """Values that a `cast` (with `on_error: null`) or a `cast_right` turns into null because they do not fit."""

    warn_over: Annotated[float, Field(ge=0, le=1)] = 0.01
    """A run warns, with examples, above this share of a column's values. Every report counts such values."""


class Sink(Model):
    table: Annotated[str, Field(pattern=SINK_TABLE)]
    """The table in the curated database, and the folder of its files. With a connection, `schema.table`."""
    connection: Name | None = None
    """Write to this database instead of files."""
    mode: Literal["insert", "truncate", "upsert"] = "insert"
    """Add the rows, replace all rows, or replace rows with the same keys. Only with a connection."""
    keys: list[Name] = []
    """The columns that identify a row. The table needs a unique index on them. Only for `upsert`."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Rows per round trip. Only with a connection."""
    format: Format = "parquet"
    """The file format. `avro` needs a jar that neither pyspark nor the embedded AWS includes."""
    compression: Compression | None = None
    """The compression. Default: zstd for parquet and orc, gzip for json and csv, snappy for avro."""
    partition_by: list[Name] = []
    """The partition keys. A run replaces the partitions for which it has rows, and keeps the others."""
    target_file_mb: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """The approximate file size. Without it, each partition is one file."""
    feature_group: Name | None = None
    """A feature group to which each run adds its rows, as records. It takes the columns that it has features for."""


class JobSettings(Model):
    """Settings that all jobs share."""

    py_files: list[Annotated[str, Field(pattern=PYTHON_FILE)]] = []
    """Python files that the steps or the script can import. Paths are relative to lake.yaml."""
    connections: list[Name] = []
    """More connections whose network the job uses, in addition to those of its datasets and its sink."""
    glue_version: Literal["5.0", "5.1", "6.0"] = "5.1"
    """`6.0` (Spark 4.1, Scala 2.13) is for your own scripts only. The steps are tested on Spark 3.5."""
    worker_type: WorkerType = "G.1X"
    """`G.025X` is for streaming jobs only. Provider 5.100.0 has neither larger nor memory-optimized types."""
    workers: Annotated[int, Field(ge=2, le=100)] = 2
    """The number of workers; with `autoscaling`, the maximum."""
    autoscaling: bool = True
    """Let Glue start only as many workers as the run needs."""
    flex: bool = False
    """Use spare capacity. It costs about a third less, but a run may wait for it or be interrupted."""
    timeout_minutes: Annotated[int, Field(ge=1, le=10_080)] | None = None
    """Glue stops a longer run. Default: 60, or for a streaming job 10,080, AWS's limit."""
    notify_minutes: Annotated[int, Field(ge=1)] | None = None
    """A longer run is told to the lake's topic."""
    stale_hours: Annotated[int, Field(ge=1, le=168)] | None = None
    """An alarm goes off when no run has succeeded for so long. AWS looks back 7 days at most."""
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    """How often Glue retries a failed run."""
    max_concurrent_runs: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many runs of the job may run at once."""
    arguments: dict[Annotated[str, Field(pattern=ARGUMENT)], str] = {}
    """More job arguments, such as `{--threshold: "3"}`."""
    python_modules: list[Annotated[str, Field(pattern=REQUIREMENT)]] = []
    """Python packages that Glue installs, such as `holidays==0.83`."""
    spark_conf: dict[Annotated[str, Field(pattern=SPARK_CONF)], str] = {}
    """Spark settings, such as `{spark.sql.shuffle.partitions: "64"}`."""
    encryption: bool = False
    """Encrypt logs, temporary files and bookmarks with the lake's key, in a security configuration."""

    @field_validator("glue_version", mode="before")
    @classmethod
    def _still_supported(cls, version: Any) -> Any:
        if version in ENDED:
            raise ValueError(f"Glue {version} ended on {ENDED[version]}: AWS no longer creates or runs such jobs")
        return version


class ScriptJob(JobSettings):
    """A job that runs a script of your own."""

    script: Annotated[str, Field(pattern=SCRIPT)]
    """The path of the script, relative to lake.yaml. A Scala script has an object `GlueApp` with `main`."""
    type: Literal["batch", "streaming", "shell"] = "batch"
    """A Spark job, a Spark streaming job, or a Python job without Spark (`shell`)."""

    @property
    def language(self) -> Literal["python", "scala"]:
        return "scala" if self.script.endswith(".scala") else "python"


class Job(JobSettings):
    """A job of steps, from a dataset to a table."""

    source: Name
    """The dataset that the job reads."""
    language: Literal["python", "scala"] = "python"
    """The language of the script that runs the steps. Both give the same results."""
    incremental: bool = False
    """A run reads only files that no earlier run has read, and adds their rows as partitions with a key `batch`."""
    steps: list[Step] = []
    """The transforms, in order. Each gets the output of the previous one."""
    expect: list[Expectation] = []
    """Rules for the rows that go to the sink."""
    cast_nulls: CastNulls = CastNulls()
    """When a run warns about values that a cast turned into null."""
    sink: Sink
    """The table that the job writes."""

    def datasets(self) -> dict[tuple[str | int, ...], str]:
        """The datasets of its source, steps and expectations, by their place in lake.yaml."""
        parts: dict[str, Sequence[Step | Expectation]] = {"steps": self.steps, "expect": self.expect}
        return {("source",): self.source} | {
            (field, number, *place): dataset
            for field, listed in parts.items()
            for number, part in enumerate(listed)
            for place, dataset in part.datasets().items()
        }


def _kind(job: Any) -> str:
    return "ScriptJob" if isinstance(job, ScriptJob) or (isinstance(job, Mapping) and "script" in job) else "Job"


AnyJob = Annotated[Annotated[Job, Tag("Job")] | Annotated[ScriptJob, Tag("ScriptJob")], Discriminator(_kind)]
REPORTS = "job_reports"
"""The folder of the curated zone where every job run writes its report."""
