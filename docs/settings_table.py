"""Every setting of lake.yaml, generated from the model: a section for each mapping, a row for each field."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lake.configuration.json_schema import descriptions
from lake.configuration.model import Config

NAMES: dict[Any, str] = {str: "text", int: "integer", float: "number", bool: "true or false", date: "day"}
LIMITS = {Ge: ("ge", "at least"), Gt: ("gt", "over"), Le: ("le", "at most"), Lt: ("lt", "under")}
TOP = "The file"


class Group(NamedTuple):
    """The fields of one class at a place of lake.yaml."""

    place: str
    class_: type[BaseModel]

    @property
    def fields(self) -> dict[str, FieldInfo]:
        own = inspect.get_annotations(self.class_)
        return {info.alias or name: info for name, info in self.class_.model_fields.items() if name in own}


def settings() -> list[str]:
    """The sections, in the order of the file."""
    lines: list[str] = []
    heading = ""
    for group in groups():
        if group.place != heading:
            heading = group.place
            lines += [f"## {heading}", ""]
        if about := group.class_.__dict__.get("__doc__"):
            lines += [_one_line(about), ""]
        lines += ["| setting | type | default | |", "|---|---|---|---|"]
        about_field = descriptions(group.class_)
        lines += [_row(group.place, name, info, about_field.get(name, "")) for name, info in group.fields.items()]
        lines.append("")
    return lines[:-1]


def groups() -> list[Group]:
    return list(dict.fromkeys(_walk(TOP, [Config])))


def _walk(place: str, classes: list[type[BaseModel]]) -> Iterator[Group]:
    bases = [base for class_ in classes for base in class_.__mro__[1:] if issubclass(base, BaseModel)]
    found = [Group(place, class_) for class_ in [*classes, *bases]]
    alike = [group for group in dict.fromkeys(found) if group.fields]
    yield from alike
    for group in alike:
        for name, info in group.fields.items():
            below = list(_below(info.annotation, _inside(place, name)))
            for inner in dict.fromkeys(inner for inner, _ in below):
                yield from _walk(inner, [class_ for other, class_ in below if other == inner])


def _inside(place: str, name: str) -> str:
    return name if place == TOP else f"{place}.{name}"


def _below(annotation: Any, place: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """The classes that a value may be or contain, each with its place."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield place, annotation
    elif origin in (dict, list):
        yield from _below(arguments[-1], place + (".NAME" if origin is dict else "[]"))
    elif origin in (Union, UnionType):
        for part in arguments:
            yield from _below(part, place)
    elif origin is Annotated:
        yield from _below(arguments[0], place)


def _row(place: str, name: str, info: FieldInfo, about: str) -> str:
    type_ = _type(
        Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation, _inside(place, name)
    )
    cells = [f"`{name}`", type_, _default(info), _one_line(about)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(annotation: Any, place: str) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        limits = " and ".join(_limits(arguments[1:]))
        return _type(arguments[0], place) + (f", {limits}" if limits else "")
    if origin in (Union, UnionType):
        parts = (_type(part, place) for part in arguments if part is not NoneType)
        return " or ".join(dict.fromkeys(parts))
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin is dict:
        return f"mapping of names to {_type(arguments[1], f'{place}.NAME')}"
    if origin is list:
        return f"list of {_type(arguments[0], f'{place}[]')}"
    return NAMES.get(annotation) or f"[settings](#{anchor(place)})"


def _limits(metadata: tuple[Any, ...]) -> Iterator[str]:
    for each in metadata:
        for limit in [each, *getattr(each, "metadata", ())]:
            if type(limit) in LIMITS:
                attribute, word = LIMITS[type(limit)]
                yield f"{word} {getattr(limit, attribute):,}"


def anchor(place: str) -> str:
    """The anchor of a section's heading, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", place).lower().replace(" ", "-")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    return (
        "" if info.default in (None, [], {}) or isinstance(info.default, BaseModel) else f"`{json.dumps(info.default)}`"
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
