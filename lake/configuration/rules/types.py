"""Rules for column types. The Glue catalog accepts any text as a type, and Athena fails on it later."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lake.configuration.model import Config
from lake.configuration.model.base import ALLOWED, COLUMN_TYPE, TYPE
from lake.configuration.place import Place, Problem

_NESTED = re.compile(r"(array|map|struct)<([^<>]*)>")
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_FIELD = re.compile(r"[a-z_][a-z0-9_]*:")
DIGITS = 38


def violations(config: Config) -> Iterator[Problem]:
    for place, columns in _columns(config):
        for name, type_ in columns.items():
            if wrong := problem(type_):
                yield (*place, name), wrong


def problem(type_: str) -> str:
    """What is wrong with a type; empty if Athena supports it."""
    for precision, scale in _DECIMAL.findall(type_):
        if not 1 <= int(precision) <= DIGITS or int(scale) > int(precision):
            return (
                f"decimal({precision},{scale}) is not an Athena type. Allowed: a precision of 1 to {DIGITS}, and a "
                f"scale of at most the precision"
            )
    flat = _DECIMAL.sub("int", type_.replace(" ", ""))
    while nested := _NESTED.search(flat):
        if not _is_well_formed(*nested.groups()):
            return f"{nested.group()} is not an Athena type. Allowed: {ALLOWED[COLUMN_TYPE]}"
        flat = flat[: nested.start()] + "int" + flat[nested.end() :]
    return "" if re.match(TYPE, flat) else f"{type_} is not an Athena type. Allowed: {ALLOWED[COLUMN_TYPE]}"


def _is_well_formed(kind: str, inside: str) -> bool:
    parts = inside.split(",")
    if kind == "struct":
        return all(_FIELD.match(part) and re.match(TYPE, part.partition(":")[2]) for part in parts)
    return len(parts) == {"array": 1, "map": 2}[kind] and all(re.match(TYPE, part) for part in parts)


def _columns(config: Config) -> Iterator[tuple[Place, Mapping[str, str]]]:
    for name, dataset in config.datasets.items():
        if isinstance(dataset.columns, dict):
            yield ("datasets", name, "columns"), dataset.columns
        if isinstance(dataset.partitions, dict):
            yield ("datasets", name, "partitions"), dataset.partitions
    for name, stream in config.streams.items():
        yield ("streams", name, "columns"), stream.columns
