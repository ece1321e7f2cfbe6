"""Fields that a Create or Update accepts and the Get omits: kept in the store, and returned by the Get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.context import Context
from local_aws.protocol import Call, Document, Handlers


def place_of(call: Call, *names: str) -> str:
    """Return the key of a resource in the store: the call's region, then its names."""
    return "/".join((call.region, *names))


def at(document: Any, path: str) -> Any:
    """Return the value at a dotted path such as `Destinations.0.Name`; None if there is none."""
    for step in filter(None, path.split(".")):
        if isinstance(document, list):
            document = document[int(step)] if int(step) < len(document) else None
        else:
            document = (document or {}).get(step)
    return document


@dataclass(frozen=True)
class Kept:
    """The fields of a resource type that are kept for the emulator. Paths are dotted; the empty one is the document.

    Attributes:
        writes: action -> the field that names the resource, and the path to the fields in the payload.
        reads: action -> the path to the resource, or to the list of resources, in the answer.
        deletes: action -> the field that names the resource.
        identity: the field that names a resource in an answer.
        described_at: the path to the fields in a resource of an answer.
        defaults: what AWS returns for fields that were not set.
        merged: the actions that leave unnamed fields unchanged.
    """

    service: str
    fields: tuple[str, ...]
    writes: Mapping[str, tuple[str, str]]
    reads: Mapping[str, str]
    deletes: Mapping[str, str]
    identity: str
    described_at: str = ""
    defaults: Document = field(default_factory=dict)
    merged: tuple[str, ...] = ()


def keeping(context: Context, kept: Kept) -> Handlers:
    collection = f"kept_{kept.service}"

    def write(call: Call) -> Document:
        answer = call.forward_unchanged()
        name, path = kept.writes[call.action]
        place = place_of(call, call.required(name))
        before = context.store.get(collection, place) if call.action in kept.merged else None
        given = at(call.payload, path) or {}
        fields = {name: given[name] for name in kept.fields if given.get(name) is not None}
        context.store.put(collection, place, {**(before or {}), **fields})
        return answer

    def read(call: Call) -> Document:
        answer = call.forward_unchanged()
        found = at(answer, kept.reads[call.action])
        for resource in found if isinstance(found, list) else [found]:
            fields = context.store.get(collection, place_of(call, resource[kept.identity])) or {}
            (at(resource, kept.described_at) or {}).update({**kept.defaults, **fields})
        return answer

    def delete(call: Call) -> Document:
        answer = call.forward_unchanged()
        context.store.delete(collection, place_of(call, call.required(kept.deletes[call.action])))
        return answer

    actions = ((write, kept.writes), (read, kept.reads), (delete, kept.deletes))
    return {(kept.service, action): handler for handler, table in actions for action in table}
