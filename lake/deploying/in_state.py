"""Which stack's state names a thing, read from the states themselves: without a synthesis, and without Terraform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lake.aws import Aws, read_object
from lake.configuration.names import EVERY_STACK, ML
from lake.deploying.backend import state_file, state_key
from lake.deploying.state import resources, types

_IDENTITIES = ("id", "arn", "name", "bucket", "alarm_name", "dashboard_name", "function_name", "rule")


def owners(aws: Aws) -> dict[str, str]:
    """The stack of each thing in a state of this environment, by its name, its id and its ARN."""
    return {name: stack for stack in EVERY_STACK for name in _names(state_of(aws, stack))}


def stacks_to_go(aws: Aws) -> tuple[str, ...]:
    """The lake's stacks, and ml as long as its state has resources, though lake.yaml may have none for it any more."""
    known = aws.lake.config.stacks
    return known if ML in known or not types(state_of(aws, ML)) else (*known, ML)


def named(aws: Aws, stack: str, type_: str, field: str) -> list[str]:
    """What the resources of a type in a state have in a field."""
    found = [resource for resource in resources(state_of(aws, stack)) if resource["type"] == type_]
    return [instance["attributes"][field] for resource in found for instance in resource["instances"]]


def state_of(aws: Aws, stack: str) -> bytes:
    """The state of a stack as it is; nothing where there is none."""
    kept = aws.lake.environment.state
    if kept is None:
        file = state_file(aws.lake, stack)
        return file.read_bytes() if file.is_file() else b""
    return read_object(aws, kept.bucket, state_key(aws.lake, stack)) or b""


def _names(state: bytes) -> Iterator[str]:
    for resource in resources(state):
        for instance in resource.get("instances", []) if resource.get("mode") == "managed" else []:
            yield from _identities(instance.get("attributes") or {})


def _identities(attributes: Mapping[str, Any]) -> Iterator[str]:
    for field in _IDENTITIES:
        value = attributes.get(field)
        if isinstance(value, str) and value:
            yield value
            yield value.rpartition("/")[2]  # a queue's id is its address
    if "database_name" in attributes and "name" in attributes:
        yield f"{attributes['database_name']}.{attributes['name']}"
