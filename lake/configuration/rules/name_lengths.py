"""Rules for the lengths of names. AWS checks them only when it creates the resource."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lake.configuration.model import Config, Stream
from lake.configuration.model.windows import ALERTS
from lake.configuration.names import BUCKETS, Names
from lake.configuration.place import Place, Problem
from lake.configuration.user import VARIABLE

BUCKET, ROLE, DELIVERY_STREAM, FUNCTION, QUEUE, RULE, GROUP, FEATURES = 63, 64, 64, 64, 80, 64, 63, 64
_PROJECT: Place = ("project",)


class Limited(NamedTuple):
    """A name, the service that limits its length, and the place in lake.yaml that it comes from."""

    place: Place
    kind: str
    name: str
    service: str
    limit: int

    @property
    def over(self) -> int:
        return len(self.name) - self.limit


def violations(config: Config) -> Iterator[Problem]:
    """The names that are too long, in the environment with the longest name."""
    env = max(config.environments, key=len)
    names = Names(config.project, env, config.environments[env].region, account="0" * 12)
    bucket = _longest_bucket(names)
    found = [bucket] if bucket.over > 0 else [one for one in _limited(config, names) if one.over > 0]
    for one in found:
        whose = config.project if one is bucket else str(one.place[-1])
        others = "" if one is bucket else f"{whose!r}, "
        yield (
            one.place,
            f"{whose!r} makes the {one.kind} name {one.name!r} {len(one.name)} characters long; {one.service} allows "
            f"{one.limit}. Shorten {others}project or the environment's name {env!r} by {one.over}",
        )


def too_long_for(config: Config, names: Names, user: str) -> str:
    """The error message if a user name makes a name longer than a service allows; else an empty string."""
    longest = max((_longest_bucket(names), *_limited(config, names)), key=lambda one: one.over)
    if longest.over <= 0:
        return ""
    room = len(user) - longest.over
    others = "" if longest.place == _PROJECT else f"{'.'.join(map(str, longest.place))}, "
    fix = (
        f"Set {VARIABLE} to at most {room} {'characters' if room > 1 else 'character'}"
        if room > 0
        else f"Shorten {others}project or the environment's name"
    )
    given = f"the user {user!r} makes the {longest.kind} name {longest.name!r} {len(longest.name)} characters long"
    return f"{given}; {longest.service} allows {longest.limit}. {fix}"


def _longest_bucket(names: Names) -> Limited:
    return Limited(_PROJECT, "bucket", max(map(names.bucket, BUCKETS), key=len), "S3", BUCKET)


def _limited(config: Config, names: Names) -> Iterator[Limited]:
    for dataset, settings in config.datasets.items():
        if settings.crawl.recrawl == "events":
            yield Limited(("datasets", dataset), "queue", names.dead_letters(dataset), "SQS", QUEUE)
        if settings.crawl.stale_hours:
            rule = names.rule(f"crawl-{dataset}-succeeded")
            yield Limited(("datasets", dataset), "rule", rule, "EventBridge", RULE)
    for name, job in config.every_job.items():
        if job.stale_hours:
            yield Limited(("jobs", name), "rule", names.rule(f"run-{name}-succeeded"), "EventBridge", RULE)
    for name in config.models:
        yield Limited(("models", name), "model package group", names.model(name), "SageMaker", GROUP)
    for name in config.feature_groups:
        yield Limited(("feature_groups", name), "feature group", names.feature_group(name), "SageMaker", FEATURES)
    for name, stream in config.streams.items():
        yield max(_of_stream(names, name, stream), key=lambda one: one.over)


def _of_stream(names: Names, name: str, stream: Stream) -> Iterator[Limited]:
    """The resources of a stream, and of the streams that its windows write to."""
    place = ("streams", name)
    for one in (name, *(f"{name}_{each}" for each in stream.results)):
        yield Limited(place, "delivery stream", names.stream(one), "Firehose", DELIVERY_STREAM)
        yield Limited(place, "role", names.role(f"{one}-delivery"), "IAM", ROLE)
    if stream.windows:
        yield Limited(place, "role", names.role(f"{name}-flink"), "IAM", ROLE)
    alerts = [f"{name}_{window}_{ALERTS}" for window, asked in stream.windows.items() if asked.alert]
    for one in (*alerts, *([name] if stream.delivery.transform else [])):
        yield Limited(place, "function", names.transform(one), "Lambda", FUNCTION)
        yield Limited(place, "role", names.role(f"{one}-transform"), "IAM", ROLE)
