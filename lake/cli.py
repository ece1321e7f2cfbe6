"""The `lake` command."""

from __future__ import annotations

import re
from typing import NoReturn

import typer

from lake.commands import (
    applications,
    bootstrap,
    cost,
    data,
    deploy,
    events,
    features,
    init,
    local,
    models,
    preview,
    quality,
    quarantine,
    query,
    runs,
    stream,
    tables,
)
from lake.commands.base import app
from lake.commands.output import fail
from lake.errors import LakeError
from lake.failures import sentence

__all__ = ["app", "main"]

COMMANDS = (
    *(init, deploy, bootstrap, cost, data, events, stream, applications, tables),
    *(preview, runs, quarantine, quality, query, features, models, local),
)
"""Importing a module registers its commands. The help shows them in this order, and those of a module in its own."""
_ORDER = [module.__name__ for module in COMMANDS]
app.registered_commands.sort(key=lambda command: _ORDER.index(command.callback.__module__ if command.callback else ""))
INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command. Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    try:
        code = app(prog_name="lake", standalone_mode=False)
        message = "interrupted" if code == INTERRUPTED else ""
    except LakeError as error:
        message, code = str(error), error.exit_code
    except typer.TyperException as error:
        message, code = _usage(error), error.exit_code
    except typer.Abort:
        message, code = "aborted, because it was not confirmed", 1
    except KeyboardInterrupt:
        message, code = "interrupted", INTERRUPTED
    except Exception as error:
        message, code = sentence(error), 1
    if message:
        fail(message, code)
    raise SystemExit(code)


def _usage(error: typer.TyperException) -> str:
    """What is wrong with the command line, in one sentence; empty if the help was shown instead."""
    message = error.format_message().strip()
    if not message or "Usage:" in message:
        return message
    message = re.sub(r", unable to parse.*", "", message.replace("Input should be", "should be"))
    message = re.sub(r"(Did you mean '[^']*')(, '[^']*')+", r"\1", message)
    message = re.sub(r" \(Possible options: (.*)\)", r". Did you mean \1?", message)
    return f"{message.rstrip('.')}{'' if message.endswith('?') else '.'} See `{_command(error)} --help`"


def _command(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context else "lake"
