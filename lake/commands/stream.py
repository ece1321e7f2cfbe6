"""What is about one stream."""

from __future__ import annotations

import typer

from lake.commands.base import app

stream = typer.Typer(no_args_is_help=True, help="Check a stream, and run its Flink application.")
app.add_typer(stream, name="stream")
