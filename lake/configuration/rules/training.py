"""Rules of training sets and models: what AWS or a build would refuse only later."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lake.configuration.model import Config, MlModel, TrainingSet
from lake.configuration.place import Place, Problem
from lake.configuration.rules.sql import wrong
from lake.configuration.suggest import allowed
from lake.configuration.training import lake_tables, tables_of

_OF_TIME = ("train_until", "validate_until")
_OF_CHANCE = ("validate_share", "test_share", "seed")


def violations(config: Config) -> Iterator[Problem]:
    """Every rule about training sets and models that a well-typed configuration breaks."""
    tables = lake_tables(config)
    for name, training_set in config.training_sets.items():
        place = ("training_sets", name)
        yield from _tables(place, training_set, tables)
        yield from _columns(place, training_set)
        yield from _split((*place, "split"), training_set)
    for name, model in config.models.items():
        yield from _model(config, ("models", name), model)


def missing_scripts(config: Config, root: Path) -> Iterator[Problem]:
    """Every script of a model that is not there, looked for from lake.yaml's folder `root`."""
    for name, model in config.models.items():
        if not (root / model.script).is_file():
            yield ("models", name, "script"), f"there is no file {model.script!r} in {root}"


def _tables(place: Place, training_set: TrainingSet, tables: list[str]) -> Iterator[Problem]:
    if message := wrong(training_set.source):
        yield (*place, "from"), message
        return
    found = tables_of(training_set.source)
    if not found:
        yield (*place, "from"), "is a table, or SQL that reads one: SELECT ... FROM a table"
    if training_set.source.isidentifier() and training_set.source not in tables:
        yield (*place, "from"), f"there is no table {training_set.source!r}. {allowed(training_set.source, tables)}"
    if training_set.drift and training_set.drift.on not in tables:
        on = training_set.drift.on
        yield (*place, "drift", "on"), f"there is no table {on!r}. {allowed(on, tables)}"
    for name in training_set.features:
        if name not in tables:
            yield (*place, "features", name), f"there is no table {name!r}. {allowed(name, tables)}"


def _columns(place: Place, training_set: TrainingSet) -> Iterator[Problem]:
    keys = {**dict.fromkeys(training_set.entity, "entity"), training_set.time: "time"}
    if training_set.label in keys:
        yield (*place, "label"), f"is {keys[training_set.label]} too. The label is a column of its own"
    for number, name in enumerate(training_set.exclude):
        if name == training_set.label or name in keys:
            yield (*place, "exclude", number), f"{name!r} is no feature anyway. Remove it"
    checks = training_set.checks
    if "matches" in checks.model_fields_set and not checks.find_matches:
        yield (*place, "checks", "matches"), "looks only where find_matches names the columns to compare. Add them"
    for number, name in enumerate(training_set.entity):
        if name == training_set.time:
            yield (*place, "entity", number), f"{name!r} is time too. Remove it"


def _split(place: Place, training_set: TrainingSet) -> Iterator[Problem]:
    split = training_set.split
    if split.by == "time":
        for field in _OF_TIME:
            if getattr(split, field) is None:
                yield (*place, field), "is needed to split by time: the first day that is not in the part"
        if split.train_until and split.validate_until and split.train_until >= split.validate_until:
            yield (*place, "validate_until"), f"is not after train_until, {split.train_until}"
    elif split.validate_share + split.test_share >= 1:
        yield (*place, "test_share"), "leaves no rows for training: validate_share and test_share are 1 or more"
    foreign = {"time": _OF_CHANCE, "group": _OF_TIME, "hash": _OF_TIME}[split.by]
    foreign += () if split.by == "group" else ("group",)
    for field in foreign:
        if field in split.model_fields_set:
            yield (*place, field), f"is not of a split by {split.by}. Remove it"


def _model(config: Config, place: Place, model: MlModel) -> Iterator[Problem]:
    if model.training_set not in config.training_sets:
        hint = allowed(model.training_set, config.training_sets)
        yield (*place, "training_set"), f"there is no training set {model.training_set!r}. {hint}"
    if model.instance not in instance_types():
        known = [name for name in instance_types() if name.startswith("ml.m5.")]
        yield (*place, "instance"), f"there is no instance type {model.instance!r}. {allowed(model.instance, known)}"
    for setting in model.hyperparameters:
        if setting.startswith("sagemaker_"):
            yield (*place, "hyperparameters", setting), "is SageMaker's own. Choose another name"


@cache
def instance_types() -> tuple[str, ...]:
    """Those on which SageMaker trains, evaluates and transforms alike, as botocore's description has them."""
    import botocore.session

    service = botocore.session.get_session().get_service_model("sagemaker")
    shapes = [service.shape_for(f"{kind}InstanceType") for kind in ("Training", "Processing", "Transform")]
    first, *others = (set(shape.enum) for shape in shapes)  # type: ignore[attr-defined]
    return tuple(sorted(first.intersection(*others)))
