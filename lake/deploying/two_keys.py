"""Deleting data takes two keys: the environment is `destroyable`, and the person says so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from lake.configuration.reading import where
from lake.errors import BadInput

if TYPE_CHECKING:
    from lake.aws import Aws


def need_first_key(aws: Aws, what: str, otherwise: str = "") -> None:
    """Raise BadInput unless the environment is destroyable. otherwise: what can be done without the key."""
    if not aws.lake.environment.destroyable:
        field = where(aws.lake, "environments", aws.lake.env)
        raise BadInput(
            f"{field}.destroyable: is false, so {what} stays. To delete it: set it to true, run `lake up storage`, "
            f"then this again.{otherwise}"
        )


def need_second_key(given: bool, what: str, otherwise: str = "") -> None:
    """Ask on a terminal, and elsewhere raise BadInput, unless --delete-data was given."""
    if given:
        return
    if not sys.stdin.isatty():
        raise BadInput(f"this deletes {what}. Say so with --delete-data{otherwise}")
    typer.confirm(f"This deletes {what}. Go on?", abort=True)
