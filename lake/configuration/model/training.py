"""Training sets, and the models that are trained on them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from lake.configuration.model.base import CRON, INSTANCE, PYTHON_FILE, Columns, Model, Name

Verdict = Literal["fail", "warn", "off"]
Kind = Literal["name", "date", "address", "code"]


class AsOf(Model):
    """The latest record of another table at the time of a row, and never a later one."""

    as_of: Name
    """The column of that table that says when a record was known. A timestamp."""
    on: Columns
    """The columns that both have and that find the records of a row."""
    within_hours: Annotated[float, Field(gt=0)] | None = None
    """An older record counts as none."""
    take: Annotated[list[Name], Field(min_length=1)] | Annotated[dict[Name, Name], Field(min_length=1)]
    """The columns to take; a mapping gives them new names."""


class Split(Model):
    """How the rows are parted into train, validation and test."""

    by: Literal["time", "group", "hash"] = "time"
    """By the day of `time`; by `group`, which is then in one part only; or each row by chance."""
    train_until: date | None = None
    """The first day that is not for training. Only of a split by time."""
    validate_until: date | None = None
    """The first day of the test part. Only of a split by time."""
    group: Columns | None = None
    """The columns that are a group. Default: `entity`. Only of a split by group."""
    validate_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of the groups or rows for validation. Not of a split by time."""
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of the groups or rows for the test. Not of a split by time."""
    seed: int = 0
    """Another number gives another split. Not of a split by time."""


class LeakChecks(Model):
    """What is looked for before a set is published. `fail` publishes nothing, `warn` says it, `off` does not look."""

    group_in_two_parts: Verdict = "fail"
    """An entity is in more than one part, though the split is by group."""
    later_than_event: Verdict = "fail"
    """A feature was taken from a record that is later than its row."""
    duplicates: Verdict = "fail"
    """Rows of validation or test are in train too, with the same features and label: more than `most_duplicates`."""
    matches: Verdict = "fail"
    """Rows of validation or test are about the same thing as rows of train: more than `most_duplicates`. It looks where
    `find_matches` says by which columns."""
    find_matches: Annotated[dict[Name, Kind], Field(min_length=1)] | None = None
    """The columns of `from` that `matches` compares, each with the kind of its values, as the step `find_matches` does.
    At most 200,000 rows."""
    predicts_label: Verdict = "fail"
    """A feature alone tells the label: its AUC is over `most_auc`."""
    is_label: Verdict = "fail"
    """A feature has a value for each class, and is the label under another name."""
    label_balance: Verdict = "warn"
    """The share of the rarer class in a part is under `least_share`."""
    drift: Verdict = "warn"
    """The label or a feature is distributed otherwise in validation or test: its PSI is over `most_psi`."""
    most_duplicates: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Limit of `duplicates` and `matches`, as a share of the part."""
    most_auc: Annotated[float, Field(gt=0.5, le=1)] = 0.9
    """Limit of `predicts_label`."""
    least_share: Annotated[float, Field(ge=0, le=0.5)] = 0.01
    """Limit of `label_balance`."""
    most_psi: Annotated[float, Field(gt=0)] = 0.25
    """Limit of `drift`: the population stability index."""


class DriftReport(Model):
    """A comparison of rows that came later with those of train, on a schedule. Drift over `most_psi` fails the run."""

    on: Name
    """The table whose rows are compared, in place of the training set's own."""
    where: str = "true"
    """Which of its rows: a condition in Spark SQL, such as `time_hour >= now() - INTERVAL 7 DAYS`."""
    schedule: Annotated[str, Field(pattern=CRON)]
    """When the rows are compared, in UTC: `cron(0 5 * * ? *)` is 5 o'clock each day."""


class TrainingSet(Model):
    source: str = Field(alias="from")
    """A table of the curated or the raw database, or Spark SQL over such tables."""
    entity: Columns
    """The columns that say what a row is about. They are no features."""
    time: Name
    """The column with the time for which a row asks. A timestamp or a day; no feature."""
    label: Name
    """The column to be predicted: true or false, or 1 and 0. Rows without it are left out, and counted."""
    features: dict[Name, AsOf] = {}
    """Tables from which columns are joined as they were known at `time`."""
    exclude: list[Name] = []
    """Columns that are known only afterwards, and so are no features."""
    split: Split
    """How the rows are parted."""
    checks: LeakChecks = LeakChecks()
    """What counts as a leak."""
    drift: DriftReport | None = None
    """A scheduled look at whether later rows are still like those of train. `lake dataset drift` looks at once."""
    format: Literal["parquet", "csv"] = "parquet"
    """`csv` is as SageMaker's algorithms want it: no header, and the label first."""


class MlModel(Model):
    """A model that a SageMaker pipeline trains, evaluates, and registers if it is good enough."""

    training_set: Name
    """The training set of lake.yaml."""
    script: Annotated[str, Field(pattern=PYTHON_FILE)]
    """A Python file in SageMaker's script mode, with `model_fn` and `input_fn`. Its path is relative to lake.yaml."""
    framework: Literal["sklearn", "xgboost"] = "sklearn"
    """SageMaker's container: scikit-learn 1.9 and Python 3.12, or XGBoost 3.0 with scikit-learn 1.5 and Python 3.10."""
    hyperparameters: dict[str, str | int | float | bool] = {}
    """Arguments of the script: `{max-depth: 3}` becomes `--max-depth 3`, and a name of one letter `-c 3`."""
    instance: Annotated[str, Field(pattern=INSTANCE)] = "ml.m5.large"
    """The type of machine. On this machine, no difference."""
    metric: Literal["auc", "average_precision", "accuracy", "f1"] = "auc"
    """What decides, on the test part."""
    at_least: Annotated[float, Field(ge=0, le=1)]
    """A model whose metric is lower is not registered."""
    max_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    """A job that takes longer is stopped."""
