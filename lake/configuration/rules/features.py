"""Rules of feature groups: what AWS or a record would refuse only later."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lake.configuration.features import ADDED
from lake.configuration.model import Config, FeatureGroup, Job
from lake.configuration.place import Place, Problem
from lake.configuration.suggest import allowed

_FOLDERS = ("year", "month", "day", "hour")
_NAME = re.compile(r"[a-z0-9](_*[a-z0-9]){0,63}")


def violations(config: Config) -> Iterator[Problem]:
    """Every rule about feature groups that a well-typed configuration breaks."""
    for name, job in config.jobs.items():
        yield from _sink(config, ("jobs", name, "sink", "feature_group"), job)
    for name, group in config.feature_groups.items():
        place = ("feature_groups", name)
        yield from _group(place, group)
        if not _NAME.fullmatch(name):
            yield place, f"{name!r} ends with an underscore. A feature group's name ends with a letter or a digit"
        if name.removesuffix("_predictions") in config.models and name.endswith("_predictions"):
            yield place, f"is the table of the predictions of {name.removesuffix('_predictions')}. Choose another name"


def _sink(config: Config, place: Place, job: Job) -> Iterator[Problem]:
    """A job adds files to the offline store, and nothing to the online one."""
    sink, name = job.sink, job.sink.feature_group
    if name is None:
        return
    if name not in config.feature_groups:
        yield place, f"there is no feature group {name!r}. {allowed(name, config.feature_groups)}"
    elif config.feature_groups[name].online:
        yield place, f"{name!r} is online, and a job writes no record there. Use `lake features ingest {name}` for it"
    formats = [step.convert.format for step in job.steps if step.convert and step.convert.format]
    if (format_ := formats[-1] if formats else sink.format) != "parquet":
        yield place, f"needs the format parquet. The format is {format_}"


def _group(place: Place, group: FeatureGroup) -> Iterator[Problem]:
    if group.identifier not in group.features:
        hint = allowed(group.identifier, group.features)
        yield (*place, "identifier"), f"there is no feature {group.identifier!r}. {hint}"
    elif group.features[group.identifier] == "fractional":
        yield (*place, "identifier"), f"{group.identifier!r} is fractional. An identifier is string or integral"
    if group.time in group.features:
        yield (*place, "time"), f"{group.time!r} is a feature too. Remove it from features"
    for field, names in (("features", list(group.features)), ("time", [group.time])):
        for name in names:
            yield from ((_at(place, field, name), why) for why in _wrong(name))


def _at(place: Place, field: str, name: str) -> Place:
    return (*place, field, name) if field == "features" else (*place, field)


def _wrong(name: str) -> Iterator[str]:
    if name in ADDED:
        yield f"{name!r} is a column that Feature Store adds. Choose another name"
    elif name in _FOLDERS:
        yield f"{name!r} is a folder of the offline store. Choose another name"
    elif not _NAME.fullmatch(name):
        yield f"{name!r} ends with an underscore, or is longer than 64 characters. Choose another name"
