"""The fields that are allowed at a place of lake.yaml, and the nearest one to an unknown field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from lake.configuration.model import Config
from lake.configuration.suggest import nearest

Way = Sequence[str | int]
"""A place in pydantic's form: keys and positions, and the names of the types it tried."""


def fields(model: type[BaseModel]) -> list[str]:
    """A model's fields, by their names in lake.yaml."""
    return sorted(field.alias or name for name, field in model.model_fields.items())


def allowed(way: Way) -> list[str]:
    """The fields that are allowed at a place; empty if it has no fields."""
    return sorted({name for model in _models(_at(way)) for name in fields(model)})


def meant(way: Way, unknown: str) -> str | None:
    """The field that an unknown one at this place probably means: a name, or dotted if it belongs elsewhere.

    >>> meant(("datasets", "flights"), "formt"), meant(("datasets", "flights", "csv"), "crawl")
    ('format', 'datasets.flights.crawl')
    """
    elsewhere = [*_above(way, unknown), *_below(way, unknown)]
    return elsewhere[0] if elsewhere else nearest(unknown, allowed(way))


def _above(way: Way, name: str) -> Iterator[str]:
    for length in range(len(way) - 1, -1, -1):
        if name in allowed(way[:length]):
            yield ".".join(str(part) for part in (*way[:length], name) if not _is_type(str(part)))
            return


def _below(way: Way, name: str) -> Iterator[str]:
    for field in allowed(way):
        inner = _at([*way, field])
        listed = any(get_origin(branch) is list for branch in _branches(inner))
        below = [item for branch in _branches(inner) for item in _items(branch)] if listed else inner
        if name in {known for model in _models(below) for known in fields(model)}:
            yield f"{field}{'[]' if listed else ''}.{name}"


def _is_type(part: str) -> bool:
    return part[:1].isupper() or "[" in part


def _at(way: Way) -> list[Any]:
    annotations: list[Any] = [Config]
    for part in way:
        branches = _branches(annotations)
        inner = [found for branch in branches for found in _inside(branch, part)]
        named = [branch for branch in branches if getattr(branch, "__name__", None) == part]
        annotations = inner or named or branches
    return annotations


def _inside(branch: Any, part: str | int) -> Iterator[Any]:
    if isinstance(branch, type) and issubclass(branch, BaseModel):
        for name, field in branch.model_fields.items():
            if (field.alias or name) == part:
                yield field.annotation
    elif get_origin(branch) is dict or (get_origin(branch) is list and isinstance(part, int)):
        yield from _items(branch) if not _names_itself(branch, part) else ()


def _names_itself(branch: Any, part: str | int) -> bool:
    return isinstance(part, str) and part.startswith(f"{get_origin(branch).__name__}[")


def _items(branch: Any) -> list[Any]:
    return [get_args(branch)[-1]] if get_origin(branch) in (dict, list) else []


def _branches(annotations: Sequence[Any]) -> list[Any]:
    """The types that a value may have, with unions and annotations unwrapped."""
    found: list[Any] = []
    for annotation in annotations:
        if get_origin(annotation) is Annotated:
            found += _branches([get_args(annotation)[0]])
        elif get_origin(annotation) in (Union, UnionType):
            found += _branches(get_args(annotation))
        else:
            found.append(annotation)
    return found


def _models(annotations: Sequence[Any]) -> list[type[BaseModel]]:
    return [each for each in _branches(annotations) if isinstance(each, type) and issubclass(each, BaseModel)]
