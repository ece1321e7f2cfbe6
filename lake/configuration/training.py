"""What a build of a training set is told, and what stacks and commands agree on about models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from lake.configuration.model import AsOf, Config, DriftReport


class Image(NamedTuple):
    """A container of SageMaker's."""

    repository: str
    tag: str


IMAGES = {
    "sklearn": Image("sagemaker-scikit-learn", "1.9-0-cpu-py3"),
    "xgboost": Image("sagemaker-xgboost", "3.0-5"),
}
"""By framework. Their packages are in `local_aws/sagemaker/requirements.in` and `requirements-xgboost.in`."""
SOURCE = "sourcedir.tar.gz"
"""The name of a packed script, as SageMaker's toolkit knows it."""
_TABLES = re.compile(r"\b(?:from|join)\s+`?([A-Za-z_]\w*)`?", re.IGNORECASE)
_NO_NAMES = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
"""Comments and texts of Spark SQL."""


def training_spec(config: Config, name: str) -> dict[str, object]:
    """A training set as glue_scripts/build_dataset.py reads it. `table` is the one that `--on` stands in for."""
    training_set = config.training_sets[name]
    fields = training_set.model_dump(mode="json", by_alias=True)
    fields["features"] = {table: feature_spec(feature) for table, feature in training_set.features.items()}
    return {"name": name, "table": _own_table(training_set.source, lake_tables(config)), **fields}


def lake_tables(config: Config) -> list[str]:
    """The tables that a training set can be made of: of jobs and of datasets."""
    return [*(job.sink.table for job in config.jobs.values() if not job.sink.connection), *config.datasets]


def _own_table(source: str, known: Sequence[str]) -> str:
    """The first table of lake.yaml that `from` reads. FROM stands before columns too, as in `trim(BOTH FROM a)`."""
    found = tables_of(source)
    return next((name for name in found if name.lower() in known), found[0])


def drift_arguments(drift: DriftReport) -> dict[str, str]:
    """The arguments of a run that compares later rows with those of train."""
    return {"--drift": "true", "--on": drift.on, "--where": drift.where}


def feature_spec(feature: AsOf) -> dict[str, object]:
    take = feature.take if isinstance(feature.take, dict) else {name: name for name in feature.take}
    return {**feature.model_dump(), "take": take}


def tables_of(source: str) -> list[str]:
    """The tables that `from` reads: it is the name of one, or SQL that names some."""
    return [source] if source.isidentifier() else _TABLES.findall(_NO_NAMES.sub(" ", source))
