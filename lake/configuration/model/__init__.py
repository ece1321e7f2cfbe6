"""The model of lake.yaml: fields, types and allowed values. One file per subject."""

from __future__ import annotations

from lake.configuration.model.base import ALLOWED, COLUMN_TYPE, NAME, TYPE
from lake.configuration.model.datasets import Crawl, CsvFormat, Dataset, PartitionIndex, Projection
from lake.configuration.model.delivery import Delivery, PartitionKey, Transform
from lake.configuration.model.environments import Budget, Connection, Environment, Network
from lake.configuration.model.expectations import Expectation
from lake.configuration.model.features import FeatureGroup
from lake.configuration.model.jobs import REPORTS, Job, JobSettings, ScriptJob, Sink
from lake.configuration.model.lake import Config, MlTransform
from lake.configuration.model.steps import FindMatches, Step
from lake.configuration.model.streams import Stream
from lake.configuration.model.training import AsOf, DriftReport, LeakChecks, MlModel, Split, TrainingSet
from lake.configuration.model.windows import Application, EventTime, Window
from lake.configuration.model.workflows import Workflow, WorkflowStep

__all__ = [
    "ALLOWED",
    "COLUMN_TYPE",
    "NAME",
    "REPORTS",
    "TYPE",
    "Application",
    "AsOf",
    "Budget",
    "Config",
    "Connection",
    "Crawl",
    "CsvFormat",
    "Dataset",
    "Delivery",
    "DriftReport",
    "Environment",
    "EventTime",
    "Expectation",
    "FeatureGroup",
    "FindMatches",
    "Job",
    "JobSettings",
    "LeakChecks",
    "MlModel",
    "MlTransform",
    "Network",
    "PartitionIndex",
    "PartitionKey",
    "Projection",
    "ScriptJob",
    "Sink",
    "Split",
    "Step",
    "Stream",
    "TrainingSet",
    "Transform",
    "Window",
    "Workflow",
    "WorkflowStep",
]
