"""Calls of REST services, as botocore describes them: which action a path means, and what it and the query give."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from local_aws.descriptions import described
from local_aws.protocol import Document

_VERSIONED = re.compile(r"_?\d{8}$|\d{8}$")


@dataclass(frozen=True)
class Operation:
    """An action of a REST service, with the pattern of its paths; `_model` is botocore's."""

    action: str
    method: str
    path: re.Pattern[str]
    _model: Any

    def named(self, path: str) -> Document | None:
        """The parameters in a path that is not decoded; None if it is another action's."""
        found = self.path.fullmatch(path)
        return {key: unquote(value) for key, value in found.groupdict().items()} if found else None

    def sent(self, body: bytes) -> Document:
        """The parameters in a body of JSON; of a payload and of XML, none. Raises ValueError."""
        shape = self._model.input_shape
        if shape is None or "payload" in shape.serialization or not body.startswith(b"{"):
            return {}
        own = {name for name, member in shape.members.items() if "location" not in member.serialization}
        return {name: value for name, value in json.loads(body).items() if name in own}

    def queried(self, query: str) -> Document:
        """The parameters in a query, under the names and in the types that the service gives them."""
        given, found = parse_qs(query, keep_blank_values=True), dict[str, Any]()
        members = self._model.input_shape.members if self._model.input_shape else {}
        for member, shape in members.items():
            name = shape.serialization.get("name", member)
            if shape.serialization.get("location") == "querystring" and name in given:
                found[member] = given[name] if shape.type_name == "list" else given[name][0]
        return found


@cache
def operations(service: str) -> list[Operation]:
    """Of a service by its name in signatures, the longest paths first."""
    models = [model for model in described(service) if model.protocol.startswith("rest-")]
    found = [model.operation_model(operation) for model in models for operation in model.operation_names]
    found.sort(key=lambda op: len(op.http["requestUri"]), reverse=True)
    return [
        Operation(_VERSIONED.sub("", op.name), op.http["method"], _pattern(op.http["requestUri"]), op) for op in found
    ]


def _pattern(template: str) -> re.Pattern[str]:
    path = re.escape(template.partition("?")[0])
    return re.compile(re.sub(r"\\\{(\w+)(\\\+)?\\\}", lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", path))
