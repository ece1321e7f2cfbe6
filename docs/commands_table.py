"""Every command with its arguments and options, generated from the command line app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main

from lake.cli import app


def commands() -> list[str]:
    """A section for the global options, then one for each command, in alphabetical order."""
    main = typer.main.get_command(app)
    lines = ["## Global options", "", *_table(main), ""]
    for name, command in sorted(walk(main, "lake")):
        lines += [f"## {name}", "", _about(command), "", f"    {_usage(name, command)}", ""]
        if shown := _shown(command):
            lines += [*_table(command, shown), ""]
    return lines[:-1]


def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The commands below a group, each with its full name."""
    for word, below in command.commands.items():
        if hasattr(below, "commands"):
            yield from walk(below, f"{name} {word}")
        else:
            yield f"{name} {word}", below


def _about(command: Any) -> str:
    return " ".join(command.help.split())


def _shown(command: Any) -> list[Any]:
    return [param for param in command.params if not getattr(param, "hidden", False)]


def _usage(name: str, command: Any) -> str:
    shown = _shown(command)
    arguments = [_argument(param) for param in shown if param.param_type_name == "argument"]
    return " ".join([name, *(["[OPTIONS]"] if len(arguments) < len(shown) else []), *arguments])


def _argument(param: Any) -> str:
    word = (param.metavar or param.name.upper()).strip("[]") if param.metavar != "DATASET[/PREFIX]" else param.metavar
    word += "..." if param.nargs == -1 else ""
    return word if param.required else f"[{word}]"


def _table(command: Any, shown: list[Any] | None = None) -> list[str]:
    rows = ["| argument or option | default | |", "|---|---|---|"]
    for param in shown or _shown(command):
        cells = [_names(param), _default(param), _about(param)]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return rows


def _names(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{_argument(param)}`"
    value = "" if param.is_flag else f" {param.metavar or param.name.upper().rstrip('_')}"
    return ", ".join(f"`{option}{value}`" for option in [*param.opts, *param.secondary_opts])


def _default(param: Any) -> str:
    if param.required:
        return "required"
    return "" if param.default in (None, False) else f"`{param.default}`"
