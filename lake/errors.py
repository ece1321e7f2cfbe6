"""What a command says when it cannot go on."""

from __future__ import annotations


class LakeError(Exception):
    """One message that tells what is wrong and the way out. `exit_code` is 1 for a failure, 2 for bad input."""

    exit_code = 1


class BadInput(LakeError):
    """Something was asked for that cannot be: nothing was done."""

    exit_code = 2


class GoesOn(LakeError):
    """Ctrl-C ended the command, and not what it was waiting for."""

    exit_code = 130


class RunsAlready(LakeError):
    """A job or workflow has as many runs as it may have at once."""

    def __init__(self, what: str, runs: list[str]) -> None:
        run = runs[0] if runs else "RUN"
        super().__init__(
            f"the {what} runs already{f': {run}' if runs else ''}. "
            f"`lake attach {run}` follows it to its end, `lake stop {run}` ends it"
        )
