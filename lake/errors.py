"""The errors that commands show to the user."""

from __future__ import annotations


class LakeError(Exception):
    """An error whose message says what is wrong and how to fix it. `exit_code` is 1 for a failure, 2 for bad input."""

    exit_code = 1


class BadInput(LakeError):
    """The request is invalid. Nothing was done."""

    exit_code = 2


class StillRunning(LakeError):
    """Ctrl-C ended the command, but not the work that it was waiting for."""

    exit_code = 130


class AlreadyRunning(LakeError):
    """A job or workflow already has its maximum number of concurrent runs."""

    def __init__(self, what: str, runs: list[str]) -> None:
        run = runs[0] if runs else "RUN"
        super().__init__(
            f"the {what} is already running{f': {run}' if runs else ''}. "
            f"`lake attach {run}` follows the run, `lake stop {run}` stops it"
        )
