"""Deleting data needs two confirmations: `destroyable: true` in lake.yaml, and the user's consent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from lake.configuration.reading import where
from lake.errors import BadInput

if TYPE_CHECKING:
    from lake.aws import Aws


def need_first_key(aws: Aws, what: str, otherwise: str = "") -> None:
    """Raise BadInput unless the environment is destroyable. otherwise: a sentence about the alternative."""
    if not aws.lake.environment.destroyable:
        field = where(aws.lake, "environments", aws.lake.env)
        raise BadInput(
            f"{field}.destroyable is false, so {what} cannot be deleted. To delete it, set it to true, run "
            f"`lake up storage`, then this command again.{otherwise}"
        )


def need_second_key(given: bool, what: str, otherwise: str = "") -> None:
    """Unless --delete-data was given, ask on a terminal, and raise BadInput elsewhere."""
    if given:
        return
    if not sys.stdin.isatty():
        raise BadInput(f"this deletes {what}. Confirm with --delete-data{otherwise}")
    typer.confirm(f"This deletes {what}. Continue?", abort=True)
