"""A pipeline's expressions: parameters, what earlier steps gave, and the functions over them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from local_aws.protocol import Document

_PART = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(?:'([^']*)'|\"([^\"]*)\"|(\d+))\]")


class Unresolved(Exception):
    """An expression that has no value, in one sentence."""


@dataclass
class Values:
    """What expressions may name.

    Attributes:
        steps: by step, what its job or resource is described as.
        read: the bytes of an S3 URI.
    """

    parameters: dict[str, Any]
    execution: dict[str, str]
    steps: dict[str, Document]
    read: Callable[[str], bytes]

    def of(self, value: Any) -> Any:
        """The value with every expression in it replaced. Raises Unresolved."""
        if isinstance(value, list):
            return [self.of(each) for each in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Get"}:
            return self._got(str(value["Get"]))
        if set(value) == {"Std:Join"}:
            join = value["Std:Join"]
            return str(join.get("On", "")).join(str(self.of(each)) for each in join["Values"])
        if set(value) == {"Std:JsonGet"}:
            return self._from_file(value["Std:JsonGet"])
        return {key: self.of(each) for key, each in value.items()}

    def _got(self, path: str) -> Any:
        root, _, rest = path.partition(".")
        roots: dict[str, Any] = {"Parameters": self.parameters, "Execution": self.execution, "Steps": self.steps}
        if root not in roots:
            raise Unresolved(f"the expression {path} begins with none of {', '.join(roots)}")
        return walked(roots[root], rest, path)

    def _from_file(self, spec: Document) -> Any:
        place = spec["PropertyFile"]
        path = str(place["Get"]) if isinstance(place, dict) else str(place)
        found = self._got(path)
        try:
            document = json.loads(self.read(str(found)))
        except ValueError:
            raise Unresolved(f"the property file {found} is no JSON") from None
        return walked(document, str(spec["Path"]), f"{path} {spec['Path']}")


def walked(value: Any, path: str, expression: str) -> Any:
    """What lies at a path such as `ModelArtifacts.S3ModelArtifacts` or `Outputs['report'].S3Output`."""
    at = 0
    while at < len(path):
        part = _PART.match(path, at)
        if part is None:
            raise Unresolved(f"the expression {expression} cannot be read at {path[at:]!r}")
        value, at = _below(value, next(text for text in part.groups() if text is not None), expression), part.end()
    return value


def _below(value: Any, name: str, expression: str) -> Any:
    if isinstance(value, list):
        if name.isdigit() and int(name) < len(value):
            return value[int(name)]
        # Of a list of outputs or property files, the one of that name.
        found = [each for each in value if isinstance(each, dict) and name in _names(each)]
        if found:
            return found[0]
    if isinstance(value, dict) and name in value:
        return value[name]
    raise Unresolved(f"{expression}: there is no {name}")


def _names(entry: Document) -> list[Any]:
    return [value for key, value in entry.items() if key.endswith("Name")]


def needed(value: Any) -> Iterator[str]:
    """The names of the steps that expressions in a value refer to."""
    if isinstance(value, list):
        for each in value:
            yield from needed(each)
    elif isinstance(value, dict):
        got = value.get("Get")
        if isinstance(got, str) and got.startswith("Steps."):
            yield got.split(".")[1]
        for each in value.values():
            yield from needed(each)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda left, right: left == right,
    "GreaterThan": lambda left, right: float(left) > float(right),
    "GreaterThanOrEqualTo": lambda left, right: float(left) >= float(right),
    "LessThan": lambda left, right: float(left) < float(right),
    "LessThanOrEqualTo": lambda left, right: float(left) <= float(right),
}


def holds(condition: Document, values: Values) -> bool:
    """Whether a condition of a Condition step is true. Raises Unresolved."""
    kind = str(condition["Type"])
    if kind == "Not":
        return not holds(condition["Expression"], values)
    if kind == "Or":
        return any(holds(each, values) for each in condition["Conditions"])
    if kind == "In":
        return values.of(condition["QueryValue"]) in values.of(condition["Values"])
    if kind not in COMPARISONS:
        raise Unresolved(f"the condition {kind} is not there on the embedded AWS")
    left = values.of(condition.get("LeftValue"))
    try:
        return COMPARISONS[kind](left, values.of(condition.get("RightValue")))
    except (TypeError, ValueError):
        raise Unresolved(f"the condition {kind} compares {left!r}, which is no number") from None
