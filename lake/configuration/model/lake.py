"""The whole of lake.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lake.configuration.model.base import EnvironmentName, Model, Name, ProjectName
from lake.configuration.model.datasets import Dataset
from lake.configuration.model.environments import Connection, Environment
from lake.configuration.model.jobs import AnyJob, Job, ScriptJob
from lake.configuration.model.streams import Stream
from lake.configuration.model.training import MlModel, TrainingSet
from lake.configuration.model.workflows import Workflow
from lake.configuration.names import ML, STACKS


class Queries(Model):
    folder: str = "queries"
    """A folder of SQL files beside lake.yaml, one statement a file. Each becomes a named query."""
    bytes_scanned_cutoff: Annotated[int, Field(ge=10_485_760)] = 10_000_000_000
    """A query that would read more bytes is cancelled. AWS requires at least 10 MiB."""


class Retention(Model):
    """How long an account keeps what the lake no longer needs. The embedded AWS keeps it until `lake down`."""

    noncurrent_days: Annotated[int, Field(ge=1)] = 30
    """Days for which an object that was replaced or deleted can be brought back."""
    quarantine_days: Annotated[int, Field(ge=1)] = 365
    """Days for which rejected rows and files stay in the quarantine zone."""
    log_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 2557, 3653] = 30
    """Days for which CloudWatch keeps logs. AWS allows these numbers only."""


class MlTransform(Model):
    """AWS's own FindMatches. It ran only on Glue 2.0, which ended on 2026-04-01: use the step `find_matches`."""

    dataset: Name
    """The dataset. Its table has to be in the catalog when the etl stack is deployed."""
    primary_key: Name
    """The column that identifies a record."""
    precision_recall: Annotated[float, Field(ge=0, le=1)] = 0.5
    """From 0 (find all matches) to 1 (find only true matches)."""
    accuracy_cost: Annotated[float, Field(ge=0, le=1)] = 0.5
    """From 0 (least cost) to 1 (most accuracy)."""
    enforce_labels: bool = False
    """Whether the output has to agree with the labels."""
    max_capacity: Annotated[float, Field(ge=2, le=100)] = 10.0
    """DPUs of a task run."""


class Config(Model):
    project: ProjectName
    """The lake's name. The name of every resource begins with it."""
    environments: Annotated[dict[EnvironmentName, Environment], Field(min_length=1)]
    """Where the lake can be deployed. `LAKE_ENV` chooses one. Without it, the first is used."""
    connections: dict[Name, Connection] = {}
    """Databases, and networks, that datasets and jobs use."""
    datasets: dict[Name, Dataset] = {}
    """The lake's input: files in the raw zone, a folder each, and tables of databases."""
    every_job: dict[Name, AnyJob] = Field({}, alias="jobs")
    """Glue jobs: steps from a dataset to a table, or a script of your own."""
    workflows: dict[Name, Workflow] = {}
    """Chains of crawlers and jobs, started on demand or by schedule."""
    ml_transforms: dict[Name, MlTransform] = {}
    """AWS's own FindMatches transforms, which AWS no longer runs."""
    streams: dict[Name, Stream] = {}
    """Streams of events: Kinesis, Firehose to Parquet in the raw zone, and a Flink application."""
    training_sets: dict[Name, TrainingSet] = {}
    """Tables for training: joined as of a time, checked for leaks, and parted into train, validation and test."""
    models: dict[Name, MlModel] = {}
    """Models that SageMaker trains on them."""
    queries: Queries = Queries()
    """Athena's named queries, and how much a query may read."""
    retention: Retention = Retention()
    """How long old versions, rejected rows and logs are kept."""

    @property
    def stacks(self) -> tuple[str, ...]:
        """The names of the lake's stacks, in the order in which `lake up` deploys them."""
        return (*STACKS, *([ML] if self.training_sets else []))

    @property
    def jobs(self) -> dict[str, Job]:
        """The jobs that are steps from a dataset to a sink."""
        return {name: job for name, job in self.every_job.items() if isinstance(job, Job)}

    @property
    def scripts(self) -> dict[str, ScriptJob]:
        """The jobs that are a person's own script."""
        return {name: job for name, job in self.every_job.items() if isinstance(job, ScriptJob)}
