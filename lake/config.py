"""Reading lake.yaml: every mistake is told at once, by line and field."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from lake.model import ALLOWED, Config, Environment
from lake.rules import broken, missing_files

FILE = "lake.yaml"


class ConfigError(Exception):
    """lake.yaml cannot be used. Its text holds one line per problem: file, line, field, what is wrong."""


@dataclass(frozen=True)
class Lake:
    """A lake in one of its environments.

    Attributes:
        file: its lake.yaml. Every other path of the lake lies under that file's folder, `root`.
    """

    config: Config
    env: str
    file: Path

    @property
    def root(self) -> Path:
        return self.file.parent

    @property
    def environment(self) -> Environment:
        return self.config.environments[self.env]


def load(path: Path | None = None, env: str | None = None) -> Lake:
    """Read lake.yaml for an environment.

    Args:
        path: the file; by default the one that LAKE_FILE names, else lake.yaml in the present folder.
        env: a name under `environments`; by default LAKE_ENV, else the first one.

    Raises:
        ConfigError: with one line per problem.
    """
    path = (path or Path(os.environ.get("LAKE_FILE") or FILE)).absolute()
    document = _document(path)
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        problems = _one_per_field(document, error.errors())
        raise ConfigError("\n".join(_problem(path, document, problem) for problem in problems)) from None
    _check_rules(path, document, config)
    env = env or os.environ.get("LAKE_ENV") or next(iter(config.environments))
    if env not in config.environments:
        allowed = ", ".join(config.environments)
        line = _line(document, ("environments",))
        raise ConfigError(f"{path.name}, line {line}: environments: LAKE_ENV is {env!r}. Allowed: {allowed}")
    return Lake(config, env, path)


def where(lake: Lake, *place: str | int) -> str:
    """Where a setting stands, for messages: `lake.yaml, line 8: environments.dev`."""
    return _where(lake.file, _document(lake.file), place)


def _document(path: Path) -> Any:
    try:
        document = YAML().load(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"{path} is not there. Run this in the folder of a lake, or name the file.") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path.name}, line {line}: not valid YAML: {error.problem}") from None
    if not isinstance(document, Mapping):
        raise ConfigError(f"{path.name}, line 1: the file must be a mapping with `project`, `environments`, ...")
    return document


def _check_rules(path: Path, document: Any, config: Config) -> None:
    found = [*broken(config), *missing_files(config, path.parent)]
    problems = [f"{_where(path, document, place)}: {message}" for place, message in found]
    if problems:
        raise ConfigError("\n".join(problems))


def _one_per_field(document: Any, problems: Sequence[Any]) -> list[Any]:
    """A union reports a problem per branch: keep the one that reaches deepest into the file."""
    deepest: dict[tuple[int, str | int], tuple[int, Any]] = {}
    for problem in problems:
        key = (_line(document, problem["loc"]), problem["loc"][0] if problem["loc"] else "")
        depth = sum(part in _keys_on_the_way(document, problem["loc"]) for part in problem["loc"])
        depth += problem["type"] == "unknown_field"
        if key not in deepest or depth > deepest[key][0]:
            deepest[key] = (depth, problem)
    return [problem for _, problem in deepest.values()]


def _problem(path: Path, document: Any, problem: Any) -> str:
    context = problem.get("ctx", {})
    place = problem["loc"]
    if problem["type"] == "unknown_field":
        return f"{_where(path, document, (*place, context['field']))}: {problem['msg']}"
    if problem["type"] == "missing":
        return f"{_where(path, document, place)}: is required, and is not there"
    message = problem["msg"].replace("Value error, ", "").replace("Input should", "should")
    if problem["type"] == "string_pattern_mismatch":
        message = f"is not allowed. Allowed: {ALLOWED[context['pattern']]}"
    return f"{_where(path, document, place)}: {message}. Given: {_given(problem['input'])}"


def _given(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping with " + (", ".join(map(str, value)) or "no fields")
    return repr(str(value)) if isinstance(value, str) else str(value)


def _where(path: Path, document: Any, place: Sequence[str | int]) -> str:
    """`lake.yaml, line 12: datasets.flights.format`."""
    parts = [part for part in place if isinstance(part, int) or part in _keys_on_the_way(document, place)]
    field = ".".join(str(part) for part in (parts or place))
    return f"{path.name}, line {_line(document, place)}: {field}"


def _keys_on_the_way(document: Any, place: Sequence[str | int]) -> set[str | int]:
    """The parts of a pydantic location that stand in the file, and its last one (unions add parts of their own)."""
    there: set[str | int] = {place[-1]} if place and not _names_a_type(str(place[-1])) else set()
    for part in place:
        document, found = _inside(document, part)
        if found:
            there.add(part)
    return there


def _names_a_type(part: str) -> bool:
    """Whether a part of a location stands for a branch of a union: `str`, `list[...]`, `Function`."""
    return "[" in part or part in ("str", "int", "float") or part[:1].isupper()


def _inside(document: Any, part: str | int) -> tuple[Any, bool]:
    if isinstance(document, Mapping) and part in document:
        return document[part], True
    if isinstance(part, int) and isinstance(document, list) and part < len(document):
        return document[part], True
    return document, False


def _line(document: Any, place: Sequence[str | int]) -> int:
    """The line (from 1) of the deepest part of `place` that stands in the file."""
    line = 0
    for part in place:
        inner, found = _inside(document, part)
        if found:
            marks = document.lc
            line = (marks.key(part) if isinstance(document, Mapping) else marks.item(part))[0]
            document = inner
    return line + 1
