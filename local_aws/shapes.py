"""Checks calls against botocore's description of a service, as AWS does before it changes anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from local_aws.descriptions import described
from local_aws.protocol import AwsError, Call, Document, Handler

_KINDS: dict[str, tuple[str, Any]] = {
    "string": ("a text", str),
    "boolean": ("true or false", bool),
    "integer": ("a whole number", int),
    "long": ("a whole number", int),
    "double": ("a number", (int, float)),
    "timestamp": ("a time in seconds", (int, float)),
    "blob": ("a text in Base64", str),
    "list": ("a list", list),
    "map": ("an object", dict),
    "structure": ("an object", dict),
}
_LONGEST_SHOWN = 100


def checked(call: Call) -> Document:
    """A handler that passes a call on if it fits. Raises AwsError: ValidationException, which names the field."""
    [model] = described(call.service)
    shape = model.operation_model(call.action).input_shape
    for problem in _problems(shape, call.payload, ""):
        raise AwsError("ValidationException", f"{call.action}: {problem}")
    return call.forward_unchanged()


def checking(service: str, *actions: str) -> dict[tuple[str, str], Handler]:
    return {(service, action): checked for action in actions}


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind, types = _KINDS[shape.type_name]
    if not isinstance(value, types) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{path or 'the request'} is {_shown(value)}: allowed is {kind}"
        return
    yield from _outside(shape, value, path)
    if shape.type_name == "structure":
        yield from _of_members(shape, value, path)
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            yield from _problems(shape.member, item, f"{path}[{number}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _problems(shape.key, key, f"the key {_shown(key)} of {path}")
            yield from _problems(shape.value, item, f"{path}.{key}")


def _of_members(shape: Any, value: Document, path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"{_within(path, name)} is missing"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _problems(member, value[name], _within(path, name))


def _outside(shape: Any, value: Any, path: str) -> Iterator[str]:
    """What is wrong with a value of the right type. Patterns are left out: they are Java's, of UTF-16."""
    if (words := shape.metadata.get("enum")) and value not in words:
        yield f"{path} is {_shown(value)}: allowed are {', '.join(words)}"
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    size, unit = (value, "") if isinstance(value, int | float) else (len(value), " characters or entries")
    if (least is not None and size < least) or (most is not None and size > most):
        limits = " and ".join([f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None))
        yield f"{path} is {_shown(value)}: allowed are {limits}{unit}"


def _within(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
