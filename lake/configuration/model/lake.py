"""The top level of lake.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lake.configuration.model.base import EnvironmentName, Model, Name, ProjectName
from lake.configuration.model.datasets import Dataset
from lake.configuration.model.environments import Connection, Environment
from lake.configuration.model.features import FeatureGroup
from lake.configuration.model.jobs import AnyJob, Job, ScriptJob
from lake.configuration.model.streams import Stream
from lake.configuration.model.training import MlModel, TrainingSet
from lake.configuration.model.workflows import Workflow
from lake.configuration.names import ML, STACKS


class Queries(Model):
    folder: str = "queries"
    """A folder of SQL files, relative to lake.yaml, with one statement per file. Each becomes a named query."""
    bytes_scanned_cutoff: Annotated[int, Field(ge=10_485_760)] = 10_000_000_000
    """Athena cancels a query that scans more bytes. AWS requires at least 10 MiB."""


class Retention(Model):
    """How long an account keeps data that the lake no longer needs. The embedded AWS keeps it until `lake down`."""

    noncurrent_days: Annotated[int, Field(ge=1)] = 30
    """Days for which a replaced or deleted object can be restored."""
    quarantine_days: Annotated[int, Field(ge=1)] = 365
    """Days for which the quarantine zone keeps rejected rows and files."""
    log_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 2557, 3653] = 30
    """Days for which CloudWatch keeps logs. AWS allows only these numbers."""


class MlTransform(Model):
    """AWS's own FindMatches. It needs Glue 2.0, which ended on 2026-04-01. Use the step `find_matches` instead."""

    dataset: Name
    """The dataset. Its table must be in the catalog before the etl stack is deployed."""
    primary_key: Name
    """The column that identifies a record."""
    precision_recall: Annotated[float, Field(ge=0, le=1)] = 0.5
    """From 0 (find all matches) to 1 (find only true matches)."""
    accuracy_cost: Annotated[float, Field(ge=0, le=1)] = 0.5
    """From 0 (least cost) to 1 (most accuracy)."""
    enforce_labels: bool = False
    """Whether the output must agree with the labels."""
    max_capacity: Annotated[float, Field(ge=2, le=100)] = 10.0
    """The number of DPUs of a task run."""


class Config(Model):
    project: ProjectName
    """The name of the lake. Every resource name begins with it."""
    environments: Annotated[dict[EnvironmentName, Environment], Field(min_length=1)]
    """Where the lake can be deployed. `LAKE_ENV` selects one. The default is the first."""
    connections: dict[Name, Connection] = {}
    """Databases and networks that datasets and jobs use."""
    datasets: dict[Name, Dataset] = {}
    """The input of the lake: files in the raw zone, one folder per dataset, and database tables."""
    every_job: dict[Name, AnyJob] = Field({}, alias="jobs")
    """Glue jobs: steps from a dataset to a table, or a script of your own."""
    workflows: dict[Name, Workflow] = {}
    """Chains of crawlers and jobs that run on demand or on a schedule."""
    ml_transforms: dict[Name, MlTransform] = {}
    """AWS's own FindMatches transforms. AWS no longer runs them."""
    streams: dict[Name, Stream] = {}
    """Streams of events: Kinesis, Firehose to Parquet in the raw zone, and a Flink application."""
    training_sets: dict[Name, TrainingSet] = {}
    """Tables for training: joined as of a time, checked for leaks, and parted into train, validation and test."""
    models: dict[Name, MlModel] = {}
    """Models that SageMaker trains on them."""
    feature_groups: dict[Name, FeatureGroup] = {}
    """Features as they were known at each time, in SageMaker's Feature Store."""
    queries: Queries = Queries()
    """Athena's named queries, and how much a query may scan."""
    retention: Retention = Retention()
    """How long old versions, rejected rows and logs are kept."""

    @property
    def stacks(self) -> tuple[str, ...]:
        """The names of the lake's stacks, in the order in which `lake up` deploys them."""
        return (*STACKS, *([ML] if self.training_sets or self.feature_groups else []))

    @property
    def jobs(self) -> dict[str, Job]:
        """The jobs that are steps from a dataset to a sink."""
        return {name: job for name, job in self.every_job.items() if isinstance(job, Job)}

    @property
    def scripts(self) -> dict[str, ScriptJob]:
        """The jobs that run a user's own script."""
        return {name: job for name, job in self.every_job.items() if isinstance(job, ScriptJob)}
