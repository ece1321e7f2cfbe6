"""Reads lake.yaml, and reports every mistake at once, by line and field."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from lake.configuration import user
from lake.configuration.document import Document, Unreadable, read
from lake.configuration.mistakes import mistakes
from lake.configuration.model import Config, Environment
from lake.configuration.names import Names
from lake.configuration.place import Problem
from lake.configuration.readable import Readable
from lake.configuration.rules import missing_files, violations
from lake.configuration.rules.name_lengths import too_long_for
from lake.configuration.suggest import allowed
from lake.errors import BadInput

FILE = "lake.yaml"


@dataclass(frozen=True)
class Trouble:
    """One mistake in lake.yaml. `line` counts from 1, or is 0 if the file cannot be read; `field` is dotted."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        if not self.line:
            return self.message
        return f"{self.file}, line {self.line}: {self.field}{': ' if self.field else ''}{self.message}"


class ConfigError(BadInput):
    """lake.yaml is invalid. The message has one line per problem: file, line, field, what is wrong."""

    def __init__(self, troubles: list[Trouble]) -> None:
        self.troubles = sorted(troubles, key=lambda trouble: trouble.line)
        super().__init__("\n".join(map(str, self.troubles)))


@dataclass(frozen=True)
class Lake:
    """A lake in one of its environments.

    Attributes:
        file: its lake.yaml. All other paths of the lake are under its folder, `root`.
        user: the owner of a personal environment; else empty.
    """

    config: Config
    env: str
    file: Path
    user: str = ""

    @property
    def root(self) -> Path:
        return self.file.parent

    @property
    def environment(self) -> Environment:
        return self.config.environments[self.env]

    @property
    def deployment(self) -> str:
        """The environment's name; in a personal one with the user name: `dev-ann`. Environment names have no hyphen."""
        return f"{self.env}-{self.user}" if self.user else self.env

    @property
    def tags(self) -> dict[str, str]:
        """The tags that mark a resource as part of this lake and environment."""
        return {"project": self.config.project, "environment": self.deployment}

    def names(self, account: str) -> Names:
        """The names of its resources in an account."""
        return Names(self.config.project, self.deployment, self.environment.region, account)


def load(path: Path | None = None, env: str | None = None) -> Lake:
    """Read lake.yaml for an environment.

    Args:
        path: the file; by default LAKE_FILE, else lake.yaml in the current folder.
        env: a name under `environments`; by default LAKE_ENV, else the first one.

    Raises:
        ConfigError: with one line per problem.
    """
    path = (path or Path(os.environ.get("LAKE_FILE") or FILE)).absolute()
    document = _document(path)
    config = _config(path, document)
    env = env or os.environ.get("LAKE_ENV") or next(iter(config.environments))
    if env not in config.environments:
        message = f"LAKE_ENV: there is no environment {env!r}. {allowed(env, config.environments)}"
        raise ConfigError([_trouble(path, document, (("environments",), message))])
    if not config.environments[env].personal:
        return Lake(config, env, path)
    lake = Lake(config, env, path, user.reduced(user.given()))
    if wrong := _unusable_user(lake):
        raise ConfigError([_trouble(path, document, (("environments", env, "personal"), wrong))])
    return lake


def _unusable_user(lake: Lake) -> str:
    if user.is_shared():
        return (
            f"the login {user.given()!r} is not personal: everyone who uses it would share one lake. Set "
            f"{user.VARIABLE} to your own name, such as ann"
        )
    if not lake.user:
        problem = (
            f"{user.given()!r} has no character that AWS names allow" if user.given() else "this login has no name"
        )
        return f"{problem}. Set {user.VARIABLE} to a name of lower-case letters, digits and hyphens, such as ann"
    return too_long_for(lake.config, lake.names("0" * 12), lake.user)


def where(lake: Lake, *place: str | int) -> str:
    """The place of a setting, for messages: `lake.yaml, line 8: environments.dev`."""
    line = _document(lake.file).line(place)
    return f"{lake.file.name}, line {line}: {'.'.join(map(str, place))}"


def _document(path: Path) -> Document:
    try:
        return read(path)
    except Unreadable as error:
        raise ConfigError([Trouble(path.name, error.line, "", str(error))]) from None


def _config(path: Path, document: Document) -> Config:
    """The configuration. Raises ConfigError with all mistakes at once: in names, types and rules."""
    troubles = [Trouble(path.name, line, field, message) for line, field, message in document.twice]
    try:
        config = Config.model_validate(document.content)
        found = list(_rules(config, path))
    except ValidationError as error:
        wrong = mistakes(document.content, error)
        part = Readable(document.content, wrong)
        found = [mistake.problem for mistake in wrong]
        found += [*part.more, *(part.problems(_rules(part.config, path)) if part.config else ())]
    troubles += [_trouble(path, document, problem) for problem in found]
    if troubles:
        raise ConfigError(troubles)
    return config


def _rules(config: Config, path: Path) -> Iterator[Problem]:
    yield from violations(config)
    yield from missing_files(config, path.parent)


def _trouble(path: Path, document: Document, problem: Problem) -> Trouble:
    place, message = problem
    return Trouble(path.name, document.line(place), ".".join(map(str, place)), message)
